"""How often a study finds a difference where there is none, and one where there is one, simulated with fixed seeds.

Runs of two equal configs: an accuracy of 70 %, by chance 0.1 to 2 points up or down from run to run, on so many
validation pictures, of which a whole number is right. `-s` prints the rates of decision record 9.
"""

import math

import numpy as np
import pytest
from scipy import stats

from core.analysis.significance import fit_log_law, paired_difference, rounding_error, t_interval

PICTURES = (50, 100, 250, 500, 1_500, 5_000)
SEEDS = (2, 3, 4, 5)
STUDIES = 40_000
# Where accuracies are as good as continuous the t-test is exact: 5 %, and what counting 40,000 studies adds to it.
MOST = 0.05 + 4 * math.sqrt(0.05 * 0.95 / STUDIES)


def accuracies(rng, pictures, spread, shape, mean=0.7):
    return np.round(pictures * (mean + rng.normal(0, spread, shape))) / pictures


def clear(differences, pictures, confidence=0.95):
    """(studies,): those whose interval leaves out zero."""
    mean, half = t_interval(differences, confidence, math.sqrt(2) * rounding_error(pictures))
    return np.abs(mean) > half


@pytest.mark.parametrize("num_seeds", SEEDS)
@pytest.mark.parametrize("pictures", PICTURES)
def test_two_equal_configs_are_seldom_called_different(pictures, num_seeds):
    rng = np.random.default_rng([pictures, num_seeds])
    # 0.71 of 50 pictures lies between two steps, where seeds fall on either side of it: the worst place.
    for spread, mean in ((0.001, 0.7), (0.001, 0.71), (0.003, 0.7), (0.007, 0.7), (0.02, 0.7)):
        one, other = (accuracies(rng, pictures, spread, (STUDIES, num_seeds), mean) for _ in range(2))
        assert clear(one - other, pictures).mean() <= MOST, (spread, mean)


def test_without_the_least_spread_they_often_were():
    """That the simulation can fail: 12.7 % with two seeds and 100 pictures."""
    rng = np.random.default_rng(3)
    differences = np.subtract(*(accuracies(rng, 100, 0.007, (STUDIES, 2)) for _ in range(2)))
    mean, half = t_interval(differences, 0.95, 0.0)
    assert 0.11 < (np.abs(mean) > half + 1e-12).mean() < 0.15


def test_the_many_at_once_are_the_one_by_one():
    rng = np.random.default_rng(4)
    one, other = (accuracies(rng, 100, 0.007, (300, 3)) for _ in range(2))
    found = [
        paired_difference(a.tolist(), b.tolist(), rounding=rounding_error(100)).clear
        for a, b in zip(one, other, strict=True)
    ]
    assert found == clear(one - other, 100).tolist() and any(found)


@pytest.mark.parametrize("num_seeds", [2, 3])
@pytest.mark.parametrize(("pictures", "spread"), [(500, 0.01), (1_500, 0.007), (5_000, 0.005)])
def test_an_ablation_of_parts_that_do_nothing_seldom_finds_one(pictures, spread, num_seeds):
    """Four parts, each left out and each alone: eight comparisons, at 1 - 0.05 / 8 each."""
    rng = np.random.default_rng([pictures, num_seeds])
    found = np.zeros(20_000, bool)
    for _ in range(2):  # all of it, then none of it, against which four are held
        against = accuracies(rng, pictures, spread, (len(found), num_seeds))
        for _ in range(4):
            runs = accuracies(rng, pictures, spread, against.shape)
            found |= clear(runs - against, pictures, 1 - 0.05 / 8)
    assert found.mean() <= 0.05


def test_sizes_that_make_no_difference_seldom_have_a_slope():
    rng = np.random.default_rng(5)
    for pictures in (50, 500):
        values = accuracies(rng, pictures, 0.007, (2_000, 3))
        fits = [
            fit_log_law([100, 1_000, 10_000], each, rounding=rounding_error(pictures))
            for each in values.tolist()
        ]
        assert np.mean([fit.slope_low * fit.slope_high > 0 for fit in fits]) <= 0.05 + 3 * 0.005


@pytest.mark.parametrize("real", [0.02, 0.05])
@pytest.mark.parametrize("num_seeds", SEEDS)
def test_real_differences_are_found_as_before(real, num_seeds):
    """The least spread costs nothing from 250 pictures on. Below it, what it costs are ties of a picture or three."""
    rng = np.random.default_rng(6)
    line = []
    for pictures in PICTURES:
        other = accuracies(rng, pictures, 0.007, (STUDIES, num_seeds))
        one = accuracies(rng, pictures, 0.007, (STUDIES, num_seeds), 0.7 + real)
        mean, half = t_interval(one - other, 0.95, 0.0)
        before, after = (np.abs(mean) > half + 1e-12), clear(one - other, pictures)
        line.append(f"{pictures}: {before.mean():.1%} to {after.mean():.1%}")
        assert pictures < 250 or before.mean() - after.mean() < 0.05
        # Nothing that varies from seed to seed by more than a picture is lost.
        lost = (one - other)[before & ~after]
        assert not lost.size or np.ptp(pictures * lost, axis=-1).max() < 1.5
    print(f"\n{100 * real:g} points, {num_seeds} seeds: {'; '.join(line)}")


def test_power_is_that_of_the_paired_t_test():
    rng = np.random.default_rng(7)
    for num_seeds in SEEDS:
        other, one = (accuracies(rng, 5_000, 0.007, (STUDIES, num_seeds), mean) for mean in (0.7, 0.71))
        border, shift = (
            stats.t.ppf(0.975, num_seeds - 1),
            0.01 / (0.007 * math.sqrt(2)) * math.sqrt(num_seeds),
        )
        exact = stats.nct.sf(border, num_seeds - 1, shift) + stats.nct.cdf(-border, num_seeds - 1, shift)
        assert clear(one - other, 5_000).mean() == pytest.approx(exact, abs=0.01)
