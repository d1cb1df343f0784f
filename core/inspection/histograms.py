"""How the numbers in a run's network changed over its epochs, and what of that is worth a sentence."""

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets.identity import check_same_data
from core.engine.client import Engine
from core.engine.histograms import (
    ACTIVATIONS,
    GRADIENTS,
    PARTS,
    Distribution,
    EpochHistograms,
    distributions_of,
    epoch_histograms,
)
from core.formatting import percent
from core.inspection.answers import BEST, Advance, Weights, weights_by_epoch
from core.inspection.kept_arrays import read_arrays, write_arrays
from core.store.records import Run
from core.workspace import Workspace

FOLDER = "histograms"
MOST_EPOCHS = 16
# Layers differ by a factor of ten for their sizes alone.
FAR_APART, GREW = 100.0, 10.0
MOSTLY_ZERO = 0.95


def some_epochs(kept: dict[int, Weights], most: int = MOST_EPOCHS) -> list[Weights]:
    """At most `most` of them, evenly spread from the first to the last, with the best ones."""
    epochs = list(kept)
    if len(epochs) <= most:
        return list(kept.values())
    chosen = {epochs[round(place)] for place in np.linspace(0, len(epochs) - 1, most - 1)}
    return [each for epoch, each in kept.items() if epoch in chosen or each.which == BEST]


def histograms_of(
    workspace: Workspace, engine: Engine, run: Run, advance: Advance | None = None
) -> tuple[EpochHistograms, ...]:
    """Of some of the epochs whose weights are kept, in order. `advance(done, of)` is called after each.

    Raises:
        UserError: there are no weights yet.
        DatasetError: the data set that the run was trained on is not here any more.
        EngineError: the engine crashed or overran its deadline.
    """
    check_same_data(workspace, run)
    asked = some_epochs(weights_by_epoch(workspace, run))
    folder, found = workspace.run_folder(run.id) / FOLDER, []
    for done, weights in enumerate(asked, start=1):
        one = _read(folder, weights)
        if one is None:
            one = epoch_histograms(engine, run.id, weights.which, run.config.dataset)
            _write(folder, one)
        found.append(one)
        if advance is not None:
            advance(done, len(asked))
    return tuple(found)


def _read(folder: Path, weights: Weights) -> EpochHistograms | None:
    """None where they were not measured before, or the file cannot be read: then they are measured again."""
    stored = read_arrays(_path(folder, weights.epoch), weights.sha256)
    if stored is None:
        return None
    try:
        said = json.loads(str(stored["said"]))
        found = distributions_of(said["rows"], stored["counts"])
        return EpochHistograms(weights.epoch, said["pictures"], found, weights.sha256)
    except (KeyError, TypeError, ValueError):
        return None


def _write(folder: Path, found: EpochHistograms) -> None:
    """What cannot be written is measured again the next time."""
    rows = [
        {name: value for name, value in vars(each).items() if name != "counts"}
        for each in found.distributions
    ]
    said = json.dumps({"pictures": found.pictures, "rows": rows})
    counts = np.stack([each.counts for each in found.distributions])
    write_arrays(_path(folder, found.epoch), found.sha256, said=np.array(said), counts=counts)


def _path(folder: Path, epoch: int) -> Path:
    return folder / f"{epoch:06d}.npz"


def histograms_document(run_id: str, found: Sequence[EpochHistograms]) -> dict[str, Any]:
    """As the command line and REST give it."""
    return {
        "run": run_id, "pictures": found[0].pictures, "epochs": [each.to_json() for each in found],
        "findings": findings(found),
    }  # fmt: skip


def findings(found: Sequence[EpochHistograms]) -> list[str]:
    """What is unusual, a sentence each; of vanishing and exploding what is measurable."""
    first, last = found[0], found[-1]
    said = [*_not_numbers(found)]
    # A later layer with smaller ones than an earlier layer is nothing unusual: dense layers have many weights.
    gradients = [(name, each.rms) for name, each in last.of(GRADIENTS).items() if each.rms]
    vanished = [
        (after / before, early, late)
        for (early, before), (late, after) in combinations(gradients, 2)
        if after / before >= FAR_APART
    ]
    if vanished:
        times, early, late = max(vanished)
        said.append(
            f"In epoch {last.epoch} the gradients at {early} are {_times(times)} times smaller than at "
            f"{late}: {early} hardly learns any more by comparison."
        )
    silent = [name for name, each in last.of(GRADIENTS).items() if each.count and not each.squares]
    if silent:
        said.append(
            f"No gradient reaches {', '.join(silent)} in epoch {last.epoch}: nothing is learned there."
        )
    for part in PARTS:
        if part != ACTIVATIONS and last.epoch != first.epoch:
            said += _growth(part, first, last)
    for name, each in last.of(ACTIVATIONS).items():
        if each.count and each.zeros / each.count >= MOSTLY_ZERO:
            said.append(
                f"{percent(each.zeros / each.count)} of the numbers that {name} gives in epoch {last.epoch} are 0. "
                "Dead units say which channels never respond."
            )
    return said


def _not_numbers(found: Sequence[EpochHistograms]) -> list[str]:
    for each in found:
        broken = [one for one in each.distributions if one.strange]
        if broken:
            names = ", ".join(dict.fromkeys(one.layer for one in broken))
            return [
                f"In epoch {each.epoch} there are numbers that are NaN or infinite in {names}: training diverged."
            ]
    return []


def _growth(part: str, first: EpochHistograms, last: EpochHistograms) -> list[str]:
    before, grown = first.of(part), []
    for name, each in last.of(part).items():
        times = _ratio(each, before.get(name))
        if times is not None and times >= GREW:
            grown.append(
                f"The {part} of {name} are {_times(times)} times as large in epoch {last.epoch} as in epoch "
                f"{first.epoch}."
            )
    return grown


def _ratio(now: Distribution, before: Distribution | None) -> float | None:
    return now.rms / before.rms if before is not None and before.rms and now.rms else None


def _times(value: float) -> str:
    return f"{float(f'{value:.2g}'):,.0f}"
