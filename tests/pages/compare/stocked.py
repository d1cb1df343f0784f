"""Runs with curves, written into a store without any training: 8 settings with 5 seeds each, one of them failed."""

import itertools
import math
import random

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store

EPOCHS = 8
RATES, BATCHES, FLIPS, SEEDS = (0.0003, 0.003), (32, 128), (False, True), (0, 1, 2, 3, 4)
FAILED_RUN = (RATES[1], BATCHES[1], FLIPS[1], SEEDS[-1])


def accuracy(rate: float, batch: int, flip: bool, seed: int, epoch: int) -> float:
    """Validation accuracy: what the test recalculates from."""
    chance = random.Random(f"{rate} {batch} {flip} {seed}")
    top = 0.55 + 0.08 * (rate > 0.001) + 0.03 * (batch == 32) + 0.05 * flip + chance.gauss(0, 0.01)
    return top * (1 - math.exp(-epoch / 3)) + chance.gauss(0, 0.003) - 0.02 * max(0, epoch - 6)


def stock(store: Store, seeds: tuple[int, ...] = SEEDS) -> list[Run]:
    """The runs in the order of their making; the last one failed in its third epoch."""
    made = []
    for rate, batch, flip, seed in itertools.product(RATES, BATCHES, FLIPS, seeds):
        config = PRESETS["tiny"].config.with_values(
            {
                "seed": seed, "optimizer.learning_rate": rate, "training.batch_size": batch,
                "augmentation.horizontal_flip": flip, "training.epochs": EPOCHS,
            }
        )  # fmt: skip
        run = store.queue_run(
            RunRequest(config, f"rate {rate:g} batch {batch}{' flip' if flip else ''} #{seed}", "tiny")
        )
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, EPOCHS, 10, 0)
        is_last = (rate, batch, flip, seed) == (RATES[-1], BATCHES[-1], FLIPS[-1], seeds[-1])
        for epoch in range(1, 3 if is_last else EPOCHS + 1):
            value = accuracy(rate, batch, flip, seed, epoch)
            clean = min(1.0, value + (0.012 if flip else 0.02) * epoch + 0.003 * (seed % 3))
            store.record_epoch(
                run.id, 1,
                EpochRow(
                    epoch, 2.3 - 2 * clean, clean - 0.02, 2.3 - 2 * clean, clean, 2.3 - 2 * value, value, rate, 1.5,
                    5000.0,
                ),
            )  # fmt: skip
        if is_last:
            store.transition(
                run.id, RunState.FAILED, expected=RunState.RUNNING, error="The loss became NaN.",
                next_step="Lower the learning rate.",
            )  # fmt: skip
        else:
            store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
        made.append(store.get_run(run.id))
    return made


def best(rate: float, batch: int, flip: bool, seed: int) -> float:
    """The best validation accuracy of the run with these settings."""
    return max(accuracy(rate, batch, flip, seed, epoch) for epoch in range(1, EPOCHS + 1))
