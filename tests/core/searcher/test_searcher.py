"""What the searcher does at each tick, by the records that it reads and writes. Runs end as told, without training."""

from typing import Any

import optuna
import pytest

from core.searcher import sweep_search
from core.searcher.searcher import Searcher
from core.store.records import RunRequest
from core.store.states import RunState, SweepState, TrialState
from core.store.store import Store
from core.studies.start import start_study
from core.sweeps.configs import configs_for, trial_runs
from core.sweeps.spec import read_spec
from core.sweeps.start import start_sweep
from tests.core.scheduling.fakes import Clock, cpu, gpu
from tests.core.scheduling.fakes import report as devices
from tests.core.searcher import trainer
from tests.core.searcher.trainer import TINY, accuracy_of, create, run_to_end, spec, tick
from tests.core.studies import ended as studies

pytestmark = pytest.mark.usefixtures("no_scheduler")


def test_a_sweep_is_searched_to_its_end_and_weighed(store: Store, searcher: Searcher, clock: Clock) -> None:
    asked = spec(method="tpe", trials=16, seed=3)
    sweep = create(store, asked)
    run_to_end(store, searcher, clock, sweep.id)
    ended = store.sweeps.get(sweep.id)
    assert (ended.state, ended.num_trials, ended.num_runs, ended.num_under_way) == ("FINISHED", 16, 16, 0)
    trials = store.sweeps.trials(sweep.id)
    assert [trial.known for trial in trials] == [tuple(range(number)) for number in range(16)]

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=3))
    for trial in trials:
        alone = study.ask()
        assert trial.choices == {
            "optimizer.learning_rate": alone.suggest_float("optimizer.learning_rate", 1e-4, 1e-1, log=True),
            "model.blocks[0].filters": int(
                alone.suggest_categorical("model.blocks[0].filters", ["4", "8", "16"])
            ),
        }
        study.tell(alone, accuracy_of(trial.runs[0].run))
    insights = ended.insights
    assert insights is not None
    assert insights["importance"] == optuna.importance.get_param_importances(study)
    assert insights["trials"] == 16 and insights["resamples"] > 3
    assert [each["path"] for each in insights["stability"]["ranks"]] == list(insights["importance"])
    assert insights["stability"]["sentence"].startswith("Based on 16 trials. ")
    assert not searcher.tick()


def test_a_searcher_that_is_made_again_at_each_trial_chooses_the_same(store: Store, clock: Clock) -> None:
    chosen = []
    for is_killed in (False, True):
        sweep = create(store, spec(method="tpe", trials=12, seed=5, reuse=False))
        searcher = Searcher(store, lambda: devices(cpu()), clock)
        for _ in range(14):
            searcher = Searcher(store, lambda: devices(cpu()), clock) if is_killed else searcher
            tick(searcher, clock)
            trainer.train_waiting(store)
        assert store.sweeps.get(sweep.id).state is SweepState.FINISHED
        chosen.append([trial.choices for trial in store.sweeps.trials(sweep.id)])
    assert chosen[0] == chosen[1] and len(chosen[0]) == 12


@pytest.mark.parametrize(
    ("method", "concurrency", "found", "expected"),
    [
        ("tpe", None, devices(cpu()), 1),
        ("tpe", None, devices(gpu(0), gpu(1), gpu(2)), 3),
        ("random", None, devices(gpu(0), gpu(1)), 3),  # one waits, so that no device does
        ("random", 4, devices(cpu()), 4),
        ("tpe", 1, devices(gpu(0), gpu(1)), 1),
    ],
)
def test_so_many_trials_are_trained_at_once(
    store: Store, clock: Clock, method: str, concurrency: int | None, found: Any, expected: int
) -> None:
    sweep = create(store, spec(method=method, concurrency=concurrency))
    searcher = Searcher(store, lambda: found, clock)
    tick(searcher, clock, 3)
    assert store.sweeps.get(sweep.id).num_trials == expected
    trainer.train(store, store.waiting_runs()[0])
    tick(searcher, clock, 3)
    assert store.sweeps.get(sweep.id).num_trials == expected + 1
    store.sweeps.set_concurrency(sweep.id, 6)
    tick(searcher, clock)
    assert store.sweeps.get(sweep.id).num_under_way == 6


