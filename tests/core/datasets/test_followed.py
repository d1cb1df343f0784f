"""Followed pictures: the same for every run on a data set, and found again without its training."""

import numpy as np
import pytest

from core.config import DatasetConfig
from core.datasets.followed import MOST_FOLLOWED, followed_training, followed_validation, load_followed
from core.datasets.prepare import ensure_dataset
from core.datasets.splits import load_split
from core.errors import DatasetError


@pytest.mark.parametrize(
    "config",
    [
        DatasetConfig("shapes"),
        DatasetConfig("shapes", num_train=30, label_noise=0.5),
        DatasetConfig("shapes", num_train=10),
        DatasetConfig("shapes", num_train=40, image_size=16),
    ],
)
def test_they_are_those_that_training_measures(home, config) -> None:
    ensure_dataset(home.workspace, "shapes")
    arrays = load_split(home.workspace, config, seed=3)
    found = load_followed(home.workspace, config)
    training, validation = followed_training(len(arrays.x_clean)), followed_validation(arrays.y_validation)
    np.testing.assert_array_equal(found.training, arrays.x_clean[training])
    np.testing.assert_array_equal(found.training_labels, arrays.y_train_true[training])
    np.testing.assert_array_equal(found.validation, arrays.x_validation[validation])
    np.testing.assert_array_equal(found.validation_labels, arrays.y_validation[validation])


def test_other_sizes_of_the_training_set_follow_the_same_pictures(home) -> None:
    whole, part = (load_followed(home.workspace, DatasetConfig("shapes", num_train=n)) for n in (None, 24))
    np.testing.assert_array_equal(whole.training, part.training)


def test_every_class_has_its_share() -> None:
    chosen = np.repeat(np.arange(12), 50)[followed_validation(np.repeat(np.arange(12), 50))]
    assert np.bincount(chosen).tolist() == [MOST_FOLLOWED // 12] * 12


def test_without_the_data_set_it_says_so(workspace) -> None:
    with pytest.raises(DatasetError):
        load_followed(workspace, DatasetConfig("shapes"))
