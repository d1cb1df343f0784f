"""A few pictures of a data set to try a network on: none that any run trains on or is chosen by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.datasets.catalogue import SHAPES_CLASSES
from core.datasets.shapes import draw_shapes
from core.datasets.splits import corrupt_labels, validation_and_test
from core.datasets.storage import load_dataset
from core.workspace import Workspace

SAMPLES = 24
_DRAW = 5  # the built-in data set's own pictures are draws 0 and 1


@dataclass(frozen=True)
class Samples:
    """Pictures, uint8 (count, height, width, channels), and the true class of each."""

    pictures: NDArray[np.uint8]
    truths: tuple[str, ...]


def unseen_pictures(workspace: Workspace, dataset_id: str) -> Samples:
    """SAMPLES test pictures, or fewer where there are fewer; of Shapes freshly drawn ones, for which nothing has to
    be stored. The same each time. Raises DatasetError when the data set is not here.
    """
    if dataset_id == "shapes":
        pictures, labels = draw_shapes(SAMPLES, _DRAW)
        return Samples(pictures, tuple(SHAPES_CLASSES[label] for label in labels))
    dataset = load_dataset(workspace, dataset_id)
    _, test = validation_and_test(np.asarray(dataset.y_test), dataset.num_validation)
    rows = np.random.default_rng(_DRAW).choice(test, min(SAMPLES, len(test)), replace=False)
    pictures = np.stack([dataset.x_test[row] for row in rows])
    return Samples(pictures, tuple(dataset.class_names[int(dataset.y_test[row])] for row in rows))


def mislabelled(truths: Sequence[str], fraction: float, seed: int) -> tuple[str, ...]:
    """What these pictures would be called in training with such label noise."""
    names = sorted(set(truths))
    labels = np.array([names.index(truth) for truth in truths], np.int64)
    return tuple(names[label] for label in corrupt_labels(labels, fraction, len(names), seed))
