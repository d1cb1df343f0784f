"""Stop and delete: which runs a sweep may end or take with it where others have them, and what a trial is then."""

import threading

import pytest

from core.errors import ConfigError, SweepNotFound
from core.store.states import RunState, SweepState, TrialState
from core.store.store import Store
from core.studies.start import start_study, stop_study
from core.sweeps.control import delete_sweep, resume_sweep, set_concurrency, stop_sweep
from core.sweeps.report import read_report
from tests.core.searcher import trainer
from tests.core.studies import ended
from tests.core.sweeps.trials import add_next, begin, end_trial

pytestmark = pytest.mark.usefixtures("no_scheduler")


def test_the_last_sweep_that_wants_a_run_stops_it(workspace, store):
    first, second = begin(store), begin(store)
    run = add_next(store, first).runs[0].run
    trainer.begin(store, run)
    (shared,) = add_next(store, second).runs
    assert shared.run.id == run.id and shared.is_reused and not shared.is_own
    assert stop_sweep(workspace, first.id) == 0 and not store.get_run(run.id).stop_requested
    assert stop_sweep(workspace, second.id) == 1 and store.get_run(run.id).stop_requested
    trainer.end(store, store.get_run(run.id), RunState.STOPPED)
    resume_sweep(workspace, second.id)
    assert store.get_run(run.id).state is RunState.WAITING
    # Also where the one that began it was deleted, and where it was the second that ended first.
    assert delete_sweep(workspace, first.id, with_runs=True) == []
    third = begin(store)
    assert add_next(store, third).runs[0].run.id == run.id
    assert stop_sweep(workspace, second.id) == 0
    assert stop_sweep(workspace, third.id) == 1 and store.get_run(run.id).state is RunState.STOPPED


def test_a_run_that_a_person_or_a_study_wants_is_not_stopped(workspace, store):
    sweep = begin(store)
    run = add_next(store, sweep).runs[0].run
    study = start_study(workspace, ended.spec("seeds", run.config, num_seeds=2))
    assert store.studies.members(study.id)[0].run.id == run.id
    assert stop_sweep(workspace, sweep.id) == 0
    resume_sweep(workspace, sweep.id)
    # Of the study, its second seed; the first once the sweep does not want it either.
    assert stop_study(workspace, study.id) == 1 and store.get_run(run.id).state is RunState.WAITING
    store.sweeps.change_state(sweep.id, SweepState.STOPPED, expected=SweepState.RUNNING)
    assert stop_study(workspace, study.id) == 1 and store.get_run(run.id).state is RunState.STOPPED


def test_a_resume_that_is_killed_half_way_can_be_done_again(workspace, store, monkeypatch):
    sweep = begin(store)
    runs = [add_next(store, sweep).runs[0].run.id for _ in range(3)]
    stop_sweep(workspace, sweep.id)
    resume_run, resumed = Store.resume_run, []

    def killed_at_the_second(self, run_id):
        if resumed:
            raise KeyboardInterrupt
        resumed.append(run_id)
        return resume_run(self, run_id)

    monkeypatch.setattr(Store, "resume_run", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        resume_sweep(workspace, sweep.id)
    monkeypatch.setattr(Store, "resume_run", resume_run)
    assert resume_sweep(workspace, sweep.id).state is SweepState.RUNNING
    assert {store.get_run(run_id).state for run_id in runs} == {RunState.WAITING}


def test_its_runs_wait_again_before_the_sweep_is_running(workspace, store, monkeypatch):
    """Otherwise the searcher, which looks 20 times a second, would find all of its trials ended."""
    sweep = begin(store)
    run = add_next(store, sweep).runs[0].run
    stop_sweep(workspace, sweep.id)
    seen, resume_run = [], Store.resume_run

    def watched(self, run_id):
        seen.append(store.sweeps.get(sweep.id).state)
        return resume_run(self, run_id)

    monkeypatch.setattr(Store, "resume_run", watched)
    resume_sweep(workspace, sweep.id)
    assert seen == [SweepState.STOPPED] and store.get_run(run.id).state is RunState.WAITING


def test_a_deleted_sweep_takes_its_runs_with_it_at_once_when_they_have_stopped(workspace, store):
    sweep = begin(store)
    training, waiting = (add_next(store, sweep).runs[0].run for _ in range(2))
    trainer.begin(store, training)
    (kept,) = delete_sweep(workspace, sweep.id, with_runs=True, wait_seconds=0.0)
    assert "None of the 2 runs was deleted. The sweep is kept with them." in kept
    assert store.sweeps.get(sweep.id).state == "STOPPED" and store.trash.list_runs() == []
    ends = threading.Timer(0.3, trainer.end, (store, store.get_run(training.id), RunState.STOPPED))
    ends.start()
    assert delete_sweep(workspace, sweep.id, with_runs=True, wait_seconds=60.0) == []
    ends.join()
    (batch,) = store.trash.list_batches()
    assert {run.id for run in batch.runs} == {training.id, waiting.id}
    with pytest.raises(SweepNotFound):
        store.sweeps.get(sweep.id)


def test_a_trial_without_one_of_its_seeds_has_not_finished(workspace, store):
    sweep = begin(store, seeds=2)
    trial = add_next(store, sweep)
    end_trial(store, trial, 0.5)
    assert store.sweeps.trials(sweep.id)[0].state is TrialState.FINISHED
    store.trash.put(trial.runs[1].run.id)
    (shown,) = read_report(workspace, store, sweep.id).to_dict()["trials"]
    assert (shown["state"], shown["objective"]) == ("STOPPED", None)
    store.trash.restore(trial.runs[1].run.id)
    assert store.sweeps.trials(sweep.id)[0].state is TrialState.FINISHED


@pytest.mark.parametrize("asked", [0, 65, 1.5, True])
def test_a_number_of_trials_at_once_that_is_refused_is_said_in_one_sentence(workspace, store, asked):
    sweep = begin(store)
    with pytest.raises(ConfigError) as refused:
        set_concurrency(workspace, sweep.id, asked)
    allowed = "from 1 to 64, or null" if type(asked) is int else "a whole number from 1 to 64, or null"
    assert str(refused.value) == f"concurrency: must be {allowed}, not {asked}."
    assert store.sweeps.get(sweep.id).concurrency is None
