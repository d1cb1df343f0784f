"""Samples are pictures that no run has anything to do with."""

import numpy as np
import pytest

from core.datasets.catalogue import SHAPES_CLASSES
from core.datasets.samples import SAMPLES, mislabelled, unseen_pictures
from core.datasets.saving import save_dataset
from core.datasets.splits import validation_and_test
from core.datasets.storage import load_dataset
from core.errors import DatasetError


def rows(pictures) -> set[bytes]:
    return {picture.tobytes() for picture in pictures}


def test_shapes_need_not_be_drawn_and_are_in_neither_part(workspace, trained) -> None:
    samples = unseen_pictures(workspace, "shapes")
    assert len(samples.truths) == SAMPLES and set(samples.truths) == set(SHAPES_CLASSES)
    assert list(workspace.datasets.iterdir()) == []
    dataset = load_dataset(trained.workspace, "shapes")
    assert not rows(samples.pictures) & (rows(dataset.x_train) | rows(dataset.x_test))


def test_others_are_test_pictures_with_their_class(workspace) -> None:
    x = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), np.uint8)
    y = np.arange(40) % 4
    names = ["a", "b", "c", "d"]
    save_dataset(workspace, "own", "Own", "", names, {"x_train": x, "y_train": y, "x_test": x, "y_test": y})
    samples = unseen_pictures(workspace, "own")
    _, test = validation_and_test(y)
    where = {x[row].tobytes(): names[y[row]] for row in test}
    assert len(samples.truths) == 20
    assert [where[picture.tobytes()] for picture in samples.pictures] == list(samples.truths)


def test_a_data_set_that_is_gone_is_said(workspace) -> None:
    with pytest.raises(DatasetError):
        unseen_pictures(workspace, "nowhere")


def test_labels_are_wrong_for_the_share_that_is_asked_for() -> None:
    truths = [SHAPES_CLASSES[index % 10] for index in range(20)]
    labels = mislabelled(truths, 0.4, seed=0)
    assert sum(label != truth for label, truth in zip(labels, truths, strict=True)) == 8
    assert mislabelled(truths, 0.0, seed=0) == tuple(truths)
