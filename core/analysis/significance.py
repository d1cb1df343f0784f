"""Confidence intervals, paired differences, standard errors, and the law of data volume.

Few seeds are normal here, so intervals are Student's t ("The probable error of a mean", Biometrika 6, 1908, doi
10.1093/biomet/6.1.1), which are as wide as two or three values make them. Accuracies are fractions of 1.

No spread is smaller than rounding alone makes it: an accuracy on n pictures is a whole number of n-ths, so two seeds
can agree to the last digit and yet say nothing of chance (`rounding_error`). No interval leaves what is possible: an
end beyond it is cut, which loses nothing, since the mean cannot lie there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.formatting import with_minus

Values = NDArray[np.float64]
Limits = tuple[float, float]

ACCURACY: Limits = (0.0, 1.0)
GAP: Limits = (-1.0, 1.0)
# Where the number of pictures is not known and the values do not tell it: accuracies have four digits at least.
FINEST_STEP = 1 / 10_000


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval; `low` and `high` are None where a single value says nothing of spread."""

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Difference:
    """First minus second, over `n` pairs. `clear` when the interval leaves out zero; `p` is that of the t-test."""

    mean: float
    low: float | None
    high: float | None
    p: float | None
    n: int
    clear: bool
    sentence: str


@dataclass(frozen=True)
class LogFit:
    """accuracy ≈ `intercept` + `slope_per_decade` · log10(size), with what it leaves unexplained.

    `residuals` are accuracy minus fit, in the order of the input. `slope_low` and `slope_high` bound the slope per
    decade; None below three points, through which a line always passes. `r_squared` is None where all accuracies
    are equal: there is nothing to explain.
    """

    slope_per_decade: float
    intercept: float
    residuals: tuple[float, ...]
    r_squared: float | None
    slope_low: float | None
    slope_high: float | None
    n: int

    @property
    def slope_per_doubling(self) -> float:
        """What twice the data brings."""
        return self.slope_per_decade * math.log10(2)

    def accuracy_at(self, size: float) -> float:
        """The line's value at a size; it may leave 0 to 1, which no accuracy does: the law holds in between."""
        return self.intercept + self.slope_per_decade * math.log10(size)


def standard_error(accuracy: float, num_pictures: int) -> float:
    """Of an accuracy over `num_pictures`: binomial, with two more right and two more wrong answers.

    With n pictures, p = (accuracy · n + 2) / (n + 4), and the error is √(p · (1 - p) / (n + 4)), so that it is not 0
    where all answers are right (Agresti and Coull, The American Statistician 52, 1998, doi
    10.1080/00031305.1998.10480550).
    """
    num_pictures = max(1, num_pictures)
    likely = (accuracy * num_pictures + 2) / (num_pictures + 4)
    return math.sqrt(likely * (1 - likely) / (num_pictures + 4))


def rounding_error(*num_pictures: int | None) -> float | None:
    """The standard deviation that rounding alone causes, in an accuracy or in a difference of several.

    `num_pictures` are the pictures that each accuracy rests on. An accuracy on n pictures is a multiple of 1 / n. The
    rounding error is spread evenly over that step, and its standard deviation is 1 / (n √12) (Sheppard, Proceedings of
    the London Mathematical Society 29, 1898, doi 10.1112/plms/s1-29.1.353). None where a number is not known.
    """
    known = [number for number in num_pictures if number]
    if not known or len(known) < len(num_pictures):
        return None
    return math.sqrt(sum(1 / number**2 for number in known) / 12)


def t_interval(values: Values, confidence: float, rounding: float) -> tuple[Values, Values]:
    """(mean, half the width) of the two-sided t interval over the last axis, of at least two values.

    The standard deviation of the values is taken for `rounding` where it is smaller.
    """
    n = values.shape[-1]
    spread = np.maximum(values.std(axis=-1, ddof=1), rounding)
    return values.mean(axis=-1), _t_quantile(confidence, n - 1) * spread / math.sqrt(n)


def mean_and_interval(
    values: Sequence[float],
    confidence: float = 0.95,
    *,
    rounding: float | None = None,
    limits: Limits = ACCURACY,
) -> Interval:
    """The mean and its two-sided interval, cut at `limits`, between which all values lie.

    `rounding` is the least spread that is believed, as `rounding_error` gives it; None: that of the coarsest step of
    which all values are multiples. Raises UserError on no values or one that is not finite.
    """
    numbers = _numbers(values, "values")
    n, mean = len(numbers), float(numbers.mean())
    if n < 2:
        return Interval(mean, None, None, n)
    if rounding is None:
        rounding = _rounding_of(numbers, float(numbers.std(ddof=1)))
    half = float(t_interval(numbers, confidence, rounding)[1])
    return Interval(mean, max(mean - half, min(mean, limits[0])), min(mean + half, max(mean, limits[1])), n)


def paired_difference(
    first: Sequence[float],
    second: Sequence[float],
    confidence: float = 0.95,
    names: tuple[str, str] = ("The first", "the second"),
    *,
    rounding: float | None = None,
    limits: Limits = ACCURACY,
) -> Difference:
    """Is `first` better than `second`, where entry i of both was trained with the same seed?

    Seeds shift both in the same direction, so the differences vary less than the accuracies do. What the paired
    t-test cannot say: all pairs share one training and one validation set, so it judges these networks on these
    pictures; another draw of data may turn a small lead round. Dietterich, "Approximate statistical tests for
    comparing supervised classification learning algorithms", Neural Computation 10, 1998, doi
    10.1162/089976698300017197, found it to be too confident where training sets are resampled from the same data.
    `rounding` and `limits` are those of a single value, as in `mean_and_interval`; a difference of two has √2 times the
    rounding. Raises UserError when the two are not equally long.
    """
    differences, rounding = differences_of(first, second, rounding)
    width = limits[1] - limits[0]
    interval = mean_and_interval(differences.tolist(), confidence, rounding=rounding, limits=(-width, width))
    p = _paired_p(differences, rounding)
    clear = interval.low is not None and interval.high is not None and interval.low * interval.high > 0
    sentence = difference_sentence(interval, clear, confidence, names)
    return Difference(interval.mean, interval.low, interval.high, p, interval.n, clear, sentence)


