"""Which pictures are held out: by hand for small classes, and properties for all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DatasetError
from core.importing.parts import assign_parts


def counts(parts: np.ndarray) -> list[int]:
    return np.bincount(parts, minlength=3).tolist()


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, [1, 0, 0]), (2, [1, 1, 0]), (4, [3, 1, 0]), (5, [3, 1, 1]), (6, [4, 1, 1]), (10, [8, 1, 1]),
        (15, [12, 2, 1]), (300, [240, 30, 30]),
    ],
)  # fmt: skip
def test_what_is_held_out_of_a_class(count: int, expected: list[int]) -> None:
    """Beside a large class, so that there is something to judge by."""
    labels = np.array([0] * 100 + [1] * count)
    parts, _ = assign_parts(labels, np.zeros(len(labels), np.int8), 2)
    assert counts(parts[labels == 0]) == [80, 10, 10]
    assert counts(parts[labels == 1]) == expected


def test_a_test_part_alone_gives_its_rare_classes_to_validation() -> None:
    labels = np.array([0] * 10 + [1] * 10 + [0] * 8 + [1] * 1)
    given_parts = np.array([0] * 20 + [2] * 9, np.int8)
    parts, notes = assign_parts(labels, given_parts, 2)
    assert counts(parts[labels == 0]) == [10, 4, 4]
    assert counts(parts[labels == 1]) == [10, 1, 0]
    assert notes == ["It came without a validation part: half of the test pictures of each class became one."]


def test_parts_that_were_given_stay() -> None:
    given_parts = np.array([0, 0, 1, 2, 2], np.int8)
    parts, notes = assign_parts(np.array([0, 1, 0, 1, 0]), given_parts, 2)
    assert parts.tolist() == given_parts.tolist() and notes == []


def test_too_few_to_hold_any_out_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"No picture is left for validation.*at least 5"):
        assign_parts(np.array([0, 1]), np.zeros(2, np.int8), 2)
    with pytest.raises(DatasetError, match="The test part is too small to be halved"):
        assign_parts(np.array([0, 1, 0, 1]), np.array([0, 0, 2, 2], np.int8), 2)
    with pytest.raises(DatasetError, match="No picture is left for test"):
        assign_parts(np.array([0, 0, 1, 1]), np.zeros(4, np.int8), 2)


@given(st.lists(st.integers(0, 3), min_size=20, max_size=200), st.booleans())
def test_training_comes_first_then_validation(drawn: list[int], has_test: bool) -> None:
    labels = np.array([*drawn, 0, 0, 0, 0, 0, 1, 2, 3])
    given_parts = np.zeros(len(labels), np.int8)
    if has_test:
        given_parts[1:-3:2] = 2
    parts, _ = assign_parts(labels, given_parts, 4)
    for label in range(4):
        training, validation, test = counts(parts[labels == label])
        assert validation >= test and validation - test <= 1
        assert has_test or training >= validation
    again, _ = assign_parts(labels, given_parts, 4)
    assert (parts == again).all()
