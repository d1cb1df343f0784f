"""Everything is held against scipy.stats, which the module itself does not use."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.analysis.significance import (
    GAP,
    Difference,
    Interval,
    fit_log_law,
    mean_and_interval,
    paired_difference,
    rounding_error,
    standard_error,
)
from core.errors import UserError

accuracies = st.floats(0, 1)


@pytest.mark.parametrize(
    ("accuracy", "num_pictures", "expected"),
    [
        # By hand: (70 + 2) / 104 = 0.692308, and √(0.692308 · 0.307692 / 104) = 0.045258.
        (0.7, 100, 0.045258),
        # All right: 102 / 104 = 0.980769, and √(0.980769 · 0.019231 / 104) = 0.013467, not 0.
        (1.0, 100, 0.013467),
        (0.0, 100, 0.013467),
    ],
)
def test_the_standard_error_of_an_accuracy(accuracy, num_pictures, expected):
    assert standard_error(accuracy, num_pictures) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [2, 3, 5, 30])
def test_interval(n, confidence):
    values = np.random.default_rng(n).normal(0.7, 0.02, n)
    low, high = stats.t.interval(confidence, n - 1, loc=values.mean(), scale=stats.sem(values))
    low, high = max(low, 0.0), min(high, 1.0)  # two values at 99 % leave what is possible
    interval = mean_and_interval(values.tolist(), confidence)
    assert (interval.mean, interval.low, interval.high, interval.n) == pytest.approx(
        (values.mean(), low, high, n), rel=1e-12
    )


def test_interval_by_hand():
    # Three values, s = 0.01, t(0.975; 2) = 4.302653 (any table): 4.302653 · 0.01 / √3 = 0.024841.
    interval = mean_and_interval([0.70, 0.71, 0.72])
    assert (interval.low, interval.high) == pytest.approx((0.71 - 0.024841, 0.71 + 0.024841), abs=1e-6)


def test_one_value_has_no_interval():
    assert mean_and_interval([0.7]) == Interval(0.7, None, None, 1)


@given(st.lists(st.tuples(accuracies, accuracies), min_size=2, max_size=12))
def test_paired_difference_is_the_paired_t_test(pairs):
    first, second = zip(*pairs, strict=True)
    differences = np.subtract(first, second)
    found = paired_difference(first, second, rounding=0.0)
    assert found.mean == pytest.approx(differences.mean())
    assert found.low <= found.mean <= found.high
    if differences.std() > 1e-6:  # far above the spread of rounding
        expected = stats.ttest_rel(first, second)
        interval = expected.confidence_interval(0.95)
        assert found.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
        low, high = max(interval.low, -1.0), min(interval.high, 1.0)
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-9)
        if abs(expected.pvalue - 0.05) > 1e-6:
            assert found.clear == (expected.pvalue < 0.05)


def test_a_clear_winner():
    found = paired_difference([0.73, 0.74, 0.72], [0.70, 0.71, 0.70], names=("With augmentation", "without"))
    assert found.clear and found.n == 3
    assert found.sentence == (
        "With augmentation is 2.7 points better than without (over 3 seeds, 95 % interval +1.2 to +4.1 points)."
    )
    turned = paired_difference([0.70, 0.71, 0.70], [0.73, 0.74, 0.72])
    assert turned.clear and turned.sentence.startswith("The first is 2.7 points worse than the second")


def test_no_clear_winner():
    found = paired_difference([0.73, 0.70, 0.72], [0.70, 0.71, 0.70])
    assert not found.clear and found.low < 0 < found.high
    assert found.sentence.startswith("No clear winner: 1.3 points apart on average (over 3 seeds")


def test_one_pair_is_never_clear():
    assert paired_difference([0.9], [0.1]) == Difference(
        pytest.approx(0.8), None, None, None, 1, False,
        "No clear winner: one pair of runs, 80.0 points apart, cannot tell a difference from chance.",
    )  # fmt: skip


def test_two_pairs_that_differ_by_the_same_are_no_proof():
    # 71 and 73 of 100 pictures against 70 and 72. By hand: an accuracy is rounded with 1 / (100 · √12) = 0.288675
    # points, a difference with √2 times that, 0.408248. t(0.975; 1) = 12.706205, so ± 12.706205 · 0.408248 / √2
    # = 3.667965 points around 1. t = 1 / (0.408248 / √2) = 3.464102, and one degree of freedom is Cauchy's
    # distribution: p = 1 - 2 · atan(3.464102) / π = 0.178912.
    for rounding in (rounding_error(100), None):  # None: told from the values
        found = paired_difference([0.71, 0.73], [0.70, 0.72], rounding=rounding)
        assert not found.clear and found.p == pytest.approx(0.178912, abs=1e-6)
        assert (found.low, found.high) == pytest.approx((0.01 - 0.03667965, 0.01 + 0.03667965), abs=1e-8)


def test_pairs_that_do_not_differ_at_all():
    found = paired_difference([0.5, 0.5], [0.5, 0.5])
    assert (found.mean, found.p, found.clear) == (0.0, 1.0, False)
    assert found.low < 0 < found.high


def test_the_rounding_error_is_that_of_counting():
    # Truths anywhere in a step, rounded to whole pictures of 40.
    truths = np.random.default_rng(0).random(200_000)
    assert (np.round(40 * truths) / 40 - truths).std() == pytest.approx(rounding_error(40), rel=0.01)
    assert rounding_error(30, 40) == pytest.approx(math.hypot(rounding_error(30), rounding_error(40)))
    assert rounding_error(None) is rounding_error(30, None) is rounding_error(0) is None


@pytest.mark.parametrize("step", [1 / 3, 1 / 50, 1 / 1_500, 1 / 2_003])
def test_without_the_number_of_pictures_the_values_tell_their_step(step):
    values = [step * round(share / step) for share in (0.61, 0.61)]
    values = [float(np.float32(value)) for value in values]  # as Keras means them
    interval = mean_and_interval(values)
    # Equal values of which both are i / n: the least n that explains them, which divides the true one.
    parts = round(values[0] / step)
    least = round(1 / step) // math.gcd(parts, round(1 / step))
    half = stats.t.ppf(0.975, 1) / (least * math.sqrt(12)) / math.sqrt(2)
    assert interval.high == pytest.approx(min(1.0, values[0] + half), abs=1e-6)


@pytest.mark.parametrize("values", [[1.0, 1.0], [1.0, 0.9], [0.0, 0.0], [0.02, 0.0, 0.0]])
def test_no_interval_leaves_what_is_possible(values):
    interval = mean_and_interval(values, rounding=rounding_error(50))
    assert 0 <= interval.low <= interval.mean <= interval.high <= 1
    assert interval.high - interval.low > 0.005
    gap = mean_and_interval([-value for value in values], rounding=rounding_error(50, 50), limits=GAP)
    assert -1 <= gap.low <= gap.mean <= gap.high <= 1
    difference = paired_difference(values, [1 - value for value in values])
    assert -1 <= difference.low <= difference.mean <= difference.high <= 1


def test_a_cut_interval_covers_as_often():
    # Two seeds at 98 %: 95 of 100 intervals hold the truth, cut or not, since it is at most 1.
    draws = np.random.default_rng(1).normal(0.98, 0.01, (4_000, 2)).clip(0, 1)
    intervals = [mean_and_interval(pair, rounding=0.0) for pair in draws.tolist()]
    assert max(interval.high for interval in intervals) <= 1
    covered = np.mean([interval.low <= draws.mean() <= interval.high for interval in intervals])
    assert covered == pytest.approx(0.95, abs=0.012)


def test_pairing_finds_what_the_scatter_of_seeds_hides():
    rng = np.random.default_rng(0)
    seeds = rng.normal(0, 0.03, 6)
    first, second = 0.71 + seeds + rng.normal(0, 0.002, 6), 0.70 + seeds
    assert stats.ttest_ind(first, second).pvalue > 0.1
    assert paired_difference(first.tolist(), second.tolist()).clear


@pytest.mark.parametrize("n", [3, 4, 12])
def test_log_law(n):
    rng = np.random.default_rng(n)
    sizes = rng.integers(100, 50_000, n)
    values = 0.1 + 0.13 * np.log10(sizes) + rng.normal(0, 0.01, n)
    expected = stats.linregress(np.log10(sizes), values)
    half = stats.t.ppf(0.975, n - 2) * expected.stderr
    fit = fit_log_law(sizes.tolist(), values.tolist())
    assert (fit.slope_per_decade, fit.intercept, fit.r_squared) == pytest.approx(
        (expected.slope, expected.intercept, expected.rvalue**2)
    )
    assert (fit.slope_low, fit.slope_high) == pytest.approx((expected.slope - half, expected.slope + half))
    assert fit.residuals == pytest.approx(values - expected.intercept - expected.slope * np.log10(sizes))
    assert fit.slope_per_doubling == pytest.approx(fit.accuracy_at(2000) - fit.accuracy_at(1000))


def test_two_points_have_a_line_and_no_interval():
    fit = fit_log_law([100, 1000], [0.3, 0.4])
    assert (fit.slope_per_decade, fit.slope_low, fit.slope_high, fit.n) == (pytest.approx(0.1), None, None, 2)
    assert fit.accuracy_at(10_000) == pytest.approx(0.5)
    assert fit.slope_per_doubling == pytest.approx(0.1 * math.log10(2))


def test_a_curve_shows_in_the_residuals():
    fit = fit_log_law([10, 100, 1000, 10_000], [0.1, 0.5, 0.7, 0.75])
    assert [residual > 0 for residual in fit.residuals] == [False, True, True, False]
    assert sum(fit.residuals) == pytest.approx(0, abs=1e-12)


def test_equal_accuracies_leave_nothing_to_explain():
    fit = fit_log_law([10, 100, 1000], [0.1, 0.1, 0.1])
    assert fit.r_squared is None and fit.slope_per_decade == pytest.approx(0, abs=1e-12)


def test_three_points_on_a_line_by_rounding_have_no_certain_slope():
    # 10, 11 and 12 of 20 pictures. By hand: scatter 1 / (20 · √12) = 0.0144338, Σ(log size)² = 2 around its mean,
    # t(0.975; 1) = 12.706205: ± 12.706205 · 0.0144338 / √2 = 0.129682 around a slope of 0.05.
    for rounding in (rounding_error(20), None):
        fit = fit_log_law([10, 100, 1000], [0.5, 0.55, 0.6], rounding=rounding)
        assert (fit.slope_low, fit.slope_high) == pytest.approx((0.05 - 0.129682, 0.05 + 0.129682), abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_and_interval([]), "at least one number"),
        (lambda: mean_and_interval([0.5, math.nan]), "finite"),
        (lambda: mean_and_interval([0.5, 0.6], confidence=1.0), "between 0 and 1"),
        (lambda: paired_difference([0.5, 0.6], [0.5]), "not 2 and 1"),
        (lambda: fit_log_law([10, 100], [0.5]), "2 and 1"),
        (lambda: fit_log_law([0, 100], [0.5, 0.6]), "above 0"),
        (lambda: fit_log_law([100, 100], [0.5, 0.6]), "two different sizes"),
    ],
)
def test_what_cannot_be_computed_is_refused(call, message):
    with pytest.raises(UserError, match=message):
        call()
