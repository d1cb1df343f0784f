"""What is known of the trials is of their results as they are now, or said to be older."""

import pytest

from core.searcher.searcher import Searcher
from core.store.states import SweepState
from core.store.store import Store
from core.store.sweeps import Sweeps
from core.sweeps.report import read_report
from tests.core.scheduling.fakes import Clock, cpu
from tests.core.scheduling.fakes import report as devices
from tests.core.searcher import trainer
from tests.core.searcher.trainer import create, run_to_end, spec


def test_a_sweep_that_has_ended_is_weighed_again_when_its_results_change(
    store: Store, clock: Clock, no_scheduler: None
) -> None:
    searcher = Searcher(store, lambda: devices(cpu()), clock)
    sweep = create(store, spec(trials=5, concurrency=1))

    def known() -> tuple[int, bool]:
        found = read_report(store.workspace, store, sweep.id)
        return (found.sweep.insights or {})["trials"], found.is_importance_current

    while store.sweeps.get(sweep.id).state is SweepState.RUNNING:
        clock.now += 10
        searcher.tick()
        trainer.train_waiting(store)
    assert known() == (5, True)
    (deleted,) = store.sweeps.trials(sweep.id)[2].runs
    store.trash.put(deleted.run.id)
    assert known() == (5, False)
    note = read_report(store.workspace, store, sweep.id).importance_note
    assert note is not None and note.startswith("Results have changed since")
    clock.now += 20
    assert not Searcher(store, lambda: devices(cpu()), clock).tick()
    assert known() == (4, True)
    store.trash.restore(deleted.run.id)
    assert known() == (4, False)
    clock.now += 20
    assert not searcher.tick()  # one that has been there all the time sees it as well
    assert known() == (5, True)


def test_sweeps_that_have_ended_are_read_once_and_weighed_a_few_at_a_time(
    store: Store, clock: Clock, no_scheduler: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps = [create(store, spec(trials=4, concurrency=1, seed=seed)) for seed in range(3)]
    first = Searcher(store, lambda: devices(cpu()), clock)
    for sweep in sweeps:
        run_to_end(store, first, clock, sweep.id)
    read, trials = [], Sweeps.trials
    monkeypatch.setattr(Sweeps, "trials", lambda self, each: (read.append(each), trials(self, each))[1])
    for sweep in sweeps[:2]:
        store.trash.put(store.sweeps.trials(sweep.id)[0].runs[0].run.id)

    def slow_clock() -> float:
        clock.now += 0.2  # each look at it, more than a tick may take
        return clock.now

    searcher, is_left = Searcher(store, lambda: devices(cpu()), slow_clock), []
    for _ in range(3):
        read.clear()
        is_left.append(searcher.tick())
        assert len(read) == 1
    assert is_left == [True, True, False]
    counts = [(store.sweeps.get(sweep.id).insights or {})["trials"] for sweep in sweeps]
    assert counts == [3, 3, 4]
    read.clear()
    clock.now += 20
    assert not searcher.tick() and read == []  # nothing has changed
    store.trash.restore(store.trash.list_batches()[0].runs[0].id)
    clock.now += 20
    assert not searcher.tick() and len(read) == 1
