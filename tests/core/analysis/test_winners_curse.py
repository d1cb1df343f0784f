"""Simulated searches of which the truth is known: the optimism that is found is, on average, the one that there was.

`-s` prints the figures of decision record 31.
"""

import math

import numpy as np
import pytest
from scipy import stats

from core.analysis.significance import standard_error
from core.analysis.winners_curse import Noise, noise_of_pictures, noise_of_seeds, winners_curse

SIGMA = 0.007
NOISE = Noise(SIGMA, "seeds", 30)
# How the worth of trials is spread, in standard deviations of the noise: as in searches, of which most are bad, few
# good; evenly; not at all.
SPREADS = {
    "normal": lambda rng, shape: rng.normal(0, 1, shape),
    "wide": lambda rng, shape: rng.normal(0, 3, shape),
    "very wide": lambda rng, shape: rng.normal(0, 10, shape),
    "even": lambda rng, shape: rng.uniform(-5, 5, shape),
    "long tail of bad ones": lambda rng, shape: -rng.gamma(1.0, 3.0, shape),
    "two kinds": lambda rng, shape: np.where(rng.random(shape) < 0.5, 0.0, rng.normal(-8, 2, shape)),
    "all equal": lambda rng, shape: np.zeros(shape),
}


def searches(spread, num_trials, number, seeds=1):
    rng = np.random.default_rng([num_trials, seeds, len(spread)])
    worth = 0.7 + SIGMA * SPREADS[spread](rng, (number, num_trials))
    return worth, worth + rng.normal(0, SIGMA / math.sqrt(seeds), worth.shape)


def judge(worth, results, **options):
    found = [winners_curse(each.tolist(), NOISE, **options) for each in results]
    best = results.argmax(axis=1)
    rows = np.arange(len(results))
    return found, results[rows, best] - worth[rows, best], worth[rows, best] == worth.max(axis=1)


# How many searches, and between which limits what is found lies, in standard deviations of the noise too much or too
# little: none flatters by more than a third of one too much, however far apart trials are.
TOLERANCES = {
    4: (400, 0.45, 0.2),
    8: (250, 0.55, 0.2),
    12: (150, 0.65, 0.2),
    30: (100, 0.7, 0.2),
    100: (40, 0.9, 0.35),
}


@pytest.mark.parametrize("num_trials", TOLERANCES)
@pytest.mark.parametrize("spread", SPREADS)
def test_the_optimism_is_found(spread, num_trials):
    """A normal distribution of worth alone finds 0.2 to 0.3 of it for the two kinds and the long tail."""
    number, too_little, too_much = TOLERANCES[num_trials]
    found, actual, _ = judge(*searches(spread, num_trials, number))
    mean, true = np.mean([each.optimism for each in found]) / SIGMA, actual.mean() / SIGMA
    print(f"\n{num_trials} trials, {spread}: {true:.2f} sd, found {mean:.2f}, {mean / true:.2f} of it")
    assert true - too_little < mean < true + too_much
    if true > 0.7:
        assert 0.55 < mean / true < 1.3


def test_one_far_ahead_of_a_few_does_not_flatter_itself():
    """Noise of 0.8 points, trials 10 points apart: in a normal distribution of worth 0.03 points."""
    found = winners_curse([0.4, 0.5, 0.6], Noise(0.008, "seeds", 8))
    assert found.optimism < 0.0015 and found.chance > 0.99


def test_several_seeds_flatter_less():
    _, results = searches("normal", 30, 40)
    one, four = (
        np.mean([each.optimism for each in judge(results, results, seeds=seeds)[0]]) for seeds in (1, 4)
    )
    assert four < 0.6 * one


def test_a_search_of_equals_is_known_from_theory():
    """The best of 30 of equal worth is too good by the mean of the largest of 30 normal numbers, 2.04 sd."""
    largest = 30 * stats.norm.expect(lambda x: x * stats.norm.cdf(x) ** 29)
    found, actual, _ = judge(*searches("all equal", 30, 300))
    assert actual.mean() == pytest.approx(largest * SIGMA, rel=0.03)
    assert np.mean([each.optimism for each in found]) > 0.8 * largest * SIGMA
    assert np.mean([each.chance for each in found]) < 0.2


