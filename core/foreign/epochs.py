"""Series of another tool brought onto epochs: one value per epoch and curve, as `core.epoch.EpochRow` has them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.epoch import EpochRow
from core.errors import RecordError
from core.foreign.columns import MEASURES, is_bookkeeping, is_error_rate, match_of, measure_of
from core.foreign.recorded import Numbers, Recorded, Series
from core.formatting import count_of, listed, printable

MAX_EPOCHS = 20_000
MAX_EPOCH_NUMBER = 1_000_000
MAX_COUNT = 1e15  # beyond, one step cannot be told from the next
# Without epochs and without validation, a series of more than MOST_STEPS is cut into PARTS equal parts.
MOST_STEPS, PARTS = 5000, 200
MOST_RESTARTS = 100
MOST_NAMES, MOST_CHARACTERS = 8, 60


@dataclass(frozen=True)
class FoundRun:
    """A run that can be imported: its rows, which name became which curve, what was left out, remarks in sentences.

    `nan_epoch` is the one from which on its loss was recorded as NaN or infinite, up to the end; None where it is not.
    `beside` says which of the files that were given with it were not used.
    """

    name: str
    tool: str
    rows: tuple[EpochRow, ...]
    mapped: Mapping[str, str]
    ignored: tuple[str, ...]
    remarks: tuple[str, ...]
    nan_epoch: int | None = None
    beside: tuple[str, ...] = ()

    def in_words(self) -> list[str]:
        """What was found, in sentences, for the run's log."""
        return [*self.of_itself(), *self.beside]

    def of_itself(self) -> list[str]:
        """`in_words` without what concerns other files."""
        taken = ", ".join(f"{_shown(name)} → {key}" for key, name in self.mapped.items())
        words = [f"{count_of(len(self.rows), 'epoch')} from {self.tool}: {taken}."]
        if self.ignored:
            words.append(f"Not used: {listed([_shown(each) for each in self.ignored], MOST_NAMES)}.")
        return [*words, *self.remarks]


def on_epochs(run: Recorded, shown: str) -> FoundRun:
    """Raises RecordError where neither an accuracy nor a loss is among its series; `shown` is the file's name."""
    remarks = list(run.remarks)
    chosen, ignored = _choose(run, remarks)
    if not any(key.endswith(("accuracy", "loss")) for key in chosen):
        names = [_shown(name) for name in _all_names(run)]
        has = f"It has {listed(names, MOST_NAMES)}." if names else "It has no numbers."
        rates = (
            " An error rate is not read: give the accuracy, 1 minus it."
            if any(map(is_error_rate, _all_names(run)))
            else ""
        )
        raise RecordError(
            f"{shown} has no accuracy and no loss under a name that is known, such as val_accuracy or train/loss. "
            f"{has}{rates}"
        )
    placed = _place(chosen, remarks)
    columns = {key: _per_epoch(key, each, remarks) for key, each in placed.items()}
    numbers = sorted(set().union(*columns.values()))
    if len(numbers) > MAX_EPOCHS:
        raise RecordError(f"{shown} has {len(numbers):,} epochs; at most {MAX_EPOCHS:,} can be imported.")
    nan_epoch = _nan_epoch(columns)
    if nan_epoch is not None:
        remarks.append(f"The loss became NaN in epoch {nan_epoch}, so the run counts as failed.")
    rows = tuple(
        EpochRow(epoch, **{key: _known(columns[key].get(epoch)) for key in columns})  # type: ignore[arg-type]  # measures alone
        for epoch in numbers
    )
    mapped = {key: chosen[key].name for key in MEASURES if key in chosen}
    return FoundRun(
        run.name, run.tool, rows, mapped, tuple(ignored), tuple(dict.fromkeys(remarks)), nan_epoch
    )


def _all_names(run: Recorded) -> list[str]:
    return list(dict.fromkeys([*(each.name for each in run.series), *run.others]))


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _nan_epoch(columns: Mapping[str, Mapping[int, float]]) -> int | None:
    """The first epoch without a loss, where none has one from there on and validation knows none either."""
    losses = columns.get("train_loss") or columns.get("val_loss") or {}
    broken = min((epoch for epoch, value in losses.items() if math.isnan(value)), default=None)
    if broken is None or any(
        epoch >= broken and not math.isnan(value) for epoch, value in columns.get("val_loss", {}).items()
    ):
        return None
    return broken


