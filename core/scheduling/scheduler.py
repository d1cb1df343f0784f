"""The scheduler: gives each waiting run a device and a process, and records how it ended."""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.errors import IllegalTransition, RunError, RunNotFound, StaleAttempt
from core.scheduling.launcher import Exit, Launcher, Worker
from core.scheduling.lost_devices import LostDevices
from core.store.records import Run
from core.store.states import ACTIVE, RunState
from core.store.store import Store
from core.system.devices import Device, DeviceReport, list_devices, suited
from core.system.processes import Signal

DEVICES_SECONDS = 2.0

# Seconds after a request to stop (or the end of a run) at which a process that is still running gets each signal.
ESCALATION: tuple[tuple[float, Signal], ...] = ((10.0, "interrupt"), (15.0, "terminate"), (20.0, "kill"))

RESUME_HINT = "Resume continues from the last finished epoch."
LOG_HINT = "The run's log has the details."
OUT_OF_MEMORY_HINT = "If you did not end it, the computer may have run out of memory: lower the batch size."

logger = logging.getLogger(__name__)


@dataclass
class _Watched:
    """A worker with the keys of the devices it holds, and which signals it was sent to end."""

    run_id: str
    attempt: int
    worker: Worker
    devices: tuple[str, ...]
    is_noted: bool = False  # in the store, for a later scheduler
    leaving_since: float | None = None
    leaving_in: RunState | None = None
    sent: set[Signal] = field(default_factory=set)


