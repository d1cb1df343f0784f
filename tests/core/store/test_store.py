import contextlib
import dataclasses
import math
import sqlite3
import threading

import pytest

from core.analysis.signals import gaps_of
from core.epoch import CURVE_KEYS, EpochRow
from core.errors import ConvDeckError, IllegalTransition, RunError, RunNotFound, StaleAttempt, TokenTaken
from core.store.records import RUN_ID, Run, RunData, RunRequest, new_run_id
from core.store.schema import UPGRADES
from core.store.states import ACTIVE, RunState
from core.store.store import Store
from tests.core.scheduling.fakes import CONFIG, Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["truncate", "wal"])
def store(workspace, clock, request):
    with Store(workspace, clock=clock, journal_mode=request.param) as store:
        yield store


def running(store, name=None, epochs=0):
    run = store.queue_run(RunRequest(CONFIG, name))
    store.claim(run.id, [f"device of {run.id}"])
    store.record_started(run.id, 1, 10, 100, 0)
    for epoch in range(1, epochs + 1):
        store.record_epoch(run.id, 1, EpochRow(epoch, val_accuracy=epoch / 100))
    return run.id


def test_a_new_run_as_a_whole(store, clock):
    config = CONFIG.with_values({"training.epochs": 7, "dataset.id": "shapes"})
    run = store.queue_run(RunRequest(config, name="  My run  ", preset="tiny"))
    assert run == store.get_run(run.id)
    assert run == Run(
        id=run.id, name="My run", state=RunState.WAITING, attempt=1, config_json=config.to_json(),
        config_id=config.config_id,
        dataset="shapes", preset="tiny", parent_id=None, device=None, created_at=1000.0, started_at=None,
        ended_at=None, error=None,
        next_step=None, stop_requested=False, epoch=0, total_epochs=7, batch=0, total_batches=0, batch_loss=None,
        batch_accuracy=None, images_per_second=None, pid=None, pid_started=None, best_epoch=None,
        best_val_accuracy=None, gap=None, heartbeat=None,
    )  # fmt: skip
    assert type(run.stop_requested) is bool
    assert run.config == config


def test_what_a_run_is_trained_on_is_noted_once(store):
    run = store.queue_run(RunRequest(CONFIG))
    store.claim(run.id, ["cpu:0"])
    store.record_data(run.id, 1, RunData("d1", ("b", "a"), 24, 6))
    store.record_data(run.id, 1, RunData("d2", ("c",), 1, 1))
    now = store.get_run(run.id)
    assert (now.dataset_digest, now.class_names) == ("d1", ("b", "a"))
    assert now.data == RunData("d1", ("b", "a"), 24, 6)
    with pytest.raises(StaleAttempt):
        store.record_data(run.id, 2, now.data)


@pytest.mark.parametrize("text", ["{", '{"seed": -1}', '{"of_a_later_version": 1}'])
def test_settings_that_cannot_be_read_hide_no_run(store, text):
    good, bad = (store.queue_run(RunRequest(CONFIG, name)).id for name in ("good", "bad"))
    with sqlite3.connect(store.workspace.database) as connection:
        connection.execute("UPDATE runs SET config = ? WHERE id = ?", (text, bad))
    assert [run.id for run in store.list_runs()] == [bad, good]
    with pytest.raises(
        RunError, match=r"The settings of “bad” cannot be read: .* Another version of ConvDeck"
    ):
        _ = store.get_run(bad).config
    assert store.get_run(bad).num_gpus == 1
    store.trash.put(bad)
    assert [run.id for run in store.list_runs()] == [good]


def test_the_same_token_gives_the_same_run(store):
    first = store.queue_run(RunRequest(CONFIG, token="click 1"))
    assert store.queue_run(RunRequest(CONFIG, name="other", token="click 1")) == first
    assert store.queue_run(RunRequest(CONFIG, token="click 2")) != first
    assert len(store.list_runs()) == 2


