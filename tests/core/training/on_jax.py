"""What a test needs done where Keras runs on JAX: `python -m tests.core.training.on_jax FOLDER`.

Reads `asked.json` in the folder, written by the test, and leaves there: `start`, a checkpoint of the config's initial
weights; `cut`, a training of it that was stopped after its first epoch and then gone on with; `batches.npz`, what the
pipeline makes of other configs.
"""

import json
import sys
from pathlib import Path

import numpy as np

from core.config import ExperimentConfig
from core.datasets.splits import load_split
from core.training.arrays import training_set
from core.training.checkpoints import Position, save_checkpoint
from core.training.pipeline import batches, steps_per_epoch
from core.training.runtime import backend_name
from core.training.train import compiled_model, train
from core.workspace import Workspace
from tests.core.training.conftest import Recorder, noise_pictures


def main(folder: Path) -> None:
    assert backend_name() == "jax"
    asked = json.loads((folder / "asked.json").read_text())
    config = ExperimentConfig.from_dict(asked["config"])
    arrays = load_split(Workspace(Path(asked["workspace"])), config.dataset, config.seed)
    data = training_set(arrays)
    (folder / "start").mkdir()
    (folder / "cut").mkdir()
    untrained = compiled_model(config, data, steps_per_epoch(config, data.num_train))
    save_checkpoint(folder / "start", untrained, Position())
    for stop_after in (1, None):
        train(config, arrays, folder / "cut", Recorder(stop_after=stop_after))
    made = {}
    for name, values in asked["batches"].items():
        source = batches(
            ExperimentConfig.from_dict(values), training_set(noise_pictures(asked["num_pictures"])), 0
        )
        for number in range(asked["num_batches"]):
            made[f"{name}/images/{number}"], made[f"{name}/labels/{number}"] = next(source)
    np.savez(folder / "batches.npz", **made)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
