"""Sweeps in the store: trials once each, their runs, states, and what is left when runs are gone."""

import sqlite3
import threading

import pytest

from core.epoch import EpochRow
from core.errors import ConvDeckError, IllegalTransition, RunError, SweepNotFound, TokenTaken, TrialTaken
from core.store.records import RunRequest, new_run_id
from core.store.states import SWEEP_TRANSITIONS, RunState, SweepState, TrialState
from core.store.store import Store
from core.store.studies import NewRun
from core.store.sweeps import SweepPlace
from core.store.trials import NewTrialRun
from tests.core.scheduling.fakes import CONFIG, Clock

RATE = "optimizer.learning_rate"


@pytest.fixture
def store(workspace):
    with Store(workspace, clock=Clock()) as store:
        yield store


def create(store: Store, planned: int = 3, **options):
    return store.sweeps.create("A sweep", "{}", planned, **options)


def wanted(rate: float = 0.01, seeds: int = 2) -> list[NewTrialRun]:
    return [
        NewTrialRun(seed, RunRequest(CONFIG.with_values({RATE: rate, "seed": seed}), f"{rate}, seed {seed}"))
        for seed in range(seeds)
    ]


def add(store: Store, sweep, number: int, rate: float = 0.01, **options):
    return store.sweeps.add_trial(sweep.id, number, {RATE: rate}, wanted(rate), **options)


def train(
    store: Store, run_id: str, state: RunState | None = RunState.FINISHED, accuracy: float = 0.5
) -> None:
    store.claim(run_id, [f"device of {run_id}"])
    store.record_started(run_id, 1, 2, 1, 0)
    for epoch in (1, 2):
        store.record_epoch(run_id, 1, EpochRow(epoch, val_accuracy=accuracy / epoch, seconds=1.5))
    if state:
        store.transition(run_id, state, expected=RunState.RUNNING)


def test_a_sweep_and_its_trials_are_read_back_as_they_were_written(store):
    sweep = create(store, concurrency=2)
    assert sweep == store.sweeps.get(sweep.id)
    assert (sweep.name, sweep.spec, sweep.state, sweep.planned, sweep.concurrency, sweep.created_at) == (
        "A sweep", "{}", SweepState.RUNNING, 3, 2, 1000.0,
    )  # fmt: skip
    first = add(store, sweep, 0)
    second = store.sweeps.add_trial(
        sweep.id, 1, {RATE: 0.5, "a": [1, None]}, (), known=(0,), error="Too big."
    )
    assert store.sweeps.trials(sweep.id) == [first, second]
    assert (first.number, first.origin, first.choices, first.known) == (0, "search", {RATE: 0.01}, ())
    assert (second.choices, second.known, second.error) == ({RATE: 0.5, "a": [1, None]}, (0,), "Too big.")
    assert (first.state, second.state) == (TrialState.WAITING, TrialState.FAILED)
    assert [each.run.id for each in first.runs] == store.queue()
    assert [(each.seed, each.purpose, each.is_own) for each in first.runs] == [
        (0, "search", True),
        (1, "search", True),
    ]
    store.sweeps.record_insights(sweep.id, {"importance": {RATE: 1.0}})
    now = store.sweeps.get(sweep.id)
    assert (now.num_trials, now.num_runs, now.num_under_way, now.insights) == (
        2, 2, 2, {"importance": {RATE: 1.0}},
    )  # fmt: skip
    other = create(store)
    assert [each.id for each in store.sweeps.list_sweeps()] == [other.id, sweep.id]
    assert [each.id for each in store.sweeps.running()] == [sweep.id, other.id]
    place = SweepPlace(sweep.id, "A sweep", 0)
    assert store.sweeps.places([*store.queue(), "nothing"]) == {run_id: [place] for run_id in store.queue()}


def test_one_token_makes_one_sweep(store):
    first, again = create(store, token="once"), create(store, token="once")
    assert first == again
    with pytest.raises(TokenTaken):
        store.sweeps.create("A sweep", '{"other": 1}', 3, token="once")
    assert len(store.sweeps.list_sweeps()) == 1


def test_two_searchers_never_write_one_trial_twice(workspace, store):
    sweep = create(store, planned=20)
    refused = []

    def search() -> None:
        with Store(workspace) as own:
            while (number := len(own.sweeps.trials(sweep.id))) < 20:
                try:
                    add(own, sweep, number, rate=(number + 1) / 100)
                except TrialTaken:
                    refused.append(number)
                except IllegalTransition:
                    return

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trials = store.sweeps.trials(sweep.id)
    assert [trial.choices[RATE] for trial in trials] == [(number + 1) / 100 for number in range(20)]
    assert len(store.list_runs()) == 40