def test_a_trial_has_all_of_its_seeds_and_their_mean_counts(
    store: Store, searcher: Searcher, clock: Clock
) -> None:
    sweep = create(store, spec(method="tpe", trials=12, seeds=3, seed=1))
    run_to_end(store, searcher, clock, sweep.id)
    trials = store.sweeps.trials(sweep.id)
    assert [[each.seed for each in trial.runs] for trial in trials] == [[0, 1, 2]] * 12
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=1))
    for trial in trials:
        alone = study.ask()
        rate = alone.suggest_float("optimizer.learning_rate", 1e-4, 1e-1, log=True)
        alone.suggest_categorical("model.blocks[0].filters", ["4", "8", "16"])
        assert trial.choices["optimizer.learning_rate"] == rate
        study.tell(alone, sum(accuracy_of(each.run) for each in trial.runs) / 3)


def test_runs_that_were_there_are_its_first_trials(store: Store, searcher: Searcher, clock: Clock) -> None:
    asked = spec(method="grid", space={"model.blocks[0].filters": {"values": [4, 8, 16]}}, trials=3)
    (with_eight,) = configs_for(asked, {"model.blocks[0].filters": 8})
    before = store.queue_run(RunRequest(with_eight, "mine"))
    other = store.queue_run(RunRequest(TINY.with_values({"model.blocks[1].filters": 7}), "another network"))
    trainer.train_waiting(store)
    waiting = store.queue_run(
        RunRequest(configs_for(asked, {"model.blocks[0].filters": 4})[0], "not trained yet")
    )
    sweep = start_sweep(store.workspace, asked)
    run_to_end(store, searcher, clock, sweep.id)
    trials = store.sweeps.trials(sweep.id)
    assert [trial.origin for trial in trials] == ["found", "search", "search"]
    assert trials[0].choices == {"model.blocks[0].filters": 8}
    assert [each.run.id for each in trials[0].runs] == [before.id]
    assert sorted(trial.choices["model.blocks[0].filters"] for trial in trials) == [4, 8, 16]
    # The one that waited is trained for the sweep too, not a second one like it.
    runs = [each.run.id for trial in trials for each in trial.runs]
    assert waiting.id in runs and other.id not in runs and len(store.list_runs()) == 4


def test_no_choice_is_trained_twice_also_one_that_failed(
    store: Store, searcher: Searcher, clock: Clock
) -> None:
    sweep = create(store, spec(method="tpe", space={"model.blocks[0].filters": {"values": [4, 8, 16]}}))
    assert sweep.planned == 3
    store.sweeps.set_planned(sweep.id, 30)
    for _ in range(6):
        tick(searcher, clock)
        for run in store.waiting_runs():
            trainer.begin(store, run)
            trainer.end(store, run, RunState.FAILED, f"The loss became NaN: {run.id}.")
    ended, trials = store.sweeps.get(sweep.id), store.sweeps.trials(sweep.id)
    assert (ended.state, ended.planned, ended.num_runs) == ("FINISHED", 3, 3)
    assert sorted(trial.choices["model.blocks[0].filters"] for trial in trials) == [4, 8, 16]


def test_what_people_do_to_its_runs(store: Store, searcher: Searcher, clock: Clock) -> None:
    """A trial whose run is stopped or deleted counts, without a result; nothing is trained in its place."""
    sweep = create(store, spec(trials=4, concurrency=1))
    tick(searcher, clock)
    store.request_stop(store.waiting_runs()[0].id)
    tick(searcher, clock)
    trainer.train_waiting(store)
    (deleted,) = [each.run.id for each in store.sweeps.trials(sweep.id)[1].runs]
    store.trash.put(deleted)
    run_to_end(store, searcher, clock, sweep.id)
    trials = store.sweeps.trials(sweep.id)
    assert [trial.state for trial in trials] == ["STOPPED", "STOPPED", "FINISHED", "FINISHED"]
    assert store.sweeps.get(sweep.id).insights["trials"] == 2  # type: ignore[index]
    store.trash.restore(deleted)
    assert store.sweeps.trials(sweep.id)[1].state is TrialState.FINISHED


