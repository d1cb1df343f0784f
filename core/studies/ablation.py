"""Which part of an augmentation policy does the work: each knob left out, or alone, and what that changes.

With two seeds or more a change has the interval of the paired t-test. With one seed nothing can be said of chance;
what the finite number of pictures alone explains is the standard error (Agresti and Coull) of both accuracies together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.analysis.significance import Difference, standard_error
from core.formatting import as_sentence, percent
from core.studies.plan import FULL, NONE, active_knobs, conditions_of, knob_key
from core.studies.run_results import (
    CONFIDENCE,
    NORMAL_QUANTILE,
    Pictures,
    RunResult,
    accuracy_difference,
    balanced_difference,
    balanced_words,
    combined,
    gap_difference,
    known_error,
    of_condition,
    signed,
    span,
)
from core.studies.spec import MODES, ONLY, WITHOUT, StudySpec


@dataclass(frozen=True)
class Change:
    """A difference of two conditions, mean over `n` seeds. `low` and `high` are its 95 % interval.

    With one seed they are ± 1.96 `error`, the standard error of the pictures alone; then `clear` is None,
    because nothing is known of chance between seeds. None where pictures are not known either.
    """

    mean: float
    low: float | None
    high: float | None
    error: float | None
    n: int
    clear: bool | None


@dataclass(frozen=True)
class Effect:
    """What a condition changes against its reference: the full policy for `without`, none for `only`.

    `knob` is None for the whole policy. `withstands`: also clear when it is one of several comparisons (Bonferroni).
    `balanced` is the change of the balanced accuracy, None where classes are even.
    """

    mode: str
    knob: str | None
    name: str
    accuracy: Change | None
    gap: Change | None
    withstands: bool
    balanced: Change | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "mode": self.mode, "knob": self.knob, "name": self.name, "accuracy_change": _dict(self.accuracy),
            "balanced_change": _dict(self.balanced),
            "gap_change": _dict(self.gap), "clear_among_all": self.withstands,
        }  # fmt: skip


@dataclass(frozen=True)
class AblationResult:
    """`effects` in the order of the policy's knobs, each mode with the whole policy last."""

    effects: tuple[Effect, ...]
    headline: str
    notes: tuple[str, ...]

    def of_mode(self, mode: str) -> tuple[Effect, ...]:
        """Those against one reference."""
        return tuple(effect for effect in self.effects if effect.mode == mode)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"effects": [effect.to_dict() for effect in self.effects]}


def analyse_ablation(spec: StudySpec, measured: Sequence[RunResult], pictures: Pictures) -> AblationResult:
    """What the runs that have finished say, however few."""
    knobs = active_knobs(spec.bases[0].config.augmentation)
    num_compared = _num_compared(spec, knobs)
    effects = []
    for mode in (mode for mode in MODES if mode in spec.modes):
        reference, whole = (FULL, NONE) if mode == WITHOUT else (NONE, FULL)
        conditions: list[tuple[str | None, str, str]] = [
            (knob, _name(mode, knob), knob_key(mode, knob)) for knob in knobs
        ]
        conditions.append((None, "without all" if mode == WITHOUT else "all together", whole))
        for knob, name, key in conditions:
            runs, against = of_condition(measured, key), of_condition(measured, reference)
            effects.append(_effect(mode, knob, name, runs, against, pictures, num_compared))
    found = tuple(effects)
    single = len(spec.seeds) == 1
    return AblationResult(found, _headline(found, measured, single), _notes(found, single))


def _num_compared(spec: StudySpec, knobs: Sequence[str]) -> int:
    """Among how many the headline picks the largest: in both modes each knob is compared twice, unless it is the only
    one, for then to leave it out and to have it alone are the same two runs.
    """
    configs = {condition.key: condition.config for condition in conditions_of(spec)}
    references = {WITHOUT: FULL, ONLY: NONE}
    return len(
        {
            frozenset((configs[knob_key(mode, knob)], configs[references[mode]]))
            for mode in spec.modes
            for knob in knobs
        }
    )


def _name(mode: str, knob: str) -> str:
    return f"without {knob}" if mode == WITHOUT else f"{knob} alone"


def _effect(
    mode: str,
    knob: str | None,
    name: str,
    runs: dict[int, RunResult],
    against: dict[int, RunResult],
    pictures: Pictures,
    num_compared: int,
) -> Effect:
    pairs = [(runs[seed], against[seed]) for seed in runs if seed in against]
    accuracies = [(run.best_val_accuracy, other.best_val_accuracy) for run, other in pairs]
    gaps = [(run.gap, other.gap) for run, other in pairs if run.gap is not None and other.gap is not None]
    accuracy_error = gap_error = None
    if pairs:
        first = pairs[0]
        accuracy_error = combined([known_error(run.best_val_accuracy, pictures.validation) for run in first])
        gap_error = combined(
            [known_error(run.last_val_accuracy, pictures.validation) for run in first]
            + [known_error(run.last_clean_accuracy, pictures.clean) for run in first]
        )
    # Dunn, "Multiple comparisons among means", JASA 56, 1961: the chance of any false alarm among m is kept.
    strict = 1 - (1 - CONFIDENCE) / max(1, num_compared)
    strictly = accuracy_difference(accuracies, pictures, strict)
    return Effect(
        mode, knob, name,
        _change(accuracy_difference(accuracies, pictures), accuracy_error, 1.0),
        _change(gap_difference(gaps, pictures), gap_error, 2.0),
        strictly is not None and strictly.clear,
        _change(balanced_difference(pairs, pictures), _balanced_error(pairs, pictures), 1.0),
    )  # fmt: skip


