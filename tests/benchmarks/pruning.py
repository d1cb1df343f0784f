"""`python -m tests.benchmarks.pruning`: what giving trials up early saves, and how often it costs the winner. Minutes.

Replays sweeps on recorded curves: 30 to 50 of those in `curves.csv`, drawn at random, come one after another and are
judged by `core.sweeps.pruning` as if they trained now. The winner is the trial with the best epoch of all; it is kept
if it is not given up, even after that epoch. The settings of the pruners were chosen on the first 250 curves; those
after them were recorded when the settings stood. How curves are made: `tests.benchmarks.record_curves`.
"""

import argparse
import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.sweeps.pruning import prune_recorded
from tests.benchmarks.record_curves import EPOCH_COLUMNS, EPOCHS

CURVES = Path(__file__).parent / "curves.csv"
PRUNINGS = ("median", "hyperband", "patience")
FEWEST, MOST = 30, 50
NUM_TUNING = 250


class Saving(NamedTuple):
    """Shares of 1 over many replays; `lost` is what the best trial that was kept lacks, in accuracy, on average."""

    kept: float
    epochs: float
    lost: float


@cache
def recorded() -> dict[int, list[float]]:
    """The validation accuracies of each network that trained to its end, by its number."""
    with CURVES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        int(row["number"]): [float(row[each]) for each in EPOCH_COLUMNS]
        for row in rows
        if row[EPOCH_COLUMNS[-1]]
    }


def tuning() -> list[list[float]]:
    """The curves that the settings were chosen on."""
    return [curve for number, curve in recorded().items() if number < NUM_TUNING]


def unseen() -> list[list[float]]:
    """The curves that had no say in it."""
    return [curve for number, curve in recorded().items() if number >= NUM_TUNING]


def replay(pruning: str, curves: Sequence[Sequence[float]], count: int, seed: int = 0) -> Saving:
    """`count` sweeps over some of these curves in random order."""
    generator = np.random.default_rng(seed)
    found = []
    for number in range(count):
        size = int(generator.integers(FEWEST, MOST + 1))
        drawn = [curves[place] for place in generator.permutation(len(curves))[:size]]
        found.append(one_sweep(pruning, drawn, number))
    return Saving(*map(float, np.mean(found, axis=0)))


def one_sweep(pruning: str, curves: Sequence[Sequence[float]], seed: int) -> Saving:
    """These curves as trials, in this order."""
    given_up = prune_recorded(pruning, curves, EPOCHS, seed)
    best = [max(curve) for curve in curves]
    complete = [accuracy for accuracy, epoch in zip(best, given_up, strict=True) if epoch is None]
    trained = sum(EPOCHS if epoch is None else epoch for epoch in given_up)
    return Saving(max(best) in complete, trained / (EPOCHS * len(curves)), max(best) - max(complete))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pruning", description=__doc__)
    parser.add_argument("--replays", type=int, default=500)
    count = parser.parse_args().replays
    print(f"{len(recorded())} curves, {count} replays\n")
    print(
        "| pruning | curves | winner kept | epochs trained | accuracy lost |\n| --- | --- | --- | --- | --- |"
    )
    for pruning in PRUNINGS:
        for name, curves in (("tuning", tuning()), ("unseen", unseen())):
            if len(curves) < MOST:
                continue
            saving = replay(pruning, curves, count)
            print(
                f"| {pruning} | {name} | {saving.kept:.1%} | {saving.epochs:.1%} | {100 * saving.lost:.2f} points |",
                flush=True,
            )


if __name__ == "__main__":
    main()
