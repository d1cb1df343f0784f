import os
from types import SimpleNamespace

import pytest

from core.epoch import EpochRow
from core.errors import ConvDeckError, StaleAttempt
from core.store.records import RunRequest
from core.store.states import ACTIVE, RunState
from core.store.store import Store
from core.system.processes import process_started
from core.worker.reporter import RETRY_SECONDS, RunReporter
from tests.core.scheduling.fakes import CONFIG, Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(workspace, clock):
    with Store(workspace, clock=clock) as store:
        yield store


@pytest.fixture
def run_id(store):
    run = store.queue_run(RunRequest(CONFIG))
    store.claim(run.id, ["cpu:0"])
    return run.id


@pytest.fixture
def reporter(store, run_id, clock):
    return RunReporter(store, run_id, 1, monotonic=clock)


def test_started_tells_the_process(store, run_id, reporter):
    reporter.started(12, 40)
    run = store.get_run(run_id)
    assert (run.state, run.total_epochs, run.total_batches, run.started_at) == (
        RunState.RUNNING,
        12,
        40,
        1000.0,
    )
    assert (run.pid, run.pid_started) == (os.getpid(), process_started(os.getpid()))
    with pytest.raises(StaleAttempt):
        reporter.started(12, 40)


def test_batches_are_written_twice_a_second_at_most_and_the_last_of_an_epoch(store, run_id, reporter, clock):
    reporter.started(10, 100)
    seen = set()
    for batch in range(1, 101):
        reporter.report_batch(1, batch, 100, loss=float("nan"), accuracy=0.5, images_per_second=99.0)
        seen.add(store.get_run(run_id).batch)
        clock.now += 0.125
    assert len(seen) == 26  # 12.5 seconds, and the last
    run = store.get_run(run_id)
    assert (run.batch, run.batch_loss, run.batch_accuracy, run.images_per_second) == (100, None, 0.5, 99.0)
    assert run.heartbeat == 1012.375
    reporter.report_epoch(EpochRow(1, val_accuracy=0.5))
    run = store.get_run(run_id)
    assert (run.epoch, run.batch) == (1, 0)


def test_a_wish_to_stop_is_seen_within_half_a_second(store, run_id, reporter, clock):
    reporter.started(10, 100)
    assert not reporter.stop_requested
    store.request_stop(run_id)
    clock.now += 0.25
    assert not reporter.stop_requested
    clock.now += 0.25
    assert reporter.stop_requested


def test_a_signal_is_a_wish_to_stop(store, run_id):
    assert RunReporter(store, run_id, 1, interrupted=lambda: True).stop_requested


@pytest.mark.parametrize(
    ("reason", "state"), [("finished", "FINISHED"), ("early_stopped", "FINISHED"), ("stopped", "STOPPED")]
)
def test_ended(store, run_id, reporter, reason, state):
    reporter.started(10, 100)
    reporter.ended(SimpleNamespace(reason=reason))
    assert store.get_run(run_id).state == state
    with pytest.raises(StaleAttempt):
        reporter.report_log("too late")


def test_failed_before_it_began(store, run_id, reporter):
    reporter.report_log("Loading.", "warning")
    reporter.failed("The data set is damaged.", "Add it again.")
    run = store.get_run(run_id)
    assert (run.state, run.error, run.next_step) == (
        RunState.FAILED,
        "The data set is damaged.",
        "Add it again.",
    )
    assert [(line.level, line.text) for line in store.log(run_id)] == [("warning", "Loading.")]


def test_an_attempt_that_is_over_is_told_so(store, run_id, reporter, clock):
    reporter.started(10, 100)
    store.transition(run_id, RunState.INTERRUPTED, expected=ACTIVE)
    for report in (
        lambda: reporter.stop_requested,
        lambda: reporter.ended(SimpleNamespace(reason="finished")),
    ):
        with pytest.raises(StaleAttempt):
            report()
    store.clear_process(run_id)
    store.trash.put(run_id)
    with pytest.raises(StaleAttempt):
        reporter.failed("x")


class TestWhileTheStoreCanTakeNothing:
    """`trouble` lets so many writes and reads fail, as on a full disk or beside a writer that does not end."""

    @pytest.fixture
    def trouble(self, store, monkeypatch):
        left = [0]

        def failing(method):
            def call(*arguments, **named):
                if left[0]:
                    left[0] -= 1
                    raise ConvDeckError("The disk is full.")
                return method(*arguments, **named)

            return call

        for name in (
            "record_started",
            "record_batch",
            "record_epoch",
            "record_log",
            "is_stop_requested",
            "transition",
        ):
            monkeypatch.setattr(store, name, failing(getattr(store, name)))
        return lambda number: left.__setitem__(0, number)

    @pytest.fixture
    def reporter(self, store, run_id, clock):
        def sleep(seconds):
            clock.now += seconds

        return RunReporter(store, run_id, 1, monotonic=clock, sleep=sleep)

    def test_ticks_and_lines_are_dropped(self, store, run_id, reporter, clock, trouble, caplog):
        reporter.started(10, 100)
        trouble(3)
        reporter.report_log("Lost.")
        reporter.report_batch(1, 5, 100, 0.5, 0.5, 10.0)
        clock.now += 1
        assert not reporter.stop_requested
        assert clock.now == 1001.0, "nothing was waited for"
        assert caplog.messages == ["The disk is full. (Not reported.)"] * 3
        clock.now += 1
        reporter.report_batch(1, 7, 100, 0.5, 0.5, 10.0)
        assert (store.get_run(run_id).batch, store.log(run_id)) == (7, [])

    def test_epochs_and_changes_of_state_are_told_again(self, store, run_id, reporter, trouble, caplog):
        for tell in (
            lambda: reporter.started(10, 100),
            lambda: reporter.report_epoch(EpochRow(1, val_accuracy=0.5)),
            lambda: reporter.ended(SimpleNamespace(reason="finished")),
        ):
            trouble(20)
            tell()
        assert caplog.messages == ["The disk is full. (Trying again for a while.)"] * 3
        run = store.get_run(run_id)
        assert (run.state, run.epoch, store.curves(run_id)["val_accuracy"]) == (RunState.FINISHED, 1, [0.5])

    def test_after_a_while_the_cause_is_told(self, reporter, clock, trouble):
        reporter.started(10, 100)
        trouble(10_000)
        with pytest.raises(ConvDeckError, match="disk is full"):
            reporter.report_epoch(EpochRow(1))
        assert RETRY_SECONDS <= clock.now - 1000 <= RETRY_SECONDS + 2

    def test_an_attempt_that_is_over_is_told_so_at_once(self, store, run_id, reporter, clock, trouble):
        reporter.started(10, 100)
        store.transition(run_id, RunState.INTERRUPTED, expected=ACTIVE)
        clock.now += 10
        for tell in (
            lambda: reporter.report_batch(1, 1, 10),
            lambda: reporter.report_log("x"),
            lambda: reporter.report_epoch(EpochRow(1)),
            lambda: reporter.failed("x"),
        ):
            with pytest.raises(StaleAttempt):
                tell()
        assert clock.now == 1010.0
