"""The worker waits while its run is paused, and takes over the learning rates that were asked for."""

from types import SimpleNamespace

import pytest

from core.epoch import EpochRow
from core.errors import ConvDeckError, StaleAttempt
from core.store.states import ACTIVE, RunState
from core.store.store import Store
from core.worker.reporter import HEARTBEAT_SECONDS, POLL_SECONDS, RunReporter
from tests.core.scheduling.at_work import last, paused, running
from tests.core.scheduling.fakes import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(workspace, clock):
    with Store(workspace, clock=clock) as store:
        yield store


class TestHolding:
    """The worker's side: `meanwhile` is what happens during the sleeps of a wait."""

    @pytest.fixture
    def hold(self, store, clock):
        def hold(run_id: str, meanwhile: dict[float, object], *, epoch_ended: bool = False, interrupted=None):
            began = clock.now

            def sleep(seconds: float) -> None:
                clock.now += seconds
                assert clock.now < began + 100, "it waits for ever"
                for after in sorted(meanwhile):
                    if clock.now >= began + after:
                        meanwhile.pop(after)()

            reporter = RunReporter(
                store, run_id, 1, monotonic=clock, sleep=sleep, interrupted=interrupted or (lambda: False)
            )
            reporter.wait_while_paused(epoch_ended=epoch_ended)
            return clock.now - began

        return hold

    def test_nobody_asked(self, store, hold):
        assert hold(running(store), {}) == 0

    def test_it_waits_until_it_is_to_go_on_and_says_that_it_is_there(self, store, clock, hold):
        run_id = running(store)
        wishes = store.interventions
        wishes.request(run_id, "pause")
        seen = []
        waited = hold(
            run_id,
            {
                20.0: lambda: seen.append(store.get_run(run_id)),
                30.0: lambda: wishes.request(run_id, "resume"),
            },
        )
        assert waited == 30.0
        assert (seen[0].state, seen[0].heartbeat >= 1020 - HEARTBEAT_SECONDS - POLL_SECONDS) == (
            "PAUSED",
            True,
        )
        assert store.get_run(run_id).state == "RUNNING"

    def test_a_stop_ends_the_wait_at_once(self, store, hold):
        run_id = running(store)
        store.interventions.request(run_id, "pause")
        assert hold(run_id, {5.0: lambda: store.request_stop(run_id)}) <= 5.5
        RunReporter(store, run_id, 1).ended(SimpleNamespace(reason="stopped"))
        assert store.get_run(run_id).state == "STOPPED"

    def test_a_signal_ends_the_wait(self, store, hold):
        run_id = running(store)
        store.interventions.request(run_id, "pause")
        signals = []
        assert hold(run_id, {5.0: lambda: signals.append(1)}, interrupted=lambda: bool(signals)) == 5.0

    def test_an_attempt_that_is_over_ends_the_wait(self, store, hold):
        run_id = running(store)
        store.interventions.request(run_id, "pause")
        with pytest.raises(StaleAttempt):
            hold(run_id, {5.0: lambda: store.transition(run_id, RunState.INTERRUPTED, expected=ACTIVE)})

    def test_a_step(self, store, hold):
        run_id = paused(store)
        assert hold(run_id, {1.0: lambda: store.interventions.request(run_id, "step")}) == 1.0
        assert hold(run_id, {}) == 0, "not in the middle of an epoch"
        store.record_epoch(run_id, 1, EpochRow(3))
        held = hold(run_id, {7.0: lambda: store.interventions.request(run_id, "resume")}, epoch_ended=True)
        assert held == 7.0

    def test_the_end_of_an_epoch_is_looked_at_however_soon_it_comes(self, store, clock):
        """Between batches the store is asked twice a second; a step whose epoch ends right after that ends there."""
        run_id, waited = running(store), []

        def sleep(seconds: float) -> None:
            waited.append(store.get_run(run_id).state)
            store.interventions.request(run_id, "resume")

        reporter = RunReporter(store, run_id, 1, monotonic=clock, sleep=sleep)
        reporter.wait_while_paused()
        store.interventions.request(run_id, "pause")
        reporter.wait_while_paused()
        assert waited == []
        reporter.wait_while_paused(epoch_ended=True)
        assert waited == ["PAUSED"]

    def test_a_store_that_can_tell_nothing_for_a_while_is_waited_for(self, store, hold, monkeypatch):
        run_id = running(store)
        store.interventions.request(run_id, "pause")
        due, broken = store.interventions.is_pause_due, []

        def is_pause_due(*arguments, **named):
            if broken:
                raise ConvDeckError("The disk is gone.")
            return due(*arguments, **named)

        monkeypatch.setattr(store.interventions, "is_pause_due", is_pause_due)
        waited = hold(
            run_id,
            {
                1.0: lambda: broken.append(1),
                2.0: lambda: store.interventions.request(run_id, "resume"),
                9.0: lambda: broken.clear(),
            },
        )
        assert waited == 9.0

    def test_rates_are_handed_on_and_answered(self, store):
        run_id = running(store, epochs=2)
        reporter = RunReporter(store, run_id, 1)
        store.interventions.request(run_id, "learning_rate", 0.5)
        given = []

        def apply(rate: float) -> str:
            given.append(rate)
            return f"Set to {rate}."

        for epoch in (2, 2, 3):  # twice: as after a resume from the checkpoint of epoch 2
            reporter.apply_learning_rates(epoch, apply)
        assert given == [0.5, 0.5]
        assert (last(store, run_id).epoch, last(store, run_id).outcome) == (2, "Set to 0.5.")
        assert [line.text for line in store.log(run_id)] == ["Set to 0.5."]
