"""Data parallel training over two logical devices of the CPU, in a process of its own: devices are set up once."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from core.training.saved import load_run_model
from tests.core.training.conftest import tiny_config

ROOT = Path(__file__).parents[3]

TRAIN_ON_ONE_AND_TWO = """
import sys
from pathlib import Path

from core.training.runtime import configure_runtime
assert configure_runtime(2, 1, deterministic=True) == 2

from core.config import ExperimentConfig
from core.training.train import train
from tests.core.training.conftest import Recorder, measured, noise_pictures

folder = Path(sys.argv[1])
config = ExperimentConfig.from_json((folder / "config.json").read_text())
arrays = noise_pictures(48)
for name in ("1", "2"):
    (folder / name).mkdir()
one, two, resumed = Recorder(), Recorder(stop_after=1), Recorder()
train(config, arrays, folder / "1", one)
train(config, arrays, folder / "2", two, replicas=2)
train(config, arrays, folder / "2", resumed, replicas=2)
for expected, row in zip(measured(one.rows), measured(two.rows + resumed.rows), strict=True):
    assert max(abs(a - b) for a, b in zip(expected, row, strict=True)) < 1e-5, (expected, row)
"""


def test_two_devices_give_the_losses_and_weights_of_one_also_across_an_interruption(tmp_path: Path) -> None:
    # Dropout would draw for each device on its own, and a maximum (ReLU, max pooling) would magnify rounding.
    # 48 is a multiple of 16: every batch is shared evenly.
    config = tiny_config().with_values(
        {
            "model.blocks[0].activation": "gelu",
            "model.blocks[0].pool": "average",
            "model.dense[0].activation": "gelu",
            "model.dense[0].dropout": 0.0,
            "optimizer.schedule": "one_cycle",
            "training.epochs": 2,
        }
    )
    (tmp_path / "config.json").write_text(config.to_json())
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRAIN_ON_ONE_AND_TWO, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    weights = [load_run_model(tmp_path / name, "last").model.get_weights() for name in ("1", "2")]
    for one, two in zip(*weights, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
