"""The interval of a difference of two accuracies against Newcombe's own examples (1998, table II)."""

import pytest

from core.inspection.measures import Accuracy, accuracy_difference, wilson_interval


def accuracy(right: int, count: int) -> Accuracy:
    return Accuracy(right / count, *wilson_interval(right, count))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_it_is_method_10(first: tuple[int, int], second: tuple[int, int], low: float, high: float) -> None:
    found = accuracy_difference(accuracy(*first), accuracy(*second))
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert found.value == pytest.approx(first[0] / first[1] - second[0] / second[1])
