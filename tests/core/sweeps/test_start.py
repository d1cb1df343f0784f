"""Start, stop, extend, confirm and delete; what a sweep finds already trained; how it stands."""

import json
import threading

import numpy as np
import pytest

from core.datasets.lookup import find_dataset
from core.datasets.saving import save_dataset
from core.datasets.storage import delete_dataset
from core.errors import ConfigError, DatasetError, IllegalTransition, RunError, SweepNotFound, UserError
from core.runs import control as runs
from core.store.records import RunRequest
from core.store.states import RunState, SweepState, TrialState
from core.sweeps.control import (
    delete_sweep,
    more_trials,
    pause_sweep,
    resume_sweep,
    set_concurrency,
    stop_sweep,
)
from core.sweeps.report import read_report, sweep_summary
from core.sweeps.spec import read_spec
from core.sweeps.start import add_trial, confirm_sweep, parse_sweep, start_sweep
from tests.core.searcher import trainer
from tests.core.studies.ended import end
from tests.core.sweeps.trials import BASE, FILTERS, add_next, begin, end_trial

PATH = "model.blocks[0].filters"


def test_a_sweep_from_its_start_to_its_best_trial(workspace, store):
    sweep = begin(store, seeds=2)
    assert (sweep.name, sweep.planned, sweep.state) == ("tiny: Filters of block 1", 4, SweepState.RUNNING)
    report = read_report(workspace, store, sweep.id)
    assert report.standing == "0 of 4 trials have ended." and report.best is None

    trials = [add_next(store, sweep) for _ in range(3)]
    assert [each.run.name for each in trials[2].runs] == [
        "tiny: Filters of block 1: trial 2, seed 0",
        "tiny: Filters of block 1: trial 2, seed 1",
    ]
    end_trial(store, trials[0], (0.5, 0.7))
    end_trial(store, trials[1], (0.9, 0.8), RunState.FAILED)
    end(store, trials[2].runs[0].run, (0.95,))
    report = read_report(workspace, store, sweep.id)
    assert report.standing == "2 of 4 trials have ended: 1 finished, 1 failed; 1 is under way."
    # The mean over the seeds; a trial that failed, or whose second seed is missing, has none.
    assert report.reached == {0: pytest.approx((0.6,))} and report.best == 0
    store.sweeps.record_insights(sweep.id, {"importance": {PATH: 1.0}, "stability": {"sentence": "S"}})
    shown = read_report(workspace, store, sweep.id).to_dict()
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert {key: shown[key] for key in ("id", "name", "state", "method", "planned", "importance", "confirmed")} == {
        "id": sweep.id, "name": sweep.name, "state": "RUNNING", "method": "grid", "planned": 4,
        "importance": {PATH: 1.0}, "confirmed": None,
    }  # fmt: skip
    assert [
        (each["number"], each["values"], each["state"], each["objective"], each["epochs"])
        for each in shown["trials"]
    ] == [
        (0, {PATH: 4}, "FINISHED", pytest.approx(0.6), 4),
        (1, {PATH: 8}, "FAILED", None, 4),
        (2, {PATH: 16}, "RUNNING", None, 1),
    ]
    assert shown["trials"][2]["best_val_accuracy"] == 0.95
    assert shown["best"] == {
        "number": 0, "values": {PATH: 4}, "objective": pytest.approx(0.6),
        "runs": [each.run.id for each in trials[0].runs],
    }  # fmt: skip
    assert shown["honesty"]["importance"] == {"sentence": "S"}
    assert sweep_summary(store.sweeps.get(sweep.id)).items() <= shown.items()


