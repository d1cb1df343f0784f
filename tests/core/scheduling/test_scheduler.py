import contextlib
import sqlite3

import pytest

from core.errors import ConvDeckError, IllegalTransition
from core.scheduling.launcher import Exit
from core.scheduling.scheduler import Scheduler
from core.scheduling.service import TICK_SECONDS, ensure_scheduler, serve_queue
from core.store.records import RunRequest
from core.store.states import ACTIVE, RunState
from core.store.store import Store
from tests.core.scheduling.fakes import CONFIG, FakeLauncher, begin, cpu, gpu, report, states


@pytest.fixture
def build(store, launcher, clock):
    def build_scheduler(*devices):
        return Scheduler(store, launcher, lambda: report(*(devices or [cpu()])), clock)

    return build_scheduler


def test_one_after_the_other_on_one_device(store, launcher, build):
    scheduler = build(cpu())
    first, second = store.queue_run(RunRequest(CONFIG)).id, store.queue_run(RunRequest(CONFIG)).id
    assert scheduler.tick()
    assert states(store, first, second) == ["STARTING", "WAITING"]
    worker = launcher.workers[first, 1]
    assert (store.get_run(first).pid, store.get_run(first).device) == (worker.pid, "cpu:0")
    begin(store, first)
    store.transition(first, RunState.FINISHED, expected=ACTIVE)
    scheduler.tick()
    assert states(store, first, second) == [
        "FINISHED",
        "WAITING",
    ]  # its process still holds the device's memory
    worker.exit = Exit(0)
    scheduler.tick()
    assert states(store, first, second) == ["FINISHED", "STARTING"]
    assert store.get_run(first).pid is None
    begin(store, second)
    store.transition(second, RunState.FINISHED, expected=ACTIVE)
    launcher.workers[second, 1].exit = Exit(0)
    assert not scheduler.tick()


RESUME = "Resume continues from the last finished epoch."
MEMORY = f"{RESUME} If you did not end it, the computer may have run out of memory: lower the batch size."
LOG = "The run's log has the details."


@pytest.mark.parametrize(
    ("end", "begun", "state", "error", "next_step"),
    [
        (Exit(-9), True, "INTERRUPTED", "The training process was killed (signal 9).", MEMORY),
        (
            Exit(-15), False, "INTERRUPTED",
            "The training process was killed before the training began (signal 15).", RESUME,
        ),
        (
            Exit(1, "ModuleNotFoundError: No module named 'keras'"), False, "FAILED",
            "The training process ended before the training began with exit code 1: "
            "ModuleNotFoundError: No module named 'keras'", LOG,
        ),
        (Exit(3), True, "FAILED", "The training process ended with exit code 3.", LOG),
        (Exit(0), True, "INTERRUPTED", "The training process ended with exit code 0.", RESUME),
        (Exit(None), True, "INTERRUPTED", "The training process ended.", RESUME),
    ],
)  # fmt: skip
def test_a_worker_that_dies(store, launcher, build, end, begun, state, error, next_step):
    scheduler = build()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    scheduler.tick()
    if begun:
        begin(store, run_id)
    launcher.workers[run_id, 1].exit = end
    scheduler.tick()
    run = store.get_run(run_id)
    assert (run.state, run.error, run.next_step) == (state, error, next_step)
    assert store.leases() == {}
    # One tick is enough. A person has to see it within five seconds; the page's own tick takes up to two of them.
    assert TICK_SECONDS <= 1


def test_a_worker_that_fails_when_it_was_to_stop_has_stopped(store, launcher, build):
    scheduler = build()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    scheduler.tick()
    store.request_stop(run_id)
    launcher.workers[run_id, 1].exit = Exit(1)
    scheduler.tick()
    assert (store.get_run(run_id).state, store.get_run(run_id).error) == ("STOPPED", None)


def test_what_a_worker_said_itself_stands(store, launcher, build):
    scheduler = build()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    scheduler.tick()
    store.transition(run_id, RunState.FAILED, expected=ACTIVE, error="The loss is not a number.")
    launcher.workers[run_id, 1].exit = Exit(1)
    scheduler.tick()
    assert (store.get_run(run_id).state, store.get_run(run_id).error) == (
        "FAILED",
        "The loss is not a number.",
    )


