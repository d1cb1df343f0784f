"""Sweeps whose trials end as told, without training."""

from collections.abc import Callable, Sequence
from typing import Any

from core.store.states import RunState
from core.store.store import Store
from core.store.sweeps import Sweep
from core.store.trials import Trial
from core.sweeps.configs import trial_runs
from core.sweeps.spec import read_spec
from core.sweeps.start import parse_sweep, start_sweep
from tests.core.studies.ended import end

BASE: dict[str, Any] = {
    "preset": "tiny", "dataset": "shapes", "set": {"dataset.num_train": 60, "training.epochs": 2},
}  # fmt: skip
FILTERS = {"model.blocks[0].filters": {"values": [4, 8, 16, 32]}}


def begin(store: Store, **asked: Any) -> Sweep:
    """A sweep over the filters of the first block, unless told otherwise."""
    values = {**BASE, "space": FILTERS, "method": "grid", **asked}
    spec = parse_sweep(store.workspace, store, values)
    return start_sweep(store.workspace, spec, values.get("name"))


def add_next(store: Store, sweep: Sweep) -> Trial:
    """The next trial of a grid: the first combination that none has yet."""
    spec, trials = read_spec(sweep.spec), store.sweeps.trials(sweep.id)
    tried = [trial.choices for trial in trials]
    choices = next(each for each in spec.space.combinations() if each not in tried)
    runs = trial_runs(store.workspace, spec, sweep.name, len(trials), choices)
    return store.sweeps.add_trial(sweep.id, len(trials), choices, runs, reuse=spec.reuse)


def end_trial(
    store: Store,
    trial: Trial,
    accuracy: float | Sequence[float] | Callable[[int], float],
    state: RunState = RunState.FINISHED,
    purpose: str = "search",
) -> None:
    """Let the runs of a trial end, with these best validation accuracies, by their seeds."""
    runs = [each for each in trial.runs if each.purpose == purpose]
    for index, each in enumerate(runs):
        if callable(accuracy):
            value = accuracy(each.seed)
        else:
            value = accuracy if isinstance(accuracy, float) else accuracy[index]
        if not each.run.state.is_finished:
            end(store, each.run, (value - 0.1, value), value + 0.05, state)
