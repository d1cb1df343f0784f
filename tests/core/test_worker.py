"""A real training process: killed in mid-epoch, resumed, and its failures in words."""

import os
import shutil
import signal

import pytest

from core.config import ExperimentConfig
from core.datasets.prepare import ensure_dataset
from core.presets import PRESETS
from core.runs import control
from core.runs.records import Run
from core.runs.states import RunState
from core.runs.store import Store
from core.training.saved import load_run_model
from core.workspace import Workspace

SMALL = {
    "dataset.id": "shapes",
    "dataset.num_train": 400,
    "training.epochs": 3,
    "model.batch_norm_momentum": 0.5,
}


@pytest.fixture
def store(workspace: Workspace, trained) -> Store:
    # Drawn once for all tests.
    shutil.copytree(trained.workspace.datasets / "shapes", workspace.datasets / "shapes")
    return Store(workspace)


def until(wait_for, store: Store, run: Run, *states: RunState, timeout: float = 120) -> Run:
    return wait_for(
        lambda: (now := store.get_run(run.id)).state in states and now,
        timeout=timeout,
        message=f"{run.name} to be {' or '.join(states)}",
    )


def test_killed_in_mid_epoch_is_seen_at_once_and_resume_gives_the_same_curve(
    workspace, store, wait_for
) -> None:
    config = PRESETS["article-augmented"].config.with_values(SMALL)
    whole = control.start_run(workspace, config, name="whole")
    until(wait_for, store, whole, RunState.FINISHED)
    cut = control.start_run(workspace, config, name="cut")
    running = wait_for(
        lambda: (now := store.get_run(cut.id)).epoch == 1 and now.pid and now,
        timeout=120,
        message="the first epoch",
    )
    os.kill(running.pid, signal.SIGKILL)
    dead = until(wait_for, store, cut, RunState.INTERRUPTED, timeout=5)
    assert "killed" in dead.error and dead.next_step
    epochs_before = store.curves(cut.id)["epoch"]
    control.resume_run(workspace, cut.id)
    done = until(wait_for, store, cut, RunState.FINISHED)
    assert done.attempt == 2
    curves = {name: store.curves(run.id) for name, run in (("whole", whole), ("cut", cut))}
    assert curves["cut"]["epoch"] == [1, 2, 3]
    assert epochs_before in ([1], [1, 2])
    for key in ("train_loss", "clean_train_accuracy", "val_loss", "val_accuracy"):
        assert curves["cut"][key] == curves["whole"][key]
    for one, other in zip(
        *(load_run_model(workspace.run_folder(run.id), "last").model.get_weights() for run in (whole, cut)),
        strict=True,
    ):
        assert (one == other).all()


def test_stop_keeps_best_and_last_weights(workspace, store, wait_for) -> None:
    config = PRESETS["tiny"].config.with_values({**SMALL, "training.epochs": 500})
    run = control.start_run(workspace, config)
    wait_for(lambda: store.get_run(run.id).epoch >= 1, timeout=120, message="the first epoch")
    control.stop_run(workspace, run.id)
    stopped = until(wait_for, store, run, RunState.STOPPED, timeout=20)
    folder = workspace.run_folder(run.id)
    assert load_run_model(folder, "best").epoch == stopped.best_epoch
    assert load_run_model(folder, "last").epoch == stopped.epoch == store.curves(run.id)["epoch"][-1]


def test_a_damaged_data_set_is_named_before_the_first_epoch(workspace, store, wait_for) -> None:
    ensure_dataset(workspace, "shapes")
    path = workspace.datasets / "shapes" / "x_train.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    run = control.start_run(workspace, PRESETS["tiny"].config.with_values(SMALL))
    failed = until(wait_for, store, run, RunState.FAILED)
    assert "x_train.npy" in failed.error
    assert failed.epoch == 0


def without_kinks(config: ExperimentConfig) -> ExperimentConfig:
    """The same network without maxima, in ReLU and in pooling, where a rounding error can turn the gradient.

    Sums over two halves of a batch are rounded otherwise than over the whole. Through a maximum that becomes a
    difference of 1e-3 in some gradients of the article's network, where its true gradient is nearer to that of
    two devices than to that of one.
    """
    smooth = {f"model.blocks[{index}].activation": "gelu" for index in range(len(config.model.blocks))}
    smooth |= {f"model.blocks[{index}].pool": "average" for index in range(len(config.model.blocks))}
    smooth |= {f"model.dense[{index}].activation": "gelu" for index in range(len(config.model.dense))}
    return config.with_values(smooth)


def test_two_devices_give_the_losses_of_one(workspace, store, wait_for) -> None:
    # Without a GPU, logical CPU devices stand in. No dropout: each device draws its own.
    config = without_kinks(PRESETS["article"].config).with_values(
        {
            **SMALL,
            "model.dense[0].dropout": 0,
            "model.dense[1].dropout": 0,
            "training.epochs": 2,
            "training.batch_size": 50,
        }
    )
    runs = [control.start_run(workspace, config.with_values({"training.num_gpus": n})) for n in (1, 2)]
    done = [until(wait_for, store, run, RunState.FINISHED) for run in runs]
    one, two = (store.curves(run.id) for run in done)
    assert any("2 devices" in line.text for line in store.log(done[1].id))
    for key in ("train_loss", "val_loss", "clean_train_loss"):
        assert two[key] == pytest.approx(one[key], abs=1e-5)