def test_a_launch_that_fails(store, launcher, build):
    scheduler = build()
    launcher.error = OSError(11, "Resource temporarily unavailable")
    run_id = store.queue_run(RunRequest(CONFIG)).id
    scheduler.tick()
    run = store.get_run(run_id)
    assert run.error == "The training process could not be started: Resource temporarily unavailable."
    assert (run.state, run.next_step) == (RunState.FAILED, "Fix the cause, then resume.")
    assert store.leases() == {}


def test_a_stop_that_is_not_heeded(store, launcher, build, clock):
    scheduler = build()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    scheduler.tick()
    begin(store, run_id)
    store.request_stop(run_id)
    told = {}
    worker = launcher.workers[run_id, 1]
    while worker.exit is None:
        scheduler.tick()
        told.update({kind: clock.now for kind in worker.signals if kind not in told})
        clock.now += 0.5
    assert told == {"interrupt": 10.0, "terminate": 15.0, "kill": 20.0}
    scheduler.tick()
    run = store.get_run(run_id)
    assert (run.state, run.error, run.stop_requested) == (RunState.STOPPED, None, False)


@pytest.mark.parametrize("lock", ["DEFERRED", "IMMEDIATE", "EXCLUSIVE"])
def test_a_worker_that_was_stopped_goes_on_when_nobody_else_can_write(workspace, launcher, clock, lock):
    with Store(workspace, journal_mode="truncate", busy_seconds=0.1) as store:
        scheduler = Scheduler(store, launcher, lambda: report(cpu()), clock)
        run = store.queue_run(RunRequest(CONFIG))
        scheduler.tick()
        worker = launcher.workers[run.id, 1]
        worker.suspended = True
        scheduler.tick()
        assert worker.signals == []  # whoever stopped it knows why
        worker.suspended = False
        with contextlib.closing(sqlite3.connect(workspace.database, isolation_level=None)) as holder:
            holder.execute(f"BEGIN {lock}")
            holder.execute("SELECT * FROM runs").fetchall()
            with pytest.raises(ConvDeckError, match="was busy"):
                store.rename_run(run.id, "Nobody can write")
            if lock == "EXCLUSIVE":
                with pytest.raises(ConvDeckError, match="was busy"):
                    scheduler.tick()  # which costs it the connection that it had
            worker.suspended = True
            with contextlib.suppress(ConvDeckError):
                scheduler.tick()
            assert worker.signals == ["continue"]
        assert not store.is_locked()
        store.request_stop(run.id)


def test_a_process_that_could_not_be_noted_is_noted_at_the_next_tick(workspace, clock):
    class Holding(FakeLauncher):
        """Somebody else gets the database right after the launch."""

        def launch(self, run, devices):
            holder.execute("BEGIN IMMEDIATE")
            return super().launch(run, devices)

    launcher = Holding()
    with (
        Store(workspace, busy_seconds=0.1) as store,
        contextlib.closing(sqlite3.connect(workspace.database, isolation_level=None)) as holder,
    ):
        scheduler = Scheduler(store, launcher, lambda: report(cpu()), clock)
        run = store.queue_run(RunRequest(CONFIG))
        with pytest.raises(ConvDeckError, match="was busy"):
            scheduler.tick()
        assert store.get_run(run.id).pid is None
        holder.execute("ROLLBACK")
        scheduler.tick()
        assert store.get_run(run.id).pid == launcher.workers[run.id, 1].pid


def test_a_process_that_stays_after_its_run_has_ended(store, launcher, build, clock):
    scheduler = build()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    scheduler.tick()
    begin(store, run_id)
    clock.now = 9.0
    store.transition(run_id, RunState.FINISHED, expected=ACTIVE)
    scheduler.tick()
    clock.now = 18.0
    scheduler.tick()
    assert launcher.workers[run_id, 1].signals == []
    for clock.now in (19.0, 24.0, 29.0):
        assert scheduler.tick()
    assert launcher.workers[run_id, 1].signals == ["interrupt", "terminate", "kill"]
    assert not scheduler.tick()
    assert states(store, run_id) == ["FINISHED"]


