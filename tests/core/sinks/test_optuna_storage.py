"""What Optuna reads from its storage is what the sweep has."""

from typing import Any

import optuna
import pytest

from core.searcher.searcher import Searcher
from core.sink_settings import read_sink_settings
from core.sinks.feeding import Feeding
from core.store.states import RunState, TrialState
from core.store.store import Store
from tests.core.scheduling.fakes import Clock, cpu, report
from tests.core.searcher import trainer

pytestmark = pytest.mark.usefixtures("no_scheduler")


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/studies.db"


@pytest.fixture
def feeding(store: Store, url: str) -> Feeding:
    (setting,) = read_sink_settings({"CONVDECK_OPTUNA": url})
    return Feeding(store, setting)


@pytest.fixture
def searcher(store: Store, clock: Clock) -> Searcher:
    return Searcher(store, lambda: report(cpu()), clock)


def load(url: str) -> Any:
    (name,) = optuna.get_all_study_names(url)
    return optuna.load_study(study_name=name, storage=url)


def states(study: Any) -> list[str]:
    return [trial.state.name for trial in study.trials]


def test_a_study_has_the_trials_of_its_sweep_as_they_go(
    store: Store, url: str, feeding: Feeding, searcher: Searcher, clock: Clock
) -> None:
    space = {
        "optimizer.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
        "model.blocks[0].filters": {"low": 4, "high": 16, "step": 4},
        "model.blocks[0].kernel_sizes": {"values": [[3], [3, 5]]},
        "training.batch_size": {"values": [16, 32]},
    }
    sweep = trainer.create(store, trainer.spec(space, method="tpe", trials=4, seed=3), "Wörter")
    trainer.tick(searcher, clock)
    assert feeding.tick() and states(load(url)) == ["WAITING"]
    (run,) = store.waiting_runs()
    trainer.begin(store, run)
    trainer.report(store, run, [0.3, 0.4])
    assert feeding.tick() and not feeding.tick()
    (first,) = load(url).trials
    assert (first.state.name, first.intermediate_values) == ("RUNNING", {1: 0.3, 2: 0.4})
    trainer.report(store, run, [0.5], first=3)
    trainer.end(store, run)
    trainer.run_to_end(store, searcher, clock, sweep.id)
    assert feeding.tick() and not feeding.tick()

    study, trials = load(url), store.sweeps.trials(sweep.id)
    assert study.study_name == f"Wörter ({sweep.id})" and study.user_attrs["state"] == "FINISHED"
    assert states(study) == ["COMPLETE"] * 4
    for there, trial in zip(study.trials, trials, strict=True):
        (ours,) = trial.search_runs
        kernels = {"[3]": [3], "[3, 5]": [3, 5]}[there.params["model.blocks[0].kernel_sizes"]]
        assert {**there.params, "model.blocks[0].kernel_sizes": kernels} == trial.choices
        assert there.values == [ours.run.best_val_accuracy]
        assert list(there.intermediate_values.values()) == store.curves(ours.run.id)["val_accuracy"]
        assert there.user_attrs["runs"] == [ours.run.id]
    distributions = study.trials[0].distributions
    assert distributions["optimizer.learning_rate"] == optuna.distributions.FloatDistribution(
        1e-4, 0.1, log=True
    )
    assert distributions["model.blocks[0].filters"] == optuna.distributions.IntDistribution(4, 16, step=4)
    assert distributions["training.batch_size"] == optuna.distributions.CategoricalDistribution([16, 32])
    assert study.best_trial.number == max(trials, key=lambda each: each.runs[0].run.best_val_accuracy).number


def test_trials_that_were_given_up_or_failed_are_so_there(
    store: Store, url: str, feeding: Feeding, searcher: Searcher, clock: Clock
) -> None:
    sweep = trainer.create(store, trainer.spec(method="random", trials=3, concurrency=3, reuse=False))
    trainer.tick(searcher, clock)
    one, two, three = store.waiting_runs()
    for run in (one, two, three):
        trainer.begin(store, run)
        trainer.report(store, run, [0.3, 0.2])
    numbers = {each.search_runs[0].run.id: each.number for each in store.sweeps.trials(sweep.id)}
    store.sweeps.record_pruned(sweep.id, numbers[one.id], 1)
    trainer.end(store, one, RunState.STOPPED)
    trainer.end(store, two, RunState.FAILED, "The loss became NaN.")
    trainer.report(store, three, [0.4], first=3)
    trainer.end(store, three)
    assert feeding.tick()
    by_number = {
        numbers[run.id]: state for run, state in ((one, "PRUNED"), (two, "FAIL"), (three, "COMPLETE"))
    }
    found = load(url).trials
    assert [trial.state.name for trial in found] == [by_number[number] for number in sorted(by_number)]
    assert found[numbers[one.id]].intermediate_values == {1: 0.3}
    assert store.sweeps.trials(sweep.id)[numbers[one.id]].state is TrialState.PRUNED


def test_several_objectives_are_several_values(
    store: Store, url: str, feeding: Feeding, searcher: Searcher, clock: Clock
) -> None:
    asked = trainer.spec(method="random", trials=2, objective=["val_accuracy", "seconds"])
    sweep = trainer.create(store, asked)
    trainer.run_to_end(store, searcher, clock, sweep.id)
    assert feeding.tick()
    study = load(url)
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    trained = [trial.runs[0].run for trial in store.sweeps.trials(sweep.id)]
    assert [trial.values for trial in study.trials] == [[run.best_val_accuracy, 3.0] for run in trained]


def test_a_storage_that_cannot_be_used_is_a_state_and_catches_up(
    store: Store, tmp_path, searcher: Searcher, clock: Clock
) -> None:
    url = f"sqlite:///{tmp_path}/missing/studies.db"
    (setting,) = read_sink_settings({"CONVDECK_OPTUNA": url})
    feeding = Feeding(store, setting, clock)
    sweep = trainer.create(store, trainer.spec(trials=2))
    trainer.run_to_end(store, searcher, clock, sweep.id)
    assert not feeding.tick()
    state = store.sinks.state("optuna", url)
    assert (state.cause or "").startswith(f"The storage {url} cannot be used: ") and state.next_step
    (tmp_path / "missing").mkdir()
    clock.now += 3
    assert feeding.tick() and states(load(url)) == ["COMPLETE", "COMPLETE"]