@pytest.mark.parametrize("spread", ["normal", "wide", "long tail of bad ones"])
def test_of_winners_with_a_chance_of_so_much_about_so_many_are_the_best(spread):
    """20 trials. Where trials differ by hardly more than chance, a chance above one half is too high."""
    worth, results = searches(spread, 20, 600)
    found, _, is_best = judge(worth, results)
    chances = np.array([each.chance for each in found])
    line = []
    for low, high in ((0.0, 0.25), (0.25, 0.5), (0.5, 1.01)):
        within = (chances >= low) & (chances < high)
        line.append(f"{chances[within].mean():.2f} said, {is_best[within].mean():.2f} of {within.sum()}")
    print(f"\n{spread}: {'; '.join(line)}")
    assert chances.mean() == pytest.approx(is_best.mean(), abs=0.1)
    assert all(sum(each.chances) == pytest.approx(1) for each in found)
    assert is_best[chances > 0.5].mean() > is_best[chances < 0.25].mean() + 0.1


def test_a_winner_far_ahead_is_one():
    values = [0.5, 0.51, 0.52, 0.9, None, 0.5]
    found = winners_curse(values, NOISE)
    assert (found.best, found.num_trials, found.chances[4]) == (3, 5, None)
    assert found.chance > 0.999 and found.optimism < 0.1 * SIGMA
    assert found.chance_sentence == (
        "With a probability of over 99 %, the winner is really the best of the 5 trials."
    )
    assert found.sentence.startswith("The best result, 90.0 %, has hardly any luck in it.")


def test_less_is_better_and_no_points():
    values = np.random.default_rng(4).normal(100, 5, 12).tolist()
    up = winners_curse([-value for value in values], Noise(5.0, "seeds", 4), in_points=False)
    down = winners_curse(values, Noise(5.0, "seeds", 4), maximise=False, in_points=False)
    assert down.chances == pytest.approx(up.chances) and down.expected == pytest.approx(-up.expected)
    assert down.expected > down.value == min(values) and "points" not in down.sentence


def test_where_nothing_varies():
    equal = winners_curse([0.7] * 4, Noise(0.0, "seeds", 3))
    assert equal.optimism == pytest.approx(0, abs=1e-6) and equal.chances == pytest.approx([0.25] * 4)
    clear = winners_curse([0.7, 0.8, 0.6], Noise(0.0, "seeds", 3))
    assert (clear.best, clear.value) == (1, 0.8) and clear.optimism < 1e-3 and clear.chance > 0.99
    assert winners_curse([0.7, 0.8, None], NOISE) is None


def test_noise_is_pooled_over_what_was_repeated():
    # By hand: (0.02² + 0.02² + 0) / 2 of the first three about their mean 0.72, and 0.005² · 2 of the pair.
    noise = noise_of_seeds([[0.70, 0.72, 0.74], [0.80, 0.81], [0.5], []])
    assert noise == Noise(pytest.approx(math.sqrt((2 * 0.02**2 + 2 * 0.005**2) / 3)), "seeds", 3)
    assert noise_of_seeds([[0.7, 0.7]], rounding=0.001) == Noise(0.001, "seeds", 1)
    assert noise_of_seeds([[0.7], [0.8]]) is None


def test_pictures_stand_in_for_seeds_and_it_is_said():
    noise = noise_of_pictures(0.7, 500)
    assert noise == Noise(standard_error(0.7, 500), "pictures", 500)
    values = np.random.default_rng(3).normal(0.7, 0.03, 30).tolist()
    found = winners_curse(values, noise)
    assert found.sentence.startswith(
        f"About {100 * found.optimism:.1f} points of the best result are probably luck. "
    )
    assert found.sentence.endswith(
        " This is a rough guess. No trial has a second seed, so the error of 500 validation pictures (2.0 points) is "
        "used in its place."
    )
    values = np.random.default_rng(3).normal(0.7, 0.01, 30).tolist()
    assert winners_curse(values, NOISE).sentence.endswith(
        " is likely. From seed to seed, a run varies by about 0.7 points (standard deviation)."
    )
