"""One rule on uneven classes, wherever it is asked."""

import numpy as np
import pytest

from core.classes import are_uneven
from core.datasets.class_counts import ClassCount, unevenness_in_words
from core.store.class_accuracy import ClassCounts


@pytest.mark.parametrize(
    ("counts", "uneven"),
    [
        # Of 105 pictures the largest class has 14 %: it decides nothing.
        ([15, *[10] * 9], False),
        ([19, 10], False), ([20, 10], True), ([20, 10, 0], True), ([9, 0], False), ([], False),
        ([2, 1], True), ([60, 15, 5], True),
    ],
)  # fmt: skip
def test_the_largest_has_twice_the_pictures_of_the_smallest_that_has_any(counts, uneven) -> None:
    assert are_uneven(counts) is uneven
    measured = ClassCounts(np.array(counts, np.int64), np.zeros((1, len(counts)), np.int64))
    assert measured.is_uneven is uneven
    classes = [ClassCount(f"c{place}", count, 9, 9) for place, count in enumerate(counts)]
    assert ("The classes are uneven" in (unevenness_in_words(classes) or "")) is uneven