def test_the_search_adds_only_what_is_planned_and_only_while_it_runs(store):
    sweep = create(store, planned=1)
    with pytest.raises(TrialTaken):
        add(store, sweep, 1)
    add(store, sweep, 0)
    with pytest.raises(IllegalTransition, match="1 of 1 planned"):
        add(store, sweep, 1, rate=0.02)
    by_hand = add(store, sweep, 1, rate=0.02, origin="hand")
    assert (by_hand.origin, store.sweeps.get(sweep.id).planned) == ("hand", 2)
    store.sweeps.set_planned(sweep.id, 5)
    store.sweeps.change_state(sweep.id, SweepState.PAUSED, expected=SweepState.RUNNING)
    with pytest.raises(IllegalTransition, match="is paused"):
        add(store, sweep, 2, rate=0.03)
    assert len(store.list_runs()) == 4
    with pytest.raises(RunError, match="has 2 trials already"):
        store.sweeps.set_planned(sweep.id, 1)


def test_a_trial_that_breaks_half_way_leaves_nothing(store):
    sweep, runs = create(store), wanted()
    runs[1] = NewTrialRun(1, RunRequest(CONFIG, "x", preset=object()))
    with pytest.raises(ConvDeckError):
        store.sweeps.add_trial(sweep.id, 0, {}, runs)
    assert store.sweeps.trials(sweep.id) == [] and store.list_runs() == []


def test_identical_runs_are_reused_and_belong_to_no_trial(store):
    alone = store.queue_run(wanted()[1].request)
    sweep = create(store)
    trial = add(store, sweep, 0)
    assert [(each.seed, each.is_reused, each.is_own) for each in trial.runs] == [
        (0, False, True),
        (1, True, False),
    ]
    assert trial.runs[1].run.id == alone.id
    again = add(store, sweep, 1)
    assert [each.is_reused for each in again.runs] == [True, True]
    fresh = add(store, sweep, 2, reuse=False)
    assert len(store.list_runs()) == 4 and not any(each.is_reused for each in fresh.runs)
    # Lists show what a sweep began after what a person began.
    assert store.list_runs(alone_first=True)[0].id == alone.id
    # A study that has the run as well keeps it from being stopped with the sweep, and the other way round.
    study = store.studies.create("seeds", "A study", "{}", [NewRun({"seed": 0}, wanted()[0].request)])
    assert store.sweeps.trials(sweep.id)[0].runs[0].is_shared
    assert store.studies.members(study.id)[0].is_shared


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ((RunState.FINISHED, RunState.FINISHED), TrialState.FINISHED),
        ((RunState.FINISHED, None), TrialState.RUNNING),
        ((RunState.FINISHED, RunState.STOPPED), TrialState.STOPPED),
        ((RunState.FINISHED, RunState.FAILED), TrialState.FAILED),
        ((RunState.INTERRUPTED, RunState.STOPPED), TrialState.FAILED),
    ],
)
def test_the_state_of_a_trial_follows_from_its_runs(store, ends, state):
    sweep = create(store)
    trial = add(store, sweep, 0)
    for each, end in zip(trial.runs, ends, strict=True):
        train(store, each.run.id, end)
    assert store.sweeps.trials(sweep.id)[0].state is state


def test_a_confirmation_changes_neither_state_nor_runs_of_the_search(store):
    sweep = create(store)
    trial = add(store, sweep, 0)
    for each in trial.runs:
        train(store, each.run.id)
    fresh = NewTrialRun(7, RunRequest(CONFIG.with_values({"seed": 7}), "fresh"))
    assert store.sweeps.add_runs(sweep.id, [(0, fresh)], "confirm") == 1
    assert store.sweeps.add_runs(sweep.id, [(0, fresh)], "confirm") == 0
    (now,) = store.sweeps.trials(sweep.id)
    assert now.state is TrialState.FINISHED and now.search_runs == store.sweeps.trials(sweep.id)[0].runs[:2]
    assert [(each.seed, each.purpose) for each in now.confirm_runs] == [(7, "confirm")]


def test_a_pruned_trial_stops_its_own_runs_at_once(store):
    other = store.queue_run(wanted()[1].request)
    sweep = create(store)
    trial = add(store, sweep, 0)
    train(store, trial.runs[0].run.id, None)
    assert store.sweeps.record_pruned(sweep.id, 0, 2).pruned_at == 2
    assert store.sweeps.record_pruned(sweep.id, 0, 3).pruned_at == 2
    (now,) = store.sweeps.trials(sweep.id)
    assert (now.state, now.pruned_at, now.runs[0].run.stop_requested) == (TrialState.PRUNED, 2, True)
    assert store.get_run(other.id).state is RunState.WAITING


