"""What is still to be sent to a sink, and how it is doing."""

import pytest

from core.store.records import RunRequest
from core.store.sinks import SinkMark, SinkState, told_of
from core.store.states import RunState
from core.store.trials import NewTrialRun
from tests.core.searcher import trainer

KIND, TARGET = "mlflow", "http://host"


@pytest.fixture
def run(store):
    run = store.queue_run(RunRequest(trainer.TINY, "one"))
    trainer.begin(store, run)
    return run


def to_send(store, target=TARGET):
    return [(run.id, mark) for run, mark in store.sinks.runs_to_send(KIND, target, 10)]


def send(store, run_id):
    """As if all of it had been sent."""
    run = store.get_run(run_id)
    attempt = max(attempt for attempt, _ in store.sinks.epochs(run_id))
    mark = SinkMark(run_id, "there", attempt, run.epoch, told_of(run))
    store.sinks.record_sent(KIND, TARGET, mark)
    return mark


def test_a_run_is_to_be_sent_from_its_first_epoch_on(store, run) -> None:
    assert to_send(store) == []
    trainer.report(store, run, [0.3])
    assert to_send(store) == [(run.id, None)]
    mark = send(store, run.id)
    assert to_send(store) == [] and to_send(store, "http://other") == [(run.id, None)]
    trainer.report(store, run, [0.4], first=2)
    assert to_send(store) == [(run.id, mark)]
    mark = send(store, run.id)
    store.rename_run(run.id, "two")
    assert to_send(store) == [(run.id, mark)]
    mark = send(store, run.id)
    trainer.end(store, run)
    assert to_send(store) == [(run.id, mark)]
    send(store, run.id)
    assert to_send(store) == []


def test_epochs_that_are_trained_again_are_to_be_sent_again(store, run) -> None:
    """Also where as many have ended again as were sent."""
    trainer.report(store, run, [0.3, 0.4, 0.5])
    trainer.end(store, run, RunState.STOPPED)
    run = store.resume_run(run.id)
    send(store, run.id)
    store.claim(run.id, ["a device"])
    store.record_started(run.id, 2, 3, 10, 1)
    trainer.report(store, run, [0.6, 0.7], first=2)
    ((found, mark),) = to_send(store)
    assert (found, mark.attempt, mark.epoch) == (run.id, 1, 3)
    send(store, run.id)
    assert to_send(store) == []
    assert [(attempt, row.val_accuracy) for attempt, row in store.sinks.epochs(run.id)] == [
        (1, 0.3), (2, 0.6), (2, 0.7)
    ]  # fmt: skip


def test_active_runs_come_first_then_the_newest(store, run) -> None:
    others = [store.queue_run(RunRequest(trainer.TINY, name)) for name in "ab"]
    trainer.report(store, run, [0.3])
    for other in others:
        trainer.train(store, other)
    assert [found for found, _ in to_send(store)] == [run.id, others[1].id, others[0].id]


def test_there_is_something_to_send_while_a_run_trains(store, run) -> None:
    assert store.sinks.has_something(KIND, TARGET) and store.sinks.has_something("optuna", TARGET)
    trainer.report(store, run, [0.3])
    trainer.end(store, run)
    assert store.sinks.has_something(KIND, TARGET) and not store.sinks.has_something("optuna", TARGET)
    send(store, run.id)
    assert not store.sinks.has_something(KIND, TARGET)


def test_a_failure_is_news_once_and_has_begun_when_it_began(store, run, clock) -> None:
    sinks, store.sinks._clock = store.sinks, clock
    trainer.report(store, run, [0.3])
    assert sinks.state(KIND, TARGET) == SinkState()
    send(store, run.id)
    clock.now += 5
    assert sinks.record_failing(KIND, TARGET, "away", "start it")
    clock.now += 5
    assert not sinks.record_failing(KIND, TARGET, "away", "start it")
    assert sinks.record_failing(KIND, TARGET, "full", "free some space")
    since = clock.now - 5
    assert sinks.state(KIND, TARGET) == SinkState(since - 5, since, "full", "free some space", 1)
    sinks.record_well(KIND, TARGET)
    assert sinks.state(KIND, TARGET) == SinkState(since - 5, num_sent=1)


def test_what_was_refused_is_counted_by_itself(store, run) -> None:
    store.sinks.record_sent(KIND, TARGET, SinkMark(run.id, "", 1, 1, "", "too long"))
    state = store.sinks.state(KIND, TARGET)
    assert (state.num_sent, state.num_refused, state.refusal) == (0, 1, "too long")


def test_marks_of_what_is_gone_are_dropped(store, run) -> None:
    trainer.report(store, run, [0.3])
    send(store, run.id)
    store.sinks.record_sent(KIND, TARGET, SinkMark("gone", "there", 1, 1, ""))
    store.sinks.forget_deleted()
    assert store.sinks.state(KIND, TARGET).num_sent == 1


def test_a_sweep_is_to_be_sent_when_a_trial_of_it_changes(store) -> None:
    sweep = trainer.create(store, trainer.spec())
    assert store.sinks.sweeps_to_send("optuna", TARGET) == []
    request = RunRequest(trainer.TINY, "a trial")
    store.sweeps.add_trial(sweep.id, 0, {}, [NewTrialRun(0, request)])
    seen = []
    run = store.waiting_runs()[0]
    for change in (
        lambda: None,
        lambda: trainer.begin(store, run),
        lambda: trainer.report(store, run, [0.3]),
        lambda: trainer.end(store, run),
        lambda: store.sweeps.set_planned(sweep.id, 1),
    ):
        change()
        found = store.sinks.sweeps_to_send("optuna", TARGET)
        seen.append(len(found))
        for found_id, version, _ in found:
            store.sinks.record_sent("optuna", TARGET, SinkMark(found_id, "study", 0, 0, version))
    assert seen == [1, 1, 1, 1, 0]
