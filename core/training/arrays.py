"""The training pictures of a run as the pipelines read them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.datasets.splits import TrainingArrays
from core.training.draws import ImageShape


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


def training_set(arrays: TrainingArrays) -> TrainingSet:
    """The training part of a split."""
    return TrainingSet(arrays.x_train, arrays.train_indices, arrays.y_train, len(arrays.class_names))
