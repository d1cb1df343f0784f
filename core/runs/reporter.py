"""What a worker tells the store about its one attempt at a run."""

import os
import time
from collections.abc import Callable
from typing import Protocol

from core.errors import IllegalTransition, RunNotFound, StaleAttempt
from core.runs.processes import process_started
from core.runs.records import Measured
from core.runs.states import ACTIVE, RunState
from core.runs.store import Store

BATCH_SECONDS = 0.5
STOP_SECONDS = 0.5


class Outcome(Protocol):
    """What training returns. `reason`: `stopped` when a wish to stop was heeded, anything else when it is done."""

    @property
    def reason(self) -> str: ...


class RunReporter:
    """Progress in, the wish to stop out. Each method raises StaleAttempt once the attempt is over.

    A worker that gets StaleAttempt exits: the run was given up, deleted, or begun again elsewhere.
    """

    def __init__(
        self,
        store: Store,
        run_id: str,
        attempt: int,
        *,
        interrupted: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`interrupted` says whether the process itself was told to end, by a signal."""
        self._store = store
        self._run_id = run_id
        self._attempt = attempt
        self._interrupted = interrupted
        self._monotonic = monotonic
        self._batch_due = float("-inf")
        self._stop_due = float("-inf")
        self._stop_requested = False

    def started(self, total_epochs: int, total_batches: int, resumed_from_epoch: int = 0) -> None:
        """The run is RUNNING now, and the first `resumed_from_epoch` epochs stay as they were recorded."""
        self._store.record_started(
            self._run_id, self._attempt, total_epochs, total_batches, resumed_from_epoch
        )
        # Said once more by the worker itself: the scheduler may have died right after the launch.
        self._store.set_process(self._run_id, self._attempt, os.getpid(), process_started(os.getpid()) or 0.0)

    def batch(
        self,
        epoch: int,
        batch: int,
        total_batches: int,
        loss: float | None = None,
        accuracy: float | None = None,
        images_per_second: float | None = None,
    ) -> None:
        """`batch` of `total_batches` batches of an epoch (from 1) are done. At most two a second are written."""
        now = self._monotonic()
        if now < self._batch_due:
            return
        self._batch_due = now + BATCH_SECONDS
        self._stop_requested = self._store.record_batch(
            self._run_id, self._attempt, batch, total_batches, loss, accuracy, images_per_second
        )
        self._stop_due = now + STOP_SECONDS

    def epoch(self, row: Measured) -> None:
        """An epoch is finished. Told again, it takes the place of the former one."""
        self._store.record_epoch(self._run_id, self._attempt, row)

    def log(self, text: str, level: str = "info") -> None:
        """A line for the person who watches. `level`: info, warning or error."""
        self._store.record_log(self._run_id, self._attempt, text, level)

    @property
    def stop_requested(self) -> bool:
        """Whether a person asked to stop, at most half a second ago, or the process was told to end."""
        if self._interrupted():
            return True
        now = self._monotonic()
        if now >= self._stop_due:
            self._stop_due = now + STOP_SECONDS
            self._stop_requested = self._store.is_stop_requested(self._run_id, self._attempt)
        return self._stop_requested

    def ended(self, outcome: Outcome) -> None:
        """Training returned. Call it when all is saved: from here on others read the run's files."""
        self._end(RunState.STOPPED if outcome.reason == "stopped" else RunState.FINISHED)

    def failed(self, error: str, next_step: str | None = None) -> None:
        """The run cannot go on: the cause in one sentence, and what to try."""
        self._end(RunState.FAILED, error=error, next_step=next_step)

    def _end(self, state: RunState, **fields: object) -> None:
        try:
            self._store.transition(self._run_id, state, expected=ACTIVE, attempt=self._attempt, **fields)
        except (IllegalTransition, RunNotFound) as error:
            raise StaleAttempt(str(error)) from None