def test_several_objectives_have_a_front(workspace, store):
    sweep = begin(store, objective=["val_accuracy", "parameters"])
    for accuracy in (0.5, 0.7, 0.6, 0.8):
        end_trial(store, add_next(store, sweep), accuracy)
    shown = read_report(workspace, store, sweep.id).to_dict()
    # More filters are more parameters, so the third is beaten by the second alone.
    assert (shown["front"], shown["best"]["number"], shown["honesty"]) == ([0, 1, 3], 3, None)
    accuracy, parameters = shown["trials"][0]["objective"]
    # By hand: 3·3·3·4 + 4 and 4·4 for batch normalisation; 3·3·4·24 + 24 and 4·24; 24·10 + 10.
    num_classes = find_dataset(workspace, "shapes").num_classes
    assert (accuracy, parameters) == (0.5, 112 + 16 + 888 + 96 + 25 * num_classes)
    weighted = begin(store, objective={"val_accuracy": 1, "seconds": -0.01})
    assert read_report(workspace, store, weighted.id).reached[3] == pytest.approx((0.8 - 0.04,))


def test_runs_that_are_there_are_the_first_trials(workspace, store):
    first = begin(store, seeds=2)
    trials = [add_next(store, first) for _ in range(3)]
    end_trial(store, trials[0], 0.5)
    end_trial(store, trials[1], 0.6, RunState.STOPPED)
    again = begin(store, seeds=2)
    (found,) = store.sweeps.trials(again.id)
    assert (found.origin, found.choices, found.state) == ("found", {PATH: 4}, TrialState.FINISHED)
    assert [each.run.id for each in found.runs] == [each.run.id for each in trials[0].runs]
    assert all(each.is_reused for each in found.runs)
    # A run that waits is reused when the search comes to it.
    assert [add_next(store, again).runs[0].is_reused for _ in range(2)] == [False, True]
    # With a third seed it is not trained yet; without reuse nothing is found.
    assert store.sweeps.trials(begin(store, seeds=3).id) == []
    fresh = begin(store, seeds=2, reuse=False)
    assert store.sweeps.trials(fresh.id) == [] and not add_next(store, fresh).runs[0].is_reused
    # Another sweep's runs are not stopped with this one.
    assert stop_sweep(workspace, again.id) == 2
    assert not store.get_run(trials[2].runs[0].run.id).state.is_finished


def test_a_sweep_is_started_once_and_only_on_data_that_is_here(workspace, store):
    spec = parse_sweep(workspace, store, {**BASE, "space": FILTERS})
    first, again = (start_sweep(workspace, spec, token="once") for _ in range(2))
    assert first.id == again.id
    with pytest.raises(DatasetError, match="not here yet"):
        start_sweep(workspace, parse_sweep(workspace, store, {"preset": "tiny", "space": FILTERS}))
    with pytest.raises(RunError):
        start_sweep(workspace, spec, "line\nbreak")
    assert len(store.sweeps.list_sweeps()) == 1


def test_pause_resume_stop(workspace, store):
    sweep = begin(store)
    trial, other = add_next(store, sweep), add_next(store, sweep)
    pause_sweep(workspace, sweep.id)
    with pytest.raises(IllegalTransition, match="is paused"):
        add_next(store, sweep)
    with pytest.raises(IllegalTransition):
        pause_sweep(workspace, sweep.id)
    assert resume_sweep(workspace, sweep.id).state is SweepState.RUNNING
    end_trial(store, trial, 0.5)
    assert stop_sweep(workspace, sweep.id) == 1
    assert [each.state for each in store.sweeps.trials(sweep.id)] == [TrialState.FINISHED, TrialState.STOPPED]
    with pytest.raises(IllegalTransition, match="nothing to stop"):
        stop_sweep(workspace, sweep.id)
    # What the stop ended is queued again. What was deleted was taken away on purpose.
    store.trash.put(trial.runs[0].run.id)
    resume_sweep(workspace, sweep.id)
    now = store.sweeps.trials(sweep.id)
    assert [each.state for each in now] == [TrialState.STOPPED, TrialState.WAITING]
    assert now[1].runs[0].run.id == other.runs[0].run.id and len(store.list_runs()) == 1


