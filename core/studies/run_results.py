"""The result of one run of a study, numbers over several of them, and differences in words."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.analysis.anytime import anytime_difference
from core.analysis.curves import best_epoch
from core.analysis.signals import gaps_of
from core.analysis.significance import (
    ACCURACY,
    GAP,
    Difference,
    Interval,
    Limits,
    mean_and_interval,
    paired_difference,
    rounding_error,
    standard_error,
)
from core.formatting import points, with_minus
from core.studies.plan import RunRole

CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.959964  # of the normal distribution at 97.5 %
UNLIMITED: Limits = (-math.inf, math.inf)


@dataclass(frozen=True)
class RunResult:
    """A run that has ended. Accuracies and `gap`, which is the run's own, are fractions of 1; `val_accuracies` has
    (epoch, accuracy) of each. `balanced` is the balanced accuracy of the best epoch, None where classes are even.
    """

    role: RunRole
    best_val_accuracy: float
    last_val_accuracy: float | None
    last_clean_accuracy: float | None
    gap: float | None
    val_accuracies: tuple[tuple[int, float], ...]
    balanced: float | None = None

    @property
    def seed(self) -> int:
        """With which runs it makes a pair."""
        return self.role.seed


@dataclass(frozen=True)
class Pictures:
    """On how many pictures accuracies rest, of how many classes; None where the data set is not known any more.

    `by_class` are the validation pictures of those classes that have any, known where classes are uneven. `training`
    are those of the data set, of which a config may take fewer.
    """

    validation: int | None
    clean: int | None = None
    num_classes: int | None = None
    by_class: tuple[int, ...] | None = None
    training: int | None = None

    @property
    def accuracy_rounding(self) -> float | None:
        """The least spread that is believed of validation accuracies."""
        return rounding_error(self.validation)

    @property
    def balanced_rounding(self) -> float | None:
        """The same of balanced accuracies: the mean of as many accuracies as there are classes."""
        rounding = rounding_error(*self.by_class) if self.by_class else None
        return None if rounding is None or not self.by_class else rounding / len(self.by_class)

    @property
    def gap_rounding(self) -> float | None:
        """The same of gaps, which are differences of two accuracies."""
        return rounding_error(self.clean, self.validation)


UNKNOWN = Pictures(None)


def summarise_run(
    role: RunRole, curves: Mapping[str, list[Any]], balanced: float | None = None
) -> RunResult | None:
    """The numbers of a run's curves, with the balanced accuracy of its best epoch where classes are uneven; None where
    no validation accuracy is known.
    """
    best = best_epoch(curves)
    if best is None:
        return None
    known = tuple(
        (epoch, value)
        for epoch, value in zip(curves["epoch"], curves["val_accuracy"], strict=True)
        if value is not None
    )
    last, clean = curves["val_accuracy"][-1], curves["clean_train_accuracy"][-1]
    gaps = gaps_of(curves)
    return RunResult(role, dict(known)[best], last, clean, gaps[-1] if gaps else None, known, balanced)


def of_condition(measured: Sequence[RunResult], condition: str) -> dict[int, RunResult]:
    """The runs that stand for a condition, by seed and in the order of the seeds."""
    found = {each.seed: each for each in measured if condition in each.role.conditions}
    return dict(sorted(found.items()))


def accuracy_interval(values: Sequence[float | None], pictures: int | None) -> Interval | None:
    """The mean of accuracies on `pictures` pictures with its interval, of what is known; None where nothing is."""
    return _interval(values, rounding_error(pictures), ACCURACY)


def balanced_interval(runs: Iterable[RunResult], pictures: Pictures) -> Interval | None:
    """The same of the balanced accuracies of runs."""
    return _interval([run.balanced for run in runs], pictures.balanced_rounding, ACCURACY)


def gap_interval(values: Sequence[float | None], pictures: Pictures) -> Interval | None:
    """The same of gaps."""
    return _interval(values, pictures.gap_rounding, GAP)


def accuracy_difference(
    pairs: Sequence[tuple[float, float]],
    pictures: Pictures,
    confidence: float = CONFIDENCE,
    *,
    anytime: bool = False,
) -> Difference | None:
    """First minus second of pairs of validation accuracies; None where there are none.

    Its interval holds at one look, or with `anytime` at all looks at once.
    """
    return _difference(pairs, confidence, pictures.accuracy_rounding, ACCURACY, anytime)


def balanced_difference(
    pairs: Iterable[tuple[RunResult, RunResult]], pictures: Pictures, *, anytime: bool = False
) -> Difference | None:
    """The same of the balanced accuracies of pairs of runs, of those that are known."""
    known = [
        (run.balanced, other.balanced)
        for run, other in pairs
        if run.balanced is not None and other.balanced is not None
    ]
    return _difference(known, CONFIDENCE, pictures.balanced_rounding, ACCURACY, anytime)


def gap_difference(
    pairs: Sequence[tuple[float, float]],
    pictures: Pictures,
    confidence: float = CONFIDENCE,
    *,
    anytime: bool = False,
) -> Difference | None:
    """The same of pairs of gaps."""
    return _difference(pairs, confidence, pictures.gap_rounding, GAP, anytime)


def telling_difference(accuracies: Sequence[float], pictures: Pictures) -> float | None:
    """How far two single runs must lie apart to differ by more than chance, where these differ by chance alone.

    t · √2 times the standard deviation, where the interval of the mean of n has t / √n times it; at most 1, and None
    below two.
    """
    interval = _interval(accuracies, pictures.accuracy_rounding, UNLIMITED)
    if interval is None or interval.low is None:
        return None
    return min(1.0, (interval.mean - interval.low) * math.sqrt(2 * interval.n))


def _interval(values: Sequence[float | None], rounding: float | None, limits: Limits) -> Interval | None:
    known = [value for value in values if value is not None]
    return mean_and_interval(known, CONFIDENCE, rounding=rounding, limits=limits) if known else None


def _difference(
    pairs: Sequence[tuple[float, float]],
    confidence: float,
    rounding: float | None,
    limits: Limits,
    anytime: bool,
) -> Difference | None:
    if not pairs:
        return None
    first, second = zip(*pairs, strict=True)
    compare = anytime_difference if anytime else paired_difference
    return compare(first, second, confidence, rounding=rounding, limits=limits)


def known_error(accuracy: float | None, pictures: int | None) -> float | None:
    """The standard error of an accuracy on `pictures` pictures; None where one of them is not known."""
    if accuracy is None or not pictures:
        return None
    return standard_error(min(1.0, max(0.0, accuracy)), pictures)


def combined(errors: Sequence[float | None]) -> float | None:
    """The standard error of a sum or a difference of independent numbers; None where one is not known."""
    known = [error for error in errors if error is not None]
    return math.sqrt(sum(error**2 for error in known)) if len(known) == len(errors) else None


def distance(difference: float) -> str:
    """-0.0153 → `1.5 points`: a difference without its sign."""
    return points(abs(difference))


def signed(value: float) -> str:
    """0.0153 → `+1.5`, and what rounds to nothing → `0.0`."""
    rounded = round(100 * value, 1)
    return with_minus(f"{rounded:+.1f}") if rounded else "0.0"


def span(low: float, high: float) -> str:
    """`-0.1 to +3.1`, in points, with true minus signs."""
    return f"{signed(low)} to {signed(high)}"


def balanced_words(text: str) -> str:
    """The note that says of the balanced accuracy what a headline says of the accuracy."""
    return f"Classes are uneven: they do not count the same in the accuracy of the headline. Balanced accuracy: {text}"


def interval_dict(interval: Interval | None) -> dict[str, Any] | None:
    """For JSON."""
    if interval is None:
        return None
    return {"mean": interval.mean, "low": interval.low, "high": interval.high, "n": interval.n}


def difference_dict(found: Difference | None) -> dict[str, Any] | None:
    """Plain values for JSON; None where nothing can be compared yet."""
    if found is None:
        return None
    return {
        "mean": found.mean, "low": found.low, "high": found.high, "p": found.p, "n": found.n, "clear": found.clear,
    }  # fmt: skip
