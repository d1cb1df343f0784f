"""Intervals for the mean of paired differences that hold at every look, however often one looks and why one stops.

A t interval of 95 % is right once. Looked at after every seed, until it leaves out zero, it finds a difference between
two equal configs in a quarter of studies of 20 seeds. A confidence sequence holds the true mean at all looks at once
with a probability of 95 %. For normal differences of unknown spread there is an exact one (Lai, "On confidence
sequences", Annals of Statistics 4, 1976, doi 10.1214/aos/1176343406; with a normal mixture in place of his flat one:
Wang and Ramdas, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance", 2023,
arXiv 2310.03722). The evidence against a mean of m is the likelihood ratio of the t statistic, averaged over effects
δ ~ N(0, EFFECT_VARIANCE), in standard deviations, against δ = 0. It is a martingale where m is true, starting from 1,
so with a probability of at most 5 % it ever exceeds 20 (Ville, 1939), and the interval has the m for which it does not.

EFFECT_VARIANCE is 4: of 0.5 to 100, in simulations, none needs clearly fewer seeds for all differences from 0.7 to 5
standard deviations, which are those that 30 seeds can settle (decision record 31). With it the first interval comes
with the fourth seed; no larger or smaller value has one before the third that is of use.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.analysis.significance import (
    ACCURACY,
    Difference,
    Interval,
    Limits,
    difference_sentence,
    differences_of,
)
from core.errors import UserError
from core.formatting import count_of

Values = NDArray[np.float64]

CONFIDENCE = 0.95
EFFECT_VARIANCE = 4.0
HALF_A_POINT = 0.005
# A forecast is the median of STUDIES simulated studies, each with at most MOST_SEEDS more seeds.
STUDIES, MOST_SEEDS = 1_000, 100
# Differences to forecast: the first that can be settled with at most MOST_SEEDS.
LADDER = (HALF_A_POINT, 0.01, 0.02, 0.05, 0.1)

DIFFERENT, EQUAL = "different", "equal"


@dataclass(frozen=True)
class Forecast:
    """How many seeds `more` settle a true difference of `difference`: half of studies need no more than that.

    80 % need `low` to `high`. None: more than MOST_SEEDS.
    """

    difference: float
    more: int | None
    low: int
    high: int | None
    num_so_far: int
    sentence: str


def half_widths(num_values: Values, confidence: float = CONFIDENCE) -> Values:
    """Half the width of the interval after each number of values, in standard deviations of the values.

    Infinite where there is none yet. An interval ends where the evidence is 1/a, with a = 1 - confidence. With n values
    and g the EFFECT_VARIANCE, half of it is √(u (n - 1) / n), with u = (r - 1) / (1 - r / (1 + n g)) and
    r = ((1 + n g) / a²)^(1 / n).
    Raises UserError at a confidence outside 0 to 1.
    """
    if not 0 < confidence < 1:
        raise UserError(f"confidence must lie between 0 and 1, not {confidence:g}.")
    n = np.maximum(np.asarray(num_values, np.float64), 1)
    grown = 1 + n * EFFECT_VARIANCE
    ratio = (grown / (1 - confidence) ** 2) ** (1 / n)
    reached = (ratio < grown) & (n > 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = (ratio - 1) / (1 - ratio / grown) * (n - 1) / n
    widths: Values = np.sqrt(np.where(reached, squared, np.inf))
    return widths


def evidence(t: Values | float, num_values: Values | float) -> Values:
    """Against a mean of 0, from the t statistic of at least two values: how many times likelier the mixture makes it.

    (1 + n g)^(-1/2) · ((1 + t²/(n - 1)) / (1 + t²/((n - 1) (1 + n g))))^(n/2).
    """
    n = np.asarray(num_values, np.float64)
    grown = 1 + n * EFFECT_VARIANCE
    squared = np.square(t) / (n - 1)
    ratio: Values = np.exp(n / 2 * (np.log1p(squared) - np.log1p(squared / grown)) - np.log(grown) / 2)
    return ratio


def intervals(differences: Values, rounding: float, confidence: float = CONFIDENCE) -> tuple[Values, Values]:
    """(mean, half the width) after 1, 2, … values of the last axis; a half width is infinite before the fourth.

    The standard deviation is taken for `rounding` where it is smaller, as in a t interval.
    """
    n = np.arange(1, differences.shape[-1] + 1)
    means = differences.cumsum(axis=-1) / n
    # About the first value: squares of large values would lose the digits that tell small differences apart.
    centred = differences - differences[..., :1]
    squares = np.square(centred).cumsum(axis=-1) - n * np.square(centred.cumsum(axis=-1) / n)
    spread = np.maximum(np.sqrt(np.maximum(squares, 0.0) / np.maximum(n - 1, 1)), rounding)
    with np.errstate(invalid="ignore"):  # infinite times no spread
        halves = half_widths(n, confidence) * spread
    return means, np.where(np.isnan(halves), np.inf, halves)


def anytime_difference(
    first: Sequence[float],
    second: Sequence[float],
    confidence: float = CONFIDENCE,
    names: tuple[str, str] = ("The first", "the second"),
    *,
    rounding: float | None = None,
    limits: Limits = ACCURACY,
) -> Difference:
    """`paired_difference` for those who look after each seed: its interval and its `p` hold at all looks at once.

    The interval is None below four pairs. `p` is one over the evidence, at most 1. Raises UserError.
    """
    differences, rounding = differences_of(first, second, rounding)
    n = len(differences)
    interval = looks(first, second, confidence, rounding=rounding / math.sqrt(2), limits=limits)[-1]
    clear = interval.low is not None and interval.high is not None and interval.low * interval.high > 0
    p = None
    if n > 1:
        spread = max(float(differences.std(ddof=1)), rounding)
        t = interval.mean * math.sqrt(n) / spread if spread else math.copysign(1e6, interval.mean)
        p = 1.0 if interval.mean == 0 else min(1.0, 1 / float(evidence(t, n)))
    sentence = difference_sentence(interval, clear, confidence, names)
    if n > 1 and interval.low is None:
        apart = f"{abs(100 * interval.mean):.1f} points"
        sentence = (
            f"No clear winner yet: {apart} apart in {n} pairs of runs; the first interval comes with four."
        )
    return Difference(interval.mean, interval.low, interval.high, p, n, clear, sentence)


def looks(
    first: Sequence[float],
    second: Sequence[float],
    confidence: float = CONFIDENCE,
    *,
    rounding: float | None = None,
    limits: Limits = ACCURACY,
) -> tuple[Interval, ...]:
    """First minus second after each pair, as it was to be seen then. Raises UserError."""
    differences, rounding = differences_of(first, second, rounding)
    width = limits[1] - limits[0]
    means, halves = intervals(differences, rounding, confidence)
    return tuple(
        Interval(mean, None, None, n)
        if math.isinf(half)
        else Interval(mean, max(mean - half, min(mean, -width)), min(mean + half, max(mean, width)), n)
        for n, (mean, half) in enumerate(zip(means.tolist(), halves.tolist(), strict=True), 1)
    )


def settled(interval: Interval | Difference, smallest: float | None = None) -> str | None:
    """`different` where the interval leaves out zero, `equal` where it lies within ±`smallest`, the smallest difference
    of interest; None where it is not decided.
    """
    if interval.low is None or interval.high is None:
        return None
    if interval.low * interval.high > 0:
        return DIFFERENT
    return EQUAL if smallest is not None and max(-interval.low, interval.high) <= smallest else None


def forecast(
    deviation: float,
    differences: Sequence[float] = (),
    *,
    difference: float | None = None,
    rounding: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Forecast:
    """How many more seeds would settle a true `difference`, with differences that vary by `deviation` between seeds.

    Studies that go on from `differences`, those so far, are simulated, always with the same random numbers. Without a
    `difference` it is the smallest of LADDER that MOST_SEEDS can settle. `rounding` is that of a difference. The true
    `deviation` may be another one than a few seeds show, which `low` and `high` leave out.
    """
    return _forecast(deviation, tuple(differences), difference, rounding, confidence)


@lru_cache(maxsize=64)
def _forecast(
    deviation: float,
    differences: tuple[float, ...],
    difference: float | None,
    rounding: float,
    confidence: float,
) -> Forecast:
    # 0.05 to 0.13 s, and a live page asks every two seconds.
    deviation = max(deviation, rounding, 1e-9)
    tried = LADDER if difference is None else (difference,)
    for each in tried:
        more = _simulated(deviation, np.asarray(differences, np.float64), each, rounding, confidence)
        if more[1] is not None:
            break
    low, middle, high = more
    so_far = len(differences)
    return Forecast(each, middle, low or MOST_SEEDS, high, so_far, _forecast_sentence(each, middle, so_far))


def _simulated(
    deviation: float, so_far: Values, difference: float, rounding: float, confidence: float
) -> tuple[int | None, int | None, int | None]:
    """The 10 %, 50 % and 90 % points of how many more seeds it takes; None beyond MOST_SEEDS."""
    rng = np.random.default_rng(0)
    sign = -1.0 if so_far.sum() < 0 else 1.0
    coming = sign * difference + deviation * rng.standard_normal((STUDIES, MOST_SEEDS))
    paths = np.concatenate([np.broadcast_to(so_far, (STUDIES, len(so_far))), coming], axis=1)
    means, halves = intervals(paths, rounding, confidence)
    out = (np.abs(means) > halves)[:, len(so_far) :]
    needed = np.sort(np.where(out.any(axis=1), out.argmax(axis=1) + 1, MOST_SEEDS + 1))
    low, middle, high = (int(needed[int(share * (STUDIES - 1))]) for share in (0.1, 0.5, 0.9))
    return _within(low), _within(middle), _within(high)


def _within(seeds: int) -> int | None:
    return seeds if seeds <= MOST_SEEDS else None


def _forecast_sentence(difference: float, more: int | None, so_far: int) -> str:
    apart = "half a point" if difference == HALF_A_POINT else _points(difference)
    further = " more" if so_far else ""
    if more is None:
        return f"More than {MOST_SEEDS}{further} seeds are needed to detect a difference of {apart}."
    seeds = count_of(more, f"{further.strip()} seed".strip())
    return f"About {seeds} {'is' if more == 1 else 'are'} needed to detect a difference of {apart}."


def _points(difference: float) -> str:
    number = f"{100 * difference:.3g}"
    return f"{number} point" + ("" if number == "1" else "s")
