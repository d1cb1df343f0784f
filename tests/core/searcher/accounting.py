"""Whether every trial of a sweep is there once, with its runs, and no run too many."""

import os
import signal
from collections import Counter
from collections.abc import Sequence

import psutil

from core.store.states import RunState
from core.store.store import Store
from core.system.processes import process_started
from core.workspace import Workspace


def account(store: Store, sweep_id: str, planned: int, seeds: Sequence[int]) -> str:
    """What there is, in a line; fails where a trial or a run is missing, double or not finished."""
    sweep, trials = store.sweeps.get(sweep_id), store.sweeps.trials(sweep_id)
    assert sweep.planned == planned and [trial.number for trial in trials] == list(range(planned))
    for trial in trials:
        assert [each.seed for each in trial.runs] == list(seeds), trial
    runs = Counter(each.run.id for trial in trials for each in trial.runs)
    # Two trials may share a run only where the same values were chosen twice.
    for trial in trials:
        for other in trials[: trial.number]:
            shared = {each.run.id for each in trial.runs} & {each.run.id for each in other.runs}
            assert not shared or trial.choices == other.choices
    everything = store.list_runs()
    assert {run.id for run in everything} == set(runs)
    assert all(run.state is RunState.FINISHED for run in everything), Counter(run.state for run in everything)
    assert store.leases() == {} and store.waiting_runs() == []
    again = sum(run.attempt - 1 for run in everything)
    return (
        f"{len(trials)} trials, {len(everything)} runs, all finished; {again} resumed; {sweep.state.lower()}"
    )


def kill_process(workspace: Workspace, *ending: str) -> bool:
    """SIGKILL to this workspace's process whose command ends so. Returns whether there was one."""
    for process in psutil.process_iter(["cmdline"]):
        try:
            command = process.info["cmdline"] or []
            if tuple(command[-len(ending) :]) != ending or process_started(process.pid) is None:
                continue
            if process.environ().get("CONVDECK_HOME") == str(workspace.root):
                os.kill(process.pid, signal.SIGKILL)
                return True
        except (psutil.Error, OSError):
            continue
    return False