def test_resuming_leaves_alone_what_a_person_has_stopped(workspace, store):
    sweep = begin(store, reuse=False)
    by_hand, lost, stopped = (add_next(store, sweep).runs[0].run for _ in range(3))
    store.request_stop(by_hand.id)
    trainer.begin(store, lost)
    trainer.end(store, lost, RunState.INTERRUPTED)
    pause_sweep(workspace, sweep.id)
    resume_sweep(workspace, sweep.id)
    runs = (by_hand, lost, stopped)
    assert [store.get_run(run.id).state for run in runs] == ["STOPPED", "WAITING", "WAITING"]
    assert stop_sweep(workspace, sweep.id) == 2
    resume_sweep(workspace, sweep.id)
    assert [store.get_run(run.id).state for run in runs] == ["STOPPED", "WAITING", "WAITING"]
    # Its values can be tried again.
    assert add_trial(workspace, sweep.id, {PATH: 4}).number == 3


def test_resuming_at_once_waits_for_the_runs_that_are_stopping(workspace, store):
    sweep = begin(store)
    run = add_next(store, sweep).runs[0].run
    trainer.begin(store, run)
    stop_sweep(workspace, sweep.id)
    with pytest.raises(IllegalTransition, match=r"^1 run of .* is still stopping; try again in a moment.$"):
        resume_sweep(workspace, sweep.id, wait_seconds=0.0)
    assert store.sweeps.get(sweep.id).state is SweepState.STOPPED
    ends = threading.Timer(0.3, trainer.end, (store, store.get_run(run.id), RunState.STOPPED))
    ends.start()
    resume_sweep(workspace, sweep.id, wait_seconds=60.0)
    ends.join()
    assert store.get_run(run.id).state is RunState.WAITING


def test_trials_on_another_data_set_of_the_same_name_are_refused(workspace, store):
    def own(seed):
        random = np.random.default_rng(seed)
        pictures = random.integers(0, 255, (90, 12, 12, 3), dtype=np.uint8)
        labels = (np.arange(90) % 3).astype(np.int64)
        parts = {"x_train": pictures, "y_train": labels, "x_test": pictures, "y_test": labels}
        save_dataset(workspace, "own", "own", "x", ["a", "b", "c"], parts)

    own(1)
    sweep = begin(store, dataset="own")
    for accuracy in (0.5, 0.6):
        end_trial(store, add_next(store, sweep), accuracy)
    pause_sweep(workspace, sweep.id)
    with pytest.raises(RunError, match=r"own is used by “tiny: Filters of block 1”"):
        runs.check_dataset_unused(workspace, "own")
    stop_sweep(workspace, sweep.id)
    runs.check_dataset_unused(workspace, "own")
    study = store.studies.create(
        "seeds", "Open", json.dumps({"bases": [{"config": {"dataset": {"id": "own"}}}]}), (), max_seeds=9
    )
    with pytest.raises(RunError, match="“Open”"):
        runs.check_dataset_unused(workspace, "own")
    store.studies.end_adding(study.id)

    delete_dataset(workspace, "own")
    own(2)
    with pytest.raises(DatasetError, match="another data set that was called own"):
        resume_sweep(workspace, sweep.id)
    assert store.sweeps.get(sweep.id).state is SweepState.STOPPED
    store.sweeps.change_state(sweep.id, SweepState.RUNNING, expected=SweepState.STOPPED)
    for change in (
        lambda: add_next(store, sweep),  # as the search does
        lambda: add_trial(workspace, sweep.id, {PATH: 32}),
        lambda: confirm_sweep(workspace, sweep.id, 2),
    ):
        with pytest.raises(DatasetError, match="another data set that was called own"):
            change()
    assert len(store.list_runs()) == 2


def test_what_was_added_to_a_finished_sweep_and_ended_early_is_queued_again(workspace, store):
    sweep = begin(store, trials=2, reuse=False)
    for accuracy in (0.5, 0.7):
        end_trial(store, add_next(store, sweep), accuracy)
    store.sweeps.change_state(sweep.id, SweepState.FINISHED, expected=SweepState.RUNNING)
    with pytest.raises(IllegalTransition, match="has finished"):
        resume_sweep(workspace, sweep.id)
    assert confirm_sweep(workspace, sweep.id, 2) == 4 and stop_sweep(workspace, sweep.id) == 4
    assert confirm_sweep(workspace, sweep.id, 2) == 4 and len(store.waiting_runs()) == 4
    by_hand = add_trial(workspace, sweep.id, {PATH: 32}).runs[0].run
    trainer.begin(store, by_hand)
    trainer.end(store, by_hand, RunState.INTERRUPTED)
    assert stop_sweep(workspace, sweep.id) == 4
    assert resume_sweep(workspace, sweep.id).state is SweepState.FINISHED
    assert len(store.waiting_runs()) == 5 and store.get_run(by_hand.id).state is RunState.WAITING


