"""Pause, resume, stop, extend and delete a sweep."""

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from core.config.refusals import whole_number
from core.datasets.identity import check_same_data
from core.errors import ConfigError, ConvDeckError, IllegalTransition, RunNotFound
from core.formatting import count_of
from core.runs.trash import delete_runs
from core.scheduling.service import ensure_scheduler
from core.store.records import Run, check_name
from core.store.states import RunState, SweepState, TrialState
from core.store.store import Store
from core.store.sweeps import Sweep
from core.store.trials import Trial, TrialRun
from core.sweeps.spec import MAX_CONCURRENCY, check_size, read_spec
from core.visitors.person import check_not_visitor
from core.workspace import Workspace

# How long to wait for runs that have been asked to stop: for one batch, as a rule.
STOPPING_SECONDS = 5.0
STOPPING_LOOK_SECONDS = 0.1
_RESUMABLE = {SweepState.PAUSED, SweepState.STOPPED, SweepState.FAILED}


def pause_sweep(workspace: Workspace, sweep_id: str) -> Sweep:
    """Choose no new trials until it is resumed; runs that wait or train continue.

    Raises SweepNotFound, IllegalTransition.
    """
    check_not_visitor("change a sweep")
    with Store(workspace) as store:
        return store.sweeps.change_state(sweep_id, SweepState.PAUSED, expected=SweepState.RUNNING)


def resume_sweep(workspace: Workspace, sweep_id: str, wait_seconds: float = STOPPING_SECONDS) -> Sweep:
    """Continue one that is paused, was stopped or has failed. Runs that lost their process are queued again, those that
    Stop ended, and those that failed if the sweep has given up; not what a person stopped or deleted before.

    Of one that has finished, runs of its confirmation and of trials by hand that ended early are queued again; it stays
    FINISHED. Raises SweepNotFound; IllegalTransition while it is running, where it has finished with nothing to queue,
    or where runs are still stopping after `wait_seconds`; DatasetError where its data is gone or another one.
    """
    check_not_visitor("change a sweep")
    with Store(workspace) as store:
        sweep = store.sweeps.get(sweep_id)
        has_finished = sweep.state is SweepState.FINISHED
        choose = _added_later if has_finished else partial(_ended_with, sweep)
        runs = ended_early(workspace, store, sweep, choose, wait_seconds)
        if has_finished and not runs:
            raise IllegalTransition(
                f"“{sweep.name}” has finished. Give it more trials to continue: it has {sweep.num_trials:,}."
            )
        if not has_finished and sweep.state not in _RESUMABLE:
            store.sweeps.change_state(sweep_id, SweepState.RUNNING, expected=_RESUMABLE)  # which says why not
        # The runs are queued first. If the sweep were RUNNING before, the searcher would see its trials as ended, and
        # if this process were killed in between, nobody would queue the runs again.
        queue_again(store, runs)
        if not has_finished:
            sweep = store.sweeps.change_state(sweep_id, SweepState.RUNNING, expected=_RESUMABLE)
    ensure_scheduler(workspace)
    return sweep