def test_a_resumed_run_waits_for_its_former_process(store, launcher, build):
    scheduler = build(cpu(0), cpu(1))
    run_id = store.queue_run(RunRequest(CONFIG)).id
    scheduler.tick()
    store.transition(run_id, RunState.FAILED, expected=ACTIVE)
    store.resume_run(run_id)
    scheduler.tick()
    assert states(store, run_id) == ["WAITING"]
    launcher.workers[run_id, 1].exit = Exit(1)
    scheduler.tick()
    assert states(store, run_id) == ["STARTING"]
    assert list(launcher.live()) == [(run_id, 2)]


def test_a_run_is_not_deleted_while_its_process_is_there(store, launcher, build):
    scheduler = build()
    run_id = store.queue_run(RunRequest(CONFIG)).id
    scheduler.tick()
    store.transition(run_id, RunState.FAILED, expected=ACTIVE)
    with pytest.raises(IllegalTransition, match="still ending"):
        store.trash.put(run_id)
    launcher.workers[run_id, 1].exit = Exit(1)
    assert not scheduler.tick()
    store.trash.put(run_id)


def test_least_used_gpu_first(store, launcher, build):
    scheduler = build(gpu(0, used_mib=500), gpu(1, used_mib=20), gpu(2, used_mib=20, utilization=5))
    runs = [store.queue_run(RunRequest(CONFIG)).id for _ in range(4)]
    scheduler.tick()
    assert [store.get_run(run_id).device for run_id in runs] == ["gpu:1", "gpu:2", "gpu:0", None]


def test_several_gpus_are_waited_for_and_not_overtaken(store, launcher, build):
    scheduler = build(gpu(0), gpu(1), gpu(2))
    two = CONFIG.with_values({"training.num_gpus": 2})
    one, first, second, last = (
        store.queue_run(RunRequest(config)).id for config in (CONFIG, two, two, CONFIG)
    )
    scheduler.tick()
    assert states(store, one, first, second, last) == ["STARTING", "STARTING", "WAITING", "WAITING"]
    assert store.leases() == {"gpu:0": one, "gpu:1": first, "gpu:2": first}
    store.transition(one, RunState.FAILED, expected=ACTIVE)
    launcher.workers[one, 1].exit = Exit(1)
    scheduler.tick()
    assert states(store, second, last) == ["WAITING", "WAITING"]


def test_a_run_that_asks_for_more_gpus_than_there_are_takes_all(store, build):
    scheduler = build(gpu(0), gpu(1))
    run_id = store.queue_run(RunRequest(CONFIG.with_values({"training.num_gpus": 4}))).id
    scheduler.tick()
    assert store.get_run(run_id).device == "gpu:0,gpu:1"
    (line,) = store.log(run_id)
    assert (line.level, line.text) == (
        "warning",
        "The run asks for 4 GPUs; this computer has 2, so it uses those.",
    )


def test_several_gpus_on_a_computer_without_any_take_one_slot(store, build):
    scheduler = build(cpu(0), cpu(1))
    run_id = store.queue_run(RunRequest(CONFIG.with_values({"training.num_gpus": 2}))).id
    scheduler.tick()
    assert store.get_run(run_id).device == "cpu:0"


def test_devices_are_looked_at_anew(store, build, clock):
    scheduler = build()
    found = [report(gpu(0))]
    scheduler._list_devices = lambda: found[-1]
    runs = [store.queue_run(RunRequest(CONFIG)).id for _ in range(2)]
    scheduler.tick()
    found.append(report(gpu(0), gpu(1)))
    clock.now += 2.0
    scheduler.tick()
    assert [store.get_run(run_id).device for run_id in runs] == ["gpu:0", "gpu:1"]


