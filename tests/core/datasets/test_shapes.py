"""Shapes, the data set that is drawn on the spot."""

import time

import numpy as np

from core.datasets import prepare
from core.datasets.catalogue import SHAPES_CLASSES, SHAPES_TEST, SHAPES_TRAIN
from core.datasets.prepare import ensure_dataset
from core.datasets.shapes import draw_shapes


def test_the_same_seed_draws_the_same_pictures_and_another_seed_others() -> None:
    (x, y), (again, labels) = draw_shapes(60, 3), draw_shapes(60, 3)
    np.testing.assert_array_equal(x, again)
    np.testing.assert_array_equal(y, labels)
    assert (draw_shapes(60, 4)[0] != x).any()


def test_pictures_are_small_coloured_bytes_with_one_label_each() -> None:
    x, y = draw_shapes(23, 0)
    assert (x.shape, x.dtype) == ((23, 32, 32, 3), np.uint8)
    assert (y.shape, y.dtype) == ((23,), np.int64)


def test_there_are_as_many_of_each_of_the_ten_classes_as_can_be() -> None:
    _, y = draw_shapes(1003, 0)
    counts = np.bincount(y, minlength=len(SHAPES_CLASSES))
    assert len(counts) == 10
    assert set(counts) <= {100, 101}


def test_classes_are_not_told_by_brightness_or_colour() -> None:
    # Whoever could tell classes by their mean colour would learn nothing about shapes.
    x, y = draw_shapes(2000, 0)
    means = np.array([x[y == label].mean(axis=(0, 1, 2)) for label in range(10)])
    spread = x.mean(axis=(1, 2)).std(axis=0)
    assert (np.ptp(means, axis=0) < spread).all()


def test_all_of_it_is_drawn_within_seconds() -> None:
    # Processor time, which other work on the machine does not stretch; about 1 s in November 2026. Slow machines too.
    begun = time.process_time()
    draw_shapes(SHAPES_TRAIN, 0)
    draw_shapes(SHAPES_TEST, 1)
    assert time.process_time() - begun < 20


def test_it_is_drawn_once_and_then_at_hand(workspace, monkeypatch) -> None:
    asked = []

    def draw(num: int, seed: int):
        asked.append((num, seed))
        return draw_shapes(20, seed)

    monkeypatch.setattr(prepare, "draw_shapes", draw)
    told = []
    first = ensure_dataset(workspace, "shapes", progress=told.append)
    second = ensure_dataset(workspace, "shapes", progress=told.append)
    assert asked == [(6000, 0), (3000, 1)]
    assert [progress.stage for progress in told] == ["Drawing Shapes"]
    np.testing.assert_array_equal(first.x_train, second.x_train)
    assert first.class_names == SHAPES_CLASSES
    # Training and test pictures come from different seeds: none is in both.
    assert not {picture.tobytes() for picture in first.x_train} & {
        picture.tobytes() for picture in first.x_test
    }
