"""What is said of a run whose disk is full. What really happens is in tests/core/worker/test_full_disk.py."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from core.config import ExperimentConfig
from core.runs import trouble
from core.runs.trouble import RESERVE_BYTES, first_trouble, trouble_of
from core.runs.verdicts import summaries_of
from core.store.database import FULL_BYTES
from core.store.records import RunRequest
from core.store.states import RunState
from core.system.processes import process_started
from tests.core.conftest import own_data, run_command, run_json

PETS = ExperimentConfig.from_dict({"dataset": {"id": "pets"}, "model": {"blocks": [{"filters": 4}]}})
HEARTBEAT = 1000.0


@pytest.fixture
def disk(monkeypatch):
    """How many bytes are free."""
    usage = SimpleNamespace(free=0)
    monkeypatch.setattr(trouble, "shutil", SimpleNamespace(disk_usage=lambda path: usage))
    monkeypatch.setattr(trouble, "time", SimpleNamespace(time=lambda: HEARTBEAT + 70))
    return usage


@pytest.fixture
def running(store):
    run = store.queue_run(RunRequest(PETS, "A run"))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 10, 100, 0)
    return replace(store.get_run(run.id), heartbeat=HEARTBEAT, epoch=2)


FULL = "The disk of the workspace is full: 0.0 MB are free, about 1.0 MB are needed."


@pytest.mark.parametrize(
    ("state", "then"),
    [
        (RunState.WAITING, "This run then starts in its turn."),
        (RunState.STARTING, "This run then starts in its turn."),
        (RunState.RUNNING, "Training waits in epoch 3 and then continues by itself."),
        (RunState.PAUSED, "This run is paused in epoch 3; resume it afterwards."),
    ],
)
def test_the_cause_and_what_to_do(workspace, disk, running, state, then):
    said = trouble_of(workspace, replace(running, state=state))
    assert said == f"{FULL} Free some space. {then}"


@pytest.mark.parametrize("state", [state for state in RunState if state.is_finished])
def test_a_run_that_has_ended_needs_nothing(workspace, disk, running, state):
    assert trouble_of(workspace, replace(running, state=state)) is None


def test_before_the_next_save_it_is_a_warning(workspace, disk, running):
    busy = replace(running, heartbeat=HEARTBEAT + 59)  # 11 s ago: it may be measuring
    disk.free = 500_000
    rest = (
        "0.5 MB are free, about 1.0 MB are needed to save an epoch. Free some space. Otherwise, this run waits at the "
        "end of epoch 3 until there is enough."
    )
    assert trouble_of(workspace, busy) == f"The disk of the workspace is nearly full: {rest}"
    starting = replace(running, state=RunState.STARTING, heartbeat=None)
    assert trouble_of(workspace, starting) == f"The disk of the workspace is nearly full: {rest}"
    disk.free = 5_000
    assert "is full: 0.0 MB are free" in trouble_of(workspace, busy)
    assert "Otherwise, this run waits" in trouble_of(workspace, busy)
    disk.free = 5_000_000_000
    assert trouble_of(workspace, busy) is None


@pytest.mark.parametrize("free", [FULL_BYTES, 500_000])
def test_a_disk_that_is_nearly_full_keeps_no_run_from_starting(workspace, disk, running, free):
    disk.free = free
    assert trouble_of(workspace, replace(running, state=RunState.WAITING)) is None
    assert "is nearly full" in trouble_of(workspace, running)  # silent for a minute
    disk.free = FULL_BYTES - 1
    assert "is full" in trouble_of(workspace, replace(running, state=RunState.WAITING))


def test_the_trash_and_its_size_are_named(workspace, store, disk, running):
    deleted = store.queue_run(RunRequest(PETS))
    workspace.run_folder(deleted.id).mkdir()
    (workspace.run_folder(deleted.id) / "best.keras").write_bytes(bytes(2_340_000))
    store.trash.put(deleted.id)
    said = "Free some space: empty the trash (1 run, 2.3 MB) on System or with python -m core trash --empty. Training "
    assert said in trouble_of(workspace, running)


def test_what_is_needed_is_what_an_epoch_took(workspace, disk, running):
    folder = workspace.run_folder(running.id)
    folder.mkdir()
    (folder / "epoch-000001.checkpoint").write_bytes(bytes(3_000))
    (folder / "epoch-000002.checkpoint").write_bytes(bytes(2_000))
    (folder / "best-000001.keras").write_bytes(bytes(1_000))
    disk.free = RESERVE_BYTES + 3_999
    assert trouble_of(workspace, running)
    disk.free += 1
    assert trouble_of(workspace, running) is None


def test_before_the_first_epoch_it_is_counted_from_the_network(workspace, disk, running):
    own_data(workspace)
    # 16×16 pixels become 14×14 by the convolution and 7×7 by pooling.
    large = {
        "model": {"blocks": [{"filters": 4, "batch_norm": False, "pool": "max"}], "dense": [{"units": 512}]}
    }
    config = ExperimentConfig.from_dict({"dataset": {"id": "pets"}, **large})
    parameters = (3 * 3 * 3 * 4 + 4) + (7 * 7 * 4 * 512 + 512) + (512 * 2 + 2)
    run = replace(running, config_json=config.to_json())
    disk.free = RESERVE_BYTES + 16 * parameters - 1
    assert "is nearly full" in trouble_of(workspace, run)
    disk.free += 1
    assert trouble_of(workspace, run) is None


def test_a_process_that_has_ended_does_not_continue_by_itself(workspace, disk, running):
    import os

    alive = replace(running, pid=os.getpid(), pid_started=process_started(os.getpid()))
    assert "continues by itself" in trouble_of(workspace, alive)
    gone = trouble_of(workspace, replace(alive, pid_started=1.0))
    assert gone.endswith(
        "The training process has ended; once that can be recorded, this run can be resumed."
    )


def test_a_folder_that_cannot_be_written(workspace, disk, running, monkeypatch):
    monkeypatch.setattr(trouble, "os", SimpleNamespace(access=lambda path, mode: False, W_OK=2))
    assert trouble_of(workspace, running) == (
        f"The workspace {workspace.root} cannot be written, so nothing can be saved: make the folder writable. "
        "Training waits in epoch 3 and then continues by itself."
    )


def test_command_line_and_rest_say_it(workspace, store, disk, no_scheduler):
    run = store.queue_run(RunRequest(PETS, "A run"))
    said = trouble_of(workspace, run)
    assert said.startswith(FULL)
    assert first_trouble(workspace, [run]) == said
    assert [row["problem"] for row in summaries_of(store, [run])] == [said]
    assert run_json("runs")[1][0]["problem"] == run_json("show", run.id)[1]["problem"] == said
    assert f"A run ({run.id}): {said}" in run_command("runs")[1]
    assert f"problem: {said}" in run_command("show", run.id)[1]
    disk.free = 5_000_000_000
    assert run_json("runs")[1][0]["problem"] is run_json("show", run.id)[1]["problem"] is None
    assert first_trouble(workspace, [run]) is None
