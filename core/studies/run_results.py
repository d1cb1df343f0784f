"""The result of one run of a study, numbers over several of them, and differences in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.analysis.curves import best_epoch
from core.analysis.significance import Difference, Interval, mean_and_interval, standard_error
from core.formatting import points
from core.studies.plan import RunRole

CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.959964  # of the normal distribution at 97.5 %


@dataclass(frozen=True)
class RunResult:
    """A run that has ended. Accuracies and `gap` are fractions of 1; `gap` is clean training minus validation at the
    last epoch, and `val_accuracies` has (epoch, accuracy) of each.
    """

    role: RunRole
    best_val_accuracy: float
    last_val_accuracy: float | None
    last_clean_accuracy: float | None
    gap: float | None
    val_accuracies: tuple[tuple[int, float], ...]

    @property
    def seed(self) -> int:
        """With which runs it makes a pair."""
        return self.role.seed


@dataclass(frozen=True)
class Pictures:
    """On how many pictures accuracies rest, of how many classes; None where the data set is not known any more."""

    validation: int | None
    clean: int | None = None
    num_classes: int | None = None


def summarise_run(role: RunRole, curves: Mapping[str, list[Any]]) -> RunResult | None:
    """The numbers of a run's curves; None where no validation accuracy is known."""
    best = best_epoch(curves)
    if best is None:
        return None
    known = tuple(
        (epoch, value)
        for epoch, value in zip(curves["epoch"], curves["val_accuracy"], strict=True)
        if value is not None
    )
    last, clean = curves["val_accuracy"][-1], curves["clean_train_accuracy"][-1]
    gap = None if last is None or clean is None else clean - last
    return RunResult(role, dict(known)[best], last, clean, gap, known)


def of_condition(measured: Sequence[RunResult], condition: str) -> dict[int, RunResult]:
    """The runs that stand for a condition, by seed and in the order of the seeds."""
    found = {each.seed: each for each in measured if condition in each.role.conditions}
    return dict(sorted(found.items()))


def interval_of(values: Sequence[float | None]) -> Interval | None:
    """The mean with its interval, of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return mean_and_interval(known, CONFIDENCE) if known else None


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
    return f"{rounded:+.1f}" if rounded else "0.0"


def span(low: float, high: float) -> str:
    """`-0.1 to +3.1`, in points."""
    return f"{signed(low)} to {signed(high)}"


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
