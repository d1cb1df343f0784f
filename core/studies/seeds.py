"""Signal or noise? The same with several seeds: how far chance alone moves a result, and whether two differ by more.

Two configs are compared by the paired t-test (Student, Biometrika 6, 1908, doi 10.1093/biomet/6.1.1): entry by entry
the same seed, so that what a seed shifts in both alike drops out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.analysis.significance import Difference, Interval
from core.design.hints import averages_lag
from core.formatting import count_of, percent
from core.studies.decision import Decision, decide
from core.studies.plan import Condition, conditions_of
from core.studies.run_results import (
    UNKNOWN,
    Pictures,
    RunResult,
    accuracy_difference,
    accuracy_interval,
    balanced_difference,
    balanced_interval,
    balanced_words,
    difference_dict,
    distance,
    gap_difference,
    gap_interval,
    interval_dict,
    of_condition,
    span,
    telling_difference,
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
    `telling` how far two single runs of it must lie apart to differ by more than chance, never less than the number of
    pictures can show; None below two seeds.

    `band` has the epochs that all of its runs have reached: further on, the mean would be that of other runs.
    """

    key: str
    name: str
    accuracy: Interval | None
    balanced: Interval | None
    gap: Interval | None
    spread: float | None
    telling: float | None
    band: tuple[BandPoint, ...]


@dataclass(frozen=True)
class SeedRow:
    """A seed, with the best validation accuracy, the balanced one of that epoch and the last gap of each config; None
    where a run has not ended. Balanced accuracies are None too where classes are even.
    """

    seed: int
    accuracies: tuple[float | None, ...]
    balanced: tuple[float | None, ...]
    gaps: tuple[float | None, ...]


@dataclass(frozen=True)
class SeedsResult:
    """`accuracy`, `balanced` and `gap` are first minus second; None with one config, or before a pair of runs has
    finished. Where seeds are added until it is decided, their intervals hold after each seed, and `decision` says how
    it stands.
    """

    conditions: tuple[ConditionResult, ...]
    rows: tuple[SeedRow, ...]
    accuracy: Difference | None
    balanced: Difference | None
    gap: Difference | None
    headline: str
    notes: tuple[str, ...]
    decision: Decision | None = None

    @property
    def leader(self) -> int:
        """0 or 1: the config with the better mean accuracy, of which headline, notes and charts say what it changes."""
        return _leader(self.accuracy)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        conditions = [
            {
                "name": condition.name,
                "best_val_accuracy": interval_dict(condition.accuracy),
                "balanced_accuracy": interval_dict(condition.balanced), "gap": interval_dict(condition.gap),
                "standard_deviation": condition.spread, "telling_difference": condition.telling,
                "epochs": [{"epoch": point.epoch, **(interval_dict(point.accuracy) or {})} for point in condition.band],
            }
            for condition in self.conditions
        ]  # fmt: skip
        rows = [
            {
                "seed": row.seed,
                "best_val_accuracy": list(row.accuracies),
                "balanced_accuracy": list(row.balanced),
                "gap": list(row.gaps),
            }
            for row in self.rows
        ]
        return {
            "configs": conditions,
            "seeds": rows,
            "difference": difference_dict(self.accuracy),
            "balanced_difference": difference_dict(self.balanced),
            "gap_difference": difference_dict(self.gap),
            **({} if self.decision is None else {"decision": self.decision.to_dict()}),
        }


def compare_seeds(
    spec: StudySpec, measured: Sequence[RunResult], pictures: Pictures = UNKNOWN
) -> SeedsResult:
    """What the runs that have finished say, however few."""
    conditions = conditions_of(spec)
    found = [of_condition(measured, condition.key) for condition in conditions]
    results = tuple(
        _condition_result(condition.key, condition.name, list(runs.values()), pictures)
        for condition, runs in zip(conditions, found, strict=True)
    )
    rows = tuple(
        SeedRow(
            seed,
            tuple(runs[seed].best_val_accuracy if seed in runs else None for runs in found),
            tuple(runs[seed].balanced if seed in runs else None for runs in found),
            tuple(runs[seed].gap if seed in runs else None for runs in found),
        )
        for seed in spec.seeds
    )
    if len(conditions) == 1:
        return SeedsResult(results, rows, None, None, None, *_words_of_one(results[0], pictures))
    names = (conditions[0].name, conditions[1].name)
    pairs, anytime = _pairs([row.accuracies for row in rows]), spec.until_decided
    accuracy = accuracy_difference(pairs, pictures, anytime=anytime)
    gap = gap_difference(_pairs([row.gaps for row in rows]), pictures, anytime=anytime)
    first, second = found
    balanced = balanced_difference(
        ((first[seed], second[seed]) for seed in first if seed in second), pictures, anytime=anytime
    )
    headline, notes = _words_of_two(names, accuracy, balanced, gap)
    notes += _lag_in_words(conditions, pictures)
    if not anytime:
        return SeedsResult(results, rows, accuracy, balanced, gap, headline, notes)
    decision = decide(spec, pairs, pictures)
    return SeedsResult(
        results, rows, accuracy, balanced, gap, headline, (decision.sentence, *notes), decision
    )


def _condition_result(key: str, name: str, runs: Sequence[RunResult], pictures: Pictures) -> ConditionResult:
    best = [run.best_val_accuracy for run in runs]
    accuracy = accuracy_interval(best, pictures.validation)
    spread = float(np.std(best, ddof=1)) if len(best) > 1 else None
    gap = gap_interval([run.gap for run in runs], pictures)
    return ConditionResult(
        key, name, accuracy, balanced_interval(runs, pictures), gap, spread, telling_difference(best, pictures),
        _band(runs, pictures),
    )  # fmt: skip


