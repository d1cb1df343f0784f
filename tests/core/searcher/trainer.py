"""Sweeps for tests, and a stand-in for scheduler and workers that ends their runs as told, without training."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.searcher.searcher import Searcher
from core.store.records import Run
from core.store.states import RunState, SweepState
from core.store.store import Store
from core.store.sweeps import Sweep
from core.sweeps.spec import SweepSource, SweepSpec, parse_spec
from tests.core.scheduling.fakes import Clock

TINY = PRESETS["tiny"].config.with_values(
    {"dataset.id": "shapes", "dataset.num_train": 64, "training.epochs": 3}
)
SPACE = {
    "optimizer.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
    "model.blocks[0].filters": {"values": [4, 8, 16]},
}


def spec(space: Mapping[str, Any] = SPACE, **asked: Any) -> SweepSpec:
    """Of the tiny network on shapes; a random search unless `asked` otherwise."""
    return parse_spec(
        {"space": space, "method": "random", "trials": 8, **asked}, SweepSource("tiny", TINY, "tiny")
    )


def create(store: Store, asked: SweepSpec, name: str = "A sweep") -> Sweep:
    """RUNNING, without trials."""
    return store.sweeps.create(name, asked.to_json(), asked.trials, asked.concurrency)


def accuracy_of(run: Run) -> float:
    """What the stand-in reaches: more with more filters, and with a learning rate near 0.01."""
    config = run.config
    distance = abs(config.optimizer.learning_rate - 0.01) / (config.optimizer.learning_rate + 0.01)
    return 0.5 + config.model.blocks[0].filters / 100 - 0.2 * distance + config.seed / 1000


def begin(store: Store, run: Run) -> None:
    """A worker has begun."""
    store.claim(run.id, [f"device of {run.id}"])
    store.record_started(run.id, run.attempt, run.config.training.epochs, 10, 0)


def report(store: Store, run: Run, values: Sequence[float], first: int = 1) -> None:
    """Epochs with these validation accuracies have ended."""
    for epoch, value in enumerate(values, start=first):
        row = EpochRow(epoch, clean_train_accuracy=value + 0.1, val_accuracy=value, seconds=1.0)
        store.record_epoch(run.id, run.attempt, row)


def end(store: Store, run: Run, state: RunState = RunState.FINISHED, error: str | None = None) -> None:
    """The worker ends so."""
    store.transition(run.id, state, expected=RunState.RUNNING, error=error)


def train(store: Store, run: Run, reached: Callable[[Run], float] = accuracy_of) -> None:
    """All of a run at once."""
    begin(store, run)
    best = reached(run)
    report(store, run, (best - 0.2, best - 0.1, best))
    end(store, run)


def train_waiting(store: Store, reached: Callable[[Run], float] = accuracy_of) -> int:
    """Every run that waits, one after another. Returns how many."""
    waiting = store.waiting_runs()
    for run in waiting:
        train(store, run, reached)
    return len(waiting)


def tick(searcher: Searcher, clock: Clock, times: int = 1) -> None:
    """Ticks of a searcher, ten seconds apart."""
    for _ in range(times):
        clock.now += 10
        searcher.tick()


def run_to_end(store: Store, searcher: Searcher, clock: Clock, sweep_id: str) -> None:
    """Until the sweep is no longer RUNNING, at most 200 ticks."""
    for _ in range(200):
        tick(searcher, clock)
        if store.sweeps.get(sweep_id).state is not SweepState.RUNNING:
            return
        train_waiting(store)
    raise AssertionError("The sweep did not end.")
