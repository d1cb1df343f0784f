"""Splits: stratified, nested, fixed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import DatasetConfig
from core.datasets.prepare import ensure_dataset
from core.datasets.splits import corrupt_labels, load_split, nested_order, resize, validation_and_test
from core.errors import ConfigError

labels_of_any_kind = st.lists(st.integers(0, 5), min_size=1, max_size=200).map(np.array)


@given(labels_of_any_kind)
def test_the_order_holds_each_picture_once(labels: np.ndarray) -> None:
    assert sorted(nested_order(labels)) == list(range(len(labels)))


@given(labels_of_any_kind, st.floats(0, 1))
def test_every_beginning_is_stratified(labels: np.ndarray, share: float) -> None:
    length = round(share * len(labels))
    counts = np.bincount(labels[nested_order(labels)[:length]], minlength=6)
    fair = length * np.bincount(labels, minlength=6) / len(labels)
    # With classes of any size, rounding of all six together can move a class by one more than its own.
    assert np.abs(counts - fair).max() <= 2


def test_equal_classes_are_never_apart_by_more_than_one() -> None:
    labels = np.repeat(np.arange(10), 50)
    order = nested_order(labels)
    for length in range(0, 501, 7):
        counts = np.bincount(labels[order[:length]], minlength=10)
        assert counts.max() - counts.min() <= 1


@given(labels_of_any_kind)
def test_validation_and_test_share_nothing_and_cover_all(labels: np.ndarray) -> None:
    validation, test = validation_and_test(labels)
    assert sorted([*validation, *test]) == list(range(len(labels)))
    assert len(test) - len(validation) in (0, 1)


@given(labels_of_any_kind, st.floats(0, 1), st.integers(0, 99))
def test_noise_makes_exactly_so_many_labels_wrong(labels: np.ndarray, fraction: float, seed: int) -> None:
    noisy = corrupt_labels(labels, fraction, 6, seed)
    assert (noisy != labels).sum() == round(fraction * len(labels))
    assert set(noisy) <= set(range(6))
    np.testing.assert_array_equal(noisy, corrupt_labels(labels, fraction, 6, seed))


def test_a_run_gets_what_its_config_asks_for(workspace) -> None:
    dataset = ensure_dataset(workspace, "shapes")
    small = load_split(workspace, DatasetConfig("shapes", num_train=100), 0)
    large = load_split(workspace, DatasetConfig("shapes", num_train=3000), 0)
    assert list(large.train_indices[:100]) == list(small.train_indices)
    np.testing.assert_array_equal(small.y_train, dataset.y_train[small.train_indices])
    assert np.bincount(small.y_train).tolist() == [10] * 10
    assert len(small.x_validation) == len(small.x_test) == 1500
    assert (len(small.x_clean), len(large.x_clean)) == (100, 2000)
    np.testing.assert_array_equal(large.x_clean, dataset.x_train[large.train_indices[:2000]])
    assert isinstance(small.x_train, np.memmap)

    noisy = load_split(workspace, DatasetConfig("shapes", num_train=100, label_noise=0.3), 0)
    assert (noisy.y_train != small.y_train).sum() == 30

    scaled = load_split(workspace, DatasetConfig("shapes", num_train=50, image_size=16), 0)
    assert scaled.image_shape == (16, 16, 3) == scaled.x_validation.shape[1:]
    np.testing.assert_array_equal(
        scaled.x_train[scaled.train_indices], resize(dataset.x_train[small.train_indices[:50]], 16)
    )

    with pytest.raises(ConfigError, match="6,001"):
        load_split(workspace, DatasetConfig("shapes", num_train=6001), 0)


@given(st.integers(2, 10), st.integers(1, 30), st.data())
def test_smaller_training_sets_lie_inside_larger_ones(classes: int, each: int, data: st.DataObject) -> None:
    labels = np.array(data.draw(st.permutations(list(range(classes)) * each)))
    order = nested_order(labels)
    length = data.draw(st.integers(0, len(labels)))
    counts = np.bincount(labels[order[:length]], minlength=classes)
    assert counts.max() - counts.min() <= 1
    # The order is that of the data set alone: it does not depend on how much of it is asked for.
    np.testing.assert_array_equal(order[:length], nested_order(labels.copy())[:length])


@given(st.integers(2, 10), st.integers(1, 30))
def test_both_halves_of_the_official_test_set_are_stratified(classes: int, each: int) -> None:
    labels = np.repeat(np.arange(classes), each)
    for half in validation_and_test(labels):
        counts = np.bincount(labels[half], minlength=classes)
        assert counts.max() - counts.min() <= 1


def test_wrong_labels_are_drawn_evenly_from_all_other_classes() -> None:
    labels = np.zeros(9000, np.int64)
    noisy = corrupt_labels(labels, 1.0, 10, 0)
    counts = np.bincount(noisy, minlength=10)
    assert counts[0] == 0
    # A thousand are expected of each; six standard deviations are about 180.
    assert np.abs(counts[1:] - 1000).max() < 180
    assert (corrupt_labels(labels, 1.0, 10, 1) != noisy).any()
    assert not labels.any()


def test_resizing_keeps_grey_grey_and_flat_colours_flat() -> None:
    grey = np.full((2, 28, 28, 1), 90, np.uint8)
    assert resize(grey, 12).shape == (2, 12, 12, 1)
    assert (resize(grey, 12) == 90).all()
    colour = np.full((1, 8, 20, 3), (1, 2, 3), np.uint8)
    assert (resize(colour, 32) == (1, 2, 3)).all()
