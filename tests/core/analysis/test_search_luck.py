"""The curve of a random order against every order there is; importances against counts by hand."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.search_luck import (
    RankedImportance,
    chance_of_more,
    importance_stability,
    search_curve,
)


def every_order(values):
    """(orders, k): the best after 1, 2, … of each order of the values."""
    return np.maximum.accumulate(np.array(list(permutations(values))), axis=1)


@given(st.lists(st.sampled_from([0.1, 0.25, 0.3, 0.5, 0.75, 0.9]), min_size=1, max_size=6))
def test_the_curve_is_the_mean_over_all_orders(values):
    curve, orders = search_curve(values), every_order(values)
    assert curve.expected == pytest.approx(orders.mean(axis=0))
    # The smallest value that at least 5 % of the orders, or 95 %, do not exceed.
    for got, share in ((curve.low, 0.05), (curve.high, 0.95)):
        assert got == pytest.approx(np.quantile(orders, share, axis=0, method="inverted_cdf"))
    assert curve.found == tuple(np.maximum.accumulate(values))
    assert curve.best_at == 1 + values.index(max(values))
    first = (orders == orders[:, -1:]).argmax(axis=1)
    assert curve.expected_best_at == pytest.approx(1 + first.mean())


def test_what_is_better_when_smaller_is_mirrored():
    values = [3.0, 1.0, 2.0, 1.5]
    down, up = search_curve(values, maximise=False, in_points=False), search_curve([-v for v in values])
    for one, other in (("found", "found"), ("expected", "expected"), ("low", "high"), ("high", "low")):
        assert getattr(down, one) == pytest.approx([-value for value in getattr(up, other)])
    assert (down.best_at, down.found) == (2, (3.0, 1.0, 1.0, 1.0))


def test_trials_without_a_value_are_no_trials():
    assert search_curve([None, 0.6, None, 0.7]) == search_curve([0.6, 0.7])
    assert search_curve([None, None]) is None and search_curve([]) is None


def test_the_sentence():
    # By hand: halfway, two of four have been drawn. The best of two is the largest in 3 of 6 pairs, the second in 2,
    # the third in 1: (3 · 0.8 + 2 · 0.7 + 0.6) / 6 = 0.7333.
    assert search_curve([0.8, 0.5, 0.6, 0.7]).sentence == (
        "0 of the search's 4 results came before the best one. In random order it would be 1.5 on average. After 2 "
        "results, the best was 80.0 %. In random order it would be 73.3 % on average, and 60.0 % to 80.0 % in 9 of 10 "
        "cases."
    )
    assert search_curve([0.8]).sentence == "One trial: 80.0 %."
    assert "After 1 result, the best was 80.0 %. In random" in search_curve([0.8, 0.5]).sentence
    assert (
        "the best was 120. In random" in search_curve([120.0, 80.0], maximise=False, in_points=False).sentence
    )


def test_the_sentence_names_the_best_as_everything_else_does():
    """Two results came before trial 4: the one that failed, trial 2, is no result."""
    said = search_curve([0.5, None, 0.6, 0.8], names=["trial 0", "trial 2", "trial 3", "trial 4"]).sentence
    assert said.startswith(
        "2 of the search's 3 results came before the best one (trial 4). In random order it would be 1.0"
    )


def test_a_thousand_trials_are_as_many_as_they_are():
    values = np.random.default_rng(1).uniform(size=1_000)
    curve = search_curve(values.tolist())
    # The mean of the best of k of n distinct values at places 1/n, 2/n, … is k (n + 1) / (n (k + 1)).
    places = search_curve([(index + 1) / 1_000 for index in range(1_000)])
    assert places.expected[9] == pytest.approx(10 * 1_001 / (1_000 * 11))
    assert curve.expected[-1] == pytest.approx(values.max()) and all(map(math.isfinite, curve.low))


def test_importance_and_how_steady_its_ranks_are():
    found = importance_stability(
        {"lr": 0.6, "depth": 0.3, "batch": 0.1},
        [
            {"lr": 0.7, "depth": 0.2, "batch": 0.1},
            {"lr": 0.5, "depth": 0.2, "batch": 0.3},
            {"depth": 0.6, "lr": 0.3, "batch": 0.1},
            {"lr": 0.9, "depth": 0.1},
        ],
        14,
    )
    # lr is first in three of four; depth second in the first and the last; batch third in all but the second.
    assert [(rank.name, rank.holds) for rank in found.ranks] == [
        ("lr", 0.75),
        ("depth", 0.5),
        ("batch", 0.75),
    ]
    low, high = np.quantile([0.7, 0.5, 0.3, 0.9], [0.05, 0.95])
    assert found.ranks[0] == RankedImportance("lr", 0.6, pytest.approx(low), pytest.approx(high), 0.75)
    assert found.sentence == (
        "Based on 14 trials. “lr” comes first in 75 % of 4 resamples. The order may change."
    )


def test_importance_in_other_words():
    steady = [{"a": 0.8, "b": 0.2}] * 10
    assert importance_stability({"a": 0.8, "b": 0.2}, steady, 60).sentence == (
        "Based on 60 trials. “a” comes first in 100 % of 10 resamples. The order is stable."
    )
    three = {"a": 0.8, "b": 0.2, "c": 0.1}
    swapped = [{"a": 0.8, "b": 0.1, "c": 0.2}] * 10
    assert importance_stability(three, swapped, 9).sentence == (
        "Based on 9 trials. “a” comes first in 100 % of 10 resamples. The order of the others may change."
    )
    assert importance_stability({"a": 0.8, "b": 0.2}, [], 1).sentence == "Based on 1 trial."
    assert importance_stability({}, steady, 3) is None


def test_importance_that_chance_reaches_too_is_called_chance() -> None:
    """2 of 19 shuffles reach as much: (1 + 2) / (1 + 19) = 0.15."""
    shuffled = [0.1] * 17 + [0.5, 0.7]
    assert chance_of_more(0.5, shuffled) == pytest.approx(0.15)
    assert chance_of_more(0.8, shuffled) == pytest.approx(0.05)
    assert chance_of_more(0.5, []) is None
    assert chance_of_more(None, shuffled) is None
    steady = [{"a": 0.8, "b": 0.2}] * 20
    found = importance_stability({"a": 0.8, "b": 0.2}, steady, 8, 0.15)
    assert found is not None
    assert found.chance == 0.15
    assert found.sentence == (
        "Based on 8 trials. This may be chance. Where the results are shuffled among the trials, some setting matters "
        "this much in 15 % of cases."
    )
    held = importance_stability({"a": 0.8, "b": 0.2}, steady, 60, 0.05)
    assert held is not None
    assert "The order is stable." in held.sentence
