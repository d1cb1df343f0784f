"""What is in the trash is nowhere else, and comes back as it was."""

import re
import sqlite3

import pytest

from core.errors import IllegalTransition, RunNotFound
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.studies import NewRun
from core.workspace import PROJECT_ROOT
from tests.core.scheduling.fakes import CONFIG


def finished(store, name: str = "mine", **others):
    run = store.queue_run(RunRequest(CONFIG, name=name, **others))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 3, 5, 0)
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def test_it_is_in_no_list_and_no_count(store) -> None:
    run = finished(store, token="once")
    store.trash.put(run.id)
    assert store.list_runs() == store.get_runs([run.id]) == store.standalone_results(9) == []
    assert store.find_runs(limit=9).total == store.find_runs("mine", limit=9).total == 0
    assert store.run_to_watch() is None and not store.has_work() and store.leases() == {}
    assert set(store.count_by_state().values()) == {0}
    assert store.studies.curves([run.id]) == {}
    assert store.studies.reusable([RunRequest(CONFIG)]) == {}
    for ask in (
        store.get_run,
        store.curves,
        store.log,
        store.breakdowns.read,
        store.resume_run,
        store.trash.put,
    ):
        with pytest.raises(RunNotFound, match=r"is in the trash\. Restore it"):
            ask(run.id)
    # Asked for once more, it is another run; its name's number is not given again.
    assert store.queue_run(RunRequest(CONFIG, token="once")).id != run.id


def test_a_restored_run_counts_again(store) -> None:
    run = finished(store)
    store.trash.put(run.id)
    assert store.trash.restore(run.id) == run
    assert store.studies.reusable([RunRequest(CONFIG)]) == {CONFIG.config_id: run.id}


def test_a_waiting_run_does_not_start_from_the_trash(store) -> None:
    run = store.queue_run(RunRequest(CONFIG))
    store.trash.put(run.id)
    assert store.queue() == store.waiting_runs() == []
    assert store.trash.restore(run.id).state is RunState.STOPPED
    assert store.resume_run(run.id).state is RunState.WAITING


def test_names_in_the_trash_are_in_use(store) -> None:
    first = store.queue_run(RunRequest(CONFIG, preset="tiny"))
    store.trash.put(first.id)
    assert (first.name, store.queue_run(RunRequest(CONFIG, preset="tiny")).name) == ("tiny 1", "tiny 2")


def test_a_fork_has_its_parent_again(store) -> None:
    parent = finished(store)
    fork = store.queue_run(RunRequest(CONFIG, parent_id=parent.id))
    store.trash.put(parent.id)
    assert store.get_run(fork.id).parent_id == parent.id
    assert store.trash.restore(parent.id).id == parent.id


@pytest.fixture
def planned():
    return [
        NewRun({"seed": seed}, RunRequest(CONFIG.with_values({"seed": seed}), name=f"s{seed}"))
        for seed in (0, 1)
    ]


def test_a_study_gets_a_restored_run_back(store, planned) -> None:
    study = store.studies.create("seeds", "mine", "{}", planned)
    lost = store.studies.members(study.id)[0].run
    store.trash.put(lost.id)
    assert store.studies.get(study.id).num_runs == 1
    assert [member.role for member in store.studies.members(study.id)] == [{"seed": 1}]
    store.trash.restore(lost.id)
    assert store.studies.members(study.id)[0].run.id == lost.id


def test_a_study_that_has_replaced_a_run_keeps_the_new_one(store, planned) -> None:
    study = store.studies.create("seeds", "mine", "{}", planned)
    lost = store.studies.members(study.id)[0].run
    store.trash.put(lost.id)
    assert store.studies.fill(study.id, planned) == 1
    new = store.studies.members(study.id)[0].run
    store.trash.restore(lost.id)
    assert store.studies.members(study.id)[0].run.id == new.id
    assert store.studies.get(study.id).num_runs == 2
    # It is a run like any other now, which no study started.
    assert store.list_runs(alone_first=True)[0].id == lost.id


