"""The few pictures of a data set that are followed through a training, one by one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.config import DatasetConfig
from core.datasets.splits import Indices, nested_order, resize, validation_and_test
from core.datasets.storage import load_dataset
from core.workspace import Workspace

MOST_FOLLOWED = 24


@dataclass(frozen=True)
class FollowedPictures:
    """Pixels, uint8 (count, height, width, channels) of the size that the network gets, and their true labels."""

    training: NDArray[np.uint8]
    training_labels: Indices
    validation: NDArray[np.uint8]
    validation_labels: Indices


def followed_training(num_train: int) -> Indices:
    """Positions among a run's training pictures: the first, which are stratified as every beginning of them is.

    So they depend on the data set alone: runs of any seed and of any size above theirs follow the same pictures.
    """
    return np.arange(min(MOST_FOLLOWED, num_train))


def followed_validation(labels: Indices) -> Indices:
    """Positions among the validation pictures that have these labels, stratified."""
    return nested_order(labels)[:MOST_FOLLOWED]


def load_followed(workspace: Workspace, config: DatasetConfig) -> FollowedPictures:
    """The pictures that every run of this config follows, in the order in which it does.

    Raises DatasetError when the data set is not here or cannot be read.
    """
    dataset = load_dataset(workspace, config.id)
    y_train, y_test = np.asarray(dataset.y_train), np.asarray(dataset.y_test)
    num_train = len(y_train) if config.num_train is None else min(config.num_train, len(y_train))
    training = nested_order(y_train)[:num_train][followed_training(num_train)]
    validation, _ = validation_and_test(y_test, dataset.num_validation)
    validation = validation[followed_validation(y_test[validation])]
    shape = config.picture_shape(dataset.image_shape)
    return FollowedPictures(
        _sized(np.asarray(dataset.x_train[training]), shape),
        y_train[training],
        _sized(np.asarray(dataset.x_test[validation]), shape),
        y_test[validation],
    )


def _sized(pictures: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    return pictures if pictures.shape[1:] == shape else resize(pictures, shape[0])