def test_the_same_token_with_another_request_is_refused(store):
    first = store.queue_run(RunRequest(CONFIG, token="click 1"))
    other = CONFIG.with_values({"seed": CONFIG.seed + 1})
    for request in (
        RunRequest(other, token="click 1"),
        RunRequest(CONFIG, token="click 1", parent_id=first.id),
    ):
        with pytest.raises(TokenTaken, match=f"has started “{first.name}” \\({first.id}\\)"):
            store.queue_run(request)
    assert store.list_runs() == [first]


@pytest.mark.parametrize("token", ["", "x" * 201])
def test_odd_tokens(store, token):
    with pytest.raises(RunError, match="1 to 200 characters"):
        store.queue_run(RunRequest(CONFIG, token=token))


@pytest.mark.parametrize(
    "run_id", ["", "../../etc", "abcdefghjk", "ABCDEFGHJK", "a" * 1000, "\ud800", None, 7, "a\0"]
)
def test_unknown_ids(store, run_id):
    with pytest.raises(RunNotFound, match="There is no run"):
        store.get_run(run_id)


def test_ids_can_be_read_out():
    ids = {new_run_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(RUN_ID.fullmatch(run_id) and not set(run_id) & set("01ilo") for run_id in ids)


def test_newest_first_even_when_the_clock_goes_back(store, clock):
    first = store.queue_run(RunRequest(CONFIG))
    clock.now -= 86_400
    second = store.queue_run(RunRequest(CONFIG))
    assert [run.id for run in store.list_runs()] == [second.id, first.id]
    assert [run.id for run in store.list_runs(limit=1)] == [second.id]
    assert [run.id for run in store.waiting_runs()] == [first.id, second.id]


def test_claim_leases_devices_once(store):
    first, second = store.queue_run(RunRequest(CONFIG)), store.queue_run(RunRequest(CONFIG))
    claimed = store.claim(first.id, ["gpu:0", "gpu:1"])
    assert (claimed.state, claimed.device) == (RunState.STARTING, "gpu:0,gpu:1")
    with pytest.raises(RunError, match="in use by another run"):
        store.claim(second.id, ["gpu:1", "gpu:2"])
    with pytest.raises(IllegalTransition, match="only a waiting run"):
        store.claim(first.id, ["gpu:2"])
    assert store.leases() == {"gpu:0": first.id, "gpu:1": first.id}
    assert store.get_run(second.id).state is RunState.WAITING
    store.transition(first.id, RunState.FAILED, expected=ACTIVE, attempt=1, error="No", next_step="Try")
    assert store.leases() == {}
    failed = store.get_run(first.id)
    assert (failed.error, failed.next_step, failed.device) == ("No", "Try", "gpu:0,gpu:1")


def test_transition_compares_before_it_swaps(store):
    run_id = running(store)
    with pytest.raises(IllegalTransition, match="is running"):
        store.transition(run_id, RunState.RUNNING, expected=RunState.PAUSED)
    with pytest.raises(IllegalTransition, match="cannot go from RUNNING to WAITING"):
        store.transition(run_id, RunState.WAITING, expected=RunState.RUNNING)
    with pytest.raises(StaleAttempt, match="Attempt 2"):
        store.transition(run_id, RunState.FINISHED, expected=ACTIVE, attempt=2)
    with pytest.raises(RunNotFound):
        store.transition(new_run_id(), RunState.FINISHED, expected=ACTIVE)
    assert store.get_run(run_id).state is RunState.RUNNING
    assert store.transition(run_id, RunState.PAUSED, expected=RunState.RUNNING).state is RunState.PAUSED


def test_one_of_many_threads_wins(store):
    run = store.queue_run(RunRequest(CONFIG))
    won, ready = [], threading.Barrier(8)

    def claim(index):
        ready.wait()
        try:
            store.claim(run.id, [f"cpu:{index}"])
            won.append(index)
        except IllegalTransition:
            pass

    threads = [threading.Thread(target=claim, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.leases() == {f"cpu:{won[0]}": run.id}


def test_stop(store):
    waiting, active = store.queue_run(RunRequest(CONFIG)), running(store)
    assert store.request_stop(waiting.id).state is RunState.STOPPED
    asked = store.request_stop(active)
    assert (asked.state, asked.stop_requested) == (RunState.RUNNING, True)
    assert store.request_stop(active) == asked
    stopped = store.transition(active, RunState.STOPPED, expected=ACTIVE, attempt=1)
    assert not stopped.stop_requested
    with pytest.raises(IllegalTransition, match="stopped already"):
        store.request_stop(active)


def test_resume_begins_a_new_attempt_at_the_end_of_the_queue(store, clock):
    first = running(store, epochs=3)
    store.transition(first, RunState.INTERRUPTED, expected=ACTIVE, error="Killed", next_step="Resume")
    second = store.queue_run(RunRequest(CONFIG))
    resumed = store.resume_run(first)
    assert (resumed.state, resumed.attempt, resumed.error, resumed.ended_at) == (
        RunState.WAITING,
        2,
        None,
        None,
    )
    assert (resumed.epoch, store.curves(first)["epoch"]) == (3, [1, 2, 3])
    assert [run.id for run in store.waiting_runs()] == [second.id, first]
    with pytest.raises(IllegalTransition, match="only a stopped"):
        store.resume_run(first)


def test_no_epoch_twice_after_resuming_from_an_earlier_one(store):
    run_id = running(store, epochs=5)
    store.transition(run_id, RunState.INTERRUPTED, expected=ACTIVE)
    store.resume_run(run_id)
    store.claim(run_id, ["cpu:0"])
    store.record_started(run_id, 2, 10, 100, resumed_from_epoch=3)
    run = store.get_run(run_id)
    assert (run.epoch, run.best_epoch, run.best_val_accuracy) == (3, 3, 0.03)
    store.record_epoch(run_id, 2, EpochRow(4, val_accuracy=0.5))
    store.record_epoch(run_id, 2, EpochRow(4, val_accuracy=0.6))
    assert store.curves(run_id)["val_accuracy"] == [0.01, 0.02, 0.03, 0.6]


def test_what_is_written_for_an_attempt_that_is_over_is_refused(store):
    run_id = running(store, epochs=2)
    store.transition(run_id, RunState.INTERRUPTED, expected=ACTIVE)
    writes = [
        lambda: store.record_started(run_id, 1, 10, 100, 0),
        lambda: store.record_batch(run_id, 1, 1, 100, 0.5, 0.5, 10.0),
        lambda: store.record_epoch(run_id, 1, EpochRow(3)),
        lambda: store.record_log(run_id, 1, "hello"),
        lambda: store.is_stop_requested(run_id, 1),
    ]
    for after in (lambda: None, lambda: store.resume_run(run_id), lambda: store.trash.put(run_id)):
        after()
        for write in writes:
            with pytest.raises(StaleAttempt):
                write()
    with pytest.raises(StaleAttempt):
        store.set_process(run_id, 1, 1, 1.0)


def test_delete(store):
    run_id = running(store, epochs=3)
    store.record_log(run_id, 1, "hello")
    with pytest.raises(IllegalTransition, match="stop it before"):
        store.trash.put(run_id)
    store.transition(run_id, RunState.FINISHED, expected=ACTIVE)
    store.trash.put(run_id)
    assert store.list_runs() == []
    with pytest.raises(RunNotFound):
        store.curves(run_id)
    store.trash.begin_purge()
    store.trash.end_purge(run_id)
    with store._database.reading() as connection:
        for table in ("epochs", "log", "leases"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_curves_hold_every_measure_and_no_nan(store):
    run_id = running(store)
    row = EpochRow(1, 2.0, 0.3, 1.9, 0.35, 2.1, 0.25, 0.001, 12.5, 4000.0)
    store.record_epoch(run_id, 1, row)
    store.record_epoch(run_id, 1, EpochRow(2, math.nan, 0.1, math.inf, None, -math.inf))
    curves = store.curves(run_id)
    assert list(curves) == [
        "epoch", "train_loss", "train_accuracy", "clean_train_loss", "clean_train_accuracy", "val_loss",
        "val_accuracy", "learning_rate", "seconds", "images_per_second",
    ] == list(CURVE_KEYS)  # fmt: skip
    assert {key: values[0] for key, values in curves.items()} == {
        key: value for key, value in dataclasses.asdict(row).items() if key != "details"
    }
    assert {key: values[1] for key, values in curves.items() if values[1] is not None} == {
        "epoch": 2, "train_accuracy": 0.1,
    }  # fmt: skip


def test_best_epoch_is_the_first_of_the_highest(store):
    run_id = running(store)
    for epoch, (clean, validation) in enumerate([(0.5, 0.4), (0.7, 0.6), (0.8, 0.6), (0.95, 0.55)], start=1):
        store.record_epoch(run_id, 1, EpochRow(epoch, clean_train_accuracy=clean, val_accuracy=validation))
    run = store.get_run(run_id)
    assert (run.epoch, run.best_epoch, run.best_val_accuracy) == (4, 2, 0.6)


@pytest.mark.parametrize(
    ("clean", "validation", "gap"),
    [
        ((), (), None),
        ((0.5,), (0.4,), 0.1),
        ((0.5, 0.9), (0.4, 0.6), 0.3),  # of two there is no middle one: the last
        ((0.5, 0.9, 0.7), (0.4, 0.6, 0.5), 0.2),
        ((0.1, 0.5, 0.9, 0.7), (0.9, 0.4, 0.6, 0.5), 0.2),
        ((0.5, 0.9, 0.7, 0.8), (0.4, 0.6, 0.5, None), 0.2),  # of the epochs that have both
        ((0.5, 0.9, 0.7, None, 0.5), (0.4, 0.6, 0.5, 0.5, None), 0.2),
        ((None, 0.5), (0.4, None), None),
    ],
)
def test_the_gap_is_the_median_of_the_last_three_epochs(store, clean, validation, gap):
    run_id = running(store)
    for epoch, (one, other) in enumerate(zip(clean, validation, strict=True), start=1):
        store.record_epoch(run_id, 1, EpochRow(epoch, clean_train_accuracy=one, val_accuracy=other))
    assert store.get_run(run_id).gap == (None if gap is None else pytest.approx(gap))
    known = gaps_of(store.curves(run_id))
    assert store.get_run(run_id).gap == (known[-1] if known else None)
    # What an upgrade of an older workspace makes of the same rows.
    with contextlib.closing(sqlite3.connect(store.workspace.database, isolation_level=None)) as connection:
        connection.execute("UPDATE runs SET gap = 0.77")
        (statements,) = (each for each in UPGRADES if "UPDATE runs SET gap" in each[0])
        for statement in statements:
            connection.execute(statement)
    assert store.get_run(run_id).gap == (known[-1] if known else None)


def test_the_last_accuracies_of_several_runs(store):
    first, second = running(store, epochs=3), running(store)
    assert store.last_val_accuracies([first, second, "unknown"], count=2) == {
        first: [0.02, 0.03], second: [], "unknown": [],
    }  # fmt: skip


def test_the_log(store, clock):
    run_id = running(store)
    store.record_log(run_id, 1, "one")
    clock.now += 5
    store.record_log(run_id, 1, "two \ud800 " + "x" * 5000, level="warning")
    first, second = store.log(run_id)
    assert (first.time, first.attempt, first.level, first.text) == (1000.0, 1, "info", "one")
    assert (second.time, second.level, len(second.text)) == (1005.0, "warning", 4000)
    assert store.log(run_id, after=first.number) == [second]


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_clock_that_jumps_gives_no_negative_duration(store, clock, jump):
    run = store.queue_run(RunRequest(CONFIG))
    clock.now += jump
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 10, 100, 0)
    clock.now += jump
    ended = store.transition(run.id, RunState.FINISHED, expected=ACTIVE)
    assert ended.created_at <= ended.started_at <= ended.ended_at


def test_has_work(store):
    assert not store.has_work()
    run_id = running(store)
    assert store.has_work()
    store.transition(run_id, RunState.FAILED, expected=ACTIVE)
    assert not store.has_work()
    store.resume_run(run_id)
    assert store.has_work()


def test_full_disk_in_words(store):
    run_id = running(store)
    with store._database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    with store._database._borrowed() as connection:
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(ConvDeckError, match="is full"):
        for _ in range(50):
            store.record_log(run_id, 1, "x" * 4000)
    store.close()
    store.record_epoch(run_id, 1, EpochRow(1, val_accuracy=0.5))
    assert store.curves(run_id)["epoch"] == [1]