def test_pause_resume_more_and_by_hand(store: Store, searcher: Searcher, clock: Clock) -> None:
    sweep = create(store, spec(trials=3, concurrency=1))
    tick(searcher, clock)
    store.sweeps.change_state(sweep.id, SweepState.PAUSED, expected=SweepState.RUNNING)
    trainer.train_waiting(store)
    tick(searcher, clock, 2)
    assert store.sweeps.get(sweep.id).num_trials == 1 and not searcher.tick()
    store.sweeps.change_state(sweep.id, SweepState.RUNNING, expected=SweepState.PAUSED)
    tick(searcher, clock)
    by_hand = {"optimizer.learning_rate": 0.02, "model.blocks[0].filters": 8}
    runs = trial_runs(store.workspace, read_spec(sweep.spec), sweep.name, 2, by_hand)
    store.sweeps.add_trial(sweep.id, 2, by_hand, runs, origin="hand", known=(0,))
    run_to_end(store, searcher, clock, sweep.id)
    assert [trial.origin for trial in store.sweeps.trials(sweep.id)] == ["search", "search", "hand", "search"]
    store.sweeps.set_planned(sweep.id, 6)
    run_to_end(store, searcher, clock, sweep.id)
    trials = store.sweeps.trials(sweep.id)
    assert len(trials) == 6 and all(trial.state is TrialState.FINISHED for trial in trials)


def test_a_weak_trial_is_given_up(store: Store, searcher: Searcher, clock: Clock) -> None:
    """Median: after five that are complete, one that is worse than their median in its second epoch ends there."""
    asked = spec(method="random", trials=7, concurrency=1, pruning="median")
    sweep = create(store, asked)
    for _ in range(5):
        tick(searcher, clock)
        trainer.train_waiting(store, lambda run: 0.7)
    tick(searcher, clock)
    (weak,) = store.waiting_runs()
    trainer.begin(store, weak)
    trainer.report(store, weak, [0.1])
    tick(searcher, clock)
    assert not store.get_run(weak.id).stop_requested  # the first epoch is not judged
    trainer.report(store, weak, [0.11], first=2)
    tick(searcher, clock)
    assert store.get_run(weak.id).stop_requested
    trial = store.sweeps.trials(sweep.id)[5]
    assert (trial.state, trial.pruned_at) == (TrialState.PRUNED, 2)
    assert store.sweeps.get(sweep.id).num_trials == 6  # its run still has the device
    assert len(searcher._searches[sweep.id]._reached) == 6  # what is known of no longer is not kept
    trainer.end(store, weak, RunState.STOPPED)
    tick(searcher, clock)
    assert store.sweeps.trials(sweep.id)[6].known == (0, 1, 2, 3, 4, 5)
    trainer.train_waiting(store, lambda run: 0.71)
    tick(searcher, clock)
    assert store.sweeps.get(sweep.id).state is SweepState.FINISHED


def test_pruning_knows_the_most_epochs_of_any_trial() -> None:
    parts = {"training": {"values": [{"epochs": 2}, {"epochs": 30}]}}
    for space in (
        parts,
        {"training.epochs": {"low": 2, "high": 30}},
        {"training.epochs": {"values": [30, 2]}},
    ):
        assert sweep_search._most_epochs(spec(space=space, pruning="hyperband")) == 30
    assert sweep_search._most_epochs(spec()) == 3


def test_a_study_gets_seeds_until_its_budget_is_used(store: Store, searcher: Searcher, clock: Clock) -> None:
    """What decides is tested with studies; here, that the searcher asks and leaves."""
    asked = studies.spec("seeds", studies.TINY, studies.FLIPPED, until_decided=True, max_seeds=5)
    study = start_study(store.workspace, asked)
    assert store.needs_searcher() and searcher.tick()
    for better in (-0.006, 0.008, -0.004, 0.01, 0.002):  # of the second, which says nothing of a difference
        seed = store.waiting_runs()[0].config.seed
        for run in [each for each in store.waiting_runs() if each.config.seed == seed]:
            flips = run.config.augmentation.horizontal_flip
            studies.end(store, run, (0.4, 0.5 + better * flips))
        tick(searcher, clock)
    assert not store.needs_searcher() and not searcher.tick()
    assert store.studies.get(study.id).num_finished == 10