class Scheduler:
    """Does everything at each `tick`. Only one may exist for a workspace at a time.

    `devices` lists the devices; `clock` gives monotonic seconds; `standby_requested` says whether a standby worker
    is to wait for the next run with everything loaded.
    """

    def __init__(
        self,
        store: Store,
        launcher: Launcher,
        devices: Callable[[], DeviceReport] = list_devices,
        clock: Callable[[], float] = time.monotonic,
        escalation: Sequence[tuple[float, Signal]] = ESCALATION,
        standby_requested: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._launcher = launcher
        self._list_devices = devices
        self._clock = clock
        self._escalation = escalation
        self._standby_requested = standby_requested
        self._watched: list[_Watched] = []
        self._report = DeviceReport(())
        self._report_due = float("-inf")
        self._lost = LostDevices(store)
        self._adopted = False

    def tick(self) -> bool:
        """Look after every run once. Returns whether there is anything left to look after."""
        self._continue_suspended()
        self._note_processes()
        self._look_for_lost()
        self._adopt()
        self._reap()
        self._escalate_stop()
        self._start_waiting()
        wanted = self._standby_requested()
        self._maintain_standby(wanted)
        return bool(self._watched) or wanted or self._store.has_work()

    def close(self) -> None:
        """End the workers that wait. Those that have a run continue."""
        self._launcher.close()

    def _continue_suspended(self) -> None:
        """Continue stopped workers (SIGSTOP) when one of them may hold the database, so that others can write."""
        for watched in self._watched:
            if watched.worker.is_suspended() and self._store.is_locked():
                logger.warning(
                    "run %s: its process is stopped and may hold the database; sending continue",
                    watched.run_id,
                )
                watched.worker.signal("continue")

    def _look_for_lost(self) -> None:
        """See whether the GPUs of runs are still there: at once where a run on one has just ended, or may have."""
        on_gpu = [run for run in self._store.active_runs() if _is_on_gpu(run)]
        watched = [each for each in self._watched if not _are_cpus(each.devices)]
        if not self._adopted or any(each.worker.poll() is not None for each in watched):
            self._report_due = float("-inf")
        if on_gpu or watched:
            self._devices()

    def _adopt(self) -> None:
        """Find the workers of an earlier scheduler; mark runs without a worker as lost."""
        if not self._adopted:
            for run in self._store.runs_with_process():
                if not self._is_watched(run):
                    self._watch_again(run)
            self._adopted = True
        for run in self._store.active_runs():
            if not self._is_watched(run) and not self._watch_again(run):
                self._mark_lost(run, Exit(None))

    def _is_watched(self, run: Run) -> bool:
        return any((each.run_id, each.attempt) == (run.id, run.attempt) for each in self._watched)

    def _watch_again(self, run: Run) -> bool:
        worker = self._launcher.adopt(run)
        if worker is None:
            return False
        logger.info("run %s: watching its process %d again", run.id, worker.pid)
        self._watch(run, worker)
        return True

    def _watch(self, run: Run, worker: Worker) -> None:
        self._watched.append(_Watched(run.id, run.attempt, worker, self._store.devices.keys_of(run)))
        self._note_processes()

    def _note_processes(self) -> None:
        """Record each worker's process in the store; again at the next tick where the store was busy."""
        for watched in self._watched:
            if not watched.is_noted:
                with contextlib.suppress(StaleAttempt, RunNotFound):
                    worker = watched.worker
                    self._store.set_process(watched.run_id, watched.attempt, worker.pid, worker.started)
                watched.is_noted = True

    def _reap(self) -> None:
        for watched in list(self._watched):
            end = watched.worker.poll()
            if end is None:
                continue
            logger.info("run %s: its process has ended, exit code %s", watched.run_id, end.code)
            run = self._current(watched)
            if run is not None and run.state.is_active:
                self._mark_lost(run, end)
            self._store.clear_process(watched.run_id)
            self._watched.remove(watched)

    def _mark_lost(self, run: Run, end: Exit) -> None:
        """Record the end of a run whose process is gone without having reported one."""
        if run.stop_requested:
            self._change(run, RunState.STOPPED)
            return
        cause = end.describe(had_begun=run.state is not RunState.STARTING)
        if end.gave_up:
            self._change(run, RunState.FAILED, error=cause, next_step=LOG_HINT)
            return
        hint = f"{RESUME_HINT} {OUT_OF_MEMORY_HINT}" if end.killed else RESUME_HINT
        self._change(run, RunState.INTERRUPTED, error=cause, next_step=hint)

    def _escalate_stop(self) -> None:
        """Send stronger and stronger signals to processes that should end and do not."""
        now = self._clock()
        for watched in self._watched:
            run = self._current(watched)
            if run is not None and run.state.is_active and not run.stop_requested:
                continue
            state = None if run is None else run.state
            if watched.leaving_since is None or state is not watched.leaving_in:
                watched.leaving_since, watched.leaving_in = (
                    now,
                    state,
                )  # a process that reacts gets time to end
            for seconds, kind in self._escalation:
                if now - watched.leaving_since >= seconds and kind not in watched.sent:
                    logger.info("run %s: its process does not end; sending %s", watched.run_id, kind)
                    watched.worker.signal(kind)
                    watched.sent.add(kind)

    def _start_waiting(self) -> None:
        # In order, without overtaking: a run that needs two GPUs would otherwise wait for as long as runs that
        # need one keep coming.
        for run in self._store.waiting_runs():
            former = [watched for watched in self._watched if watched.run_id == run.id]
            if former:  # the process of its former attempt is still ending
                if any(each.key in former[0].devices for each in self._store.devices.aside()):
                    continue  # which may never be, on a GPU that was lost: not even `kill` ends it then
                return
            devices = self._choose(run)
            if not devices:
                return
            self._start(run, devices)

    def _maintain_standby(self, wanted: bool) -> None:
        """While one is requested, have a standby worker wait for the next run.

        It is not started while a run starts or is in its first epoch: loading takes a core for seconds, which that
        run would miss. A paused run misses nothing.
        """
        if not wanted:
            self._launcher.keep_ready(())
        elif not any(_is_on_its_way(run) for run in self._store.active_runs()):
            # The last report will do: a standby worker uses the CPU, so NVIDIA's driver need not be asked each time.
            self._launcher.keep_ready(self._report.devices or self._devices())

    def _devices(self) -> tuple[Device, ...]:
        """The devices, as of at most two seconds ago."""
        now = self._clock()
        if now >= self._report_due:
            self._report = self._lost.look(self._list_devices())
            self._report_due = now + DEVICES_SECONDS
        return self._report.devices

    def _choose(self, run: Run) -> list[Device]:
        """The devices for a run, least used first; none when it has to wait."""
        devices = self._devices()
        # A process that is still ending holds its device's memory, though its run has returned the lease.
        busy = {
            device for watched in self._watched for device in watched.devices
        } | self._store.leases().keys()
        if self._waits_for_gpu():
            return []
        candidates, wanted = suited(devices, run.num_gpus)
        free = [device for device in candidates if not device.is_in(busy)]
        if len(free) < wanted:
            return []
        free.sort(key=lambda device: (device.memory_used_mib or 0, device.utilization_percent or 0))
        return free[:wanted]

    def _waits_for_gpu(self) -> bool:
        """Whether every GPU was lost: no run moves to the CPU then unless a person says so (see `bring_back`)."""
        return not self._report.has_gpu and bool(self._store.devices.aside())

    def _start(self, run: Run, devices: Sequence[Device]) -> None:
        try:
            run = self._store.claim(run.id, [each.id for each in devices], [each.key for each in devices])
        except RunError:
            return  # stopped or deleted a moment ago
        try:
            worker = self._launcher.launch(run, devices)
        except OSError as error:
            logger.exception("run %s: could not be started", run.id)
            cause = f"The training process could not be started: {error.strerror or error}."
            self._change(run, RunState.FAILED, error=cause, next_step="Fix the cause, then resume.")
            return
        logger.info(
            "run %s: attempt %d started as process %d on %s", run.id, run.attempt, worker.pid, run.device
        )
        self._watch(run, worker)
        if devices[0].kind == "gpu" and len(devices) < run.num_gpus:
            with contextlib.suppress(StaleAttempt):
                text = f"The run asks for {run.num_gpus} GPUs; this computer has {len(devices)}, so it uses those."
                self._store.record_log(run.id, run.attempt, text, "warning")

    def _current(self, watched: _Watched) -> Run | None:
        """The run, while the watched attempt is its current one."""
        try:
            run = self._store.get_run(watched.run_id)
        except RunNotFound:
            return None
        return run if run.attempt == watched.attempt else None

    def _change(self, run: Run, to: RunState, error: str | None = None, next_step: str | None = None) -> None:
        # The worker may have reported its end since the run was read; then that report stays.
        with contextlib.suppress(IllegalTransition, StaleAttempt, RunNotFound):
            self._store.transition(
                run.id, to, expected=ACTIVE, attempt=run.attempt, error=error, next_step=next_step
            )


def _is_on_its_way(run: Run) -> bool:
    """Whether an active run has not finished its first epoch."""
    return run.state is RunState.STARTING or (run.state is RunState.RUNNING and run.epoch == 0)


def _is_on_gpu(run: Run) -> bool:
    return run.device is not None and run.device.startswith("gpu")


def _are_cpus(keys: Sequence[str]) -> bool:
    return all(key.startswith("cpu:") for key in keys)


def num_wanted(run: Run, devices: Sequence[Device]) -> int:
    """How many devices a run leases: the GPUs that it asks for, at most all; without GPUs, one slot of the CPU."""
    return suited(devices, run.num_gpus)[1]
