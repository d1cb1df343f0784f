"""The notebook as a visitor uses it: before a start, on Runs, and on its own page."""

import pytest
from streamlit.testing.v1 import AppTest

from core.epoch import EpochRow
from core.runs import control
from core.store.records import RunRequest
from tests.core.notebook.conftest import CONFIG, trained_run
from tests.pages.visits import button, go_to, open_page, press, unfold, words

HOSTILE = "<script>alert(1)</script> ![](http://x/y.png) $x$ :red[a] *b*\n  # second line"


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody serves the queue: these tests look at what is asked for, not at training."""
    monkeypatch.setattr(control, "ensure_scheduler", lambda workspace: None)


def area(page: AppTest, label: str):
    (found,) = [each for each in page.text_area if each.label.startswith(label)]
    return found


def test_what_is_expected_before_a_start_goes_with_the_run(store) -> None:
    page = open_page("design.py", preset="tiny")
    area(page, "What do you expect?").set_value(HOSTILE).run()
    go_to(page, "runs.py")
    go_to(page, "design.py")
    assert area(page, "What do you expect?").value == HOSTILE
    press(page, "Start training")
    (run,) = store.list_runs()
    assert store.notes.find([run.id]).expectation == HOSTILE
    assert area(page, "What do you expect?").value == HOSTILE  # on Runs now, and still open
    assert area(go_to(page, "design.py"), "What do you expect?").value == ""


def test_a_start_without_a_word_leaves_the_notebook_alone(store) -> None:
    press(open_page("design.py", preset="tiny"), "Start training")
    assert store.notes.list_notes() == []


def test_a_word_that_is_no_text_starts_nothing_and_stays_in_its_field(store) -> None:
    page = open_page("design.py", preset="tiny")
    area(page, "What do you expect?").set_value("a\x00b").run()
    press(page, "Start training")
    assert "The expectation holds a character that is not text (U+0000)" in words(page)
    assert area(page, "What do you expect?").value == "a\x00b"
    assert store.list_runs() == []


def test_on_runs_the_outcome_is_written_beside_the_numbers(store) -> None:
    run = trained_run(store, "the one", [0.3, 0.512])
    page = unfold(open_page("runs.py", run=run.id), "Notebook")
    assert "No expectation was written before the first epoch ended." in words(page)
    numbers = "51.2 % at epoch 2, 2 of 2 epochs in 5.0 s, a gap of 10.0 points."
    assert f"Best validation accuracy {numbers}" in words(page)
    area(page, "Outcome").set_value("As I thought.")
    press(page, "Save")
    note = store.notes.find([run.id])
    assert (note.expectation, note.outcome) == ("", "As I thought.")
    assert area(page, "Outcome").value == "As I thought."


def test_the_numbers_can_be_taken_over_and_an_expectation_stays_as_it_was(store) -> None:
    run = store.queue_run(RunRequest(CONFIG, "the one", expectation=HOSTILE))
    page = unfold(open_page("runs.py", run=run.id), "Notebook")
    area(page, "What do you expect?").set_value("60 %")
    press(page, "Save")
    assert store.notes.find([run.id]).expectation == "60 %"
    other = trained_run(store, "the other", [0.3])
    go_to(page, "runs.py", run=f"{run.id},{other.id}")
    unfold(page, "Notebook")
    area(page, "Outcome").set_value("Mine.")
    press(page, "Save with the numbers")
    outcome = store.notes.find([run.id, other.id]).outcome
    assert outcome.startswith("Mine.\n\n“the one”: No epoch has finished yet (waiting).\n“the other”: ")


def test_too_late_is_said_and_the_words_stay(store) -> None:
    run = store.queue_run(RunRequest(CONFIG, "the one"))
    page = unfold(open_page("runs.py", run=run.id), "Notebook")
    area(page, "What do you expect?").set_value("Late.")
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 5, 10, 0)
    store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.3))
    press(page, "Save")
    assert store.notes.list_notes() == []
    assert "The first epoch had ended before this was saved" in words(page) and "You wrote: Late." in words(
        page
    )


def test_an_empty_notebook_says_where_it_begins(workspace) -> None:
    assert "No notes yet." in words(open_page("notebook.py"))


def test_the_page_lists_edits_filters_and_deletes(store) -> None:
    one, gone = trained_run(store, "first *run*", [0.3, 0.4]), trained_run(store, "gone", [0.3])
    store.notes.write([one.id], outcome=HOSTILE)
    store.notes.write([gone.id], outcome="It was good.")
    store.trash.put(gone.id)
    page = open_page("notebook.py")
    assert [heading.value.replace("\\", "") for heading in page.subheader] == [
        "gone (deleted)",
        "first *run*",
    ]
    assert len(page.get("vega_lite_chart")) == 1
    for line in HOSTILE.split("\n"):
        assert line.strip() in words(page)
    assert "$x$" not in "".join(each.value for each in page.markdown)  # every sign of it is escaped

    (note,) = [note for note in store.notes.list_notes() if note.run_ids == (gone.id,)]
    page.session_state[f"edit-{note.id}-{note.changed_at}"] = True  # a click on Edit
    assert len(page.run().text_area) == 1
    page.session_state[f"edit-{note.id}-{note.changed_at}"] = False
    (area_of_gone,) = page.run().text_area  # what was typed into it is not lost
    area_of_gone.set_value("It was very good.")
    page.button(key=f"save-note-{note.id}").click().run()
    assert not page.exception
    assert store.notes.get(note.id).outcome == "It was very good."

    page.text_input(key="notebook-filter").set_value("VERY good").run()
    assert [heading.value for heading in page.subheader] == ["gone \\(deleted\\)"]
    page.text_input(key="notebook-filter").set_value("nobody wrote this").run()
    assert "No entry contains this text." in words(page)
    page.text_input(key="notebook-filter").set_value("").run()
    page.button(key=f"delete-{note.id}").click().run()
    button(page, "Keep").click().run()
    assert len(store.notes.list_notes()) == 2
    page.button(key=f"delete-{note.id}").click().run()
    page.button(key="really-delete-note").click().run()
    assert [each.run_ids for each in store.notes.list_notes()] == [(one.id,)]


def test_many_entries_come_in_pages(store) -> None:
    for number in range(12):
        run = store.queue_run(RunRequest(CONFIG, f"run {number}"))
        store.notes.write([run.id], expectation="x")
    page = open_page("notebook.py")
    assert [heading.value for heading in page.subheader] == [f"run {number}" for number in range(11, 7, -1)]


def test_a_note_that_was_opened_on_runs_stays_drawn_when_it_is_folded_away(store) -> None:
    run = trained_run(store, "the one", [0.3])
    page = open_page("runs.py", run=run.id)
    assert "Outcome" not in {each.label for each in page.text_area}
    unfold(page, "Notebook")
    page.session_state[f"notebook-{run.id}"] = False
    page.run()
    area(page, "Outcome").set_value("In words.")
    press(page, "Save")
    assert store.notes.find([run.id]).outcome == "In words."