def _balanced_error(pairs: Sequence[tuple[RunResult, RunResult]], pictures: Pictures) -> float | None:
    """Of the first pair, at most: that of two means of accuracies of one half, the least certain there are."""
    if not pairs or not pictures.by_class:
        return None
    errors = [standard_error(0.5, count) for count in pictures.by_class]
    mean = combined(errors)
    return None if mean is None else combined([mean / len(errors)] * 2)


def _change(found: Difference | None, error: float | None, most: float) -> Change | None:
    """`most` is the largest difference that is possible."""
    if found is None:
        return None
    if found.n > 1:
        return Change(found.mean, found.low, found.high, None, found.n, found.clear)
    if error is None:
        return Change(found.mean, None, None, None, 1, None)
    half = NORMAL_QUANTILE * error
    return Change(found.mean, max(-most, found.mean - half), min(most, found.mean + half), error, 1, None)


def _headline(effects: Sequence[Effect], measured: Sequence[RunResult], single: bool) -> str:
    whole = of_condition(measured, FULL)
    own = [effect for effect in effects if effect.knob is not None and effect.accuracy is not None]
    if not own:
        if not whole:
            return (
                "Nothing to compare yet: the run with the full augmentation and one other must have finished."
            )
        reached = percent(next(iter(whole.values())).best_val_accuracy)
        return f"The full augmentation reaches {reached}; no run to compare it with has finished yet."
    biggest = max(own, key=lambda effect: abs(_mean(effect)))
    if not single and (clear := [effect for effect in own if effect.withstands]):
        biggest = max(clear, key=lambda effect: abs(_mean(effect)))
        return f"{_sentence(biggest)}: it stands out from chance."
    change = biggest.accuracy
    assert change is not None
    if change.n == 1:
        return f"{_sentence(biggest)}, the largest change; with one seed it may be chance."
    if change.clear:
        return f"{_sentence(biggest)}; with this many comparisons it may still be chance."
    return f"No part of it stands out from chance. The largest change: {_sentence(biggest, capital=False)}."


def _sentence(effect: Effect, capital: bool = True) -> str:
    change = effect.accuracy
    assert change is not None
    name = as_sentence(effect.name) if capital else effect.name
    reference = "than with all of it" if effect.mode == WITHOUT else "than without augmentation"
    direction = "more" if change.mean >= 0 else "less"
    size = f"{abs(100 * change.mean):.1f} points {direction} {reference}"
    if size.startswith("0.0 "):
        size = f"the same {reference.replace('than', 'as')}"
    return f"{name}, validation accuracy is {size}{_interval(change)}"


def _interval(change: Change) -> str:
    if change.n == 1 or change.low is None or change.high is None:
        return ""
    return f" ({span(change.low, change.high)}, 95 %)"


def _notes(effects: Sequence[Effect], single: bool) -> tuple[str, ...]:
    notes = []
    if single and any(effect.accuracy is not None for effect in effects):
        notes.append(
            "With one seed, variation between seeds is unknown. The lines show only the uncertainty from the number of "
            "pictures (±1.96 standard errors); another seed may move a bar by more."
        )
    own = [(effect, effect.balanced) for effect in effects if effect.knob is not None and effect.balanced]
    if own:
        effect, change = max(own, key=lambda each: abs(each[1].mean))
        notes.append(
            balanced_words(
                f"the largest change is {signed(change.mean)} points{_interval(change)}, {effect.name}."
            )
        )
    for mode, words in ((WITHOUT, "All of it left out"), (ONLY, "All of it together")):
        whole = next((e for e in effects if e.mode == mode and e.knob is None), None)
        if whole is not None and whole.accuracy is not None and whole.gap is not None:
            notes.append(
                f"{words}: {signed(whole.accuracy.mean)} points of accuracy{_interval(whole.accuracy)}, "
                f"{signed(whole.gap.mean)} of gap{_interval(whole.gap)}."
            )
    return tuple(notes)


def _mean(effect: Effect) -> float:
    return effect.accuracy.mean if effect.accuracy is not None else 0.0


def _dict(change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    return {
        "mean": change.mean, "low": change.low, "high": change.high, "standard_error": change.error, "n": change.n,
        "clear": change.clear,
    }  # fmt: skip
