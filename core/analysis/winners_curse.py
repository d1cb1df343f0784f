"""The winner's curse: by how much the best of many trials flatters itself, and how likely it is to be the best.

What was measured of a trial is what it is worth plus the luck of its seed. The best of many is, on average, one that
was lucky too. Empirical Bayes: the distribution of what trials are worth is estimated from all of them, and with it
what each is likely to be worth (Efron, "Tweedie's formula and selection bias", JASA 106, 2011, doi
10.1198/jasa.2011.tm11181). That distribution is either normal, or has one peak with tails that may differ (Stephens,
"False discovery rates: a new deal", Biostatistics 18, 2017, doi 10.1093/biostatistics/kxw041): a search has many bad
trials and few good ones, where a normal distribution finds a third of the optimism. Both count by how well they
explain the results, the second with a handicap because it can follow any: so with few trials the normal one decides,
where the other takes a lead for luck.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.analysis.search_luck import shown, shown_difference
from core.formatting import count_of

Values = NDArray[np.float64]

FEWEST_TRIALS = 3
GRID, PEAKS, WIDTHS = 120, 9, 6
STEPS, DRAWS = 30, 20
# Trials more than this many standard deviations below the best cannot be the best, and are left out.
FURTHEST = 20.0
# The peak counts as two extra trials; without them, spread by chance is taken for a real one (Stephens, section 2.3).
AT_PEAK = 2.0
# True values may lie this many standard deviations beyond the results; with 0, a winner far ahead seems lucky.
MARGIN = 3.0
# The log likelihood that the one-peaked distribution gains by overfitting alone.
HANDICAP = 2.0


@dataclass(frozen=True)
class Noise:
    """How far chance moves the result of one run: a standard deviation, and what it was estimated from.

    `source` is `seeds` where runs that differ by their seed alone were compared, with `freedom` degrees of freedom.
    With `pictures` it is the error of an accuracy on the validation pictures, a stand-in: it has nothing of the seeds,
    and takes trials to have answered different pictures. `freedom` is the number of pictures then.
    """

    deviation: float
    source: str
    freedom: int


@dataclass(frozen=True)
class WinnersCurse:
    """`best` is the index of the best value, `value` what was measured of it, `expected` what it is likely to be worth,
    and `optimism` the difference, at least 0. `chances` are the probabilities of each to be the best, None where it has
    no value; `chance` is that of the winner. They are a guide, too sure of a leader where trials differ by hardly more
    than chance: a confirmation with fresh seeds decides.
    """

    best: int
    value: float
    expected: float
    optimism: float
    chances: tuple[float | None, ...]
    chance: float
    num_trials: int
    noise: Noise
    sentence: str
    chance_sentence: str


def noise_of_seeds(groups: Sequence[Sequence[float]], rounding: float | None = None) -> Noise | None:
    """The spread between seeds, pooled over groups of runs that differ by their seed alone; None where all are alone.

    `rounding` is the least spread that is believed, as `core.analysis.significance.rounding_error` gives it.
    """
    repeated = [np.asarray(group, np.float64) for group in groups if len(group) > 1]
    freedom = sum(len(group) - 1 for group in repeated)
    if not freedom:
        return None
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in repeated)
    return Noise(max((squares / freedom) ** 0.5, rounding or 0.0), "seeds", freedom)


def noise_of_pictures(accuracy: float, num_pictures: int) -> Noise:
    """The binomial error of an accuracy, for want of a second seed."""
    from core.analysis.significance import standard_error

    return Noise(standard_error(min(1.0, max(0.0, accuracy)), num_pictures), "pictures", num_pictures)


def winners_curse(
    values: Sequence[float | None],
    noise: Noise,
    *,
    seeds: int | Sequence[int] = 1,
    maximise: bool = True,
    in_points: bool = True,
) -> WinnersCurse | None:
    """How much of the best value is likely to be luck. None below three values.

    `seeds` is how many runs a value is the mean of, for all or for each. `in_points`: values are fractions of 1.
    """
    known = [index for index, value in enumerate(values) if value is not None]
    if len(known) < FEWEST_TRIALS:
        return None
    sign = 1.0 if maximise else -1.0
    results = sign * np.array([values[index] for index in known], np.float64)
    counts = np.broadcast_to(np.asarray(seeds), len(values))[known].astype(np.float64)
    deviations = noise.deviation / np.sqrt(np.maximum(counts, 1))
    winner = int(results.argmax())
    # Where nothing varies by chance, what was measured is what it is worth.
    deviations = np.maximum(deviations, max(1e-3 * float(np.ptp(results)), 1e-12))
    near = np.flatnonzero(results >= results[winner] - FURTHEST * deviations.max())
    grid, one_peak, weight = _posteriors(results[near], deviations[near])
    optimism, best_of = 0.0, np.zeros(len(known))
    for posteriors, share in ((one_peak, weight), (_normal(grid, results, near, deviations), 1 - weight)):
        worth = float((posteriors[:, int(np.flatnonzero(near == winner)[0])] @ grid).mean())
        optimism += share * max(0.0, float(results[winner]) - worth)
        best_of[near] += share * _chances(posteriors)
    chances: list[float | None] = [None] * len(values)
    for index, chance in zip(known, best_of.tolist(), strict=True):
        chances[index] = chance
    value, expected = sign * float(results[winner]), sign * (float(results[winner]) - optimism)
    chance = float(best_of[winner])
    return WinnersCurse(
        known[winner], value, expected, optimism, tuple(chances), chance, len(known), noise,
        _curse_sentence(value, expected, optimism, noise, in_points), _chance_sentence(chance, len(known)),
    )  # fmt: skip


def _spread(results: Values, deviations: Values) -> tuple[float, float]:
    """(mean, variance) of results whose worth is normal, at least that of chance.

    Of T results, the sum of squares about their mean over T - 2: then the mean optimism of their best is right (the
    mean of 1/χ with T - 1 degrees of freedom is that of χ over T - 2).
    """
    squares = float(((results - results.mean()) ** 2).sum())
    return float(results.mean()), max(squares / max(len(results) - 2, 1), float((deviations**2).mean()))


def _normal(grid: Values, results: Values, near: NDArray[np.intp], deviations: Values) -> Values:
    """The probabilities of `grid`, as `_posteriors` has them, in one draw, where worth is normal."""
    used = near if len(near) >= FEWEST_TRIALS else np.arange(len(results))
    mean, variance = _spread(results[used], deviations[used])
    of_worth = np.maximum(variance - deviations[near] ** 2, 1e-9 * variance)
    keeps = of_worth / (of_worth + deviations[near] ** 2)
    centres = mean + keeps * (results[near] - mean)
    # At least a step wide, so that the grid can hold it.
    widths = np.maximum(deviations[near] * np.sqrt(keeps), grid[1] - grid[0])
    logs = -0.5 * ((grid - centres[:, None]) / widths[:, None]) ** 2
    after = np.exp(logs - logs.max(axis=1, keepdims=True))
    probabilities: Values = (after / after.sum(axis=1, keepdims=True))[None]
    return probabilities


def _posteriors(results: Values, deviations: Values) -> tuple[Values, Values, float]:
    """(grid, its probabilities by draw and trial, their weight): what each is worth, for one-peaked distributions that
    could lie behind them. The weight is that against a normal distribution.

    For each place of the peak, a distribution is a mixture of the peak itself and of uniform ones that end there, on
    either side, fitted by expectation and maximisation. One that counts the trials with random weights is a draw of
    those that could be (Newton and Raftery, "Approximate Bayesian inference with the weighted likelihood bootstrap",
    JRSS B 56, 1994, doi 10.1111/j.2517-6161.1994.tb01956.x); the draws are the same each time.
    """
    num_trials = len(results)
    margin = MARGIN * float(deviations.max())
    grid = np.linspace(results.min() - margin, results.max() + margin, GRID)
    step = grid[1] - grid[0]
    likelihood = np.exp(-0.5 * ((results[:, None] - grid) / deviations[:, None]) ** 2)
    places = np.quantile(results, np.linspace(0.02, 0.98, PEAKS))
    peaks = grid[np.unique(np.abs(grid - places[:, None]).argmin(axis=1))]
    widths = np.geomspace(max(0.3 * float(deviations.min()), step), grid[-1] - grid[0], WIDTHS)[:, None]
    offset = (grid - peaks[:, None])[:, None, :]  # (peaks, 1, grid)
    parts = np.concatenate(
        [
            np.abs(offset) < step / 2,
            (offset <= step / 2) & (offset >= -widths),
            (offset >= -step / 2) & (offset <= widths),
        ],
        axis=1,
    ).astype(np.float64)
    parts /= parts.sum(axis=-1, keepdims=True)
    explained = np.einsum("tg,pkg->pkt", likelihood, parts, optimize=True)
    counted = num_trials * np.random.default_rng(0).dirichlet(np.ones(num_trials), DRAWS)
    weights = np.full((len(peaks), DRAWS, parts.shape[1]), 1 / parts.shape[1])
    for _ in range(STEPS):
        weights *= (counted / (weights @ explained)) @ explained.transpose(0, 2, 1)
        weights[..., 0] += AT_PEAK
        weights /= weights.sum(axis=-1, keepdims=True)
    fits = (np.log(weights @ explained) * counted).sum(axis=-1) + AT_PEAK * np.log(weights[..., 0])
    likeliest = fits.argmax(axis=0)  # by draw
    before = np.einsum("dk,dkg->dg", weights[likeliest, np.arange(DRAWS)], parts[likeliest])
    after = likelihood * before[:, None, :]  # (draws, trials, grid)
    explains = (np.log(weights @ explained) * counted).sum(axis=-1)[likeliest, np.arange(DRAWS)]
    mean, variance = _spread(results, deviations)
    normal = counted @ (-0.5 * np.log(variance / deviations**2) - 0.5 * (results - mean) ** 2 / variance)
    weight = float((1 / (1 + np.exp(np.clip(normal + HANDICAP - explains, -50, 50)))).mean())
    return grid, after / after.sum(axis=-1, keepdims=True), weight


def _chances(posteriors: Values) -> Values:
    """The probability of each to be the largest of them all; what is equal shares it. By summation over the grid."""
    # Each of the others lies below, or within the same step, where it is below as often as above.
    logs = np.log(np.maximum(posteriors.cumsum(axis=-1) - posteriors / 2, 1e-300))
    chances = (posteriors * np.exp(logs.sum(axis=1, keepdims=True) - logs)).sum(axis=-1)
    mean: Values = (chances / chances.sum(axis=1, keepdims=True)).mean(axis=0)
    return mean


def _share(chance: float) -> str:
    return (
        f"{100 * chance:.0f} %" if 0.01 <= chance <= 0.99 else ("under 1 %" if chance < 0.5 else "over 99 %")
    )


def _curse_sentence(value: float, expected: float, optimism: float, noise: Noise, in_points: bool) -> str:
    luck = shown_difference(optimism, in_points)
    if luck == shown_difference(0.0, in_points):
        said = (
            f"The best result, {shown(value, in_points)}, has hardly any luck in it. With other seeds, about the same "
            "is likely."
        )
    else:
        said = (
            f"About {luck} of the best result {'are' if in_points else 'is'} probably luck. It reached "
            f"{shown(value, in_points)}. With other seeds, about {shown(expected, in_points)} is likely."
        )
    deviation = shown_difference(noise.deviation, in_points)
    if noise.source == "seeds":
        return f"{said} From seed to seed, a run varies by about {deviation} (standard deviation)."
    return (
        f"{said} This is a rough guess. No trial has a second seed, so the error of "
        f"{count_of(noise.freedom, 'validation picture')} ({deviation}) is used in its place."
    )


def _chance_sentence(chance: float, num_trials: int) -> str:
    return (
        f"With a probability of {_share(chance)}, the winner is really the best of the {num_trials} trials."
    )
