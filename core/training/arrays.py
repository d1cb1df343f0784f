"""The training pictures of a run as the pipelines read them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.training.draws import ImageShape


class Arrays(Protocol):
    """What training needs of a split: see `core.datasets.splits.TrainingArrays`.

    Pictures are uint8 (count, height, width, channels), labels whole numbers (count,). `train_indices` says which
    rows of `x_train`, in which order, the run learns from; `y_train` are the labels of those, and `y_train_true`
    what they were before any was corrupted.
    """

    @property
    def x_train(self) -> NDArray[np.uint8]: ...
    @property
    def train_indices(self) -> NDArray[np.int64]: ...
    @property
    def y_train(self) -> NDArray[np.int64]: ...
    @property
    def y_train_true(self) -> NDArray[np.int64]: ...
    @property
    def x_validation(self) -> NDArray[np.uint8]: ...
    @property
    def y_validation(self) -> NDArray[np.int64]: ...
    @property
    def x_clean(self) -> NDArray[np.uint8]: ...
    @property
    def y_clean(self) -> NDArray[np.int64]: ...
    @property
    def class_names(self) -> tuple[str, ...]: ...
    @property
    def image_shape(self) -> ImageShape: ...


@dataclass(frozen=True)
class TrainingSet:
    """Training pictures, read a batch at a time from the memory map that all workers share."""

    x: NDArray[np.uint8]
    rows: NDArray[np.int64]
    y: NDArray[np.int64]
    num_classes: int

    @property
    def num_train(self) -> int:
        return len(self.rows)

    @property
    def image_shape(self) -> ImageShape:
        height, width, channels = self.x.shape[1:]
        return height, width, channels

    def take(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """(batch, height, width, channels) uint8 and (batch, classes) one-hot float32."""
        labels = np.zeros((len(chosen), self.num_classes), np.float32)
        labels[np.arange(len(chosen)), self.y[chosen]] = 1.0
        return self.x[self.rows[chosen]], labels


def training_set(arrays: Arrays) -> TrainingSet:
    """The training part of a split."""
    return TrainingSet(arrays.x_train, arrays.train_indices, arrays.y_train, len(arrays.class_names))