def _choose(run: Recorded, remarks: list[str]) -> tuple[dict[str, Series], list[str]]:
    """The series for each of our curves, cleaned; and the names of the others."""
    ranked: dict[str, list[tuple[float, int, Series]]] = {}
    ignored = []
    in_percent = run.in_percent
    for place, series in enumerate(_joined(run.series, remarks)):
        match = match_of(series.name)
        cleaned = None if match is None else _cleaned(match.key, series, in_percent, remarks)
        if match is None or cleaned is None:
            ignored.append(series.name)
        else:
            # Who says in which epoch it was measured comes first, and who has numbers.
            rank = match.rank + (100 if series.epoch is None else 0)
            rank += 0 if np.isfinite(cleaned.value).any() else 50
            ranked.setdefault(match.key, []).append((rank, place, cleaned))
    chosen = {}
    for key, candidates in ranked.items():
        candidates.sort(key=lambda each: each[:2])
        chosen[key] = candidates[0][2]
        ignored += [each.name for _, _, each in candidates[1:]]
    if any(each.epoch is not None for each in chosen.values()):
        for key in [key for key, each in chosen.items() if each.epoch is None]:
            ignored.append(chosen.pop(key).name)
    for key, series in chosen.items():
        if key.startswith("val_") and "test" in series.name.lower():
            remarks.append(f"{_shown(series.name)} stands in for validation, which is not recorded.")
    _remark_on_doubts(run, chosen, remarks)
    left = [name for name in (*ignored, *run.others) if not is_bookkeeping(name)]
    return chosen, list(dict.fromkeys(left))


def _remark_on_doubts(run: Recorded, chosen: Mapping[str, Series], remarks: list[str]) -> None:
    """Say what the names do not tell for sure."""
    for what in ("loss", "accuracy"):
        training, validation = chosen.get(f"train_{what}"), chosen.get(f"val_{what}")
        if training is None or validation is None:
            continue
        one, other = training.name, validation.name
        if measure_of(one) != measure_of(other):
            kind = "losses" if what == "loss" else "accuracies"
            remarks.append(
                f"{_shown(one)} and {_shown(other)} may be different {kind}, so do not compare them with each other."
            )
    if rates := [_shown(name) for name in _all_names(run) if is_error_rate(name)]:
        remarks.append(f"Error rates are not read, as 1 minus an accuracy is: {listed(rates, MOST_NAMES)}.")


def _joined(series: Sequence[Series], remarks: list[str]) -> list[Series]:
    """Parts of one name, as of several files, one after another; a later one counts from where it begins."""
    parts: dict[str, list[Series]] = {}
    for each in series:
        parts.setdefault(each.name, []).append(each)
    found = []
    for name, all_parts in parts.items():
        group = _continued(all_parts, remarks)
        epochs = [each.epoch for each in group]
        known = [each for each in epochs if each is not None]
        found.append(
            Series(
                name, np.concatenate([each.step for each in group]), np.concatenate([each.value for each in group]),
                np.concatenate(known) if len(known) == len(group) else None,
            )
        )  # fmt: skip
    return found


def _continued(parts: Sequence[Series], remarks: list[str]) -> list[Series]:
    """Without what a later part, as of a training that was resumed, has recorded again."""
    found: list[Series] = []
    begins = np.inf
    for part in reversed(parts):
        counts = part.step if part.epoch is None else part.epoch
        kept = counts < begins
        if not kept.all():
            _remark_twice(remarks)
        found.append(_rows(part, kept))
        begins = min(begins, float(np.min(counts, initial=np.inf)))
    return found[::-1]


def _remark_twice(remarks: list[str]) -> None:
    remarks.append("Some epochs were recorded twice, as after a restart: the later values count.")


def _cleaned(key: str, series: Series, in_percent: frozenset[str], remarks: list[str]) -> Series | None:
    """Finite values alone, accuracies as fractions of 1; None for what cannot be what its name says.

    `in_percent` are the accuracies of its file that are above 1 somewhere. Where it is not among them, and others are,
    its unit is not known.

    A loss that ends in values that are none keeps them as NaN, where all before them are finite: training diverged.
    """
    counts = series.step if series.epoch is None else series.epoch
    is_counted, is_finite = np.abs(counts) <= MAX_COUNT, np.isfinite(series.value)
    kept = is_counted & is_finite
    if key in ("train_loss", "val_loss"):
        broken = is_counted & ~is_finite
        last = np.max(counts[kept], initial=-np.inf)  # beside a value of the same epoch it is a gap
        if (counts[broken] > last).any() and not kept[int(broken.argmax()) :].any():
            kept |= broken
            series = replace(series, value=np.where(is_finite, series.value, np.nan))
    if lost := int(len(kept) - kept.sum()):
        if not kept.any():
            return None
        numbers = count_of(lost, "value")
        why = f"{'is' if lost == 1 else 'are'} no number" if is_counted.all() else "have no number or no step"
        remarks.append(f"{_shown(series.name)} has {numbers} that {why}.")
    series = _rows(series, kept)
    if not len(series.value):
        return None
    known = series.value[np.isfinite(series.value)]
    low, high = float(np.min(known, initial=np.inf)), float(np.max(known, initial=-np.inf))
    if key.endswith("accuracy"):
        if low < 0 or high > 100 + 1e-6:
            remarks.append(f"{_shown(series.name)} runs from {low:g} to {high:g}, which is no accuracy.")
            return None
        if series.name in in_percent:
            remarks.append(f"{_shown(series.name)} is in percent and was divided by 100.")
            series = replace(series, value=series.value / 100)
        elif in_percent and high > 0:
            remarks.append(
                f"{_shown(series.name)} runs from {low:g} to {high:g} beside {_shown(min(in_percent))} in percent: its "
                "unit is not known, so it is not used."
            )
            return None
        series = replace(series, value=np.minimum(series.value, 1.0))
    elif low < 0 or high > 1e30:
        remarks.append(f"{_shown(series.name)} runs from {low:g} to {high:g}, which is not shown here.")
        return None
    return _without_superseded(series, remarks)


