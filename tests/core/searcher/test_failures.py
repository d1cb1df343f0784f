"""What the searcher does with trials that fail, and with sweeps that cannot go on."""

import pytest

from core.errors import DatasetError
from core.searcher import sweep_search
from core.searcher.searcher import Searcher
from core.store.states import RunState, SweepState, TrialState
from core.store.store import Store
from core.sweeps.search import Search
from tests.core.scheduling.fakes import Clock
from tests.core.searcher import trainer
from tests.core.searcher.trainer import create, run_to_end, spec, tick


def test_choices_that_cannot_be_trained_are_failed_trials(
    store: Store, searcher: Searcher, clock: Clock
) -> None:
    """Shapes has pictures of 32 pixels: a kernel of 31 fits them, but not after three halvings."""
    space = {
        "model.blocks[1].kernel_sizes": {"values": [[3], [31], [5]]},
        "model.blocks[*].padding": {"values": ["valid"]},
    }
    sweep = create(store, spec(method="grid", space=space, trials=3))
    run_to_end(store, searcher, clock, sweep.id)
    trials = store.sweeps.trials(sweep.id)
    failed = [trial for trial in trials if trial.state is TrialState.FAILED]
    assert store.sweeps.get(sweep.id).state is SweepState.FINISHED and len(trials) == 3
    (infeasible,) = failed
    assert infeasible.choices["model.blocks[1].kernel_sizes"] == [31] and infeasible.runs == ()
    assert infeasible.error is not None and "31" in infeasible.error


def test_a_sweep_of_nothing_but_such_choices_gives_up(store: Store, searcher: Searcher, clock: Clock) -> None:
    space = {
        "model.blocks[*].kernel_sizes": {"values": [[31]]},
        "optimizer.learning_rate": {"low": 0.001, "high": 0.1},
        "model.blocks[*].padding": {"values": ["valid"]},
    }
    sweep = create(store, spec(space=space, trials=30))
    tick(searcher, clock)
    ended = store.sweeps.get(sweep.id)
    assert (ended.state, ended.num_trials) == ("FAILED", 10)
    assert ended.error is not None and ended.error.startswith("None of the 10 choices can be trained.")
    assert ended.next_step is not None and store.list_runs() == []


def fail_next(store: Store, error: str) -> None:
    run = store.waiting_runs()[0]
    trainer.begin(store, run)
    trainer.end(store, run, RunState.FAILED, error)


def test_three_failures_in_a_row_for_one_cause_end_it(store: Store, searcher: Searcher, clock: Clock) -> None:
    sweep = create(store, spec(trials=30, concurrency=1))
    for error in (
        "Out of memory in epoch 1.",
        "Out of memory in epoch 2.",
        "The disk is full.",
        *["Out of memory in epoch 3."] * 2,
    ):
        tick(searcher, clock)
        fail_next(store, error)
    tick(searcher, clock)
    trainer.train_waiting(store)  # and one that goes well
    for epoch in (1, 2, 3):
        tick(searcher, clock)
        assert store.sweeps.get(sweep.id).state is SweepState.RUNNING
        fail_next(store, f"Out of memory in epoch {epoch}.")
    tick(searcher, clock)
    ended = store.sweeps.get(sweep.id)
    assert ended.state is SweepState.FAILED
    assert (
        ended.error == "3 trials in a row failed for the same cause. The last one: Out of memory in epoch 3."
    )
    assert ended.next_step is not None and "Resume" in ended.next_step
    # A person who resumes it has not to hear the same at once.
    store.sweeps.change_state(sweep.id, SweepState.RUNNING, expected=SweepState.FAILED)
    tick(searcher, clock, 2)
    assert store.sweeps.get(sweep.id).state is SweepState.RUNNING
    assert store.sweeps.get(sweep.id).num_trials == 10


def test_a_loss_that_became_nan_is_a_result_of_a_search(
    store: Store, searcher: Searcher, clock: Clock
) -> None:
    sweep = create(store, spec(trials=30, concurrency=1))
    for epoch in range(1, 11):
        tick(searcher, clock)
        assert store.sweeps.get(sweep.id).state is SweepState.RUNNING
        fail_next(store, f"The loss became NaN in epoch {epoch}, so training cannot continue.")
    tick(searcher, clock)
    assert store.sweeps.get(sweep.id).state is SweepState.FAILED  # but ten in a row are no search


def test_a_run_that_lost_its_process_is_resumed(store: Store, searcher: Searcher, clock: Clock) -> None:
    sweep = create(store, spec(trials=2, concurrency=1))
    for attempt in (1, 2, 3, 4):
        tick(searcher, clock)
        (run,) = store.waiting_runs()
        assert run.attempt == attempt
        trainer.begin(store, run)
        trainer.end(store, run, RunState.INTERRUPTED, "Its process was killed.")
    tick(searcher, clock)  # after three times its trial has failed, and the next one is trained
    trials = store.sweeps.trials(sweep.id)
    assert [trial.state for trial in trials] == [TrialState.FAILED, TrialState.WAITING]
    assert trials[1].known == (0,)


def test_a_sweep_that_cannot_be_read_ends_with_words(store: Store, searcher: Searcher, clock: Clock) -> None:
    sweep = store.sweeps.create("odd", '{"space": 3}', 4)
    other = create(store, spec(trials=1))
    run_to_end(store, searcher, clock, other.id)
    ended = store.sweeps.get(sweep.id)
    assert ended.state is SweepState.FAILED and "cannot be read" in (ended.error or "")


def test_a_sweep_whose_data_is_gone_ends_with_words(
    store: Store, searcher: Searcher, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = create(store, spec(trials=4))

    def gone(*_: object) -> None:
        raise DatasetError("There is no data set “shapes”.")

    monkeypatch.setattr(sweep_search, "trial_runs", gone)
    tick(searcher, clock)
    ended = store.sweeps.get(sweep.id)
    assert (ended.state, ended.num_trials) == ("FAILED", 0)
    assert (ended.error, ended.next_step) == (
        "There is no data set “shapes”.",
        "Fix the cause, then resume the sweep.",
    )


def test_an_unexpected_error_ends_one_sweep_after_ten_tries(
    store: Store, searcher: Searcher, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = create(store, spec())

    def broken(self: Search, trials: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Search, "next", broken)
    tick(searcher, clock, 9)
    assert store.sweeps.get(sweep.id).state is SweepState.RUNNING
    tick(searcher, clock)
    ended = store.sweeps.get(sweep.id)
    assert (
        ended.state is SweepState.FAILED
        and ended.error == "The search met an error, ZeroDivisionError: a bug"
    )
