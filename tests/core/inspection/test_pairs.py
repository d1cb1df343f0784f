"""Two runs on the same pictures: counts, the exact p against SciPy, the interval against a published example."""

import numpy as np
import pytest
from scipy.stats import binomtest

from core.errors import UserError
from core.inspection.answers import SplitAnswers
from core.inspection.pairs import exact_p, pair_of


def answers(predicted: list[int], labels: list[int], rows: list[int] | None = None) -> SplitAnswers:
    """Answers of three classes, each with a probability of 0.8."""
    probabilities = np.full((len(labels), 3), 0.1, np.float32)
    probabilities[np.arange(len(labels)), predicted] = 0.8
    places = np.arange(len(labels)) if rows is None else np.array(rows)
    return SplitAnswers("test", 3, ("a", "b", "c"), places, np.array(labels), np.log(probabilities))


def test_each_picture_is_counted_where_it_belongs() -> None:
    labels = [0, 0, 1, 1, 2, 2]
    pair = pair_of(answers([0, 0, 1, 0, 0, 1], labels), answers([0, 1, 2, 0, 2, 1], labels))
    assert (pair.count, pair.both, pair.neither) == (6, 1, 2)
    assert pair.only_first.tolist() == [1, 2]
    assert pair.only_second.tolist() == [4]
    assert pair.disagree.tolist() == [1, 2, 4]  # the two wrong ones got the same wrong answer
    assert pair.difference == pytest.approx(1 / 6)
    assert pair.p == 1.0


@pytest.mark.parametrize(
    ("one", "other"), [(0, 0), (1, 0), (3, 9), (9, 3), (40, 40), (887, 60), (2400, 2500)]
)
def test_p_is_that_of_the_binomial_test(one: int, other: int) -> None:
    expected = binomtest(one, one + other, 0.5).pvalue if one + other else 1.0
    assert exact_p(one, other) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_the_interval_is_that_of_agresti_and_min() -> None:
    """Their formula by hand for 90 pictures: 40 both, 20 only the first, 10 only the second, 20 neither."""
    labels = [0] * 90
    first = answers([0] * 60 + [1] * 30, labels)
    second = answers([0] * 40 + [1] * 20 + [0] * 10 + [1] * 20, labels)
    pair = pair_of(first, second)
    assert (pair.both, len(pair.only_first), len(pair.only_second), pair.neither) == (40, 20, 10, 20)
    middle = (20.5 - 10.5) / 92
    half = 1.959964 * ((20.5 + 10.5) - 10**2 / 92) ** 0.5 / 92
    assert (pair.low, pair.high) == pytest.approx((middle - half, middle + half))


def test_other_pictures_are_refused() -> None:
    with pytest.raises(UserError, match="not measured on the same pictures"):
        pair_of(answers([0, 1], [0, 1]), answers([0, 1], [0, 1], rows=[0, 5]))