# What a server of the version before the trash does on "Resume", and its scheduler next.
OLD_RESUME = """
    UPDATE runs SET state = 'WAITING', attempt = attempt + 1, queue_number = 9, device = NULL, started_at = NULL,
        ended_at = NULL, error = NULL, next_step = NULL, heartbeat = NULL
    WHERE number = (SELECT number FROM runs WHERE id = ?)
"""
OLD_PROCESS = "UPDATE runs SET pid = 4711, pid_started = 5.0 WHERE id = ?"


def test_an_older_server_cannot_start_a_deleted_run(store) -> None:
    run = store.request_stop(store.queue_run(RunRequest(CONFIG)).id)
    store.trash.put(run.id)
    said = r"in the trash\. Restart ConvDeck"
    with pytest.raises(sqlite3.IntegrityError, match=said), store._database.writing() as connection:
        connection.execute(OLD_RESUME, (run.id,))
    assert store.trash.restore(run.id) == run
    with store._database.writing() as connection:
        connection.execute(OLD_RESUME, (run.id,))
    assert store.get_run(run.id).state is RunState.WAITING


def test_a_run_that_has_a_process_keeps_its_files(store) -> None:
    run, other = finished(store), finished(store)
    store.trash.put(run.id)
    store.trash.put(other.id)
    with store._database.writing() as connection:
        connection.execute(OLD_PROCESS, (run.id,))
    with pytest.raises(IllegalTransition, match="has a process again"):
        store.trash.begin_purge(run_id=run.id)
    assert store.trash.to_purge() == store.trash.begin_purge() == [other.id]
    assert store.trash.restore(run.id).state is RunState.FINISHED


def test_only_the_trash_reads_all_runs() -> None:
    """Whoever writes a query decides whether deleted runs are in it."""
    # An id is taken, and a parent has a name, in the trash too.
    # `search` goes on after the last run that a page had, in the trash too.
    # What a sink has of a run is remembered until the run is deleted for good.
    # `run_tables.update` and `_SUMMARISE` change a run that was found; a process of a deleted one may still end.
    allowed = {
        "run_tables.py": 7,
        "trash.py": 5,
        "schema.py": 4,
        "store.py": 1,
        "whole_runs.py": 2,
        "search.py": 1,
        "sinks.py": 1,
    }
    for path in sorted((PROJECT_ROOT / "core" / "store").glob("*.py")):
        found = re.findall(r"(?:FROM|JOIN|UPDATE(?: OR \w+)?) runs\b", path.read_text())
        assert len(found) <= allowed.get(path.name, 0), (path.name, found)


def test_several_go_and_come_back_as_one(store) -> None:
    runs = [finished(store, name) for name in ("a", "b", "c")]
    ids = [run.id for run in runs]
    batch = store.trash.put_all([*ids, ids[0]])
    assert batch.runs == tuple(runs) and store.list_runs() == []
    alone = finished(store)
    store.trash.put(alone.id)
    assert [[run.id for run in each.runs] for each in store.trash.list_batches()] == [[alone.id], ids[::-1]]
    assert batch.deleted_at == store.trash.list_batches()[1].deleted_at
    assert store.trash.restore_all(ids) == runs
    assert [each.id for each in store.list_runs()] == ids[::-1]


def test_none_goes_where_one_cannot(store) -> None:
    ended, active = finished(store), store.queue_run(RunRequest(CONFIG, name="busy"))
    store.claim(active.id, ["cpu:0"])
    with pytest.raises(IllegalTransition, match="“busy” is starting; stop it"):
        store.trash.put_all([ended.id, active.id])
    assert {run.id for run in store.list_runs()} == {ended.id, active.id}
    assert store.trash.list_batches() == []


def test_what_was_deleted_for_good_does_not_keep_the_others(store) -> None:
    gone, kept = finished(store), finished(store)
    store.trash.put_all([gone.id, kept.id])
    store.trash.begin_purge(run_id=gone.id)
    assert [run.id for run in store.trash.restore_all([gone.id, kept.id])] == [kept.id]
    with pytest.raises(RunNotFound):
        store.trash.restore_all([gone.id])
