"""Splits: stratified, nested, fixed."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.config import DatasetConfig
from core.datasets import splits
from core.datasets.prepare import ensure_dataset
from core.datasets.saving import save_dataset
from core.datasets.splits import corrupt_labels, load_split, nested_order, resize, validation_and_test
from core.errors import ConfigError

labels_of_any_kind = st.lists(st.integers(0, 5), min_size=1, max_size=200).map(np.array)


@given(labels_of_any_kind)
def test_the_order_holds_each_picture_once(labels: np.ndarray) -> None:
    assert sorted(nested_order(labels)) == list(range(len(labels)))


@given(labels_of_any_kind, st.floats(0, 1))
@example(np.repeat(np.arange(6), [175, 5, 5, 5, 5, 5]), 0.08)  # 2.1 pictures more of the first than its share
def test_every_beginning_is_stratified(labels: np.ndarray, share: float) -> None:
    length = round(share * len(labels))
    counts = np.bincount(labels[nested_order(labels)[:length]], minlength=6)
    fair = length * np.bincount(labels, minlength=6) / len(labels)
    # A class's own rounding is half a picture; that of each other class moves it by half of its share of all.
    sizes = np.bincount(labels, minlength=6)
    others = np.maximum(np.count_nonzero(sizes) - 2, 0)
    assert (np.abs(counts - fair) <= 0.5 + others / 2 * sizes / len(labels) + 1e-9).all()


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
def test_noise_makes_so_many_labels_wrong(labels: np.ndarray, fraction: float, seed: int) -> None:
    noisy = corrupt_labels(labels, fraction, 6, seed)
    assert abs((noisy != labels).sum() - fraction * len(labels)) < 1
    assert set(noisy) <= set(range(6))
    np.testing.assert_array_equal(noisy, corrupt_labels(labels, fraction, 6, seed))


@given(st.integers(0, 100), st.integers(0, 99))
def test_every_beginning_has_its_share_of_wrong_labels(percent: int, seed: int) -> None:
    labels = np.arange(300) % 7
    wrong = corrupt_labels(labels, percent / 100, 7, seed) != labels
    for length in range(301):
        assert wrong[:length].sum() in (percent * length // 100, -(-percent * length // 100))


def test_wrong_labels_lie_anywhere_and_elsewhere_with_another_seed() -> None:
    labels = np.zeros(10_000, np.int64)
    for fraction in (0.3, 0.7):
        masks = np.array([corrupt_labels(labels, fraction, 10, seed) > 0 for seed in range(40)])
        assert len({mask.tobytes() for mask in masks}) == 40
        # 40 seeds give each of ten places in a row their share: of 40,000 draws, six standard deviations are 1.4 %,
        # and a place in a stretch of 4 is hit in a quarter of cases, in one of 3 in a third.
        shares = masks.reshape(-1, 10).mean(axis=0)
        assert np.abs(shares - fraction).max() < 0.05 + 0.014


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
    np.testing.assert_array_equal(noisy.y_train_true, small.y_train)
    np.testing.assert_array_equal(noisy.corrupted, noisy.y_train != small.y_train)
    assert not small.corrupted.any()
    more = load_split(workspace, DatasetConfig("shapes", num_train=200, label_noise=0.3), 0)
    np.testing.assert_array_equal(more.y_train[:100], noisy.y_train)
    assert more.corrupted.sum() == 60

    scaled = load_split(workspace, DatasetConfig("shapes", num_train=50, image_size=16), 0)
    assert scaled.image_shape == (16, 16, 3) == scaled.x_validation.shape[1:]
    np.testing.assert_array_equal(
        scaled.x_train[scaled.train_indices], resize(dataset.x_train[small.train_indices[:50]], 16)
    )

    with pytest.raises(ConfigError, match="6,001"):
        load_split(workspace, DatasetConfig("shapes", num_train=6001), 0)


def test_smaller_training_sets_lie_inside_larger_ones(workspace) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(3), 7))
    # Each picture shows its own row, so that what a run gets tells which rows these are.
    x = np.broadcast_to(np.arange(21, dtype=np.uint8)[:, None, None, None], (21, 8, 8, 1))
    arrays = {"x_train": x, "y_train": labels, "x_test": x, "y_test": labels}
    save_dataset(workspace, "mine", "Mine", "", ["a", "b", "c"], arrays)
    smaller: set[int] = set()
    for length in range(1, 22):
        split = load_split(workspace, DatasetConfig("mine", num_train=length), length)
        shown = split.x_train[split.train_indices][:, 0, 0, 0]
        assert len(set(shown)) == length and smaller < set(shown)
        np.testing.assert_array_equal(labels[shown], split.y_train)
        counts = np.bincount(labels[shown], minlength=3)
        assert counts.max() - counts.min() <= 1
        smaller = set(shown)


def test_splits_stay_what_they_were() -> None:
    # Written down on 2026-11-24: results that were published rest on these rows.
    labels = np.arange(60) % 10
    assert nested_order(labels)[:10].tolist() == [0, 28, 23, 55, 56, 1, 24, 52, 59, 17]
    assert validation_and_test(labels)[0][:10].tolist() == [0, 1, 2, 3, 7, 10, 12, 15, 16, 17]


def test_test_pictures_are_read_when_they_are_asked_for(workspace, monkeypatch) -> None:
    x, y = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3)).astype(np.uint8), np.arange(20) % 2
    save_dataset(
        workspace, "mine", "Mine", "", ["a", "b"], {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
    )
    resized: list[int] = []

    def counted(pictures: np.ndarray, size: int) -> np.ndarray:
        resized.append(len(pictures))
        return resize(pictures, size)

    monkeypatch.setattr(splits, "resize", counted)
    split = load_split(workspace, DatasetConfig("mine", num_train=6, image_size=16), 0)
    assert resized == [6, 10]
    assert split.x_test.shape == (10, 16, 16, 3)
    assert resized == [6, 10, 10]
    _, test = validation_and_test(y)
    np.testing.assert_array_equal(split.x_test, resize(x[test], 16))
    np.testing.assert_array_equal(load_split(workspace, DatasetConfig("mine"), 0).x_test, x[test])


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
