"""A real training process: killed in mid-epoch, resumed, and its failures in words."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from core.config import ExperimentConfig
from core.datasets.prepare import ensure_dataset
from core.datasets.splits import load_split
from core.datasets.storage import delete_dataset, describe_dataset
from core.design.presets import PRESETS
from core.errors import ConfigError, ConvDeckError, DatasetError, Diverged, StaleAttempt
from core.runs import control
from core.scheduling.service import ensure_scheduler
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.training.saved_models import load_run_model
from core.worker.run import _fail, explain
from core.workspace import PROJECT_ROOT, Workspace
from tests.core.conftest import own_data
from tests.server import end_processes

SMALL = {
    "dataset.id": "shapes",
    "dataset.num_train": 400,
    "training.epochs": 3,
    "model.batch_norm_momentum": 0.5,
}
# The article's network with a quarter of its filters and units.
NARROW = {
    "model.blocks[0].filters": 16,
    "model.blocks[1].filters": 8,
    "model.dense[0].units": 128,
    "model.dense[1].units": 64,
}


@pytest.fixture
def store(workspace: Workspace, trained) -> Store:
    # Drawn once for all tests.
    shutil.copytree(trained.workspace.datasets / "shapes", workspace.datasets / "shapes")
    return Store(workspace)


@pytest.fixture(scope="module")
def served(trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """For runs that may follow one another in a worker: a new one loads TensorFlow each time."""
    workspace = Workspace((tmp_path_factory.mktemp("served") / "workspace").resolve()).ensure()
    shutil.copytree(trained.workspace.datasets / "shapes", workspace.datasets / "shapes")
    yield workspace
    end_processes(workspace.root)


@pytest.fixture
def warm_store(served: Workspace, monkeypatch) -> Iterator[Store]:
    """Of that workspace, which is the current one."""
    monkeypatch.setenv("CONVDECK_HOME", str(served.root))
    monkeypatch.delenv("CONVDECK_STANDBY", raising=False)
    with Store(served) as store:
        yield store


def until(wait_for, store: Store, run: Run, *states: RunState, timeout: float = 120) -> Run:
    return wait_for(
        lambda: (now := store.get_run(run.id)).state in states and now,
        timeout=timeout,
        message=f"{run.name} to be {' or '.join(states)}",
    )


def test_killed_in_mid_epoch_is_seen_and_resume_gives_the_same_curve(served, warm_store, wait_for) -> None:
    workspace, store = served, warm_store
    config = PRESETS["article-augmented"].config.with_values({**SMALL, **NARROW, "dataset.label_noise": 0.2})
    whole = control.start_run(workspace, RunRequest(config, name="whole"))
    until(wait_for, store, whole, RunState.FINISHED)
    cut = control.start_run(workspace, RunRequest(config, name="cut"))
    running = wait_for(
        lambda: (now := store.get_run(cut.id)).epoch >= 1 and now.pid and now,
        message="the first epoch",
    )
    os.kill(running.pid, signal.SIGKILL)
    dead = until(wait_for, store, cut, RunState.INTERRUPTED)
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
    assert repr(store.breakdowns.read(cut.id)) == repr(store.breakdowns.read(whole.id))
    check_wrong_labels(workspace, store, done)
    for one, other in zip(
        *(load_run_model(workspace.run_folder(run.id), "last").model.get_weights() for run in (whole, cut)),
        strict=True,
    ):
        assert (one == other).all()


def test_paused_changed_stepped_killed_while_paused_and_resumed(workspace, store, wait_for) -> None:
    config = PRESETS["tiny"].config.with_values({**SMALL, "dataset.num_train": 60, "training.epochs": 2})
    run = control.start_run(workspace, RunRequest(config))
    until(wait_for, store, run, RunState.STARTING)
    control.pause_run(workspace, run.id)
    assert until(wait_for, store, run, RunState.PAUSED).epoch == 0
    control.set_learning_rate(workspace, run.id, 0.0005)
    assert control.add_epochs(workspace, run.id, 1).total_epochs == 3
    control.step_run(workspace, run.id)
    stepped = wait_for(
        lambda: (now := store.get_run(run.id)).epoch == 1 and now.state == "PAUSED" and now,
        message="one epoch and a pause",
    )
    control.set_learning_rate(workspace, run.id, 0.00025)
    os.kill(stepped.pid, signal.SIGKILL)
    assert "killed" in until(wait_for, store, run, RunState.INTERRUPTED).error
    assert not control.resume_run(workspace, run.id).pause_requested
    done = until(wait_for, store, run, RunState.FINISHED)
    assert (done.attempt, done.epoch, done.total_epochs) == (2, 3, 3)
    curves = store.curves(run.id)
    assert curves["epoch"] == [1, 2, 3]
    assert curves["learning_rate"] == pytest.approx([0.0005, 0.00025, 0.00025])
    history = [(each.kind, each.epoch, each.outcome) for each in store.interventions.history(run.id)]
    assert history == [
        ("pause", 0, "Paused before the first epoch."),
        ("learning_rate", 0, "Learning rate 0.0005 instead of 0.001 from epoch 1 on."),
        ("add_epochs", 0, "The run now trains 3 epochs in total."),
        ("step", 0, "Resumed, and paused again after epoch 1."),
        ("learning_rate", 1, "Learning rate 0.00025 instead of 0.0005 from epoch 2 on."),
    ]


def check_wrong_labels(workspace: Workspace, store: Store, run: Run) -> None:
    """What the last epoch tells of them is what the last model answers."""
    arrays = load_split(workspace, run.config.dataset, run.config.seed)
    model = load_run_model(workspace.run_folder(run.id), "last").model
    answers = np.asarray(model(arrays.x_clean)).argmax(axis=1)
    wrong, corrupted = arrays.corrupted, store.breakdowns.read(run.id).corrupted
    assert (corrupted.count, corrupted.intact) == (80, 80)
    assert corrupted.memorised[-1] == (answers == arrays.y_train)[wrong].sum()
    assert corrupted.resisted[-1] == (answers == arrays.y_train_true)[wrong].sum()
    assert corrupted.intact_right[-1] == (answers == arrays.y_train)[~wrong][:80].sum()


def test_stop_keeps_best_and_last_weights(served, warm_store, wait_for) -> None:
    workspace, store = served, warm_store
    config = PRESETS["tiny"].config.with_values({**SMALL, "training.epochs": 500})
    run = control.start_run(workspace, RunRequest(config))
    wait_for(lambda: store.get_run(run.id).epoch >= 1, message="the first epoch")
    control.stop_run(workspace, run.id)
    stopped = until(wait_for, store, run, RunState.STOPPED)
    folder = workspace.run_folder(run.id)
    assert load_run_model(folder, "best").epoch == stopped.best_epoch
    assert load_run_model(folder, "last").epoch == stopped.epoch == store.curves(run.id)["epoch"][-1]


def test_no_attempt_trains_on_other_data_than_the_one_before(served, warm_store, wait_for) -> None:
    workspace, store = served, warm_store
    own_data(workspace)
    values = {"dataset.id": "pets", "training.epochs": 500, "training.batch_size": 8}
    # Queued as before a run noted its data: the worker does.
    run = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values(values)))
    assert run.dataset_digest is None
    ensure_scheduler(workspace)
    wait_for(lambda: store.get_run(run.id).epoch >= 1, message="the first epoch")
    control.stop_run(workspace, run.id)
    stopped = until(wait_for, store, run, RunState.STOPPED)
    digest = describe_dataset(workspace, "pets").digest
    assert (stopped.dataset_digest, stopped.class_names) == (digest, ("cat", "dog"))
    delete_dataset(workspace, "pets")
    own_data(workspace, seed=1)
    store.resume_run(run.id)  # as a person's click would not
    ensure_scheduler(workspace)
    failed = until(wait_for, store, run, RunState.FAILED)
    assert "another data set that was called pets" in failed.error and failed.epoch == stopped.epoch
    delete_dataset(workspace, "pets")
    own_data(workspace)
    control.resume_run(workspace, run.id)
    wait_for(lambda: store.get_run(run.id).epoch > stopped.epoch, message="another epoch")
    control.stop_run(workspace, run.id)
    until(wait_for, store, run, RunState.STOPPED)


def test_a_damaged_data_set_is_named_before_the_first_epoch(workspace, store, wait_for) -> None:
    ensure_dataset(workspace, "shapes")
    path = workspace.datasets / "shapes" / "x_train.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    run = control.start_run(workspace, RunRequest(PRESETS["tiny"].config.with_values(SMALL)))
    failed = until(wait_for, store, run, RunState.FAILED)
    assert "x_train.npy" in failed.error
    assert failed.next_step == "Fix the data set, then resume."
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


def test_two_devices_give_the_losses_of_one(served, warm_store, wait_for) -> None:
    workspace, store = served, warm_store
    # Without a GPU, logical CPU devices stand in. No dropout: each device draws its own.
    config = without_kinks(PRESETS["article"].config).with_values(
        {
            **SMALL,
            **NARROW,
            "model.dense[0].dropout": 0,
            "model.dense[1].dropout": 0,
            "training.epochs": 2,
            "training.batch_size": 50,
        }
    )
    runs = [
        control.start_run(workspace, RunRequest(config.with_values({"training.num_gpus": n}))) for n in (1, 2)
    ]
    done = [until(wait_for, store, run, RunState.FINISHED) for run in runs]
    one, two = (store.curves(run.id) for run in done)
    assert any("2 devices" in line.text for line in store.log(done[1].id))
    for key in ("train_loss", "val_loss", "clean_train_loss"):
        assert two[key] == pytest.approx(one[key], abs=1e-5)


@pytest.mark.parametrize(
    ("error", "cause", "next_step"),
    [
        (Diverged("It diverged.", "Go slower."), "It diverged.", "Go slower."),
        (DatasetError("A file is damaged."), "A file is damaged.", "Fix the data set, then resume."),
        (ConfigError("seed", "is odd."), "seed: is odd.", "Change the design and start a new run."),
        (ConvDeckError("It was busy."), "It was busy.", "Resume continues from the last finished epoch."),
        (
            OSError(errno.ENOSPC, "No space left on device", "/a/b"),
            "The disk is full, so training could not continue.", "Free some space, then resume.",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            "Training ended with PermissionError: [Errno 13] Permission denied", "The run's log has the details.",
        ),
    ],
)  # fmt: skip
def test_why_it_ended_and_what_to_try(error: Exception, cause: str, next_step: str) -> None:
    assert explain(error) == (cause, next_step)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (None, 1, []),
        (ConvDeckError("Full."), 1, ["The disk is full, so training could not continue."]),
        (StaleAttempt("Over."), 0, []),
    ],
)
def test_a_cause_that_the_store_cannot_take_is_said_at_the_end(
    caplog, answer, code: int, said: list[str]
) -> None:
    class Reporter:
        def failed(self, error: str, next_step: str) -> None:
            if answer:
                raise answer

    assert _fail(Reporter(), OSError(errno.ENOSPC, "No space left on device")) == code
    assert caplog.messages == said


WORKER = """
import os, sys
from core.worker import run as worker
def train(workspace, run, reporter):
    assert not {"keras", "tensorflow"} & set(sys.modules)
    print(os.environ["KERAS_BACKEND"], os.environ["CUDA_VISIBLE_DEVICES"])
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        from core.training.runtime import backend_name
        assert backend_name() == "tensorflow"
