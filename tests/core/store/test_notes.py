"""Notes: one for each set of runs, bounded, and honest about what was expected when."""

import sqlite3
import threading

import pytest

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.errors import RunError, RunNotFound
from core.store.notes import MAX_NOTE_CHARACTERS, NotedRun, check_text
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store


@pytest.fixture
def store(workspace):
    with Store(workspace, clock=iter(range(100, 10_000)).__next__) as store:
        yield store


def waiting(store: Store, name: str) -> Run:
    return store.queue_run(RunRequest(PRESETS["tiny"].config, name))


def learn(store: Store, run: Run, device: str = "cpu:0") -> None:
    store.claim(run.id, [device])
    store.record_started(run.id, 1, 5, 10, 0)
    store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.3))


def test_one_note_for_each_set_of_runs_whatever_their_order(store) -> None:
    one, other = waiting(store, "one"), waiting(store, "other")
    first = store.notes.write([one.id], expectation="It learns.")
    both = store.notes.write([one.id, other.id], expectation="The other is better.")
    again = store.notes.write([other.id, one.id], outcome="It was.")
    assert (again.id, again.expectation, again.outcome) == (both.id, "The other is better.", "It was.")
    assert again.runs == (NotedRun(one.id, "one"), NotedRun(other.id, "other"))
    assert again.changed_at > again.created_at == both.created_at
    assert store.notes.list_notes() == [again, first]
    assert store.notes.find([other.id, one.id, one.id]) == again
    assert store.notes.find([other.id]) is None


def test_an_expectation_is_open_until_the_first_epoch_has_ended(store) -> None:
    run = waiting(store, "run")
    note = store.notes.write([run.id], expectation="60 %")
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 5, 10, 0)
    assert store.notes.edit(note.id, expectation="70 %").expectation == "70 %"
    store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.3))
    for late in (
        lambda: store.notes.edit(note.id, expectation="30 %"),
        lambda: store.notes.write([run.id], expectation="30 %", outcome="lost?"),
        lambda: store.notes.write([run.id], expectation=""),
    ):
        with pytest.raises(RunError, match="first epoch has ended"):
            late()
    kept = store.notes.write([run.id], expectation="70 %", outcome="30 % in fact")
    assert (kept.expectation, kept.outcome) == ("70 %", "30 % in fact")


def test_of_several_runs_it_is_open_until_the_last_of_them_has_begun_to_show(store) -> None:
    parent, fork = waiting(store, "parent"), waiting(store, "fork")
    learn(store, parent)
    assert not store.notes.is_open([parent.id])
    store.notes.write([parent.id, fork.id], expectation="The fork wins.")
    learn(store, fork, "cpu:1")
    with pytest.raises(RunError, match="first epoch has ended"):
        store.notes.write([parent.id, fork.id], expectation="The parent wins.")


def test_a_note_outlives_its_runs_and_knows_their_last_names(store) -> None:
    run = waiting(store, "old name")
    note = store.notes.write([run.id], expectation="It learns.")
    store.rename_run(run.id, "new name")
    store.request_stop(run.id)
    store.trash.put(run.id)
    assert store.notes.get(note.id).runs == (NotedRun(run.id, "new name"),)
    assert not store.notes.is_open([run.id])
    assert store.notes.edit(note.id, outcome="Never trained.").outcome == "Never trained."
    store.notes.delete(note.id)
    assert store.notes.list_notes() == []
    with pytest.raises(RunError, match="no note"):
        store.notes.delete(note.id)


def test_a_run_begins_with_what_is_expected_of_it_or_not_at_all(store) -> None:
    run = store.queue_run(
        RunRequest(PRESETS["tiny"].config, token="once", expectation=" It learns. \r\nSlowly. ")
    )
    again = store.queue_run(RunRequest(PRESETS["tiny"].config, token="once", expectation="Something else."))
    assert again.id == run.id
    assert store.notes.find([run.id]).expectation == "It learns. \nSlowly."
    assert (
        store.notes.find([store.queue_run(RunRequest(PRESETS["tiny"].config, expectation=" \n")).id]) is None
    )
    before = len(store.list_runs())
    with pytest.raises(RunError, match="at most 4,000"):
        store.queue_run(RunRequest(PRESETS["tiny"].config, expectation="x" * (MAX_NOTE_CHARACTERS + 1)))
    assert len(store.list_runs()) == before


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  a\r\nb\rc\u2028d\n\n  e ", "a\nb\nc\nd\n\n  e"),
        ("Größe 模型 🙂 e\u0301 \u202b\u05d0\u05d1", "Größe 模型 🙂 e\u0301 \u202b\u05d0\u05d1"),
        ("x" * MAX_NOTE_CHARACTERS, "x" * MAX_NOTE_CHARACTERS),
        ("a\tb", "a\tb"),
    ],
)
def test_what_is_kept_of_a_text(typed: str, kept: str) -> None:
    assert check_text(typed, "outcome") == kept


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("a\x00b", r"U\+0000"), ("a\x1b[31m", r"U\+001B"), ("\ud800", r"U\+D800"), ("a\x85b", r"U\+0085"),
        ("x" * (MAX_NOTE_CHARACTERS + 1), "at most 4,000 characters, not 4,001"), (7, "must be text"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_refused_in_a_sentence(store, typed: object, words: str) -> None:
    run = waiting(store, "run")
    with pytest.raises(RunError, match=words):
        store.notes.write([run.id], outcome=typed)
    assert store.notes.list_notes() == []


def test_a_note_is_about_runs_that_exist_and_says_something(store) -> None:
    run = waiting(store, "run")
    with pytest.raises(RunNotFound):
        store.notes.write([run.id, "aaaaaaaaaa"], outcome="x")
    for ids, texts in (([], {"outcome": "x"}), ([run.id], {"outcome": " \n "}), ([run.id], {})):
        with pytest.raises(RunError):
            store.notes.write(ids, **texts)
    assert store.notes.list_notes() == []


def test_two_who_write_at_once_write_into_one_note(workspace, store) -> None:
    run = waiting(store, "run")
    gate = threading.Barrier(4)

    def write(number: int) -> None:
        with Store(workspace) as own:
            gate.wait()
            own.notes.write([run.id], outcome=f"by {number}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (note,) = store.notes.list_notes()
    assert note.outcome in {f"by {number}" for number in range(4)}


def test_runs_are_stored_as_ids_and_names(workspace, store) -> None:
    run = waiting(store, "ru“n")
    store.notes.write([run.id], outcome="x")
    store.transition(run.id, RunState.STOPPED, expected=RunState.WAITING)
    with sqlite3.connect(workspace.database) as connection:
        ((stored,),) = connection.execute("SELECT json(runs) FROM notes").fetchall()
    connection.close()
    assert stored == '[{"id":"%s","name":"ru\\u201cn"}]' % run.id  # noqa: UP031