def test_measures_are_read_for_all_runs_at_once(store):
    sweep = create(store)
    trial = add(store, sweep, 0)
    first, second = (each.run.id for each in trial.runs)
    train(store, first, accuracy=0.8)
    assert store.sweeps.val_accuracies(sweep.id) == {first: [0.8, 0.4]}
    assert store.sweeps.training_seconds(sweep.id) == {first: 3.0}
    assert store.sweeps.curves([first, second])[first]["val_accuracy"] == [0.8, 0.4]


def test_states_change_only_as_allowed(store):
    for state in SweepState:
        for to in SweepState:
            sweep = create(store)
            if state is not SweepState.RUNNING:
                store.sweeps.change_state(
                    sweep.id, state, expected=SweepState.RUNNING, error="E", next_step="N"
                )
            if to in SWEEP_TRANSITIONS[state]:
                changed = store.sweeps.change_state(sweep.id, to, expected=state)
                assert (changed.state, changed.error) == (to, None)
                assert changed.ended_at == (1000.0 if to.is_finished else None)
            else:
                with pytest.raises(IllegalTransition):
                    store.sweeps.change_state(sweep.id, to, expected=set(SweepState))
    with pytest.raises(IllegalTransition, match="is running"):
        store.sweeps.change_state(create(store).id, SweepState.STOPPED, expected=SweepState.PAUSED)


def test_a_search_that_ends_does_not_overlook_trials_that_were_just_added(store):
    sweep = create(store, planned=1)
    add(store, sweep, 0)
    store.sweeps.set_planned(sweep.id, 2)
    with pytest.raises(IllegalTransition, match="now planned to have 2"):
        store.sweeps.change_state(sweep.id, SweepState.FINISHED, expected=SweepState.RUNNING, planned=1)
    store.sweeps.set_planned(sweep.id, 1)
    store.sweeps.change_state(sweep.id, SweepState.FINISHED, expected=SweepState.RUNNING, planned=1)
    assert store.sweeps.set_planned(sweep.id, 1).state is SweepState.FINISHED
    again = store.sweeps.set_planned(sweep.id, 4)
    assert (again.state, again.ended_at) == (SweepState.RUNNING, None)
    assert store.sweeps.set_concurrency(sweep.id, 3).concurrency == 3
    store.sweeps.rename(sweep.id, "Another name")
    assert store.sweeps.get(sweep.id).name == "Another name"


def test_deleted_runs_leave_their_trials_and_come_back_where_none_took_their_place(store):
    sweep = create(store)
    trial = add(store, sweep, 0)
    for each in trial.runs:
        store.trash.put(each.run.id)
    (now,) = store.sweeps.trials(sweep.id)
    assert (now.runs, now.state) == ((), TrialState.STOPPED)
    assert store.sweeps.add_runs(sweep.id, [(0, wanted()[0])], "search") == 1
    for each in trial.runs:
        store.trash.restore(each.run.id)
    (now,) = store.sweeps.trials(sweep.id)
    assert [each.seed for each in now.runs] == [0, 1]
    assert now.runs[0].run.id not in {each.run.id for each in trial.runs}
    assert now.runs[1].run.id == trial.runs[1].run.id


def test_deleting_a_sweep_leaves_its_runs(store):
    sweep = create(store)
    add(store, sweep, 0)
    store.sweeps.delete(sweep.id)
    assert len(store.list_runs()) == 2 and store.sweeps.list_sweeps() == []
    assert store.sweeps.places(store.queue()) == {}
    for unknown in (sweep.id, "", "x", new_run_id(), None):
        for ask in (store.sweeps.get, store.sweeps.trials, store.sweeps.delete, store.sweeps.val_accuracies):
            with pytest.raises(SweepNotFound):
                ask(unknown)


def test_a_damaged_row_is_said(store, workspace):
    sweep = create(store)
    add(store, sweep, 0)
    for table, column in (("trials", "choices"), ("sweeps", "state")):
        with sqlite3.connect(workspace.database) as connection:
            connection.execute(f"UPDATE {table} SET {column} = 'nonsense'")
        with pytest.raises(ConvDeckError, match="cannot be read"):
            store.sweeps.trials(sweep.id) if table == "trials" else store.sweeps.get(sweep.id)
