"""Sweeps whose trials end as told, without a search and without training."""

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from core.errors import UserError
from core.store.states import RunState, SweepState
from core.store.store import Store
from core.store.sweeps import Sweep
from core.store.trials import Trial
from core.sweeps.configs import trial_runs
from core.sweeps.spec import read_spec
from core.sweeps.start import parse_sweep
from core.workspace import Workspace
from tests.core.studies.ended import end

BASE = {
    "preset": "tiny",
    "set": {
        "dataset.id": "shapes", "dataset.num_train": 60, "training.epochs": 2, "model.blocks[*].padding": "same",
    },
}  # fmt: skip
SPACE = {
    "optimizer.learning_rate": {"low": 0.0001, "high": 0.1, "log": True},
    "model.blocks[*].kernel_sizes": {"values": [[1], [3], [5], [1, 3, 5]]},
    "optimizer.name": {"values": ["adam", "sgd"]},
    "optimizer.momentum": {"low": 0.5, "high": 0.99, "when": {"optimizer.name": "sgd"}},
}

Result = Callable[[Mapping[str, Any], int], float | None]


def file(space: Mapping[str, Any] = SPACE, **asked: Any) -> dict[str, Any]:
    """A sweep's file on 60 pictures of Shapes."""
    return {**BASE, "space": dict(space), "method": "random", "trials": 40, **asked}


def create(workspace: Workspace, store: Store, asked: Mapping[str, Any], name: str = "A sweep") -> Sweep:
    """The sweep, RUNNING, without trials."""
    spec = parse_sweep(workspace, store, asked)
    return store.sweeps.create(name, spec.to_json(), spec.trials, spec.concurrency)


def ended(workspace: Workspace, store: Store, count: int, **asked: Any) -> Sweep:
    """The sweep, FINISHED, with `count` trials that have ended."""
    sweep = create(workspace, store, file(trials=count, **asked))
    search(workspace, store, sweep, count)
    return store.sweeps.change_state(sweep.id, SweepState.FINISHED, expected=SweepState.RUNNING)


def add(
    workspace: Workspace, store: Store, sweep: Sweep, choices: Mapping[str, Any], accuracies: Sequence[float] | None,
    *, gap: float = 0.1,
) -> Trial:  # fmt: skip
    """The next trial, whose runs end with these best accuracies, a seed each; None: they wait.

    Choices that cannot be trained make a trial that failed.
    """
    spec, number = read_spec(sweep.spec), store.sweeps.get(sweep.id).num_trials
    try:
        runs = trial_runs(workspace, spec, sweep.name, number, choices)
    except UserError as error:
        return store.sweeps.add_trial(sweep.id, number, choices, (), error=str(error))
    trial = store.sweeps.add_trial(sweep.id, number, choices, runs, reuse=False)
    for each, accuracy in zip(trial.search_runs, accuracies or (), strict=False):
        end(store, each.run, (accuracy / 2, accuracy), accuracy + gap)
    return store.sweeps.trials(sweep.id)[number]


def fail(store: Store, trial: Trial, error: str) -> None:
    """Its waiting runs fail."""
    for each in trial.search_runs:
        end(store, each.run, (0.1,), state=RunState.FAILED, error=error, next_step="Lower the learning rate.")


def prune(store: Store, sweep: Sweep, trial: Trial, accuracy: float) -> None:
    """Its waiting runs are given up after the first epoch."""
    store.sweeps.record_pruned(sweep.id, trial.number, 1)
    for each in trial.search_runs:
        if not store.get_run(each.run.id).state.is_finished:
            end(store, each.run, (accuracy,), state=RunState.STOPPED)


def confirm(store: Store, trials: Sequence[Trial], accuracies: Mapping[int, Sequence[float]]) -> None:
    """Waiting runs with fresh seeds end, by the trial's number."""
    for trial in trials:
        for each, accuracy in zip(trial.confirm_runs, accuracies.get(trial.number, ()), strict=False):
            if not each.run.state.is_finished:
                end(store, each.run, (accuracy / 2, accuracy), accuracy + 0.1)


def drawn(number: int) -> dict[str, Any]:
    """A choice of SPACE, the same each time."""
    random = Random(number)
    choices: dict[str, Any] = {
        "optimizer.learning_rate": 10 ** random.uniform(-4, -1),
        "model.blocks[*].kernel_sizes": random.choice(SPACE["model.blocks[*].kernel_sizes"]["values"]),
        "optimizer.name": random.choice(["adam", "sgd"]),
    }
    if choices["optimizer.name"] == "sgd":
        choices["optimizer.momentum"] = random.uniform(0.5, 0.99)
    return choices


def likely(choices: Mapping[str, Any], number: int) -> float:
    """An accuracy that depends on the choices, with some luck."""
    rate = math.log10(choices["optimizer.learning_rate"])
    sizes = len(choices["model.blocks[*].kernel_sizes"])
    return round(0.7 - 0.04 * (rate + 2.5) ** 2 + 0.02 * sizes + Random(number + 1000).gauss(0, 0.01), 4)


def search(workspace: Workspace, store: Store, sweep: Sweep, count: int) -> None:
    """`count` trials; some of them fail, some are given up."""
    for number in range(count):
        choices = drawn(number)
        if number % 13 == 5:
            fail(store, add(workspace, store, sweep, choices, None), "The loss became NaN.")
        elif number % 9 == 2:
            prune(store, sweep, add(workspace, store, sweep, choices, None), 0.4)
        else:
            accuracy = likely(choices, number)
            add(workspace, store, sweep, choices, [accuracy] * 5)
