"""A real worker that waited gives what a new one gives, to the last bit."""

import contextlib
import shutil
import subprocess
import sys

import psutil
import pytest

from core.cli import main
from core.design.presets import PRESETS
from core.scheduling.launcher import LocalLauncher
from core.store.records import RunRequest
from core.store.store import Store
from core.system.devices import list_devices
from core.training.saved_models import load_run_model
from core.workspace import PROJECT_ROOT
from tests.server import running_server

TRAIN = [
    "train", "--preset", "tiny", "--dataset", "shapes", "--set", "dataset.num_train=60", "--set", "training.epochs=1",
    "--wait", "--json",
]  # fmt: skip
WAITED = "TensorFlow was already loaded."


def waiting(workspace) -> list[int]:
    """Pids of the workspace's processes that wait for a run, or have waited for the one that they have."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error, OSError):
            waits = (process.info["cmdline"] or [])[-1:] == ["core.worker.standby"]
            if waits and process.environ().get("CONVDECK_HOME") == str(workspace.root):
                found.append(process.pid)
    return found


def workers(workspace) -> list[int]:
    """Pids of all the workspace's workers."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error, OSError):
            works = any(word.startswith("core.worker") for word in process.info["cmdline"] or [])
            if works and process.environ().get("CONVDECK_HOME") == str(workspace.root):
                found.append(process.pid)
    return found


@pytest.fixture
def store(workspace, trained) -> Store:
    # Drawn once for all tests.
    shutil.copytree(trained.workspace.datasets / "shapes", workspace.datasets / "shapes")
    return Store(workspace)


def test_the_curve_and_the_weights_are_those_of_a_new_process(
    workspace, store, monkeypatch, wait_for
) -> None:
    base = {"dataset.id": "shapes", "dataset.num_train": 100, "training.epochs": 2}
    config = PRESETS["article-augmented"].config.with_values(base)
    tiny = PRESETS["tiny"].config.with_values({**base, "training.epochs": 1})
    half = tiny.with_values({"seed": 5, "training.precision": "mixed_float16"})
    launcher, devices = LocalLauncher(workspace), list_devices().devices[:1]

    def train(config, name):
        run = store.claim(store.queue_run(RunRequest(config, name)).id, [devices[0].id])
        worker = launcher.launch(run, devices)
        wait_for(worker.poll, timeout=180, message=f"the run {name} to end")
        return store.get_run(run.id)

    new = train(config, "new")
    monkeypatch.delenv("CONVDECK_STANDBY")
    launcher.keep_ready(devices)
    waited = train(config, "waited")
    others = [train(half, "half precision"), train(tiny, "another network")]
    third = train(config, "after others")
    loose = train(tiny.with_values({"training.deterministic": False}), "other settings")
    broken = train(tiny.with_values({"optimizer.learning_rate": 1e30}), "diverges")
    launcher.close()

    runs = [new, waited, third]
    assert [run.state for run in (*runs, *others, loose)] == ["FINISHED"] * 6
    assert broken.state == "FAILED"
    assert new.pid != waited.pid == others[0].pid == others[1].pid == third.pid == broken.pid != loose.pid
    assert [any(line.text == WAITED for line in store.log(run.id)) for run in runs] == [False, True, True]
    curves = [store.curves(run.id) for run in runs]
    assert [curve["epoch"] for curve in curves] == [[1, 2]] * 3
    measured = [key for key in curves[0] if key not in ("seconds", "images_per_second")]
    assert {"train_loss", "clean_train_loss", "val_loss", "val_accuracy", "learning_rate"} <= set(measured)
    weights = [load_run_model(workspace.run_folder(run.id), "last").model.get_weights() for run in runs]
    for curve, saved in zip(curves[1:], weights[1:], strict=True):
        assert {key: curve[key] for key in measured} == {key: curves[0][key] for key in measured}
        for one, other in zip(weights[0], saved, strict=True):
            assert (one == other).all()


def test_loading_leaves_devices_threads_and_determinism_to_the_run() -> None:
    program = (
        "from core.worker.standby import load; load()\n"
        "from core.training.runtime import configure_runtime\n"
        "print(configure_runtime(2, 1, deterministic=True))\n"
        "import tensorflow as tf\n"
        "print(len(tf.config.list_logical_devices('CPU')), tf.config.threading.get_intra_op_parallelism_threads())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2", "2", "1"]


def test_a_server_has_one_wait_and_takes_it_along(workspace, store, monkeypatch, wait_for) -> None:
    monkeypatch.delenv("CONVDECK_STANDBY")
    with running_server(workspace.root) as server:
        (pid,) = wait_for(lambda: waiting(workspace), message="a worker that waits")
        assert main(TRAIN) == 0
        (run,) = store.list_runs()
        assert (run.state, run.pid is None or run.pid == pid) == ("FINISHED", True)
        assert any(line.text == WAITED for line in store.log(run.id))
        wait_for(lambda: store.get_run(run.id).pid is None, message="it to wait again")
        assert waiting(workspace) == [pid]
        server.stop()
        wait_for(lambda: not waiting(workspace), message="nobody to wait for a server that ended")


def test_the_command_line_alone_leaves_none_behind(workspace, store, monkeypatch, wait_for) -> None:
    monkeypatch.delenv("CONVDECK_STANDBY")
    monkeypatch.setenv("CONVDECK_SCHEDULER_IDLE_SECONDS", "3")
    assert [main(TRAIN), main([*TRAIN, "--set", "seed=1"])] == [0, 0]
    runs = store.list_runs()
    first, second = ([line.text for line in store.log(run.id)] for run in reversed(runs))
    assert (WAITED in first, WAITED in second) == (False, True)
    wait_for(lambda: not workers(workspace), message="the worker to be gone")
