"""When the scheduler has a worker wait for the next run."""

import pytest

from core.epoch import EpochRow
from core.scheduling.launcher import Exit
from core.scheduling.scheduler import Scheduler
from core.scheduling.service import serve_queue
from core.store.records import RunRequest
from core.store.states import RunState
from tests.core.scheduling.fakes import CONFIG, begin, cpu, gpu, report, states


@pytest.fixture
def wish(store, launcher, clock):
    """A scheduler of two slots, and whether a worker is wanted that waits, which can be set."""

    class Wish:
        wanted = True
        scheduler = Scheduler(
            store, launcher, lambda: report(cpu(0), cpu(1)), clock, standby_requested=lambda: made.wanted
        )

    made = Wish()
    return made


def test_a_worker_waits_while_one_is_wanted(launcher, wish):
    assert wish.scheduler.tick()  # and so the scheduler stays
    assert launcher.ready_for == ("cpu:0", "cpu:1")
    wish.wanted = False
    assert not wish.scheduler.tick()
    assert launcher.ready_for == ()


def test_it_is_begun_when_no_run_is_on_the_way_to_its_first_epoch(store, launcher, wish):
    first = store.queue_run(RunRequest(CONFIG)).id
    wish.scheduler.tick()
    begin(store, first)
    wish.scheduler.tick()
    assert launcher.ready_for is None
    store.record_epoch(first, 1, EpochRow(1, val_accuracy=0.5))
    wish.scheduler.tick()
    assert launcher.ready_for == ("cpu:0", "cpu:1")
    launcher.ready_for = None
    second = store.queue_run(RunRequest(CONFIG)).id
    wish.scheduler.tick()
    assert states(store, first, second) == ["RUNNING", "STARTING"]
    assert launcher.ready_for is None
    launcher.workers[second, 1].exit = Exit(-9)
    wish.scheduler.tick()
    assert launcher.ready_for == ("cpu:0", "cpu:1")


def test_while_one_waits_devices_are_not_asked_for_again_and_again(store, launcher, clock):
    asked = []
    scheduler = Scheduler(
        store, launcher, lambda: asked.append(1) or report(gpu(0)), clock, standby_requested=lambda: True
    )
    for _ in range(20):
        scheduler.tick()
        clock.now += 3
    assert launcher.ready_for == ("gpu:0",)
    assert len(asked) == 1
    store.queue_run(RunRequest(CONFIG))
    scheduler.tick()
    assert len(asked) == 2


def test_it_is_not_begun_beside_the_start_of_a_resumed_run(store, launcher, wish):
    run_id = store.queue_run(RunRequest(CONFIG)).id
    wish.scheduler.tick()
    begin(store, run_id)
    store.record_epoch(run_id, 1, EpochRow(1, val_accuracy=0.5))
    launcher.workers[run_id, 1].exit = Exit(-9)
    wish.scheduler.tick()
    launcher.ready_for = None
    store.resume_run(run_id)
    wish.scheduler.tick()
    assert states(store, run_id) == ["STARTING"]
    assert launcher.ready_for is None
    store.record_started(run_id, 2, 10, 100, 1)
    wish.scheduler.tick()
    assert launcher.ready_for == ("cpu:0", "cpu:1")


def test_it_is_begun_beside_a_run_that_is_paused_in_its_first_epoch(store, launcher, wish):
    run_id = store.queue_run(RunRequest(CONFIG)).id
    wish.scheduler.tick()
    begin(store, run_id)
    wish.scheduler.tick()
    assert launcher.ready_for is None
    store.transition(run_id, RunState.PAUSED, expected=RunState.RUNNING)
    wish.scheduler.tick()
    assert launcher.ready_for == ("cpu:0", "cpu:1")


def test_none_waits_for_a_scheduler_that_has_left(workspace, store, launcher, wish):
    ticks = []
    wish.scheduler._standby_requested = lambda: not ticks.append(1) and len(ticks) < 3
    serve_queue(workspace, wish.scheduler, store, idle_seconds=0.01)
    assert launcher.ready_for == ()
