"""A real run on a real full disk waits, says why, and continues by itself. Needs the right to mount a file system."""

import os
import subprocess

import pytest

from core.config import ExperimentConfig
from core.epoch import EpochRow
from core.errors import CannotWrite
from core.runs import control, trash, trouble
from core.runs.reserve import RESERVE_BYTES, keep_reserve
from core.runs.start import start_experiment
from core.runs.trouble import trouble_of
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.worker.reporter import WAITING_TO_SAVE
from core.workspace import Workspace
from tests.core.conftest import own_data, run_command
from tests.server import end_processes

DISK_BYTES = 6_000_000
LEFT_BYTES = 60_000  # enough for a row of the database, too little for the weights
TRAIN_SECONDS = 120
CONFIG = ExperimentConfig.from_dict(
    {
        "dataset": {"id": "pets"}, "training": {"epochs": 300, "batch_size": 8},
        "model": {"blocks": [{"filters": 16}, {"filters": 32}], "dense": [{"units": 64}]},
    }
)  # fmt: skip


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A workspace on a file system of 6 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    if os.name != "posix" or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    workspace = Workspace(disk / "workspace").ensure()
    monkeypatch.setenv("CONVDECK_HOME", str(workspace.root))
    yield workspace
    end_processes(workspace.root)
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(workspace: Workspace, left: int = 0) -> None:
    """Take all space but so many bytes."""
    with (workspace.root.parent / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            filler.truncate(max(0, filler.tell() - left))


def make_room(workspace: Workspace) -> None:
    (workspace.root.parent / "filler").unlink()


def test_training_waits_for_space_and_continues(small_disk, wait_for, monkeypatch):
    monkeypatch.setattr(trouble, "SILENT_SECONDS", 2.0)
    own_data(small_disk)
    run_id = start_experiment(small_disk, RunRequest(CONFIG, "A run")).id
    store = Store(small_disk)

    def epoch() -> int:
        run = store.get_run(run_id)
        assert not run.error, run.error
        return run.epoch

    wait_for(lambda: epoch() >= 2, TRAIN_SECONDS, "two epochs")

    fill(small_disk)
    said = wait_for(
        lambda: said if "Training waits" in (said := trouble_of(small_disk, store.get_run(run_id)) or "") else None,
        TRAIN_SECONDS, "the page to say so",
    )  # fmt: skip
    run = store.get_run(run_id)
    assert run.state is RunState.RUNNING
    assert said.startswith("The disk of the workspace is full: 0.0 MB are free, about ")
    assert f"Training waits in epoch {run.epoch + 1} and then continues by itself." in said
    with pytest.raises(CannotWrite, match="is full"):
        store.record_log(run_id, 1, "x" * 100_000)
    make_room(small_disk)
    wait_for(lambda: epoch() > run.epoch + 1, TRAIN_SECONDS, "the run to continue")
    assert trouble_of(small_disk, store.get_run(run_id)) is None

    # Room for rows, none for weights: the run's log says so.
    fill(small_disk, LEFT_BYTES)
    wait_for(
        lambda: any(WAITING_TO_SAVE in line.text for line in store.log(run_id)),
        TRAIN_SECONDS,
        "the log to say so",
    )
    waited = epoch()
    make_room(small_disk)
    wait_for(lambda: epoch() > waited + 1, TRAIN_SECONDS, "the run to continue")
    assert "Saved: training continues." in [line.text for line in store.log(run_id)]
    store.request_stop(run_id)
    wait_for(lambda: store.get_run(run_id).state is RunState.STOPPED, TRAIN_SECONDS, "the run to stop")
    done = store.get_run(run_id).epoch
    assert store.curves(run_id)["epoch"] == list(range(1, done + 1))  # none is missing
    store.close()


def trained(workspace: Workspace, store: Store) -> str:
    """A run that has ended, whose weights take a megabyte."""
    run = store.request_stop(store.queue_run(RunRequest(CONFIG)).id)
    workspace.run_folder(run.id).mkdir()
    (workspace.run_folder(run.id) / "best-000001.keras").write_bytes(bytes(1_000_000))
    return run.id


def test_on_a_full_disk_runs_are_deleted_and_the_trash_is_emptied(no_scheduler, small_disk):
    """By the reserve that the server keeps; with nothing but the files of the trash; by the command line."""
    with Store(small_disk) as store:
        keep_reserve(small_disk)
        assert small_disk.reserve.stat().st_size == RESERVE_BYTES
        run_id = trained(small_disk, store)
        fill(small_disk)
        with pytest.raises(CannotWrite, match="is full"):
            store.trash.put(run_id)
        control.delete_run(small_disk, run_id)
        assert not small_disk.reserve.exists()
        assert trash.empty_trash(small_disk) == 1
        assert not small_disk.run_folder(run_id).exists() and store.trash.list_runs() == []

        make_room(small_disk)
        keep_reserve(small_disk)
        small_disk.reserve.unlink()  # as on a disk that was full before there was one
        for empty in (
            lambda run_id: trash.purge_run(small_disk, run_id),
            lambda run_id: trash.empty_trash(small_disk),
            lambda run_id: run_command("trash", "--empty"),
        ):
            run_id = trained(small_disk, store)
            store.trash.put(run_id)
            fill(small_disk)
            with pytest.raises(CannotWrite, match="is full"):
                store.trash.begin_purge()
            empty(run_id)
            assert store.trash.list_runs() == [] and run_id not in str(list(small_disk.runs.iterdir()))
            make_room(small_disk)
            small_disk.reserve.unlink(missing_ok=True)


def test_a_full_disk_is_told_from_other_trouble(small_disk):
    with Store(small_disk) as store:
        run = store.queue_run(RunRequest(CONFIG))
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, 300, 3, 0)
        fill(small_disk)
        with pytest.raises(CannotWrite, match="is full"):
            for number in range(1, 2000):
                store.record_epoch(run.id, 1, EpochRow(number, details={"x": "y" * 1000}))
        assert store.get_run(run.id).state is RunState.RUNNING  # it can still be read
        make_room(small_disk)
        store.record_log(run.id, 1, "It works again.")
