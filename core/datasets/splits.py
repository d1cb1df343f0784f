"""Which pictures a run trains on, is validated on and is tested on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.config import DatasetConfig
from core.datasets.storage import load_dataset
from core.errors import ConfigError
from core.workspace import Workspace

CLEAN_PICTURES = 2000
# Splits are part of a data set, not of an experiment: they must not move with its seed.
_SPLIT_SEED = 20_190_801

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class TrainingArrays:
    """The parts of a data set as one run sees them.

    Pictures are uint8 (count, height, width, channels), labels int64 (count,). `x_train` is the whole stored
    training set; `train_indices` are the rows the run uses and `y_train` the labels of those rows, in that order,
    as trained on (so with noise, if there is any). `x_clean` are the first 2,000 of them, for measuring training
    accuracy with augmentation and dropout off.
    """

    x_train: NDArray[np.uint8]
    train_indices: Indices
    y_train: Indices
    x_validation: NDArray[np.uint8]
    y_validation: Indices
    x_test: NDArray[np.uint8]
    y_test: Indices
    x_clean: NDArray[np.uint8]
    y_clean: Indices
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]


def nested_order(labels: Indices) -> Indices:
    """All positions in an order of which every beginning is stratified: no class is ahead by more than it must.

    Each class's pictures are shuffled once, then laid out evenly over the whole length, so a smaller subset lies
    inside every larger one.
    """
    generator = np.random.default_rng(_SPLIT_SEED)
    places = np.empty(len(labels))
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        # The class's k-th picture belongs at this share of the way; the middle of its step is the fairest place.
        places[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    tie_breaker = generator.permutation(len(labels))
    return np.lexsort((tie_breaker, places)).astype(np.int64)


def validation_and_test(labels: Indices) -> tuple[Indices, Indices]:
    """The official test set in two stratified halves: (validation, test), each in ascending order."""
    order = nested_order(labels)
    half = len(labels) // 2
    return np.sort(order[:half]), np.sort(order[half:])


def corrupt_labels(labels: Indices, fraction: float, num_classes: int, seed: int) -> Indices:
    """A copy in which `fraction` of the labels (rounded) are another class, drawn evenly from the wrong ones."""
    noisy = labels.copy()
    generator = np.random.default_rng([seed, _SPLIT_SEED])
    chosen = generator.permutation(len(labels))[: round(fraction * len(labels))]
    noisy[chosen] = (labels[chosen] + generator.integers(1, num_classes, len(chosen))) % num_classes
    return noisy


def load_split(workspace: Workspace, config: DatasetConfig, seed: int) -> TrainingArrays:
    """What a run of this config trains and is measured on. The data set must be at hand; its files are verified.

    Raises:
        DatasetError: the data set is not here or a file of it is damaged.
        ConfigError: more training pictures are asked for than there are.
    """
    dataset = load_dataset(workspace, config.id, verify=True)
    labels = np.asarray(dataset.y_train)
    count = len(labels) if config.num_train is None else config.num_train
    if count > len(labels):
        raise ConfigError(
            "dataset.num_train", f"asks for {count:,} training pictures; there are {len(labels):,}."
        )
    rows = nested_order(labels)[:count]
    y_train = labels[rows]
    if config.label_noise:
        y_train = corrupt_labels(y_train, config.label_noise, len(dataset.class_names), seed)
    x_train, image_shape, train_indices = dataset.x_train, dataset.image_shape, rows
    x_test = np.asarray(dataset.x_test)
    if config.image_size is not None and image_shape[:2] != (config.image_size, config.image_size):
        image_shape = (config.image_size, config.image_size, image_shape[2])
        x_train, train_indices = resize(dataset.x_train[rows], config.image_size), np.arange(count)
        x_test = resize(x_test, config.image_size)
    validation, test = validation_and_test(np.asarray(dataset.y_test))
    clean = min(CLEAN_PICTURES, count)
    return TrainingArrays(
        x_train=x_train,
        train_indices=train_indices,
        y_train=y_train,
        x_validation=x_test[validation],
        y_validation=np.asarray(dataset.y_test)[validation],
        x_test=x_test[test],
        y_test=np.asarray(dataset.y_test)[test],
        x_clean=np.asarray(x_train[train_indices[:clean]]),
        y_clean=y_train[:clean],
        class_names=dataset.class_names,
        image_shape=image_shape,
    )


def resize(pictures: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(count, size, size, channels): each picture scaled, its sides' ratio not kept."""
    channels = pictures.shape[-1]
    scaled = np.empty((len(pictures), size, size, channels), np.uint8)
    for index, picture in enumerate(pictures):
        image = Image.fromarray(picture[..., 0] if channels == 1 else picture)
        pixels = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
        scaled[index] = pixels.reshape(size, size, channels)
    return scaled
