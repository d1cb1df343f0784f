"""Signal or noise? The same with several seeds: how far chance alone moves a result, and whether two differ by more.

Two configs are compared by the paired t-test (Student, Biometrika 6, 1908, doi 10.1093/biomet/6.1.1): entry by entry
the same seed, so that what a seed shifts in both alike drops out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.analysis.significance import Difference, Interval, mean_and_interval, paired_difference
from core.formatting import percent
from core.studies.plan import conditions_of
from core.studies.run_results import (
    CONFIDENCE,
    RunResult,
    difference_dict,
    distance,
    interval_dict,
    interval_of,
    of_condition,
    span,
)
from core.studies.spec import StudySpec


@dataclass(frozen=True)
class BandPoint:
    """The validation accuracy of an epoch over the seeds."""

    epoch: int
    accuracy: Interval


@dataclass(frozen=True)
class ConditionResult:
    """A config over its seeds. `spread` is the standard deviation of the best validation accuracy between seeds, and
    `telling` how far two single runs of it must lie apart to differ by more than chance; None below two seeds.

    `band` has the epochs that all of its runs have reached: further on, the mean would be that of other runs.
    """

    key: str
    name: str
    accuracy: Interval | None
    gap: Interval | None
    spread: float | None
    telling: float | None
    band: tuple[BandPoint, ...]


@dataclass(frozen=True)
class SeedRow:
    """A seed, with the best validation accuracy and the last gap of each config; None where a run has not ended."""

    seed: int
    accuracies: tuple[float | None, ...]
    gaps: tuple[float | None, ...]


@dataclass(frozen=True)
class SeedsResult:
    """`accuracy` and `gap` are first minus second; None with one config, or before a pair of runs has finished."""

    conditions: tuple[ConditionResult, ...]
    rows: tuple[SeedRow, ...]
    accuracy: Difference | None
    gap: Difference | None
    headline: str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        conditions = [
            {
                "name": condition.name,
                "best_val_accuracy": interval_dict(condition.accuracy), "gap": interval_dict(condition.gap),
                "standard_deviation": condition.spread, "telling_difference": condition.telling,
                "epochs": [{"epoch": point.epoch, **(interval_dict(point.accuracy) or {})} for point in condition.band],
            }
            for condition in self.conditions
        ]  # fmt: skip
        rows = [
            {"seed": row.seed, "best_val_accuracy": list(row.accuracies), "gap": list(row.gaps)}
            for row in self.rows
        ]
        return {
            "configs": conditions,
            "seeds": rows,
            "difference": difference_dict(self.accuracy),
            "gap_difference": difference_dict(self.gap),
        }


def compare_seeds(spec: StudySpec, measured: Sequence[RunResult]) -> SeedsResult:
    """What the runs that have finished say, however few."""
    conditions = conditions_of(spec)
    found = [of_condition(measured, condition.key) for condition in conditions]
    results = tuple(
        _condition_result(condition.key, condition.name, list(runs.values()))
        for condition, runs in zip(conditions, found, strict=True)
    )
    rows = tuple(
        SeedRow(
            seed,
            tuple(runs[seed].best_val_accuracy if seed in runs else None for runs in found),
            tuple(runs[seed].gap if seed in runs else None for runs in found),
        )
        for seed in spec.seeds
    )
    if len(conditions) == 1:
        return SeedsResult(results, rows, None, None, *_words_of_one(results[0]))
    names = (conditions[0].name, conditions[1].name)
    accuracy, gap = _paired([row.accuracies for row in rows]), _paired([row.gaps for row in rows])
    return SeedsResult(results, rows, accuracy, gap, *_words_of_two(names, accuracy, gap))


def _condition_result(key: str, name: str, runs: Sequence[RunResult]) -> ConditionResult:
    accuracy = interval_of([run.best_val_accuracy for run in runs])
    spread = telling = None
    if accuracy is not None and accuracy.low is not None and accuracy.n > 1:
        spread = float(np.std([run.best_val_accuracy for run in runs], ddof=1))
        # Two single runs differ by a standard deviation of √2 · spread; the interval of a mean has t · spread / √n.
        telling = (accuracy.mean - accuracy.low) * math.sqrt(2 * accuracy.n)
    return ConditionResult(
        key, name, accuracy, interval_of([run.gap for run in runs]), spread, telling, _band(runs)
    )


def _band(runs: Sequence[RunResult]) -> tuple[BandPoint, ...]:
    curves = [dict(run.val_accuracies) for run in runs]
    if not curves:
        return ()
    shared = sorted(set(curves[0]).intersection(*curves[1:]))
    return tuple(
        BandPoint(epoch, mean_and_interval([curve[epoch] for curve in curves], CONFIDENCE))
        for epoch in shared
    )


def _paired(rows: Sequence[tuple[float | None, ...]]) -> Difference | None:
    pairs = [(first, second) for first, second in rows if first is not None and second is not None]
    if not pairs:
        return None
    return paired_difference([pair[0] for pair in pairs], [pair[1] for pair in pairs], CONFIDENCE)


def _words_of_one(condition: ConditionResult) -> tuple[str, tuple[str, ...]]:
    accuracy = condition.accuracy
    if accuracy is None:
        return "No run has finished yet.", ()
    mean = percent(accuracy.mean)
    if accuracy.low is None or accuracy.high is None or condition.telling is None or condition.spread is None:
        return (
            f"{condition.name}: {mean} best validation accuracy; one run cannot show how much is chance.",
            (),
        )
    seeds = f"95 % interval of {accuracy.n} seeds: {percent(accuracy.low)} to {percent(accuracy.high)}"
    headline = f"{condition.name} reaches {mean} on average ({seeds})."
    noise = (
        f"From seed to seed it varies by {distance(condition.spread)} (standard deviation). Two single runs "
        f"must differ by more than {distance(condition.telling)} before the difference means anything."
    )
    return headline, (noise,)


def _words_of_two(
    names: tuple[str, str], accuracy: Difference | None, gap: Difference | None
) -> tuple[str, tuple[str, ...]]:
    if accuracy is None:
        return f"No seed has finished for both {names[0]} and {names[1]} yet.", ()
    better = names[0] if accuracy.mean >= 0 else names[1]
    mean = distance(accuracy.mean)
    if accuracy.low is None or accuracy.high is None:
        found = "Both are equally good" if mean == distance(0.0) else f"{better} is {mean} better"
        return f"{found} in one pair of runs, which cannot tell a difference from chance.", ()
    low, high = _turned(accuracy.low, accuracy.high, accuracy.mean)
    verdict = "a clear difference" if accuracy.clear else "no clear winner"
    headline = f"{better} is {mean} better ({span(low, high)}, 95 %): {verdict}."
    if mean == distance(0.0):
        headline = f"Both are equally good on average ({span(low, high)}, 95 %): {verdict}."
    if gap is None or gap.low is None or gap.high is None:
        return headline, ()
    narrower = names[0] if gap.mean < 0 else names[1]
    low, high = _turned(gap.low, gap.high, gap.mean)
    verdict = "a clear difference" if gap.clear else "no clear difference"
    if distance(gap.mean) == distance(0.0):
        return headline, (f"Their gaps are equal on average ({span(low, high)}, 95 %): {verdict}.",)
    return headline, (
        f"The gap of {narrower} is {distance(gap.mean)} smaller ({span(low, high)}, 95 %): {verdict}.",
    )


def _turned(low: float, high: float, mean: float) -> tuple[float, float]:
    """The interval as seen from the side that is ahead."""
    return (low, high) if mean >= 0 else (-high, -low)
