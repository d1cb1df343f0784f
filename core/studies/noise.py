"""Label noise: what wrong labels do to validation accuracy, and how many of them a network learns by heart.

Training labels are wrong on purpose, validation labels are not. A network that learned the true rule alone would get
the wrongly labelled pictures "wrong", so at most 1 - fraction of its training labels right. What it gets right beyond
that it can only know by heart (Zhang et al., "Understanding deep learning requires rethinking generalization", arXiv
1611.03530, where networks fit even random labels).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.analysis.significance import Difference, Interval
from core.formatting import percent
from core.studies.plan import fraction_key
from core.studies.run_results import (
    Pictures,
    RunResult,
    accuracy_difference,
    accuracy_interval,
    balanced_difference,
    balanced_interval,
    balanced_words,
    difference_dict,
    distance,
    interval_dict,
    of_condition,
    span,
)
from core.studies.spec import StudySpec


@dataclass(frozen=True)
class NoiseLevel:
    """A fraction of wrong labels with what was reached over its seeds, as fractions of 1.

    `clean_training` is measured at the last epoch against the labels trained on, wrong ones included, with dropout
    and augmentation off. `memorised` is the share of the wrong labels that it must at least know by heart.
    """

    fraction: float
    best_validation: Interval | None
    balanced: Interval | None
    last_validation: Interval | None
    clean_training: Interval | None
    memorised: float | None


@dataclass(frozen=True)
class NoiseResult:
    """`difference` is the most noise minus the least, in best validation accuracy, paired by seed; `balanced` in the
    balanced accuracy of the best epoch, where classes are uneven.
    """

    levels: tuple[NoiseLevel, ...]
    difference: Difference | None
    balanced: Difference | None
    headline: str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        levels = [
            {
                "fraction": level.fraction, "best_val_accuracy": interval_dict(level.best_validation),
                "balanced_accuracy": interval_dict(level.balanced),
                "last_val_accuracy": interval_dict(level.last_validation),
                "clean_train_accuracy": interval_dict(level.clean_training), "memorised_at_least": level.memorised,
            }
            for level in self.levels
        ]  # fmt: skip
        return {
            "fractions": levels,
            "difference": difference_dict(self.difference),
            "balanced_difference": difference_dict(self.balanced),
        }


def analyse_noise(spec: StudySpec, measured: Sequence[RunResult], pictures: Pictures) -> NoiseResult:
    """What the runs that have finished say, however few."""
    found = {fraction: of_condition(measured, fraction_key(fraction)) for fraction in spec.fractions}
    levels = tuple(_level(fraction, list(runs.values()), pictures) for fraction, runs in found.items())
    ended = [fraction for fraction, runs in found.items() if runs]
    if not ended:
        return NoiseResult(levels, None, None, "No run has finished yet.", ())
    low, high = ended[0], ended[-1]
    pairs = [
        (run.best_val_accuracy, found[low][seed].best_val_accuracy)
        for seed, run in found[high].items()
        if seed in found[low]
    ]
    difference = accuracy_difference(pairs, pictures) if low != high else None
    same_seed = ((run, found[low][seed]) for seed, run in found[high].items() if seed in found[low])
    balanced = balanced_difference(same_seed, pictures) if low != high else None
    by_fraction = {level.fraction: level for level in levels}
    headline = _headline(by_fraction[low], by_fraction[high], difference)
    notes = _notes(by_fraction[high], len(spec.seeds) == 1)
    if balanced is not None:
        said = f"with {100 * high:g} % wrong labels it is {_compared(by_fraction[low], balanced)}"
        notes = (balanced_words(said), *notes)
    return NoiseResult(levels, difference, balanced, headline, notes)


def _level(fraction: float, runs: Sequence[RunResult], pictures: Pictures) -> NoiseLevel:
    clean = accuracy_interval([run.last_clean_accuracy for run in runs], pictures.clean)
    memorised = None
    if clean is not None and _can_be_told(fraction, pictures.num_classes):
        # Among the pictures measured, floor or ceil(n · fraction) labels are wrong: one picture may be the border's.
        beyond = clean.mean - (1 - fraction) - (1 / pictures.clean if pictures.clean else 0.0)
        memorised = min(1.0, max(0.0, beyond) / fraction)
    return NoiseLevel(
        fraction,
        accuracy_interval([run.best_val_accuracy for run in runs], pictures.validation),
        balanced_interval(runs, pictures),
        accuracy_interval([run.last_val_accuracy for run in runs], pictures.validation),
        clean,
        memorised,
    )


def _can_be_told(fraction: float, num_classes: int | None) -> bool:
    """Whether no rule, not even one that is wrong throughout, can agree with more than 1 - fraction of the labels."""
    return fraction > 0 and num_classes is not None and fraction / (num_classes - 1) <= 1 - fraction


def _headline(low: NoiseLevel, high: NoiseLevel, difference: Difference | None) -> str:
    assert low.best_validation is not None and high.best_validation is not None
    share = f"{100 * high.fraction:g} % wrong labels"
    if difference is None:
        reached = percent(high.best_validation.mean)
        return (
            f"With {share}: {reached} best validation accuracy; no run to compare it with has finished yet."
        )
    return f"With {share} the best validation accuracy is {_compared(low, difference)}"


def _compared(low: NoiseLevel, difference: Difference) -> str:
    direction = "lower" if difference.mean <= 0 else "higher"
    text = f"{distance(difference.mean)} {direction} than with {100 * low.fraction:g} %"
    if difference.low is None or difference.high is None:
        return f"{text}, in one pair of runs."
    verdict = "a clear difference" if difference.clear else "no clear difference"
    return f"{text} ({span(difference.low, difference.high)}, 95 %): {verdict}."


def _notes(high: NoiseLevel, single: bool) -> tuple[str, ...]:
    notes = []
    if high.memorised is not None and high.clean_training is not None:
        said = (
            f"At {100 * high.fraction:g} % wrong labels the network gets {percent(high.clean_training.mean)} of its "
            "training labels right"
        )
        if high.memorised > 0:
            notes.append(
                f"{said}, more than the {percent(1 - high.fraction)} that are correct: at least "
                f"{percent(high.memorised)} of the wrong ones were learned by heart."
            )
        else:
            notes.append(f"{said}, no more than are correct, so no memorised wrong labels can be detected.")
    if single:
        notes.append("With one seed, variation between seeds is unknown.")
    return tuple(notes)
