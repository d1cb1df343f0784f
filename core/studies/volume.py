"""The data-volume ladder: accuracy against the logarithm of the number of training pictures, and how straight it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.analysis.divergence import GUESSING_MARGIN
from core.analysis.significance import Interval, LogFit, fit_log_law
from core.errors import UserError
from core.formatting import percent
from core.studies.plan import size_key
from core.studies.run_results import (
    CONFIDENCE,
    Pictures,
    RunResult,
    accuracy_interval,
    balanced_interval,
    balanced_words,
    distance,
    gap_interval,
    interval_dict,
    known_error,
    of_condition,
    signed,
    span,
)
from core.studies.spec import StudySpec


@dataclass(frozen=True)
class SizeLevel:
    """A size with what was reached over its seeds. `residual` is the mean accuracy minus the line's value `fitted`;
    both are None before there is a line. `error` is the standard error (Agresti and Coull) of a single accuracy there.
    """

    size: int
    accuracy: Interval | None
    balanced: Interval | None
    gap: Interval | None
    fitted: float | None
    residual: float | None
    error: float | None


@dataclass(frozen=True)
class VolumeResult:
    """`fit` goes through every run, so that several seeds of a size are several points; None below two sizes."""

    levels: tuple[SizeLevel, ...]
    fit: LogFit | None
    headline: str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        levels = [
            {
                "size": level.size, "best_val_accuracy": interval_dict(level.accuracy),
                "balanced_accuracy": interval_dict(level.balanced), "gap": interval_dict(level.gap),
                "fitted": level.fitted, "residual": level.residual, "standard_error": level.error,
            }
            for level in self.levels
        ]  # fmt: skip
        fit = self.fit and {
            "slope_per_decade": self.fit.slope_per_decade, "slope_low": self.fit.slope_low,
            "slope_high": self.fit.slope_high, "intercept": self.fit.intercept, "r_squared": self.fit.r_squared,
            "n": self.fit.n,
        }  # fmt: skip
        return {"sizes": levels, "fit": fit}


def analyse_volume(spec: StudySpec, measured: Sequence[RunResult], pictures: Pictures) -> VolumeResult:
    """What the runs that have finished say, however few."""
    found = {size: list(of_condition(measured, size_key(size)).values()) for size in spec.sizes}
    pairs = [(size, run.best_val_accuracy) for size, runs in found.items() for run in runs]
    try:
        fit = fit_log_law(
            [size for size, _ in pairs],
            [value for _, value in pairs],
            CONFIDENCE,
            rounding=pictures.accuracy_rounding,
        )
    except UserError:
        fit = None  # fewer than two sizes so far
    # A class without validation pictures is no part of the balanced accuracy.
    num_classes = len(pictures.by_class) if pictures.by_class else pictures.num_classes
    levels = tuple(_level(size, runs, fit, pictures) for size, runs in found.items())
    return VolumeResult(levels, fit, _headline(fit), _notes(fit, levels, num_classes))


def _level(size: int, runs: Sequence[RunResult], fit: LogFit | None, pictures: Pictures) -> SizeLevel:
    accuracy = accuracy_interval([run.best_val_accuracy for run in runs], pictures.validation)
    fitted = None if fit is None else fit.accuracy_at(size)
    residual = None if accuracy is None or fitted is None else accuracy.mean - fitted
    error = None if accuracy is None else known_error(accuracy.mean, pictures.validation)
    gap = gap_interval([run.gap for run in runs], replace(pictures, clean=min(pictures.clean or size, size)))
    return SizeLevel(size, accuracy, balanced_interval(runs, pictures), gap, fitted, residual, error)


def _headline(fit: LogFit | None) -> str:
    if fit is None:
        return "The fitted line appears once runs of two sizes have finished."
    direction = "more" if fit.slope_per_decade >= 0 else "less"
    text = f"Ten times the pictures: {distance(fit.slope_per_decade)} {direction} validation accuracy"
    if fit.slope_low is None or fit.slope_high is None:
        return f"{text}. Two runs always fit a line; a third run will test it."
    explained = "" if fit.r_squared is None else f", R² {fit.r_squared:.3f}"
    text += f" ({span(fit.slope_low, fit.slope_high)}, 95 %{explained})"
    clear = fit.slope_low * fit.slope_high > 0
    return f"{text}." if clear else f"{text}: no clear slope."


def _notes(fit: LogFit | None, levels: Sequence[SizeLevel], num_classes: int | None) -> tuple[str, ...]:
    guessed = [f"{level.size:,}" for level in levels if level.accuracy and _is_guessing(level, num_classes)]
    known = [level for level in levels if level.residual is not None]
    notes = []
    balanced = [
        f"{percent(level.balanced.mean)} with {level.size:,} pictures" for level in levels if level.balanced
    ]
    if balanced:
        ends = dict.fromkeys((balanced[0], balanced[-1]))
        notes.append(balanced_words(f"{', '.join(ends)}."))
    if guessed:
        notes.append(
            f"At {' and '.join(guessed)} pictures the network is hardly better than guessing: the fitted line "
            "says nothing about such sizes. Train longer, or leave them out."
        )
    if fit is None or fit.slope_low is None or len(known) < 3:
        return tuple(notes)
    notes.append(f"Per doubling of the pictures: {signed(fit.slope_per_doubling)} points.")
    worst = max(known, key=lambda level: abs(level.residual or 0.0))
    assert worst.residual is not None
    text = f"The line is off by at most {distance(worst.residual)}, at {worst.size:,} pictures"
    if worst.error is not None:
        text += f"; the standard error of an accuracy at that size is {distance(worst.error)}"
    notes.append(text + ".")
    if bend := _bend([level.residual or 0.0 for level in known]):
        notes.append(bend)
    return tuple(notes)


def _is_guessing(level: SizeLevel, num_classes: int | None) -> bool:
    """By the balanced accuracy where classes are uneven: one answer for everything gets 1 / `num_classes` of that."""
    told = level.balanced or level.accuracy
    return num_classes is not None and told is not None and told.mean < 1 / num_classes + GUESSING_MARGIN


def _bend(residuals: Sequence[float]) -> str | None:
    """Said where both ends lie on one side and all between on the other, with two of these at least."""
    if len(residuals) < 4:
        return None
    ends, middle = (residuals[0], residuals[-1]), residuals[1:-1]
    if max(ends) < 0 < min(middle):
        return "The points bend down: each tenfold gains less, and the line overstates the next one."
    if max(middle) < 0 < min(ends):
        return "The points bend upwards: the line understates what the next tenfold would bring."
    return None