def differences_of(
    first: Sequence[float], second: Sequence[float], rounding: float | None
) -> tuple[Values, float]:
    """(first minus second, the rounding error of such a difference), with the `rounding` of one of them.

    Raises UserError when the two are not equally long.
    """
    one, other = _numbers(first, "first"), _numbers(second, "second")
    if len(one) != len(other):
        raise UserError(
            f"Pairs need as many values on both sides, not {len(one):,} and {len(other):,}: one of each per seed."
        )
    differences = one - other
    if rounding is None:
        spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
        rounding = _rounding_of(np.concatenate([one, other]), spread / math.sqrt(2))
    return differences, rounding * math.sqrt(2)


def fit_log_law(
    sizes: Sequence[float],
    accuracies: Sequence[float],
    confidence: float = 0.95,
    *,
    rounding: float | None = None,
) -> LogFit:
    """Least squares of accuracy on log10(size): more data helps about linearly in the log of its volume.

    The slope's interval assumes that residuals scatter evenly around a straight line; residuals that bend (low at
    both ends, high between) say that the law does not hold here. Several seeds of a size are several points. The
    scatter is at least the `rounding` of an accuracy, as in `mean_and_interval`: three points can be on a line by luck.
    Raises UserError below two different sizes or at a size that is not above 0.
    """
    volumes, values = _numbers(sizes, "sizes"), _numbers(accuracies, "accuracies")
    if len(volumes) != len(values):
        raise UserError(f"Each size needs its accuracy: there are {len(volumes):,} and {len(values):,}.")
    if volumes.min() <= 0:
        raise UserError(f"A size must be above 0 to have a logarithm, not {volumes.min():g}.")
    logs = np.log10(volumes)
    centred = logs - logs.mean()
    spread = float(centred @ centred)
    if len(np.unique(volumes)) < 2 or spread == 0:
        raise UserError("A line needs at least two different sizes.")
    slope = float(centred @ (values - values.mean())) / spread
    intercept = float(values.mean() - slope * logs.mean())
    residuals = values - (intercept + slope * logs)
    unexplained = float(residuals @ residuals)
    total = float(((values - values.mean()) ** 2).sum())
    low = high = None
    if (freedom := len(values) - 2) > 0:
        scatter = math.sqrt(unexplained / freedom)
        rounding = _rounding_of(values, scatter) if rounding is None else rounding
        half = _t_quantile(confidence, freedom) * max(scatter, rounding) / math.sqrt(spread)
        low, high = slope - half, slope + half
    r_squared = None if np.ptp(values) == 0 else 1 - unexplained / total
    return LogFit(slope, intercept, tuple(residuals.tolist()), r_squared, low, high, len(values))


def _numbers(values: Sequence[float], name: str) -> Values:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not numbers.size:
        raise UserError(f"{name} must be a list of at least one number.")
    if not np.isfinite(numbers).all():
        raise UserError(f"{name} must be finite numbers; leave out what is not known.")
    return numbers


def _t_quantile(confidence: float, freedom: int) -> float:
    if not 0 < confidence < 1:
        raise UserError(f"confidence must lie between 0 and 1, not {confidence:g}.")
    from scipy import special  # late, as below: the server answers a third of a second sooner without it

    return float(special.stdtrit(freedom, (1 + confidence) / 2))


def _rounding_of(values: Values, spread: float) -> float:
    """The rounding error of the coarsest step of which all values are multiples, down to FINEST_STEP.

    Where that is smaller than their `spread` it changes nothing, so such steps are not looked for.
    """
    coarsest = spread * math.sqrt(12)
    counts = np.arange(1, 1 + int(1 / max(coarsest, FINEST_STEP)))
    multiples = np.multiply.outer(counts, values)
    # An accuracy in single precision is off by up to 3e-8; a looser bound would find a coarser step than there is.
    fits = np.abs(multiples - multiples.round()).max(axis=1) <= 4e-8 * counts
    step = 1 / float(counts[fits.argmax()]) if fits.any() else FINEST_STEP
    return step / math.sqrt(12)


def _paired_p(differences: Values, rounding: float) -> float | None:
    """Two-sided, with a spread of at least `rounding`; None below two pairs."""
    n = len(differences)
    if n < 2:
        return None
    mean, error = float(differences.mean()), max(float(differences.std(ddof=1)), rounding) / math.sqrt(n)
    if error == 0:
        return 0.0 if mean else 1.0
    from scipy import special

    return float(2 * special.stdtr(n - 1, -abs(mean / error)))


def difference_sentence(interval: Interval, clear: bool, confidence: float, names: tuple[str, str]) -> str:
    """What a difference says of two that have names."""
    one, other = names
    points = f"{abs(100 * interval.mean):.1f} points"
    if interval.low is None or interval.high is None:
        return f"No clear winner: one pair of runs, {points} apart, cannot tell a difference from chance."
    seeds = f"over {interval.n} seeds, {confidence:.0%} interval".replace("%", " %")
    span = with_minus(f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f} points")
    if not clear:
        return f"No clear winner: {points} apart on average ({seeds} {span}, which includes no difference)."
    word = "better" if interval.mean > 0 else "worse"
    return f"{one} is {points} {word} than {other} ({seeds} {span})."
