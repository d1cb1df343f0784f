"""Everything is held against scipy.stats, which the module itself does not use."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.analysis.significance import (
    Difference,
    Interval,
    fit_log_law,
    mean_and_interval,
    paired_difference,
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
    found = paired_difference(first, second)
    assert found.mean == pytest.approx(differences.mean())
    assert found.low <= found.mean <= found.high
    if differences.std() > 1e-9:
        expected = stats.ttest_rel(first, second)
        interval = expected.confidence_interval(0.95)
        assert found.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)
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


@pytest.mark.parametrize(("first", "p", "clear"), [([0.5, 0.5], 1.0, False), ([0.75, 0.75], 0.0, True)])
def test_pairs_that_all_differ_by_the_same(first, p, clear):
    found = paired_difference(first, [0.5, 0.5])
    assert (found.p, found.clear) == (p, clear)


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
