"""Tiny pictures, tiny networks, and a reporter that remembers what it was told."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import BlockConfig, DenseConfig, ExperimentConfig, ModelConfig, TrainingConfig
from core.datasets.splits import TrainingArrays

SHAPE = (8, 8, 3)
CLASSES = ("dark", "light", "red")


class Recorder:
    """A reporter that keeps everything; `stop_after` asks to stop once that many epochs are done.

    `added` are epochs that somebody adds by number of finished epochs, `rates` are learning rates likewise.
    """

    def __init__(
        self,
        stop_after: int | None = None,
        added: dict[int, int] | None = None,
        rates: dict[int, float] | None = None,
    ) -> None:
        self.rows: list[Any] = []
        self.lines: list[str] = []
        self.began: list[tuple[int, int, int]] = []
        self.stop_after = stop_after
        self.added = added or {}
        self.rates = rates or {}
        self.total_epochs = 0

    @property
    def stop_requested(self) -> bool:
        return self.stop_after is not None and len(self.rows) >= self.stop_after

    def started(self, total_epochs: int, total_batches: int, *, resumed_from_epoch: int = 0) -> None:
        self.began.append((total_epochs, total_batches, resumed_from_epoch))
        self.total_epochs = total_epochs + sum(
            added for epoch, added in self.added.items() if epoch <= resumed_from_epoch
        )

    def report_batch(self, *told: Any) -> None:
        self.lines.append(f"batch {told[:3]}")

    def report_epoch(self, row: Any) -> None:
        self.rows.append(row)
        self.total_epochs += self.added.get(row.epoch, 0)

    def wait_while_paused(self, *, epoch_ended: bool = False) -> None:
        pass

    def save(self, write: Callable[[], Any]) -> Any:
        return write()

    def apply_learning_rates(self, epoch: int, apply: Callable[[float], str]) -> None:
        if epoch in self.rates:
            self.lines.append(apply(self.rates[epoch]))

    def report_log(self, text: str, level: str = "info") -> None:
        self.lines.append(text)


def measured(rows: list[Any]) -> list[tuple[Any, ...]]:
    """The rows without how long they took."""
    return [dataclasses.astuple(row)[:8] for row in rows]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def arrays() -> TrainingArrays:
    return noise_pictures(60)


@pytest.fixture
def config() -> ExperimentConfig:
    return tiny_config()


def noise_pictures(num_train: int) -> TrainingArrays:
    """`num_train` training and 30 validation pictures that a tiny network can tell apart: dark, light and red noise.

    At most 40 of the training pictures are the clean ones.
    """
    generator = np.random.default_rng(0)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count) % 3
        x = generator.integers(0, 120, (count, *SHAPE)).astype(np.uint8)
        x[labels == 1] += 120
        x[labels == 2, ..., 0] += 120
        return x, labels

    x, y = part(num_train)
    x_validation, y_validation = part(30)
    return TrainingArrays(
        x_train=x, train_indices=np.arange(num_train), y_train=y, y_train_true=y,
        x_validation=x_validation, y_validation=y_validation,
        read_test=lambda own: x_validation[own], y_test=y_validation,
        train_rows=np.arange(num_train), validation_rows=np.arange(30), test_rows=np.arange(30),
        x_clean=x[:40], y_clean=y[:40], class_names=CLASSES, image_shape=SHAPE,
    )  # fmt: skip


def tiny_config() -> ExperimentConfig:
    return ExperimentConfig(
        model=ModelConfig(
            blocks=(BlockConfig(filters=4),),
            dense=(DenseConfig(units=8, dropout=0.2),),
            batch_norm_momentum=0.5,
        ),
        training=TrainingConfig(batch_size=16, epochs=3),
        seed=5,
    ).with_values({"augmentation.horizontal_flip": True, "augmentation.rotation_degrees": 10})


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the best models of epochs 1 and 2, to be copied."""
    from core.training.models import build_model
    from core.training.saved_models import save_run_model

    folder, model = tmp_path_factory.mktemp("pairs"), build_model(tiny_config(), SHAPE, 3)
    for epoch in (1, 2):
        save_run_model(folder, "best", model, CLASSES, SHAPE, epoch)
    return folder


@pytest.fixture
def folder(pairs: Path, tmp_path: Path) -> Path:
    """A copy of `pairs` of the test's own."""
    return Path(shutil.copytree(pairs, tmp_path / "run"))