def ended_early(
    workspace: Workspace,
    store: Store,
    sweep: Sweep,
    choose: Callable[[Sequence[Trial]], Iterable[TrialRun]],
    wait_seconds: float = STOPPING_SECONDS,
) -> list[Run]:
    """Those of the sweep's runs that `choose` names and that can be queued again, once they have stopped.

    Raises IllegalTransition where they have not after `wait_seconds`; DatasetError where the sweep's data is gone or
    another one.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        trials = store.sweeps.trials(sweep.id)
        runs = {each.run.id: each.run for each in choose(trials)}
        stopping = [run for run in runs.values() if run.state.is_active and run.stop_requested]
        if not stopping:
            break
        if time.monotonic() >= deadline:
            verb = "is" if len(stopping) == 1 else "are"
            raise IllegalTransition(
                f"{count_of(len(stopping), 'run')} of “{sweep.name}” {verb} still stopping; try again in a moment."
            )
        ensure_scheduler(workspace)
        time.sleep(STOPPING_LOOK_SECONDS)
    all_runs = (each.run for trial in trials for each in trial.runs)
    for run in {(run.dataset, run.dataset_digest): run for run in all_runs}.values():
        check_same_data(workspace, run)
    return [run for run in runs.values() if run.state.can_resume]


def queue_again(store: Store, runs: Iterable[Run]) -> int:
    """Resume each of them. Returns how many: another click or program may have been quicker."""
    count = 0
    for run in runs:
        with contextlib.suppress(IllegalTransition, RunNotFound):
            store.resume_run(run.id)
            count += 1
    return count


def confirming(trials: Sequence[Trial]) -> list[TrialRun]:
    """The runs of a confirmation, of all trials."""
    return [each for trial in trials for each in trial.confirm_runs]


def _added_later(trials: Sequence[Trial]) -> list[TrialRun]:
    """What may be added to a sweep that has finished: a confirmation, and trials by hand."""
    by_hand = [each for trial in trials if trial.origin == "hand" for each in trial.search_runs]
    return [each for each in by_hand if not each.is_reused] + confirming(trials)


def _ended_with(sweep: Sweep, trials: Sequence[Trial]) -> list[TrialRun]:
    """The runs that lost their process, and those that ended as and because the sweep did."""
    found = []
    for trial in trials:
        for each in trial.confirm_runs if trial.state is TrialState.PRUNED else trial.runs:
            run = each.run
            stopped_with = sweep.ended_at is not None and (
                run.stop_requested
                or (
                    run.state is RunState.STOPPED
                    and run.ended_at is not None
                    and run.ended_at >= sweep.ended_at
                )
            )
            failed_with = run.state is RunState.FAILED and sweep.state is SweepState.FAILED
            if not each.is_alone and (run.state is RunState.INTERRUPTED or stopped_with or failed_with):
                found.append(each)
    return found


def stop_sweep(workspace: Workspace, sweep_id: str) -> int:
    """Choose no more trials, end its runs and keep what they have learned. Returns how many runs are stopped.

    Runs that a person started alone, and those that a study or another sweep wants, continue. Raises SweepNotFound;
    IllegalTransition where there is nothing to stop.
    """
    check_not_visitor("stop a sweep")
    with Store(workspace) as store:
        sweep = store.sweeps.get(sweep_id)
        if not sweep.state.is_finished:
            store.sweeps.change_state(
                sweep_id, SweepState.STOPPED, expected={SweepState.RUNNING, SweepState.PAUSED}
            )
        stopped = _stop_runs(store, sweep_id)
        if sweep.state.is_finished and not stopped:
            raise IllegalTransition(
                f"“{sweep.name}” is {sweep.state.lower()} already; there is nothing to stop."
            )
    ensure_scheduler(workspace)
    return stopped


def _stop_runs(store: Store, sweep_id: str) -> int:
    stopped = 0
    runs = {each.run.id: each for trial in store.sweeps.trials(sweep_id) for each in trial.runs}
    # The last in the queue first: otherwise a stopped run makes room for the next one, which starts for nothing.
    for each in reversed(runs.values()):
        if each.may_stop and not each.run.state.is_finished and not each.run.stop_requested:
            with contextlib.suppress(IllegalTransition, RunNotFound):
                store.request_stop(each.run.id)
                stopped += 1
    return stopped


def more_trials(workspace: Workspace, sweep_id: str, trials: int) -> Sweep:
    """Plan `trials` in all, also fewer, but not fewer than there are. One that has finished continues.

    Raises SweepNotFound; UserError for a number that is not allowed.
    """
    return change_sweep(workspace, sweep_id, {"trials": trials})


def set_concurrency(workspace: Workspace, sweep_id: str, concurrency: int | None) -> Sweep:
    """Train this many trials at once from now on; None: as many as there are devices.

    Raises SweepNotFound; UserError for a number that is not allowed.
    """
    return change_sweep(workspace, sweep_id, {"concurrency": concurrency})


def change_sweep(workspace: Workspace, sweep_id: str, changes: Mapping[str, Any]) -> Sweep:
    """Change `trials`, `concurrency` and `name`, those that are given: all of them or, where one is refused, none.

    Raises SweepNotFound; UserError for what is not allowed.
    """
    check_not_visitor("change a sweep")
    with Store(workspace) as store:
        planned: Any = changes.get("trials")
        if "trials" in changes:
            _check_trials(store.sweeps.get(sweep_id), planned)
        concurrency: Any = changes.get("concurrency")
        if concurrency is not None:
            most = MAX_CONCURRENCY
            whole_number("concurrency", concurrency, 1, most, f"from 1 to {most}, or null")
        name = check_name(changes["name"]) if "name" in changes else None
        # The one that may still be refused, because trials were added meanwhile, comes first.
        if "trials" in changes:
            store.sweeps.set_planned(sweep_id, planned)
        if "concurrency" in changes:
            store.sweeps.set_concurrency(sweep_id, concurrency)
        if name is not None:
            store.sweeps.rename(sweep_id, name)
        sweep = store.sweeps.get(sweep_id)
    ensure_scheduler(workspace)
    return sweep


def _check_trials(sweep: Sweep, trials: object) -> None:
    trials = whole_number("trials", trials, 1)
    spec = read_spec(sweep.spec)
    check_size(trials, spec.num_seeds)
    most = spec.space.num_combinations
    if most is not None and trials > most:
        raise ConfigError("trials", f"must be at most {most:,}: there are no more combinations.")


def rename_sweep(workspace: Workspace, sweep_id: str, name: str) -> Sweep:
    """Raises SweepNotFound, and RunError for a name that is not allowed. Its runs keep their names."""
    check_not_visitor("change a sweep")
    with Store(workspace) as store:
        store.sweeps.rename(sweep_id, name)
        return store.sweeps.get(sweep_id)


def delete_sweep(
    workspace: Workspace, sweep_id: str, *, with_runs: bool = False, wait_seconds: float = STOPPING_SECONDS
) -> Sequence[str]:
    """Forget a sweep, after it was stopped. Its runs stay, or with `with_runs` go to the trash, all at once: those that
    it began and neither a study nor another sweep has.

    Returns why runs that should have gone are still there, such as one that has not stopped after `wait_seconds`; the
    sweep is then there too, stopped. Raises SweepNotFound.
    """
    check_not_visitor("delete a sweep")
    with Store(workspace) as store:
        with contextlib.suppress(IllegalTransition):
            stop_sweep(workspace, sweep_id)
        if with_runs:
            try:
                _delete_runs(workspace, store, sweep_id, wait_seconds)
            except ConvDeckError as error:
                return [f"{error} The sweep is kept with them."]
        store.sweeps.delete(sweep_id)
    return []


def _delete_runs(workspace: Workspace, store: Store, sweep_id: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        trials = store.sweeps.trials(sweep_id)
        own = {each.run.id: each.run for trial in trials for each in trial.runs if each.is_own}
        is_stopping = any(run.state.is_active for run in own.values())
        if not is_stopping or time.monotonic() >= deadline:
            break
        time.sleep(STOPPING_LOOK_SECONDS)
    if own:
        delete_runs(workspace, list(own), wait_seconds)
