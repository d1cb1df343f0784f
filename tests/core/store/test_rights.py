"""What a visitor of a class may change: each way that a visitor has to write is tried on what is another's."""

import ast
import contextlib
import sqlite3

import pytest

from core.epoch import EpochRow
from core.errors import NotAllowed, RunError
from core.store.records import RecordedRun, RunRequest
from core.store.rights import MOST_WAITING
from core.store.run_record import Source
from core.store.states import RunState
from core.visitors.person import MACHINE, TEACHER, Person, acting_as
from tests.core.scheduling.fakes import CONFIG
from tests.modules import project_modules

RECORDED = RecordedRun("theirs", "Keras", (EpochRow(1, val_loss=1.0),), ())

# By each method of the store that opens a transaction for visitors: how it is called on a run, in which state, and what
# a visitor to whom it does not belong is told; None where it is for everybody.
WAYS = {
    "Store.queue_all": (lambda store, run: store.queue_run(RunRequest(CONFIG)), "WAITING", None),
    "Store.rename_run": (lambda store, run: store.rename_run(run, "x"), "WAITING", "rename"),
    "Store.request_stop": (lambda store, run: store.request_stop(run), "WAITING", "stop"),
    "Store.resume_run": (lambda store, run: store.resume_run(run), "STOPPED", "resume"),
    "Interventions.request": (
        lambda store, run: store.interventions.request(run, "learning_rate", 0.1), "WAITING", "change",
    ),
    "LessonGuesses.put": (
        lambda store, run: store.lesson_guesses.put("overfitting", store.get_run(run).visitor, 1.0), "WAITING",
        "change",
    ),
    "LessonGuesses.answer": (
        lambda store, run: store.lesson_guesses.answer("overfitting", store.get_run(run).visitor, [run]), "WAITING",
        "change",
    ),
    "Marks.change": (lambda store, run: store.marks.change([run], add=["x"], hidden=True), "WAITING", "mark"),
    "Notes.write": (lambda store, run: store.notes.write([run], outcome="x"), "NOTED", "change"),
    "Notes.edit": (lambda store, run: store.notes.edit(note_of(store, run), outcome="x"), "NOTED", "change"),
    "Notes.delete": (lambda store, run: store.notes.delete(note_of(store, run)), "NOTED", "delete"),
    "WholeRuns.add": (lambda store, run: added_again(store, run), "STOPPED", None),
    "WholeRuns.add_recorded": (lambda store, run: store.whole_runs.add_recorded([RECORDED]), "WAITING", None),
    "Trash.put_all": (lambda store, run: store.trash.put_all([run]), "STOPPED", "delete"),
    "Trash.restore": (lambda store, run: store.trash.restore(run), "TRASHED", "restore"),
    "Trash.restore_all": (lambda store, run: store.trash.restore_all([run]), "TRASHED", "restore"),
    "Trash.begin_purge": (lambda store, run: store.trash.begin_purge(run_id=run), "TRASHED", "delete"),
    "Trash.end_purge": (lambda store, run: store.trash.end_purge(run), "GOING", "delete"),
}  # fmt: skip


def added_again(store, run_id: str) -> None:
    source = Source(run_id, 1.0, "0.1.0", None, None)
    store.whole_runs.add(
        store.whole_runs.read(run_id, None), store.whole_runs.free_id(), source, lambda: None
    )


def note_of(store, run_id: str) -> str:
    return next(note.id for note in store.notes.list_notes() if run_id in note.run_ids)


def made(store, person: Person, state: str) -> str:
    """A run of this person in this state, with a note of theirs, in the trash, or on its way out of it."""
    with acting_as(person):
        run_id = store.queue_run(RunRequest(CONFIG)).id
    if state in ("STOPPED", "TRASHED", "GOING"):
        store.request_stop(run_id)
    if state in ("TRASHED", "GOING"):
        store.trash.put(run_id)
    if state == "GOING":
        store.trash.begin_purge(run_id=run_id)
    if state == "NOTED":
        with acting_as(person):
            store.notes.write([run_id], outcome="mine")
    return run_id


def written_by(tree: ast.Module) -> dict[str, bool]:
    """Whether each method of a module that opens a transaction to write opens it for visitors."""
    found = {}
    for part in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for method in (node for node in part.body if isinstance(node, ast.FunctionDef)):
            for call in ast.walk(method):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "self._database.writing":
                    found[f"{part.name}.{method.name}"] = bool(call.keywords)
    return found


def test_every_way_in_which_a_visitor_can_write_is_tried_here():
    found = {}
    for module in project_modules():
        if module.is_in("core.store"):
            found |= written_by(module.tree)
    assert len(found) > 40
    assert {name for name, is_open in found.items() if is_open} == set(WAYS)


@pytest.mark.parametrize("name", WAYS)
def test_a_visitor_changes_nothing_of_others(workspace, store, anna, ben, name):
    change, state, what = WAYS[name]
    for owner, sentence in (
        (anna, f"Only Anna or the teacher can {what} it."),
        (TEACHER, f"Only the teacher can {what} it."),
        (MACHINE, f"Only the teacher can {what} it."),
    ):
        run_id = made(store, owner, state)
        before = everything(workspace)
        with acting_as(ben):
            if what is None:
                change(store, run_id)
                continue
            with pytest.raises(NotAllowed) as refused:
                change(store, run_id)
        assert str(refused.value).endswith(sentence)
        assert everything(workspace) == before


