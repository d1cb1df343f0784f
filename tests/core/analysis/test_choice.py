"""Confirmations against scipy, and how often they claim too much."""

import math

import numpy as np
import pytest
from scipy import stats

from core.analysis.anytime import anytime_difference
from core.analysis.choice import Candidate, judge_confirmation
from core.formatting import with_minus


def candidates(rows, costs=None):
    return [
        Candidate(name, dict(enumerate(row, 10)), cost)
        for name, row, cost in zip("ABC", rows, costs or [None] * 3, strict=False)
    ]


def test_a_clear_winner_by_simultaneous_intervals():
    rows = [[0.70, 0.72, 0.71, 0.69], [0.75, 0.78, 0.76, 0.76], [0.71, 0.72, 0.70, 0.70]]
    found = judge_confirmation(candidates(rows), rounding=0.0, at_one_look=True)
    assert (found.order, found.winner, found.take) == ((1, 2, 0), 1, 1)
    for each in found.differences:
        exact = stats.ttest_rel(rows[1], rows[each.other]).confidence_interval(1 - 0.04 / 3)
        assert (each.low, each.high) == pytest.approx((exact.low, exact.high))
        assert each.clear
    assert found.sentence.startswith("B beats each other one, C by 5.5 points (+")
    assert (
        found.sentence.endswith(" over 4 fresh seeds: a clear winner.") and found.take_sentence == "Take B."
    )


def test_of_those_that_cannot_be_told_apart_the_cheapest():
    rows = [[0.70, 0.72, 0.71], [0.71, 0.71, 0.72], [0.50, 0.51, 0.49]]
    found = judge_confirmation(candidates(rows, [10, 2_000, 1]), rounding=0.0, at_one_look=True)
    # The leader is B; A is worse by 0.3 points on average, C by far, however cheap it is.
    assert (found.order, found.winner, found.take) == ((1, 0, 2), None, 0)
    assert found.sentence.startswith(with_minus("No clear winner: B leads A by 0.3 points (-"))
    assert found.take_sentence == "Take A: it cannot be told from B and is the cheapest of those."
    # None is the cheapest where they cost the same, or nobody knows what they cost.
    same_costs = judge_confirmation(candidates(rows, [10, 10, 1]), rounding=0.0, at_one_look=True)
    no_costs = judge_confirmation(candidates(rows), rounding=0.0, at_one_look=True)
    assert same_costs.take_sentence == no_costs.take_sentence
    assert no_costs.take_sentence == "Take B: on average the best of the 2 that cannot be told apart."


def test_less_is_better():
    rows = [[0.70, 0.72, 0.71, 0.69], [0.75, 0.78, 0.76, 0.75]]
    found = judge_confirmation(candidates(rows), maximise=False, rounding=0.0, at_one_look=True)
    assert (found.order, found.winner) == ((0, 1), 0)


def test_what_is_missing():
    one_seed = judge_confirmation(candidates([[0.7], [0.8], [0.6]]), at_one_look=True)
    assert (one_seed.winner, one_seed.take) == (None, 1)
    assert "one pair of runs cannot tell a difference from chance" in one_seed.sentence
    apart = [Candidate("A", {1: 0.7, 2: 0.8}), Candidate("B", {3: 0.6, 4: 0.5}), Candidate("C", {})]
    found = judge_confirmation(apart, at_one_look=True)
    assert (found.order, found.winner, found.differences, found.means[2]) == ((0, 1), None, (), None)
    # The number of pairs is that of the interval, not that of all seeds that were trained.
    uneven = [Candidate("A", {1: 0.7, 2: 0.71}), Candidate("B", {1: 0.6, 2: 0.62, 3: 0.6, 4: 0.6})]
    assert " over 2 fresh seeds: a clear winner." in judge_confirmation(uneven, at_one_look=True).sentence
    assert judge_confirmation([Candidate("A", {1: 0.7}), Candidate("B", {})], at_one_look=True) is None


@pytest.mark.parametrize("num_trials", [2, 3])
def test_equals_seldom_have_a_winner_however_often_seeds_are_added(num_trials):
    """Equal ones on 5,000 pictures, looked at when the 5 planned seeds have ended, and then after each that is
    added: at most 5 % of 1,000 confirmations ever tell two of them apart. Plain t intervals at these looks do in more
    than 10 %.
    """
    rng = np.random.default_rng(num_trials)
    results = np.round(5_000 * rng.normal(0.7, 0.007, (1_000, num_trials, 15))) / 5_000
    rounding = 1 / 5_000 / math.sqrt(12)
    told_apart = {True: 0, False: 0}
    for each in results:
        for anytime in told_apart:
            for looked, num_seeds in enumerate((5, 6, 7, 8, 9, 10, 12, 15)):
                found = judge_confirmation(
                    candidates(each[:, :num_seeds]), rounding=rounding, at_one_look=not (anytime and looked)
                )
                if any(difference.clear for difference in found.differences):
                    told_apart[anytime] += 1
                    break
    assert told_apart[True] <= 50 < 100 <= told_apart[False]


def test_added_seeds_have_intervals_that_hold_at_all_looks():
    rows = np.random.default_rng(1).normal(0.7, 0.01, (3, 8))
    found = judge_confirmation(candidates(rows), rounding=0.0, at_one_look=False)
    for each in found.differences:
        exact = anytime_difference(rows[found.order[0]], rows[each.other], 1 - 0.01 / 3, rounding=0.0)
        assert (each.low, each.high) == (exact.low, exact.high)
    few = judge_confirmation(candidates(rows[:, :3]), rounding=0.0, at_one_look=False)
    assert "(too few to tell: 3 pairs of runs) over 3 fresh seeds." in few.sentence