def _band(runs: Sequence[RunResult], pictures: Pictures) -> tuple[BandPoint, ...]:
    curves = [dict(run.val_accuracies) for run in runs]
    if not curves:
        return ()
    points = []
    for epoch in sorted(set(curves[0]).intersection(*curves[1:])):
        accuracy = accuracy_interval([curve[epoch] for curve in curves], pictures.validation)
        assert accuracy is not None
        points.append(BandPoint(epoch, accuracy))
    return tuple(points)


def _pairs(rows: Sequence[tuple[float | None, ...]]) -> list[tuple[float, float]]:
    return [(first, second) for first, second in rows if first is not None and second is not None]


def _words_of_one(condition: ConditionResult, pictures: Pictures) -> tuple[str, tuple[str, ...]]:
    accuracy = condition.accuracy
    if accuracy is None:
        return "No run has finished yet.", ()
    mean = percent(accuracy.mean)
    balanced = () if condition.balanced is None else (balanced_words(_reached(condition.balanced)),)
    if accuracy.low is None or accuracy.high is None or condition.telling is None or condition.spread is None:
        return (
            f"{condition.name}: {mean} best validation accuracy; one run cannot show how much is chance.",
            balanced,
        )
    seeds = f"95 % interval of {accuracy.n} seeds: {percent(accuracy.low)} to {percent(accuracy.high)}"
    what = " best validation accuracy" if balanced else ""
    headline = f"{condition.name} reaches {mean}{what} on average ({seeds})."
    varies = f"by {distance(condition.spread)} (standard deviation)"
    if pictures.validation and condition.spread < (pictures.accuracy_rounding or 0.0):
        varies = f"by less than {pictures.validation:,} validation pictures can show"
    apart = (
        f"Two single runs must differ by more than {distance(condition.telling)} before the difference means "
        "anything."
    )
    if condition.telling >= 1:
        apart = "With so few seeds no difference between two single runs means anything."
    return headline, (*balanced, f"From seed to seed it varies {varies}. {apart}")


def _reached(accuracy: Interval) -> str:
    if accuracy.low is None or accuracy.high is None:
        return f"{percent(accuracy.mean)}."
    return f"{percent(accuracy.mean)} on average ({percent(accuracy.low)} to {percent(accuracy.high)})."


def _words_of_two(
    names: tuple[str, str], accuracy: Difference | None, balanced: Difference | None, gap: Difference | None
) -> tuple[str, tuple[str, ...]]:
    if accuracy is None:
        return f"No seed has finished for both {names[0]} and {names[1]} yet.", ()
    headline = _better(names, accuracy, "" if balanced is None else " in accuracy")
    notes: tuple[str, ...] = () if balanced is None else (balanced_words(_better(names, balanced)),)
    return headline, notes + _gaps_in_words(names, gap, _leader(accuracy))


def _lag_in_words(conditions: Sequence[Condition], pictures: Pictures) -> tuple[str, ...]:
    """That one config may look worse than it is, as from random weights beside one whose blocks are frozen."""
    lagging = []
    for condition in conditions:
        num_train = condition.config.dataset.num_train or pictures.training
        if num_train is not None and averages_lag(condition.config, num_train):
            lagging.append((condition, condition.config.training.steps_per_epoch(num_train)))
    if len(lagging) != 1:
        return ()
    ((slow, steps),) = lagging
    (other,) = [each for each in conditions if each is not slow]
    return (
        f"Lagging averages may flatter {other.name}: {slow.name} alone is validated with running averages of batch "
        f"normalisation that lag behind (momentum {slow.config.model.batch_norm_momentum:g}, "
        f"{count_of(steps, 'step')} per epoch), so it may be better than it looks. Compare them with precise batch "
        "normalisation.",
    )


def _leader(accuracy: Difference | None) -> int:
    return 0 if accuracy is None or accuracy.mean >= 0 else 1


def _better(names: tuple[str, str], accuracy: Difference, measure: str = "") -> str:
    better = names[_leader(accuracy)]
    mean = distance(accuracy.mean)
    if accuracy.low is None or accuracy.high is None:
        if accuracy.n > 1:  # an interval that holds after each seed comes with the fourth
            return (
                f"{better} is {mean} better{measure} in {accuracy.n} pairs of runs, which is too few to tell."
            )
        found = "Both are equally good" if mean == distance(0.0) else f"{better} is {mean} better"
        return f"{found}{measure} in one pair of runs, which cannot tell a difference from chance."
    low, high = _turned(accuracy.low, accuracy.high, _leader(accuracy))
    verdict = "a clear difference" if accuracy.clear else "no clear winner"
    if mean == distance(0.0):
        return f"Both are equally good{measure} on average ({span(low, high)}, 95 %): {verdict}."
    return f"{better} is {mean} better{measure} ({span(low, high)}, 95 %): {verdict}."


def _gaps_in_words(names: tuple[str, str], gap: Difference | None, leader: int) -> tuple[str, ...]:
    """Of the one that is ahead in accuracy, so that all intervals have one direction."""
    if gap is None or gap.low is None or gap.high is None:
        return ()
    low, high = _turned(gap.low, gap.high, leader)
    change = "smaller" if (gap.mean < 0) == (leader == 0) else "larger"
    verdict = "a clear difference" if gap.clear else "no clear difference"
    if distance(gap.mean) == distance(0.0):
        return (f"Their gaps are equal on average ({span(low, high)}, 95 %): {verdict}.",)
    return (
        f"The gap of {names[leader]} is {distance(gap.mean)} {change} ({span(low, high)}, 95 %): {verdict}.",
    )


def _turned(low: float, high: float, leader: int) -> tuple[float, float]:
    """The interval of the leader minus the other one, from that of the first minus the second."""
    return (low, high) if leader == 0 else (-high, -low)