def test_resuming_one_that_failed_tries_its_failed_runs_again_and_no_pruned_ones(workspace, store):
    sweep = begin(store)
    failed, pruned = add_next(store, sweep), add_next(store, sweep)
    end_trial(store, failed, 0.5, RunState.FAILED)
    store.sweeps.record_pruned(sweep.id, 1, 1)
    stop_sweep(workspace, sweep.id)
    resume_sweep(workspace, sweep.id)
    states = [each.state for each in store.sweeps.trials(sweep.id)]
    assert states == [TrialState.FAILED, TrialState.PRUNED]
    store.sweeps.change_state(sweep.id, SweepState.FAILED, expected=SweepState.RUNNING, error="E")
    assert resume_sweep(workspace, sweep.id).error is None
    states = [each.state for each in store.sweeps.trials(sweep.id)]
    assert states == [TrialState.WAITING, TrialState.PRUNED]
    assert store.get_run(pruned.runs[0].run.id).state is RunState.STOPPED


def test_more_trials_other_concurrency_and_one_by_hand(workspace, store):
    space = {PATH: {"low": 2, "high": 9}}
    sweep = begin(store, method="random", trials=2, space=space)
    assert more_trials(workspace, sweep.id, 5).planned == 5
    for trials, message in (
        (0, "must be from 1 on, not 0"),
        (9, "at most 8"),
        (True, "whole number"),
        (501, "at most 500 runs"),
    ):
        with pytest.raises(ConfigError, match=message):
            more_trials(workspace, sweep.id, trials)
    assert set_concurrency(workspace, sweep.id, 3).concurrency == 3
    assert set_concurrency(workspace, sweep.id, None).concurrency is None
    with pytest.raises(ConfigError):
        set_concurrency(workspace, sweep.id, 0)
    trial = add_trial(workspace, sweep.id, {PATH: 6})
    assert (trial.number, trial.origin, trial.choices) == (0, "hand", {PATH: 6})
    assert store.sweeps.get(sweep.id).planned == 6
    with pytest.raises(RunError, match=r"Trial 0 of .* has these values already"):
        add_trial(workspace, sweep.id, {PATH: 6})
    with pytest.raises(ConfigError):
        add_trial(workspace, sweep.id, {PATH: 60})
    with pytest.raises(ConfigError, match="needs a value"):
        add_trial(workspace, sweep.id, {})  # the base has 16
    # A choice that cannot be built is refused where a person makes it.
    large = begin(store, space={"model.blocks[0].kernel_sizes": {"values": [[3], [31]]},
                                "model.blocks[0].padding": {"values": ["same", "valid"]},
                                "model.blocks[1].kernel_sizes": {"values": [[31]]},
                                "model.blocks[1].padding": {"values": ["valid"]}})  # fmt: skip
    with pytest.raises(ConfigError, match="31"):
        add_trial(workspace, large.id, {"model.blocks[0].kernel_sizes": [31]})
    assert store.sweeps.trials(large.id) == []


