"""`python -m tests.benchmarks.record_curves OUT.csv`: trains drawn small networks, and writes what each epoch measured.

The table `tests/benchmarks/curves.csv`, on which `tests.benchmarks.pruning` replays sweeps, was made by this. Training
is the project's own (`core.training.train`), one network after another in one process, so that TensorFlow is loaded
once. The data set is read from the workspace of CONVDECK_HOME. `--first` and `--count` share the work out over several
processes: the settings of a number are the same in each.
"""

import argparse
import csv
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.config import ExperimentConfig
from core.datasets.splits import TrainingArrays, load_split
from core.epoch import EpochRow
from core.errors import TrainingError
from core.workspace import Workspace

SPACE_SEED = 14
NUM_TRAIN, NUM_VALIDATION, NUM_CLEAN = 2_000, 2_000, 32
IMAGE_SIZE = 16
EPOCHS = 18
SETTINGS = (
    "number",
    "blocks",
    "filters",
    "kernel_size",
    "batch_norm",
    "dropout",
    "dense_units",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "batch_size",
)
EPOCH_COLUMNS = tuple(f"epoch_{epoch}" for epoch in range(1, EPOCHS + 1))


class Recorder:
    """A reporter that keeps each epoch's validation accuracy and lets nothing else happen."""

    def __init__(self) -> None:
        self.val_accuracy: list[float] = []
        self.stop_requested = False
        self.total_epochs = 0

    def started(self, total_epochs: int, total_batches: int, *, resumed_from_epoch: int = 0) -> None:
        self.total_epochs = total_epochs

    def report_epoch(self, row: EpochRow) -> None:
        self.val_accuracy.append(row.val_accuracy or 0.0)

    def save(self, write: Callable[[], Any]) -> None: ...
    def wait_while_paused(self, *, epoch_ended: bool = False) -> None: ...
    def apply_learning_rates(self, epoch: int, apply: Callable[[float], str]) -> None: ...
    def report_batch(self, *measured: Any) -> None: ...
    def report_log(self, text: str, level: str = "info") -> None: ...


def drawn_settings(number: int) -> dict[str, Any]:
    """The settings of one network, bounded as in a search; the same for a number on any machine."""
    generator = np.random.default_rng([SPACE_SEED, number])
    optimizer = str(generator.choice(["adam", "adamw", "rmsprop", "sgd"]))
    # Plain gradient descent takes steps that are some ten times as long as those of Adam and its kin.
    low, high = (-3.0, -0.5) if optimizer == "sgd" else (-4.3, -1.8)
    return {
        "number": number,
        "blocks": int(generator.integers(1, 4)),
        "filters": int(generator.choice([8, 16, 24, 32])),
        "kernel_size": int(generator.choice([1, 3, 5])),
        "batch_norm": int(generator.random() < 0.5),
        "dropout": round(float(generator.uniform(0, 0.5)), 2),
        "dense_units": int(generator.choice([0, 32, 64, 128])),
        "optimizer": optimizer,
        "learning_rate": float(f"{10 ** generator.uniform(low, high):.3g}"),
        "weight_decay": float(generator.choice([0, 1e-4, 1e-3, 1e-2])),
        "batch_size": int(generator.choice([32, 64, 128])),
    }


def config_of(settings: dict[str, Any], dataset: str) -> ExperimentConfig:
    """The run of those settings: like the preset `overfit`, with constant learning rate and no augmentation."""
    block = {
        "filters": settings["filters"],
        "kernel_sizes": [settings["kernel_size"]],
        "padding": "same",
        "batch_norm": bool(settings["batch_norm"]),
        "dropout": settings["dropout"],
    }
    dense = [{"units": settings["dense_units"], "dropout": settings["dropout"]}]
    return ExperimentConfig.from_dict(
        {
            "dataset": {"id": dataset, "num_train": NUM_TRAIN, "image_size": IMAGE_SIZE},
            "model": {
                "blocks": [block] * settings["blocks"],
                "dense": dense if settings["dense_units"] else [],
                "batch_norm_momentum": 0.9,
            },
            "optimizer": {
                "name": settings["optimizer"],
                "learning_rate": settings["learning_rate"],
                "weight_decay": settings["weight_decay"],
            },
            "training": {"batch_size": settings["batch_size"], "epochs": EPOCHS},
            "seed": settings["number"],
        }
    )


def record(config: ExperimentConfig, arrays: TrainingArrays) -> list[float]:
    """Validation accuracy after each epoch; shorter than EPOCHS where the loss became NaN."""
    import keras

    from core.training.train import train

    keras.backend.clear_session()
    reporter = Recorder()
    # Of one that diverged, what was measured until then is its curve.
    with tempfile.TemporaryDirectory(prefix="convdeck-") as folder, suppress(TrainingError):
        train(config, arrays, Path(folder), reporter)
    return reporter.val_accuracy


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.record_curves", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=250)
    parser.add_argument("--threads", type=int, default=0)
    asked = parser.parse_args()
    from core.training.runtime import configure_runtime

    configure_runtime(1, asked.threads, deterministic=True)
    arrays = load_split(
        Workspace.from_environment(), config_of(drawn_settings(0), asked.dataset).dataset, seed=0
    )
    # Measuring takes longer than training where pictures are few: so as many for one as for the other.
    arrays = replace(
        arrays,
        x_validation=arrays.x_validation[:NUM_VALIDATION],
        y_validation=arrays.y_validation[:NUM_VALIDATION],
        x_clean=arrays.x_clean[:NUM_CLEAN],
        y_clean=arrays.y_clean[:NUM_CLEAN],
    )
    with asked.out.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*SETTINGS, *EPOCH_COLUMNS])
        for number in range(asked.first, asked.first + asked.count):
            began = time.perf_counter()
            settings = drawn_settings(number)
            curve = record(config_of(settings, asked.dataset), arrays)
            table.writerow([*settings.values(), *(f"{accuracy:.4f}" for accuracy in curve)])
            file.flush()
            print(
                f"{number}: best {max(curve, default=0):.4f} of {len(curve)} epochs, "
                f"{time.perf_counter() - began:.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