def _without_superseded(series: Series, remarks: list[str]) -> Series:
    """Where counting starts again, as of a training that was resumed, what came later counts."""
    counts = series.step if series.epoch is None else series.epoch
    restarts = np.flatnonzero(np.diff(counts) < 0) + 1
    if not len(restarts) or len(restarts) > MOST_RESTARTS:  # more is no order at all
        return series
    kept = np.ones(len(counts), bool)
    for at in restarts:
        kept[:at] &= counts[:at] < counts[at]
    if not kept.all():
        _remark_twice(remarks)
    return _rows(series, kept)


def _rows(series: Series, kept: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Series:
    epoch = None if series.epoch is None else series.epoch[kept]
    return replace(series, step=series.step[kept], value=series.value[kept], epoch=epoch)


def _place(chosen: Mapping[str, Series], remarks: list[str]) -> dict[str, Series]:
    """Each with whole epochs from 1 on."""
    known = {key: each.epoch for key, each in chosen.items() if each.epoch is not None}
    if not known:
        return _by_steps(chosen, remarks)
    every = np.concatenate(list(known.values()))
    if every.min() < 0 or every.max() > MAX_EPOCH_NUMBER:
        raise RecordError(
            f"Its epochs are numbered from {every.min():g} to {every.max():g}; allowed are 0 to {MAX_EPOCH_NUMBER:,}."
        )
    if (every % 1).any():
        # 0.5 lies in the first epoch, and 1.0 is its end.
        return {key: replace(chosen[key], epoch=np.maximum(np.ceil(each), 1)) for key, each in known.items()}
    first = 1 if every.min() == 0 else 0
    return {key: replace(chosen[key], epoch=each + first) for key, each in known.items()}


def _by_steps(chosen: Mapping[str, Series], remarks: list[str]) -> dict[str, Series]:
    """Where no epochs are recorded: one ends with each validation, or else each value is one."""
    validation = [each for key, each in chosen.items() if key.startswith("val_")]
    others = [each for key, each in chosen.items() if key.endswith(("accuracy", "loss"))]
    leading = max(validation, key=lambda each: len(each.value)) if validation else min(
        others, key=lambda each: len(each.value)
    )  # fmt: skip
    ends = np.unique(leading.step)
    if len(ends) > MOST_STEPS:
        parts = np.linspace(ends[0], ends[-1], PARTS + 1)[1:]
        remarks.append(
            f"No epochs are recorded, so its {len(ends):,} steps are shown in {PARTS} equal parts, as epochs."
        )
        ends = parts
    elif validation and any(len(each.value) > len(leading.value) for each in chosen.values()):
        remarks.append("No epochs are recorded, so one ends with each validation.")
    else:
        remarks.append("No epochs are recorded, so each step that was recorded is one.")
    return {key: _epochs_by(ends, each) for key, each in chosen.items()}


def _epochs_by(ends: Numbers, series: Series) -> Series:
    """In which part each value lies, where parts end at `ends`; steps that are counted otherwise by their rank."""
    steps, count = np.unique(series.step), len(ends)
    counts_epochs = bool((np.diff(ends) == 1).all()) and steps[-1] > 2 * ends[-1] + 1
    if len(steps) == count and not np.array_equal(steps, ends):
        epoch = np.searchsorted(steps, series.step) + 1.0
    elif counts_epochs:
        share = np.searchsorted(steps, series.step) / len(steps)
        epoch = np.floor(share * count) + 1
    else:
        epoch = np.searchsorted(ends, series.step) + 1.0
        kept = epoch <= count  # what follows the last validation is no whole epoch
        series, epoch = _rows(series, kept), epoch[kept]
    return replace(series, epoch=epoch.astype(np.float64))


def _per_epoch(key: str, series: Series, remarks: list[str]) -> dict[int, float]:
    """One value per epoch: of training the mean, of all others the last."""
    assert series.epoch is not None
    epochs = series.epoch.astype(np.int64)
    order = np.argsort(epochs, kind="stable")
    numbers, starts, counts = np.unique(epochs[order], return_index=True, return_counts=True)
    values = series.value[order]
    if not len(numbers):
        return {}
    if (counts > 1).any() and key in ("train_loss", "train_accuracy"):
        remarks.append(f"{_shown(series.name)} has several values per epoch: their mean is taken.")
        found = np.add.reduceat(values, starts) / counts
    elif key == "seconds":
        found = np.add.reduceat(values, starts)
    else:
        found = values[starts + counts - 1]
    return {int(number): float(value) for number, value in zip(numbers, found, strict=True)}


def _shown(name: str) -> str:
    return printable(name, MOST_CHARACTERS) or "a name that cannot be shown"
