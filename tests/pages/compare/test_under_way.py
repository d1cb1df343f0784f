"""Runs under way on Compare: what counts as news of them, and when the page looks for it."""

from collections.abc import Callable

import pytest

from core.comparison.facts import read_facts
from core.epoch import EpochRow
from core.store.records import RunRequest
from core.store.states import RunState
from pages.components.compare import under_way
from pages.components.compare.curves import kept_places
from pages.components.compare.under_way import news_of
from tests.core.studies.ended import TINY, end
from tests.pages.compare.seen import figure
from tests.pages.visits import go_to, open_page, words

PAGE = "compare.py"


@pytest.fixture
def ticks(monkeypatch) -> list[Callable[[], object]]:
    """What the timer of the page would call; AppTest has none."""
    found: list[Callable[[], object]] = []
    monkeypatch.setattr(
        under_way, "call_every", lambda draw, *arguments, every: found.append(lambda: draw(*arguments))
    )
    return found


@pytest.fixture
def drawn_again(monkeypatch) -> list[bool]:
    found: list[bool] = []
    monkeypatch.setattr(under_way.st, "rerun", lambda: found.append(True))
    return found


def started(store, runs, name: str):
    run = store.queue_run(RunRequest(runs[0].config, name))
    store.claim(run.id, ["cpu:0"])
    return run


def test_an_epoch_an_end_and_another_run_are_news(store, runs):
    run = started(store, runs, "trains now")
    ids = frozenset([run.id])
    seen = [news_of(read_facts(store), ids)]
    assert news_of(read_facts(store), ids) == seen[0]
    store.record_started(run.id, 1, 8, 10, 0)
    store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.3))
    seen.append(news_of(read_facts(store), ids))
    store.transition(run.id, RunState.FAILED, expected=RunState.RUNNING)
    seen.append(news_of(read_facts(store), ids))
    store.queue_run(RunRequest(runs[0].config, "another"))
    seen.append(news_of(read_facts(store), ids))
    assert all(seen.count(each) == 1 for each in seen)
    store.marks.add_tags([run.id], ["good"])  # what a person does in another tab moves no chart here
    assert news_of(read_facts(store), ids) == seen[-1]


def test_the_page_is_drawn_again_for_news_alone(store, runs, ticks, drawn_again, monkeypatch):
    run = started(store, runs, "trains now")
    page = open_page(PAGE)
    ticks[-1]()
    assert not drawn_again
    store.transition(run.id, RunState.FAILED, expected=RunState.STARTING)
    with monkeypatch.context() as ticked:
        ticked.setattr(under_way, "num_ticked", lambda: 1)  # a drawing would close their open dialog
        ticks[-1]()
        assert not drawn_again
    ticks[-1]()
    assert drawn_again == [True]
    ticks.clear()
    page.run()
    assert "under way" not in words(page) and not ticks


def test_news_while_the_page_is_drawn_wait_for_the_timer(store, runs, monkeypatch):
    """With epochs of less than a drawing there would always be some, and no drawing would come to its end."""
    run = started(store, runs, "trains now")
    store.record_started(run.id, 1, 100, 10, 0)
    epochs = iter(range(1, 6))

    def local_time(when: float) -> str:
        # Between what the page is drawn from and what looks for news.
        if epoch := next(epochs, None):
            store.record_epoch(run.id, 1, EpochRow(epoch, val_accuracy=0.3))
        return "now"

    monkeypatch.setattr(under_way, "local_time", local_time)
    page = open_page(PAGE)
    assert next(epochs) == 2  # drawn once
    assert page.get("plotly_chart") and len(page.dataframe) == 1


def test_nothing_ticks_without_a_run_under_way_or_where_it_is_turned_off(store, runs, ticks):
    open_page(PAGE)
    assert not ticks
    started(store, runs, "trains now")
    page = open_page(PAGE)
    ticks.clear()
    page.toggle(key="compare-refreshes").set_value(False).run()
    assert not page.exception and not ticks and "1 run is under way" in words(page)
    open_page(PAGE, text="rate 0.003")  # that run is not among these
    assert not ticks


def test_what_is_turned_off_stays_off_on_other_pages_and_without_such_runs(store, runs, ticks):
    run = started(store, runs, "trains now")
    page = open_page(PAGE)
    page.toggle(key="compare-refreshes").set_value(False).run()
    ticks.clear()
    go_to(page, "system.py")
    go_to(page, PAGE)
    assert not page.toggle(key="compare-refreshes").value and not ticks
    store.transition(run.id, RunState.FAILED, expected=RunState.STARTING)
    page.run()
    assert "under way" not in words(page)
    started(store, runs, "another")
    page.run()
    assert not page.toggle(key="compare-refreshes").value and not ticks
    page.toggle(key="compare-refreshes").set_value(True).run()
    go_to(page, "system.py")
    ticks.clear()
    go_to(page, PAGE)
    assert page.toggle(key="compare-refreshes").value and len(ticks) == 1


def colors(page) -> dict[str, str]:
    """The colour of each curve by the name of its run."""
    return {
        str(trace["name"]).partition(":")[0].partition(",")[0]: trace["line"]["color"]
        for trace in figure(page)["data"]
        if trace.get("name") and trace.get("showlegend", True)
    }


def test_a_run_keeps_its_colour_when_another_one_arrives(workspace, store):
    def ended(seed: int) -> None:
        end(store, store.queue_run(RunRequest(TINY.with_values({"seed": seed}), f"newcomer {seed}")))

    for seed in range(2):
        ended(seed)
    page = open_page(PAGE, text="newcomer")
    before = colors(page)
    assert len(before) == 2 and len(set(before.values())) == 2
    ended(2)
    after = colors(page.run())
    assert len(after) == 3 and len(set(after.values())) == 3
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("keys", "known", "places"),
    [
        ("abc", {}, {"a": 0, "b": 1, "c": 2}),
        ("cab", {"a": 0, "b": 1}, {"c": 2, "a": 0, "b": 1}),
        ("cb", {"a": 0, "b": 1}, {"c": 0, "b": 1}),
        ("da", {"a": 7}, {"d": 0, "a": 7}),
        ("aba", {}, {"a": 0, "b": 1}),
    ],
)
def test_who_has_a_colour_keeps_it_and_others_take_the_first_free_one(keys, known, places):
    assert kept_places(keys, known) == places


def test_runs_that_are_asked_for_have_the_colours_of_their_order_as_on_the_page_of_runs(store, runs):
    first, second = [run for run in runs if run.state is RunState.FINISHED][:2]
    found = []
    for pair in ((first, second), (second, first)):
        page = open_page(PAGE, where=f"id one of ({pair[0].id}, {pair[1].id})")
        shown = colors(page)
        found.append([shown[run.name] for run in pair])
        (only,) = [each.label.replace("\\", "") for each in page.button if each.label.startswith("Only")]
        assert only == f"Only {pair[0].name}, {pair[1].name}"
    assert found[0] == found[1] and len(set(found[0])) == 2
