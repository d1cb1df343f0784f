"""What is open on Sweeps is in its address, and comes back with it: by a refresh, a link or Back."""

import pytest

from core.design.drafts import Draft, new_draft_id, save_draft
from core.design.presets import PRESETS
from core.store.records import RunRequest
from core.store.states import SweepState
from pages.components.design import drafts
from pages.components.sweeps import address as of_sweeps
from pages.components.sweeps import base
from tests.pages.sweeps import searched
from tests.pages.visits import address, change, draft, field, go_to, open_page, press, words

TINY = PRESETS["tiny"].config.with_values({"dataset.id": "shapes", "dataset.num_train": 60})


@pytest.fixture
def sweep(workspace, store):
    sweep = searched.create(workspace, store, searched.file(trials=3))
    searched.search(workspace, store, sweep, 3)
    return store.sweeps.change_state(sweep.id, SweepState.FINISHED, expected=SweepState.RUNNING)


@pytest.fixture
def going_back(monkeypatch):
    """Say that the next pages are opened by Back, as only a browser can."""

    def begin() -> None:
        for module in (drafts, of_sweeps):
            monkeypatch.setattr(module, "is_back", lambda: True)

    return begin


def query(page) -> dict[str, str]:
    return {name: address(page, name) for name in page.query_params}


def base_field(page):
    return next(each for each in page.selectbox if each.label == "Start from")


def test_what_a_new_sweep_starts_from_stays_in_the_address(workspace):
    page = open_page("sweeps.py", base="design")
    assert query(page) == {"base": "design"}
    base_field(page).select("preset:tiny").run()
    assert query(page) == {"base": "preset:tiny"}
    # Another session, as after a refresh.
    assert base_field(open_page("sweeps.py", **query(page))).value == "preset:tiny"
    # A field of this page counts more than the address, which may be a step behind.
    page.query_params["base"] = "design"
    page.run()
    assert base_field(page).value == "preset:tiny" and query(page) == {"base": "preset:tiny"}


def test_the_current_design_comes_with_the_address(workspace):
    page = change(open_page("design.py", preset="tiny"), "model.blocks[0].filters", 8)
    (link,) = [each.proto for each in page.get("page_link") if "Search settings" in each.proto.label]
    kept = address(page, "draft")
    assert link.query_string == f"base=design&draft={kept}"
    # Opened afresh, without the session that put the design together.
    fresh = open_page("sweeps.py", base="design", draft=kept)
    assert draft(fresh).model.blocks[0].filters == 8
    assert query(fresh) == {"base": "design", "draft": kept}
    # By the navigation, which has no address of its own.
    assert query(go_to(page, "sweeps.py")) == {"draft": kept}


@pytest.mark.parametrize("link", ["preset", "from"])
def test_a_field_that_is_left_by_the_click_on_the_link_counts(workspace, store, link):
    """The link was drawn before: it still holds what the design began with."""
    began = {"preset": "tiny", "from": store.queue_run(RunRequest(TINY, "old", None)).id}[link]
    page = open_page("design.py", **{link: began})
    (shown,) = [each.proto for each in page.get("page_link") if "Search settings" in each.proto.label]
    assert shown.query_string == f"base=design&{link}={began}"
    epochs = draft(page).training.epochs
    assert epochs != 7
    field(page, "training.epochs").set_value(7)
    go_to(page, "sweeps.py", base="design", **{link: began})
    assert draft(page).training.epochs == 7
    assert next(each for each in page.number_input if each.label == "Epochs").value == 7
    kept = query(page)
    assert set(kept) == {"base", "draft"}
    # A refresh, and Design, have it too.
    assert draft(open_page("sweeps.py", **kept)).training.epochs == 7
    assert draft(go_to(page, "design.py")).training.epochs == 7
    # On Design the same link begins once more.
    go_to(page, "home.py")
    assert draft(go_to(page, "design.py", **{link: began})).training.epochs == epochs


def test_the_sweep_that_was_looked_at_is_shown_again_until_it_is_closed(workspace, store, sweep):
    page = open_page("sweeps.py", sweep=sweep.id)
    go_to(page, "design.py")
    go_to(page, "sweeps.py")
    assert query(page) == {"sweep": sweep.id}
    assert page.subheader[0].value == "A sweep"
    press(page, "Close")
    assert query(page) == {} and "Choose at least one setting to search." in words(page)
    go_to(page, "home.py")
    assert query(go_to(page, "sweeps.py")) == {}
    # One that is gone is not looked at again.
    go_to(page, "sweeps.py", sweep=sweep.id)
    store.sweeps.delete(sweep.id)
    go_to(page, "home.py")
    assert "There is no sweep" not in words(go_to(page, "sweeps.py"))


