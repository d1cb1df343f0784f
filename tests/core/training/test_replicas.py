"""Data parallel training over logical devices of the CPU, in a process of its own: devices are set up once."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import ExperimentConfig
from core.training.saved_models import load_run_model
from tests.core.training.conftest import tiny_config

ROOT = Path(__file__).parents[3]

# Trains `num_train` pictures on one device and on `available`, in folders `one` and `shared`. Both are to see the same
# batches, so the one device's plan is filled up as for several.
TRAIN_TWICE = """
import sys
from pathlib import Path

from core.training.runtime import configure_runtime
assert configure_runtime(3, 1, deterministic=True) == 3

from core.config import ExperimentConfig
from core.training import backend_tensorflow, pipeline
from core.training.train import train
from tests.core.training.conftest import Recorder, measured, noise_pictures

for folder, num_train, available, used in CASES:
    config = ExperimentConfig.from_json(Path(folder, "config.json").read_text())
    arrays = noise_pictures(num_train)
    filled_up = lambda c, n, shape, epoch, _: pipeline.epoch_plan(c, n, shape, epoch, used)
    one, shared, resumed = Recorder(), Recorder(stop_after=1), Recorder()
    for name, recorder, replicas in (("one", one, 1), ("shared", shared, available), ("shared", resumed, available)):
        Path(folder, name).mkdir(exist_ok=True)
        backend_tensorflow.epoch_plan = filled_up if name == "one" else pipeline.epoch_plan
        train(config, arrays, Path(folder, name), recorder, replicas=replicas)
    assert f"over {used} devices" in shared.lines[0]
    assert ("split evenly" in " ".join(shared.lines)) == (used < available)
    assert len(shared.rows) == 1
    assert len(one.rows) == config.training.epochs
    for expected, row in zip(measured(one.rows), measured(shared.rows + resumed.rows), strict=True):
        assert max(abs(a - b) for a, b in zip(expected, row, strict=True)) < 1e-5, (folder, expected, row)
"""

# Dropout would draw for each device on its own.
NO_DROPOUT = tiny_config().with_values({"model.dense[0].dropout": 0.0, "training.epochs": 2})
# Over more steps a maximum (ReLU, max pooling) would magnify rounding.
SMOOTH = NO_DROPOUT.with_values(
    {
        "model.blocks[0].activation": "gelu",
        "model.blocks[0].pool": "average",
        "model.dense[0].activation": "gelu",
        "optimizer.schedule": "one_cycle",
    }
)
# (config, training pictures, devices that are there, devices that share a batch)
CASES: dict[str, tuple[ExperimentConfig, int, int, int]] = {
    "three devices cannot share 16; a last batch of one picture; an odd number of clean ones": (SMOOTH, 33, 3, 2),
    "three devices, with averaged weights": (
        SMOOTH.with_values({"training.batch_size": 18, "optimizer.weight_averaging": 0.8}), 49, 3, 3,
    ),
    "the article's ReLU and maxima, for three steps": (
        NO_DROPOUT.with_values({"training.epochs": 1, "augmentation.rotation_degrees": 0}), 48, 2, 2,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both trainings of every case, compared epoch by epoch."""
    made: dict[str, Path] = {}
    cases: list[tuple[Any, ...]] = []
    for name, (config, *numbers) in CASES.items():
        made[name] = tmp_path_factory.mktemp("case")
        (made[name] / "config.json").write_text(config.to_json())
        cases.append((str(made[name]), *numbers))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRAIN_TWICE.replace("CASES", repr(cases))],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return made


@pytest.mark.parametrize("name", CASES)
def test_several_devices_give_the_losses_and_weights_of_one_also_across_an_interruption(
    folders, name: str
) -> None:
    weights = [load_run_model(folders[name] / each, "last").model.get_weights() for each in ("one", "shared")]
    for one, shared in zip(*weights, strict=True):
        np.testing.assert_allclose(one, shared, atol=1e-5)