def test_the_best_three_are_confirmed_with_the_same_fresh_seeds(workspace, store):
    sweep = begin(store)
    with pytest.raises(RunError, match="0 of"):
        confirm_sweep(workspace, sweep.id)
    for accuracy in (0.5, 0.7, 0.6, 0.8):
        end_trial(store, add_next(store, sweep), accuracy)
    with pytest.raises(ConfigError):
        confirm_sweep(workspace, sweep.id, 1)
    assert confirm_sweep(workspace, sweep.id, 3) == 9
    assert confirm_sweep(workspace, sweep.id, 3) == 0
    trials = store.sweeps.trials(sweep.id)
    assert [[each.seed for each in trial.confirm_runs] for trial in trials] == [
        [], [1, 2, 3], [1, 2, 3], [1, 2, 3],
    ]  # fmt: skip
    # The first pair is complete as early as can be: all trials of a seed before the next seed, the best first.
    queue = [store.get_run(run_id) for run_id in store.queue()]
    assert [run.config.seed for run in queue] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert [run.config.model.blocks[0].filters for run in queue[:3]] == [32, 8, 16]
    report = read_report(workspace, store, sweep.id)
    assert (report.best, report.num_in(TrialState.FINISHED), report.confirmation.winner) == (3, 4, None)
    assert report.confirmation.sentence == (
        "So far, 0 of 9 runs with fresh seeds have ended. The answer comes when all have."
    )

    # Seeds move all three alike, so that the pairs tell what the means do not.
    by_trial = {1: 0.70, 2: 0.60, 3: 0.74}
    for number, accuracy in by_trial.items():
        end_trial(store, trials[number], lambda seed, mean=accuracy: mean + 0.05 * (seed - 2) + 0.001 * seed * mean,
                  purpose="confirm")  # fmt: skip
    shown = read_report(workspace, store, sweep.id).to_dict()["confirmed"]
    assert (shown["winner"], shown["leader"], shown["seeds"], shown["complete"]) == (3, 3, 3, True)
    assert [(each["number"], len(each["by_seed"])) for each in shown["trials"]] == [(1, 3), (2, 3), (3, 3)]
    assert [each["other"] for each in shown["differences"]] == [1, 2]
    assert shown["differences"][0]["mean"] == pytest.approx(0.04 * (1 + 0.001 * 2))
    assert "Trial 3 beats" in shown["sentence"] and shown["take"] == 3

    # More seeds are added to those that there are.
    assert confirm_sweep(workspace, sweep.id, 4) == 3


def test_a_confirmation_of_what_is_no_different_has_no_winner(workspace, store):
    sweep = begin(store)
    for accuracy in (0.5, 0.7):
        end_trial(store, add_next(store, sweep), accuracy)
    confirm_sweep(workspace, sweep.id, 2)
    first, second = store.sweeps.trials(sweep.id)
    end_trial(store, first, (0.6, 0.7), purpose="confirm")
    end_trial(store, second, (0.7, 0.6), purpose="confirm")
    found = read_report(workspace, store, sweep.id).confirmation
    assert found.winner is None and found.sentence.startswith("No clear winner")
    # The smaller network of those that cannot be told apart.
    assert found.take == 0


def test_a_deleted_sweep_leaves_its_runs_or_takes_its_own_with_it(workspace, store):
    alone = store.queue_run(RunRequest(read_spec(begin(store).spec).base.with_values({PATH: 4}), "Mine"))
    sweep = begin(store)
    trials = [add_next(store, sweep) for _ in range(2)]
    assert trials[0].runs[0].run.id == alone.id
    end_trial(store, trials[1], 0.5)
    other = begin(store)
    assert delete_sweep(workspace, sweep.id) == []
    assert len(store.list_runs()) == 2 and store.get_run(alone.id).state is RunState.WAITING
    with pytest.raises(SweepNotFound):
        read_report(workspace, store, sweep.id)
    own = [add_next(store, other), add_next(store, other)]
    assert delete_sweep(workspace, other.id, with_runs=True) == []
    left = {run.id for run in store.list_runs()}
    assert {alone.id, trials[1].runs[0].run.id} <= left and own[-1].runs[0].run.id not in left


def test_what_another_version_wrote_is_shown_without_its_objective(workspace, store):
    sweep = store.sweeps.create("Odd", '{"method": "quantum"}', 3)
    report = read_report(workspace, store, sweep.id)
    assert "cannot be read" in report.problem and report.spec is None
    assert (report.to_dict()["best"], report.to_dict()["method"]) == (None, None)
    with pytest.raises(UserError):
        confirm_sweep(workspace, sweep.id)
