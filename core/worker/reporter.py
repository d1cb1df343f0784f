"""What a worker reports to the store about its one attempt at a run."""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from core.epoch import EpochRow, Outcome
from core.errors import CannotWrite, ConvDeckError, IllegalTransition, RunNotFound, StaleAttempt
from core.formatting import reason
from core.store.records import RunData
from core.store.states import ACTIVE, RunState
from core.store.store import Store
from core.system.files import is_write_refused
from core.system.processes import process_started

BATCH_SECONDS = 0.5
STOP_SECONDS = 0.5
# How long, and how often, what must not be lost is written again while the store cannot take it.
RETRY_SECONDS = 60.0
RETRY_PAUSE_SECONDS = 1.0
# How often a paused worker looks whether to resume, and reports that it is alive.
POLL_SECONDS = 0.25
HEARTBEAT_SECONDS = 5.0
WAITING_TO_SAVE = "The weights cannot be saved, so training waits until they can be"

logger = logging.getLogger(__name__)

T = TypeVar("T")


class RunReporter:
    """Progress in, requests to stop or pause out. Each method raises StaleAttempt once the attempt is over.

    A worker that gets StaleAttempt exits: the run was given up, deleted, or started again elsewhere. A store that can
    take nothing for a while ends no training: ticks and log lines are dropped then, and everything else is written
    again until RETRY_SECONDS have passed, when ConvDeckError says why. Where the disk is full or read-only, it is
    written again until a person has changed that or ends the process: a run that ended could not even say so.
    """

    def __init__(
        self,
        store: Store,
        run_id: str,
        attempt: int,
        *,
        interrupted: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`interrupted` says whether the process itself was told to end, by a signal."""
        self._store = store
        self._run_id = run_id
        self._attempt = attempt
        self._interrupted = interrupted
        self._monotonic = monotonic
        self._sleep = sleep
        self._batch_due = float("-inf")
        self._stop_due = float("-inf")
        self._stop_requested = False
        self._pause_due = float("-inf")
        self._total_epochs = 0

    def report_data(self, data: RunData) -> None:
        """What the run is trained on, as it was verified."""
        run = (self._run_id, self._attempt)
        self._retry(lambda: self._store.record_data(*run, data))

    def save(self, write: Callable[[], T]) -> T:
        """What `write` returns. While the disk is full or read-only, it is called again until the run is to stop."""
        is_told = False
        while True:
            try:
                result = write()
            except Exception as error:
                if not is_write_refused(error) or self.stop_requested:
                    raise
                if not is_told:
                    is_told = True
                    self.report_log(f"{WAITING_TO_SAVE} ({reason(error)}).", "warning")
            else:
                if is_told:
                    self.report_log("Saved: training continues.")
                return result
            self._sleep(RETRY_PAUSE_SECONDS)

    def started(self, total_epochs: int, total_batches: int, resumed_from_epoch: int = 0) -> None:
        """The run is RUNNING now, and the first `resumed_from_epoch` epochs stay as they were recorded."""
        run, store = (self._run_id, self._attempt), self._store
        self._total_epochs = self._retry(
            lambda: store.record_started(*run, total_epochs, total_batches, resumed_from_epoch)
        )
        # Recorded again by the worker itself: the scheduler may have died right after the launch.
        pid = os.getpid()
        self._retry(lambda: store.set_process(*run, pid, process_started(pid) or 0.0))

    def report_batch(
        self,
        epoch: int,
        batch: int,
        total_batches: int,
        loss: float | None = None,
        accuracy: float | None = None,
        images_per_second: float | None = None,
    ) -> None:
        """`batch` of `total_batches` batches of an epoch (from 1) are done.

        At most two per second are written, and the last of an epoch: after it the network is measured.
        """
        now = self._monotonic()
        if now < self._batch_due and batch < total_batches:
            return
        self._batch_due = now + BATCH_SECONDS
        with _dropped_on_error():
            self._stop_requested = self._store.record_batch(
                self._run_id, self._attempt, batch, total_batches, loss, accuracy, images_per_second
            )
            self._stop_due = now + STOP_SECONDS

    def report_epoch(self, row: EpochRow) -> None:
        """An epoch is finished. Reported again, it replaces the earlier report."""
        self._total_epochs = self._retry(lambda: self._store.record_epoch(self._run_id, self._attempt, row))

    @property
    def total_epochs(self) -> int:
        """How many epochs the run is to train, as of its start or its last epoch: people may add some."""
        return self._total_epochs

    def report_log(self, text: str, level: str = "info") -> None:
        """A line for the person who watches. `level`: info, warning or error."""
        with _dropped_on_error():
            self._store.record_log(self._run_id, self._attempt, text, level)

    @property
    def stop_requested(self) -> bool:
        """Whether a person asked to stop, at most half a second ago, or the process was told to end."""
        if self._interrupted():
            return True
        now = self._monotonic()
        if now >= self._stop_due:
            self._stop_due = now + STOP_SECONDS
            with _dropped_on_error():
                self._stop_requested = self._store.is_stop_requested(self._run_id, self._attempt)
        return self._stop_requested

    def wait_while_paused(self, *, epoch_ended: bool = False) -> None:
        """Return at once, or wait while the run is paused: until a person resumes or stops it."""
        now, run, requests = self._monotonic(), (self._run_id, self._attempt), self._store.interventions
        if now < self._pause_due and not epoch_ended:
            return
        self._pause_due = now + STOP_SECONDS
        with _dropped_on_error():
            if not requests.is_pause_due(*run, epoch_ended=epoch_ended):
                return
            if requests.record_paused(*run, epoch_ended=epoch_ended):
                self._wait()

    def _wait(self) -> None:
        run, requests = (self._run_id, self._attempt), self._store.interventions
        beat_due = self._monotonic() + HEARTBEAT_SECONDS
        while not self.stop_requested:
            with _dropped_on_error():
                if not requests.is_pause_due(*run) and requests.record_resumed(*run):
                    return
                if self._monotonic() >= beat_due:
                    beat_due = self._monotonic() + HEARTBEAT_SECONDS
                    requests.beat(*run)
            self._sleep(POLL_SECONDS)

    def apply_learning_rates(self, epoch: int, apply: Callable[[float], str]) -> None:
        """Hand what people asked for to `apply`, which sets a rate and says in a sentence what changed.

        Call it when `epoch` epochs have finished and the next one begins.
        """
        run, requests = (self._run_id, self._attempt), self._store.interventions
        for each in self._retry(lambda: requests.learning_rates(*run, epoch)):
            outcome, number = apply(float(each.value or 0)), each.number
            if each.is_pending:
                self._retry(lambda: requests.mark_applied(*run, number, epoch, outcome))  # noqa: B023 – called at once
                self.report_log(outcome)

    def ended(self, outcome: Outcome) -> None:
        """Training returned. Call it when all is saved: from here on others read the run's files."""
        self._end(RunState.STOPPED if outcome.reason == "stopped" else RunState.FINISHED)

    def failed(self, error: str, next_step: str | None = None) -> None:
        """The run cannot continue: the cause in one sentence, and what to try."""
        self._end(RunState.FAILED, error=error, next_step=next_step)

    def _end(self, state: RunState, error: str | None = None, next_step: str | None = None) -> None:
        def change() -> None:
            try:
                self._store.transition(
                    self._run_id,
                    state,
                    expected=ACTIVE,
                    attempt=self._attempt,
                    error=error,
                    next_step=next_step,
                )
            except (IllegalTransition, RunNotFound) as late:
                raise StaleAttempt(str(late)) from None

        self._retry(change)

    def _retry(self, write: Callable[[], T]) -> T:
        until, complaint = self._monotonic() + RETRY_SECONDS, ""
        while True:
            try:
                return write()
            except StaleAttempt:
                raise
            except ConvDeckError as error:
                lasting = isinstance(error, CannotWrite) and not self._interrupted()
                if self._monotonic() >= until and not lasting:
                    raise
                if str(error) != complaint:
                    complaint = str(error)
                    logger.warning("%s (Trying again for a while.)", error)
            self._sleep(RETRY_PAUSE_SECONDS)


@contextlib.contextmanager
def _dropped_on_error() -> Iterator[None]:
    """What the next tick reports again may be lost without ending a run; the reason goes to the worker's output."""
    try:
        yield
    except StaleAttempt:
        raise
    except ConvDeckError as error:
        logger.warning("%s (Not reported.)", error)
