"""Renaming, deleting, restoring and choosing runs, as a visitor does it."""

from streamlit.testing.v1 import AppTest

from core.runs import control
from core.store.states import RunState
from core.workspace import PROJECT_ROOT
from pages.components.kit.text import literal
from tests.pages.test_runs import begin, end, open_runs, words
from tests.pages.visits import unfold


def test_rename(store):
    run = end(store, begin(store, "old", 1), RunState.FINISHED)
    page = open_runs(run.id)
    # Also while nothing was typed: a button that is off until the text arrives swallows the click that sends it.
    assert not page.button(key=f"save-name-{run.id}").disabled
    page.text_input(key=f"name-{run.id}-old").set_value("new")
    page.button(key=f"save-name-{run.id}").click().run()
    assert store.get_run(run.id).name == "new"
    assert [heading.value for heading in page.subheader] == ["new"]


def test_a_name_that_is_not_allowed_is_refused_in_words(store):
    run = end(store, begin(store, "old", 1), RunState.FINISHED)
    page = open_runs(run.id)
    page.text_input(key=f"name-{run.id}-old").set_value(" ")
    page.button(key=f"save-name-{run.id}").click().run()
    assert [toast.value for toast in page.toast] == [r"The name of a run cannot be empty\."]
    assert store.get_run(run.id).name == "old"


def test_a_rename_elsewhere_shows_in_the_field(store):
    run = end(store, begin(store, "old", 1), RunState.FINISHED)
    page = open_runs(run.id)
    store.rename_run(run.id, "renamed on the command line")
    page.run()
    assert [field.value for field in page.text_input if field.label == "Name"] == [
        "renamed on the command line"
    ]


def test_delete_asks_first(store, workspace):
    run = end(store, begin(store, "gone", 1), RunState.FINISHED)
    other = end(store, begin(store, "kept", 1), RunState.FINISHED)
    folder = workspace.run_folder(run.id)
    folder.mkdir()
    page = open_runs(run.id)

    page.button(key="delete-runs").click().run()
    assert [each.id for each in store.list_runs()] == [other.id, run.id]
    page.button(key="really-delete").click().run()

    assert not page.exception
    assert [each.id for each in store.list_runs()] == [other.id]
    assert folder.exists()
    assert "Tick one or more runs" in words(page)
    assert "“gone” deleted." in words(page)

    page.button(key="undo-delete").click().run()
    assert [each.id for each in store.list_runs()] == [other.id, run.id]
    assert [heading.value for heading in page.subheader] == ["gone"]
    assert not [each for each in page.button if each.key == "undo-delete"]


def test_delete_says_which_runs_the_table_does_not_show(store):
    runs = [end(store, begin(store, f"run *{number}*", 0), RunState.STOPPED) for number in range(60)]
    page = open_runs(",".join(run.id for run in runs))  # the oldest first; the table begins with the newest
    page.button(key="delete-runs").click().run()
    # Of the first 50, the table's first page of 50 lacks the oldest ten.
    assert "10 of them are not among the rows that the table shows." in words(page)
    said = words(page)
    assert all(literal(run.name) in said for run in runs[:50]) and literal(runs[50].name) not in said
    page = open_runs(runs[0].id)
    page.button(key="delete-runs").click().run()
    assert "It is not among the rows that the table shows." in words(page)
    page = open_runs(runs[-1].id)
    page.button(key="delete-runs").click().run()
    assert "not among the rows" not in words(page)


def test_what_was_deleted_is_restored_or_deleted_for_good_from_its_list(store, workspace):
    first, second = (end(store, begin(store, name, 1), RunState.FINISHED) for name in ("first", "second"))
    for run in (first, second):
        control.delete_run(workspace, run.id)
    page = open_runs()
    assert "All runs were deleted." in words(page)
    unfold(page, "Recently deleted")
    assert not [each for each in page.button if each.key == "undo-delete"]  # nothing that this visitor did
    page.button(key=f"restore-{first.id}").click().run()
    assert [each.id for each in store.list_runs()] == [first.id]
    page.button(key=f"purge-{second.id}").click().run()
    assert "“second” with curves, weights and log. This cannot be undone." in words(page)
    page.button(key="really-delete-now").click().run()
    assert store.trash.list_runs() == []
    assert not page.exception


def test_a_link_to_a_deleted_run_says_how_it_comes_back(store, workspace):
    run = end(store, begin(store, "lost", 1), RunState.FINISHED)
    end(store, begin(store, "here", 1), RunState.FINISHED)
    control.delete_run(workspace, run.id)
    page = open_runs(run.id)
    assert [each.value for each in page.warning] == ["“lost” was deleted. Restore under Recently deleted."]


def test_what_a_filter_hides_is_no_longer_chosen(store):
    names = ("best", "bad 1", "bad 2", "bad 3")
    runs = {name: end(store, begin(store, name, 1), RunState.FINISHED).id for name in names}
    page = open_runs(f"{runs['best']},{runs['bad 1']}")
    assert page.session_state["chosen_runs"] == (runs["best"], runs["bad 1"])
    page.text_input(key="find").set_value("bad").run()
    assert page.session_state["chosen_runs"] == (runs["bad 1"],)
    assert [heading.value for heading in page.subheader] == ["bad 1"]
    page.text_input(key="find").set_value("").run()
    assert page.session_state["chosen_runs"] == (runs["bad 1"],)
    page.pills(key="status").set_value("Failed").run()
    assert page.session_state["chosen_runs"] == ()
    assert "No runs match this filter." in words(page)


def test_a_link_to_a_run_shows_it_whatever_the_filter_a_first_choice_must_fit(store):
    for name in ("first", "second", "third", "newest"):  # a single letter may be in an id, too
        run = end(store, begin(store, name, 1), RunState.FINISHED)
    page = AppTest.from_file(PROJECT_ROOT / "pages" / "shell.py", default_timeout=180).run()
    page.query_params["find"] = "second"
    page.switch_page("runs.py").run()
    assert "Tick one or more runs" in words(page)
    page = AppTest.from_file(PROJECT_ROOT / "pages" / "shell.py", default_timeout=180).run()
    page.query_params["find"] = "second"
    page.query_params["run"] = run.id
    page.switch_page("runs.py").run()
    assert [heading.value for heading in page.subheader] == ["newest"]
