"""Restored as it was, or gone with its files."""

import pytest

from core.errors import CannotWrite, IllegalTransition, RunError, RunNotFound
from core.runs import control, trash
from core.store.records import RunRequest
from core.store.store import Store
from core.store.trash import KEPT_SECONDS, Trash
from tests.core.scheduling.fakes import CONFIG

pytestmark = pytest.mark.usefixtures("no_scheduler")


def begun(workspace, store, name: str = "mine"):
    run = control.start_run(workspace, RunRequest(CONFIG, name=name))
    workspace.run_folder(run.id).mkdir()
    (workspace.run_folder(run.id) / "best.weights.h5").write_bytes(b"weights")
    return store.request_stop(run.id)


def test_restored_it_is_what_it_was(workspace, store) -> None:
    run = begun(workspace, store)
    trashed = control.delete_run(workspace, run.id)
    assert trashed.run == run
    assert [each.run.id for each in store.trash.list_runs()] == [run.id]
    assert trash.trash_bytes(workspace, [run.id]) == len(b"weights")
    assert trash.restore_run(workspace, run.id) == run
    assert store.list_runs() == [run] and store.trash.list_runs() == []
    assert (workspace.run_folder(run.id) / "best.weights.h5").read_bytes() == b"weights"
    with pytest.raises(RunNotFound):
        trash.restore_run(workspace, run.id)
    with pytest.raises(RunNotFound):
        trash.purge_run(workspace, run.id)


def test_what_has_been_there_for_a_week_goes_with_its_files(workspace, store, monkeypatch) -> None:
    old, new = begun(workspace, store, "old"), begun(workspace, store, "new")
    deleted_at = control.delete_run(workspace, old.id).deleted_at
    control.delete_run(workspace, new.id)
    with store._database.writing() as connection:
        connection.execute("UPDATE runs SET deleted_at = deleted_at - 5 WHERE id = ?", (old.id,))
    monkeypatch.setattr(trash.time, "time", lambda: deleted_at + KEPT_SECONDS - 6)
    assert trash.purge_expired(workspace) == 0
    monkeypatch.setattr(trash.time, "time", lambda: deleted_at + KEPT_SECONDS - 4)
    assert trash.purge_expired(workspace) == 1
    assert [each.run.name for each in store.trash.list_runs()] == ["new"]
    assert not workspace.run_folder(old.id).exists() and workspace.run_folder(new.id).exists()
    assert trash.empty_trash(workspace) == 1
    assert not workspace.run_folder(new.id).exists()


def test_the_size_of_the_trash_is_not_added_up_at_each_drawing(workspace, store, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(trash, "folder_bytes", lambda folder: asked.append(folder) or 5)
    run = begun(workspace, store)
    assert {trash.trash_bytes(workspace, [run.id]) for _ in range(3)} == {5}
    assert len(asked) <= 2  # half a minute may end in between
    assert trash.trash_bytes(workspace, []) == 0  # another trash: counted again


def test_a_purge_that_is_interrupted_on_a_full_disk_is_completed_and_restores_nothing(
    workspace, store, monkeypatch
) -> None:
    run = begun(workspace, store)
    control.delete_run(workspace, run.id)

    def is_full(*_, **__):
        raise CannotWrite("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(Trash, "begin_purge", is_full)
        with pytest.raises(CannotWrite):
            trash.empty_trash(workspace)
    assert not (workspace.run_folder(run.id) / "best.weights.h5").exists()
    with pytest.raises(RunError, match="are being deleted"):
        trash.restore_run(workspace, run.id)
    assert trash.purge_expired(workspace) == 1
    assert list(workspace.runs.iterdir()) == [] and store.trash.list_runs() == []


def test_files_that_cannot_be_deleted_are_tried_again(workspace, store) -> None:
    run = control.start_run(workspace, RunRequest(CONFIG))
    workspace.run_folder(run.id).write_text("a file where a folder should be")
    control.delete_run(workspace, run.id)
    with pytest.raises(RunError, match="are left in"):
        trash.purge_run(workspace, run.id)
    assert trash.purge_expired(workspace) == 0
    with pytest.raises(RunNotFound):  # nothing comes back without its files
        trash.restore_run(workspace, run.id)
    workspace.run_folder(run.id).unlink()
    assert trash.purge_expired(workspace) == 1
    with Store(workspace) as other, other._database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)


def test_several_are_deleted_and_restored_as_one_action_also_after_a_restart(workspace, store) -> None:
    runs = [begun(workspace, store, name) for name in ("a", "b")]
    ids = [run.id for run in runs]
    assert trash.delete_runs(workspace, ids).runs == tuple(runs)
    with Store(
        workspace
    ) as later:  # another process: what was deleted together is known from the store alone
        (batch,) = later.trash.list_batches()
    assert trash.restore_runs(workspace, [run.id for run in batch.runs]) == runs[::-1]
    assert [(workspace.run_folder(run_id) / "best.weights.h5").exists() for run_id in ids] == [True, True]


def test_none_of_several_is_deleted_where_one_is_training(workspace, store) -> None:
    ended, active = begun(workspace, store), control.start_run(workspace, RunRequest(CONFIG, name="busy"))
    store.claim(active.id, ["cpu:0"])
    with pytest.raises(IllegalTransition, match=r"“busy” is starting.*None of the 2 runs was deleted\."):
        trash.delete_runs(workspace, [ended.id, active.id])
    assert len(store.list_runs()) == 2 and store.trash.list_runs() == []


def test_those_whose_files_are_going_are_left_out_of_a_restore(workspace, store) -> None:
    first, second = begun(workspace, store), begun(workspace, store)
    trash.delete_runs(workspace, [first.id, second.id])
    workspace.run_folder(first.id).rename(trash._going_folder(workspace, first.id))
    assert [run.id for run in trash.restore_runs(workspace, [first.id, second.id])] == [second.id]
    with pytest.raises(RunError, match="files of these runs"):
        trash.restore_runs(workspace, [first.id])