@pytest.mark.parametrize("name", WAYS)
def test_a_visitor_changes_their_own_and_the_teacher_everything(workspace, store, anna, name):
    change, state, _ = WAYS[name]
    for owner, person in (
        (anna, anna),
        (anna, TEACHER),
        (anna, MACHINE),
        (TEACHER, TEACHER),
        (MACHINE, TEACHER),
    ):
        run_id = made(store, owner, state)
        before = everything(workspace)
        with acting_as(person):
            change(store, run_id)
        assert everything(workspace) != before


def everything(workspace) -> list[str]:
    """All rows of all tables, as SQL."""
    with contextlib.closing(sqlite3.connect(workspace.database)) as connection:
        return list(connection.iterdump())


def test_whatever_else_writes_is_closed_to_visitors(store, anna):
    run = store.queue_run(RunRequest(CONFIG))
    sentence = r"^Only the teacher can change this in a class\.$"
    with acting_as(anna):
        for write in (
            lambda: store.claim(run.id, ["cpu:0"]),
            lambda: store.transition(run.id, RunState.STOPPED, expected=RunState.WAITING),
            lambda: store.views.save("x", "a=1"),
            lambda: store.picture_tags.set("data", 1, ["x"]),
            lambda: store.visitors.join("Eve"),
            lambda: store.studies.stop("abcdefghjk"),
            lambda: store.sweeps.delete("abcdefghjk"),
        ):
            with pytest.raises(NotAllowed, match=sentence):
                write()
        with pytest.raises(NotAllowed, match=r"^Only the teacher can empty the trash\.$"):
            store.trash.begin_purge()
    assert store.list_runs() == [run]


def test_several_runs_are_deleted_together_or_not_at_all(store, anna, ben):
    own, other = made(store, anna, "STOPPED"), made(store, ben, "STOPPED")
    with acting_as(anna), pytest.raises(NotAllowed, match="Only Ben or the teacher can delete it"):
        store.trash.put_all([own, other])
    assert {run.id for run in store.list_runs()} == {own, other}


def test_a_visitor_who_shares_another_s_run_cannot_stop_it(store, anna, ben):
    with acting_as(anna):
        run = store.queue_or_reuse(RunRequest(CONFIG), reuse=True).run
    with acting_as(ben):
        shared = store.queue_or_reuse(RunRequest(CONFIG), reuse=True)
        assert (shared.run.id, shared.is_shared) == (run.id, True)
        assert store.visitors.refusal(shared.run.visitor, "stop").startswith("That is Anna's run.")
        with pytest.raises(NotAllowed, match=r"^That is Anna's run\."):
            store.request_stop(run.id)
    with acting_as(anna):
        assert store.visitors.refusal(run.visitor, "stop") is None
        store.request_stop(run.id)


def test_a_note_on_both_of_theirs_and_another_s_run_belongs_to_its_writer(store, anna, ben):
    own, other = made(store, anna, "WAITING"), made(store, ben, "WAITING")
    with acting_as(anna):
        with pytest.raises(NotAllowed, match="write a note on"):
            store.notes.write([other], outcome="x")
        note = store.notes.write([own, other], outcome="x")
        assert note.visitor == anna.id
    with acting_as(ben), pytest.raises(NotAllowed, match="That is Anna's note"):
        store.notes.write([own, other], outcome="y")


def test_a_visitor_has_a_share_of_the_queue(store, anna, ben):
    with acting_as(anna):
        runs = [store.queue_run(RunRequest(CONFIG)) for _ in range(MOST_WAITING)]
        with pytest.raises(RunError, match=f"You have {MOST_WAITING} runs waiting"):
            store.queue_run(RunRequest(CONFIG))
        assert store.queue_or_reuse(RunRequest(CONFIG), reuse=True).is_shared
        store.request_stop(runs[0].id)
        store.queue_run(RunRequest(CONFIG))
        with pytest.raises(RunError, match="Wait until one has started, or stop one"):
            store.resume_run(runs[0].id)
    with acting_as(ben):
        store.queue_run(RunRequest(CONFIG))
    for person in (TEACHER, MACHINE):
        with acting_as(person):
            for _ in range(MOST_WAITING + 1):
                store.queue_run(RunRequest(CONFIG))


def test_what_starts_together_has_room_together_or_not_at_all(store, anna):
    pair = [RunRequest(CONFIG.with_values({"seed": seed}), f"seed {seed}") for seed in (1, 2)]
    with acting_as(anna):
        for _ in range(MOST_WAITING - 1):
            last = store.queue_run(RunRequest(CONFIG))
        before = store.list_runs()
        with pytest.raises(
            RunError, match="You have 3 runs waiting, and these 2 start together: 4 are the most"
        ):
            store.queue_all(pair, reuse=True)
        assert store.list_runs() == before
        store.request_stop(last.id)
        queued = store.queue_all(pair, reuse=True)
        assert [each.run.name for each in queued] == ["seed 1", "seed 2"]
        # What is there already needs no room.
        again = store.queue_all(pair, reuse=True)
        assert [(each.run, each.is_shared) for each in again] == [(each.run, True) for each in queued]
        with pytest.raises(RunError, match=f"You have {MOST_WAITING} runs waiting, which is the most"):
            store.queue_all(pair, reuse=False)
        assert len(store.list_runs()) == MOST_WAITING + 1


def test_a_stranger_owns_not_even_what_no_visitor_has_started(store):
    run = store.queue_run(RunRequest(CONFIG))
    with acting_as(Person("visitor")), pytest.raises(NotAllowed, match="That is the teacher's run"):
        store.request_stop(run.id)
