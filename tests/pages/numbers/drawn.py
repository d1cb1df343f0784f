"""A drawn run with numbers that are not round, and what may be said of it in numbers.

The formulas are written down from docs/decisions/0006-diagnosis.md.
"""

import math
import sqlite3
import statistics

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store

SECONDS = (31.24, 30.18, 33.9, 29.77, 30.41, 30.66, 31.02, 30.05, 32.13, 30.93)


def train(store: Store, name: str, stall: float, rate: float = 0.001) -> Run:
    """A run whose validation stands still at `stall` while clean training goes on, with numbers that are not round."""
    config = PRESETS["tiny"].config.with_values(
        {
            "dataset.id": "shapes",
            "dataset.num_train": 900,
            "training.epochs": len(SECONDS),
            "optimizer.learning_rate": rate,
        }
    )
    run = store.queue_run(RunRequest(config, name, "tiny"))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, len(SECONDS), 15, 0)
    for epoch, seconds in enumerate(SECONDS, start=1):
        clean = 0.971 - 0.6137 * 0.71**epoch
        val = stall - 0.31 * 0.5**epoch + 0.0013 * (epoch % 3)
        row = EpochRow(
            epoch, 1.9 * 0.8**epoch, clean - 0.043, 1.7 * 0.8**epoch, clean, 0.93 + 0.051 * abs(epoch - 3), val,
            rate * (1 if epoch < 8 else 0.37), seconds, 937.4 + 11.3 * epoch,
        )  # fmt: skip
        store.record_epoch(run.id, 1, row)
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def follow(store: Store, **curves: list[float]) -> Run:
    """A run on 900 pictures of Shapes that went through these curves."""
    config = PRESETS["tiny"].config.with_values({"dataset.id": "shapes", "dataset.num_train": 900})
    length = len(next(iter(curves.values())))
    run = store.queue_run(RunRequest(config, "followed", "tiny"))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, length, 15, 0)
    for place in range(length):
        measured = {name: values[place] for name, values in curves.items()}
        store.record_epoch(run.id, 1, EpochRow(place + 1, seconds=3.0, learning_rate=0.001, **measured))
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def median_of_three(values: list[float]) -> list[float]:
    inner = [statistics.median(values[place : place + 3]) for place in range(len(values) - 2)]
    return [inner[0], *inner, inner[-1]]


def agresti_coull(accuracy: float, pictures: int) -> float:
    share = (accuracy * pictures + 2) / (pictures + 4)
    return math.sqrt(share * (1 - share) / (pictures + 4))


def noise(values: list[float]) -> float:
    bends = [
        abs(one - 2 * two + three) for one, two, three in zip(values, values[1:], values[2:], strict=False)
    ]
    return max(0.005, 1.4826 * statistics.median(bends) / math.sqrt(6))


def reckoned(rows: list[sqlite3.Row]) -> dict[str, str]:
    """What may be said of a run in numbers, by what it is."""
    best = max(rows, key=lambda row: (row["val_accuracy"], -row["epoch"]))
    gaps = [row["clean_train_accuracy"] - row["val_accuracy"] for row in rows]
    smooth = median_of_three(gaps)
    error = gap_error(rows)
    told = [row["val_loss"] for row in rows]
    losses, lowest = median_of_three(told), min(told)
    return {
        "best": f"{100 * best['val_accuracy']:.1f}",
        "best epoch": f"{best['epoch']}",
        "gap": f"{100 * smooth[-1]:.1f}",
        "normal gap": f"{100 * (0.06 + 2 * error):.1f}",
        "lowest loss": f"{lowest:.2f}",
        "lowest loss epoch": f"{rows[told.index(lowest)]['epoch']}",
        "last loss": f"{losses[-1]:.2f}",
        "learning rate": f"{rows[-1]['learning_rate']:.2g}",
        "seconds": f"{statistics.median([row['seconds'] for row in rows[-5:]]):.1f}",
        "speed": f"{rows[-1]['images_per_second']:,.0f}",
        "epochs": f"{len(rows)}",
    }


def gap_error(rows: list[sqlite3.Row]) -> float:
    """By how much the gap may be off by chance: one standard error."""
    gaps = [row["clean_train_accuracy"] - row["val_accuracy"] for row in rows]
    # Shapes has 1,500 validation pictures; clean training is measured on all 900 training pictures.
    sampling = math.hypot(
        agresti_coull(statistics.median([row["clean_train_accuracy"] for row in rows[-3:]]), 900),
        agresti_coull(statistics.median([row["val_accuracy"] for row in rows[-3:]]), 1500),
    )
    return math.hypot(sampling, 0.67 * noise(gaps))