class TestAfterTheSchedulerDied:
    def test_live_workers_are_watched_again(self, store, launcher, build):
        run_id = store.queue_run(RunRequest(CONFIG)).id
        build().tick()
        begin(store, run_id)
        scheduler = build()
        waiting = store.queue_run(RunRequest(CONFIG)).id
        assert scheduler.tick()
        assert states(store, run_id, waiting) == ["RUNNING", "WAITING"]
        launcher.workers[run_id, 1].exit = Exit(-9)
        scheduler.tick()
        assert states(store, run_id, waiting) == ["INTERRUPTED", "STARTING"]

    def test_a_worker_that_died_meanwhile(self, store, launcher, build):
        run_id = store.queue_run(RunRequest(CONFIG)).id
        build().tick()
        launcher.workers[run_id, 1].exit = Exit(None, "Out of patience.")
        assert not build().tick()
        run = store.get_run(run_id)
        assert (run.state, run.pid) == (RunState.INTERRUPTED, None)
        assert run.error == "The training process ended before the training began: Out of patience."

    def test_it_died_between_the_claim_and_the_launch(self, store, build):
        run_id = store.queue_run(RunRequest(CONFIG)).id
        store.claim(run_id, ["cpu:0"])
        build().tick()
        assert store.get_run(run_id).state is RunState.INTERRUPTED

    def test_it_died_between_the_launch_and_the_note_of_the_process(self, store, launcher, build):
        run = store.queue_run(RunRequest(CONFIG))
        claimed = store.claim(run.id, ["cpu:0"])
        worker = launcher.launch(claimed, [cpu()])
        build().tick()
        assert (store.get_run(run.id).state, store.get_run(run.id).pid) == (RunState.STARTING, worker.pid)

    def test_a_process_that_was_leaving_still_holds_its_device(self, store, launcher, build):
        first = store.queue_run(RunRequest(CONFIG)).id
        build().tick()
        store.transition(first, RunState.FAILED, expected=ACTIVE)
        store.resume_run(first)
        second = store.queue_run(RunRequest(CONFIG)).id
        scheduler = build()
        scheduler.tick()
        assert states(store, first, second) == ["WAITING", "WAITING"]
        store.request_stop(first)
        scheduler.tick()
        assert states(store, first, second) == ["STOPPED", "WAITING"]
        launcher.workers[first, 1].exit = Exit(0)
        scheduler.tick()
        assert states(store, first, second) == ["STOPPED", "STARTING"]


def test_a_run_that_is_queued_while_the_scheduler_leaves_is_served(workspace, store, launcher):
    """It comes after the last look and before the lock is free: the moment in which nobody else could help."""

    class Latecomer(Scheduler):
        ticks = 0

        def tick(self):
            if self.ticks:
                for run in self._store.waiting_runs():
                    self._store.request_stop(run.id)
            busy = super().tick()
            if not self.ticks:
                self._store.queue_run(RunRequest(CONFIG))
            self.ticks += 1
            return busy

    serve_queue(workspace, Latecomer(store, launcher, lambda: report(cpu())), store, idle_seconds=0.01)
    (run,) = store.list_runs()
    assert run.state is RunState.STOPPED


def test_a_tick_that_fails_does_not_end_the_scheduler(workspace, store, launcher, caplog):
    class Unlucky(Scheduler):
        failures = 2

        def tick(self):
            if self.failures:
                self.failures -= 1
                raise OSError("Too many open files")
            return super().tick()

    serve_queue(workspace, Unlucky(store, launcher, lambda: report(cpu())), store, idle_seconds=0.01)
    assert [record.exc_info[1].args for record in caplog.records] == [("Too many open files",)]


def test_a_database_that_cannot_be_read_ends_nobody_who_keeps_asking(workspace, caplog):
    workspace.database.write_bytes(b"This is no database, whatever its name says." * 100)
    for _ in range(3):
        ensure_scheduler(workspace)
    scheduler, searcher, alerter = caplog.messages
    assert (
        "runs wait" in scheduler
        and "sweeps get no new trials" in searcher
        and "no alerts are sent" in alerter
    )
    assert all("is damaged" in line for line in caplog.messages)
    workspace.database.unlink()
    ensure_scheduler(workspace)
    assert len(caplog.messages) == 3