def test_requests_with_the_address_before_change_nothing(workspace, store, sweep):
    """The browser may send them until it has the new address, as many as there are clicks."""
    page = open_page("sweeps.py", sweep=sweep.id)
    go_to(page, "home.py")
    go_to(page, "sweeps.py")  # shown again, at the address without a word
    for _ in range(2):
        page.query_params.clear()
        page.run()
        assert query(page) == {"sweep": sweep.id} and page.subheader[0].value == "A sweep"
    press(page, "Close")
    for _ in range(2):
        page.query_params["sweep"] = sweep.id
        page.run()
        assert query(page) == {} and page.subheader[0].value == "All sweeps"
    # Closed by a click that came with the address before, too.
    press(page, "Open")
    assert query(page) == {"sweep": sweep.id} and page.subheader[0].value == "A sweep"
    page.query_params.clear()
    press(page, "Close")
    assert query(page) == {} and page.subheader[0].value == "All sweeps"
    # Another one by its link, and the first by its own.
    press(page, "Open")
    other = store.sweeps.create("Other", store.sweeps.get(sweep.id).spec, 3, None)
    go_to(page, "sweeps.py", sweep=other.id)
    assert query(page) == {"sweep": other.id} and page.subheader[0].value == "Other"
    go_to(page, "sweeps.py", sweep=sweep.id)
    assert page.subheader[0].value == "A sweep"


def test_back_leads_to_what_the_address_says(workspace, store, sweep, going_back):
    page = open_page("sweeps.py", base="preset:tiny")
    go_to(page, "sweeps.py", sweep=sweep.id)
    run = store.sweeps.trials(sweep.id)[0].search_runs[0].run
    go_to(page, "design.py", **{"from": run.id})
    # The link stays as it is: one step back is the sweep.
    assert query(page) == {"from": run.id}
    going_back()
    assert query(go_to(page, "sweeps.py", sweep=sweep.id)) == {"sweep": sweep.id}
    assert query(go_to(page, "sweeps.py", base="preset:tiny")) == {"base": "preset:tiny"}
    assert base_field(page).value == "preset:tiny"


def test_a_link_to_a_run_stays_until_the_first_change(workspace, store, going_back):
    run = store.queue_run(RunRequest(TINY, "old", None))
    page = open_page("design.py", **{"from": run.id})
    assert query(page) == {"from": run.id} and not workspace.drafts.exists()
    assert query(go_to(page, "augment.py"))["from"] == run.id  # a refresh there keeps it too
    go_to(page, "design.py", **{"from": run.id})
    change(page, "model.blocks[0].filters", 8)
    kept = query(page)
    assert list(kept) == ["draft"]
    # The next request of the browser may come with the address before.
    page.query_params.clear()
    page.query_params["from"] = run.id
    page.run()
    assert draft(page).model.blocks[0].filters == 8 and query(page) == kept
    # Followed once more, the link begins again; Back to it does not.
    go_to(page, "home.py")
    go_to(page, "design.py", **{"from": run.id})
    assert draft(page) == TINY
    change(page, "model.blocks[0].filters", 16)
    go_to(page, "augment.py")
    going_back()
    go_to(page, "design.py", **{"from": run.id})
    assert draft(page).model.blocks[0].filters == 16


def test_an_open_sweep_has_no_design_in_its_address(workspace, sweep):
    """Who gets the link would get the design too."""
    page = change(open_page("design.py"), "model.blocks[0].filters", 8)
    assert query(go_to(page, "sweeps.py", sweep=sweep.id)) == {"sweep": sweep.id}


@pytest.mark.parametrize(
    "asked", ["preset:nothing", "run:none", "preset:", "run", "design:x", "design:", "file", "<b>"]
)
def test_a_base_that_leads_nowhere(workspace, asked):
    page = open_page("sweeps.py", base=asked)
    assert not page.exception
    known = asked in ("preset:nothing", "run:none")
    assert page.session_state[base.FORM].base == (asked if known else "design")
    assert query(page) == {"base": asked if known else "design"}
    # What is called the current design is it: there is one.
    assert known or "draft" in page.session_state


def test_a_draft_of_another_session_is_read_and_not_written(workspace):
    draft_id = new_draft_id()
    save_draft(workspace, draft_id, Draft(TINY, TINY))
    page = open_page("sweeps.py", draft=draft_id)
    assert draft(page) == TINY and query(page) == {"draft": draft_id}