worker._train = train
sys.exit(worker.train_attempt([sys.argv[1], "--attempt", "1"]).code)
"""
ENGINE = """
import os, sys
from core.engine import process as engine
assert engine.main() == 0
from core.training.runtime import backend_name
os.write(2, f"{backend_name()} {os.environ['CUDA_VISIBLE_DEVICES']}\\n".encode())
"""


@pytest.mark.parametrize(
    ("program", "chosen", "expected"),
    [
        (WORKER, {}, "tensorflow -1"),
        (WORKER, {"KERAS_BACKEND": "jax", "CUDA_VISIBLE_DEVICES": "3"}, "jax 3"),
        (ENGINE, {}, "tensorflow -1"),
    ],
)
def test_backend_and_devices_are_chosen_before_keras_is_there(
    workspace, tmp_path, program: str, chosen: dict[str, str], expected: str
) -> None:
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config))
    # What somebody wrote for other programs; there is no such backend, so that whoever heeds it fails.
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "theano"}))
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    for name in ("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", program, run.id],
        cwd=PROJECT_ROOT, env={**environment, **chosen}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert expected in (done.stdout + done.stderr).splitlines()


def test_the_log_names_the_backend_that_is_loaded(workspace, store, wait_for, monkeypatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")  # installed or not
    run = control.start_run(
        workspace, RunRequest(PRESETS["tiny"].config.with_values({**SMALL, "training.epochs": 1}))
    )
    # It is said before the loading, which nobody has to wait for.
    assert wait_for(lambda: store.log(run.id), message="the first line")[0].text == "Loading JAX."
