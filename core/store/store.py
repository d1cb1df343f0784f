"""The store: every run, its epochs, its log and its devices, in one SQLite file.

Each change of state is a compare-and-swap inside one `BEGIN IMMEDIATE` transaction. Each write of a worker names
its attempt, and is refused with StaleAttempt once that attempt is over: a worker that was given up cannot change what
a later one does.
"""

import json
import time
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Self

from core.epoch import Curves, EpochRow
from core.errors import IllegalTransition, StaleAttempt
from core.store import rights, run_tables, search, turns
from core.store.alerts import Alerts
from core.store.breakdowns import Breakdowns
from core.store.database import BUSY_SECONDS, Database
from core.store.devices import Devices, lease
from core.store.interventions import Interventions
from core.store.lesson_guesses import LessonGuesses
from core.store.marks import Marks
from core.store.notes import Notes
from core.store.picture_tags import PictureTags
from core.store.records import (
    FinishedRun,
    LogLine,
    Run,
    RunData,
    RunRequest,
    check_name,
    finite,
    run_from_row,
)
from core.store.results import Results
from core.store.reuse import Queued, answer_all
from core.store.search import Found
from core.store.sinks import Sinks
from core.store.states import RunState
from core.store.studies import Studies
from core.store.sweeps import Sweeps
from core.store.trash import Trash
from core.store.views import Views
from core.store.visitors import Visitors
from core.store.whole_runs import WholeRuns
from core.workspace import Workspace

__all__ = ["Curves", "EpochRow", "LogLine", "Run", "Store"]


class Store:
    """All that is known about the runs of one workspace. Any number of threads and processes can use it at once."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        clock: Callable[[], float] = time.time,
        journal_mode: str | None = None,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        """`clock` gives unix seconds; `journal_mode` (`wal`, `truncate`, …) overrides what SQLite's version allows.

        While others write, each change waits its turn for `busy_seconds` before it fails.
        """
        self.workspace = workspace
        self._clock = clock
        self._database = Database(workspace.database, journal_mode, busy_seconds)
        self.interventions = Interventions(self._database, clock)
        self.breakdowns = Breakdowns(self._database, clock)
        self.studies = Studies(self._database, clock)
        self.sweeps = Sweeps(self._database, clock)
        self.notes = Notes(self._database, clock)
        self.trash = Trash(self._database, clock)
        self.marks = Marks(self._database, clock)
        self.views = Views(self._database, clock)
        self.picture_tags = PictureTags(self._database)
        self.results = Results(self._database, clock)
        self.visitors = Visitors(self._database, clock)
        self.lesson_guesses = LessonGuesses(self._database, clock)
        self.sinks = Sinks(self._database, clock)
        self.alerts = Alerts(self._database, clock)
        self.devices = Devices(self._database, clock)
        self.whole_runs = WholeRuns(self._database, clock, self.notes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections."""
        self._database.close()

    # Reading

    def get_run(self, run_id: str) -> Run:
        """Raises RunNotFound."""
        with self._database.reading() as connection:
            return run_tables.get(connection, run_id)[1]

    def list_runs(self, limit: int | None = None, *, alone_first: bool = False) -> list[Run]:
        """Newest first; with `alone_first`, runs that a study or sweep started come after all others."""
        order = f"{run_tables.STARTED_AS_ONE_OF_SEVERAL}, number DESC" if alone_first else "number DESC"
        return self._runs(f"ORDER BY {order} LIMIT ?", (-1 if limit is None else limit,))

    def get_runs(self, run_ids: Sequence[str]) -> list[Run]:
        """In the order of `run_ids`; those that do not exist are left out."""
        wanted = json.dumps(list(run_ids))
        found = {run.id: run for run in self._runs("WHERE id IN (SELECT value FROM json_each(?))", (wanted,))}
        return [found[run_id] for run_id in dict.fromkeys(run_ids) if run_id in found]

    def find_runs(
        self, text: str = "", states: Collection[RunState] | None = None, *, limit: int, offset: int = 0,
        visitor: str | None = None, older_than: str | None = None,
    ) -> Found:  # fmt: skip
        """Those in one of `states` (None: any) that `core.store.search.fits`, newest first, a page of them; with
        `visitor` only those that this one started, with `older_than` those before the run with this id.
        """
        with self._database.reading() as connection:
            return search.find(connection, text, states, limit, offset, visitor, older_than)

    def count_by_state(self) -> dict[RunState, int]:
        """How many runs are in each state; states without one are there too."""
        with self._database.reading() as connection:
            return run_tables.count_by_state(connection)

    def run_to_watch(self) -> Run | None:
        """The newest run that is active, or else the newest; None when there is none."""
        active = self._runs(f"WHERE state IN ({run_tables.ACTIVE_STATES}) ORDER BY number DESC LIMIT 1")
        return next(iter(active or self.list_runs(limit=1)), None)

    def queue(self) -> list[str]:
        """The ids of the waiting runs in the order in which they are to start."""
        return [run.id for run in self.waiting_runs()]

    def standalone_results(self, limit: int) -> list[Run]:
        """Runs that have ended and that no study or sweep started, newest first."""
        wanted = f"state IN ({run_tables.FINAL_STATES}) AND NOT {run_tables.STARTED_AS_ONE_OF_SEVERAL}"
        return self._runs(f"WHERE {wanted} ORDER BY number DESC LIMIT ?", (limit,))

    def waiting_runs(self) -> list[Run]:
        """In the order in which they are to start, see `core.store.turns`."""
        with self._database.reading() as connection:
            return turns.waiting_runs(connection)

    def active_runs(self) -> list[Run]:
        """Those that hold a device, oldest first."""
        return self._runs(f"WHERE state IN ({run_tables.ACTIVE_STATES}) ORDER BY queue_number")

    def runs_with_process(self) -> list[Run]:
        """Those whose last process is not known to be gone, whatever their state."""
        return self._runs("WHERE pid IS NOT NULL ORDER BY number")

    def has_work(self) -> bool:
        """Whether a scheduler is needed: a run waits, is active, is to come, or has a process not known to be gone."""
        with self._database.reading() as connection:
            has_runs = run_tables.has_work(connection)
        return has_runs or self.needs_searcher()

    def needs_searcher(self) -> bool:
        """Whether a sweep is to go on with new trials, or a study may add seeds: the searcher decides of both."""
        return (
            self.sweeps.is_any_running()
            or self.studies.is_any_adding_seeds()
            or bool(self.sweeps.interrupted_confirmations())
        )

    def is_locked(self) -> bool:
        """Whether no process can write: one has held the database for a second, or was stopped while it held it."""
        return self._database.is_locked()

    def never_had_runs(self) -> bool:
        """Whether no run was ever here, not even one that was deleted since."""
        with self._database.reading() as connection:
            return run_tables.never_had_runs(connection)

    def curves(self, run_id: str) -> Curves:
        """Equal-length lists under CURVE_KEYS, in the order of the epochs. Raises RunNotFound."""
        with self._database.reading() as connection:
            number, _ = run_tables.get(connection, run_id)
            return run_tables.read_curves(connection, number)

    def last_val_accuracies(self, run_ids: Collection[str], count: int = 30) -> dict[str, list[float | None]]:
        """The validation accuracies of the last `count` epochs of each run, oldest first; unknown runs: empty."""
        with self._database.reading() as connection:
            return run_tables.last_val_accuracies(connection, run_ids, count)

    def log(self, run_id: str, after: int = 0) -> list[LogLine]:
        """The lines with a number above `after`, in order. Raises RunNotFound."""
        with self._database.reading() as connection:
            number, _ = run_tables.get(connection, run_id)
            return run_tables.read_log(connection, number, after)

    def leases(self) -> dict[str, str]:
        """The id of the run that holds each device, by the device's key (an id, of leases from before)."""
        query = "SELECT leases.device, id FROM leases JOIN live_runs ON number = run_number"
        with self._database.reading() as connection:
            return dict(connection.execute(query).fetchall())

    def _runs(self, clause: str, values: Sequence[object] = ()) -> list[Run]:
        with self._database.reading() as connection:
            rows = connection.execute(f"{run_tables.SELECT_RUN} {clause}", values).fetchall()
            return [run_from_row(row) for row in rows]

    # What people request

    def queue_run(self, request: RunRequest) -> Run:
        """A new run, WAITING, or the run that the request's token has started before. Raises as `queue_or_reuse`."""
        return self.queue_or_reuse(request, reuse=False).run

    def queue_or_reuse(self, request: RunRequest, *, reuse: bool) -> Queued:
        """The same, but with `reuse` an identical run, if there is one, is the answer (see `core.store.reuse`).

        Raises RunError for a name, a token or an expectation that is not allowed, TokenTaken where the token's run has
        another config or parent. Name and expectation of a run that is there already stay as they are.
        """
        return self.queue_all([request], reuse=reuse)[0]

    def queue_all(self, requests: Sequence[RunRequest], *, reuse: bool) -> list[Queued]:
        """The same for several, in their order: where one is refused, none is added."""
        checked = [request.checked() for request in requests]
        with self._database.writing(visitors=True) as connection:
            rights.check_joined()
            return answer_all(connection, self._clock(), checked, self.notes.expect, reuse=reuse)

    def import_first(self, run: FinishedRun) -> bool:
        """Add a run that was trained elsewhere if none was ever here. Returns whether it was added."""
        with self._database.writing() as connection:
            if not run_tables.never_had_runs(connection):
                return False
            run_tables.insert_finished(connection, run, self._clock())
            return True

    def rename_run(self, run_id: str, name: str) -> Run:
        """Raises RunNotFound, and RunError for a name that is not allowed."""
        name = check_name(name)
        with self._database.writing(visitors=True) as connection:
            number, run = run_tables.get(connection, run_id)
            rights.check_run(connection, run, "rename")
            run_tables.update(connection, number, {"name": name})
            self.notes.rename(connection, run_id, name)
            return run_tables.get(connection, run_id)[1]

    def request_stop(self, run_id: str) -> Run:
        """A waiting run is STOPPED at once; an active one at its next batch. Raises RunNotFound, IllegalTransition."""
        with self._database.writing(visitors=True) as connection:
            run_tables.request_stop(connection, self._clock(), run_id)
            return run_tables.get(connection, run_id)[1]

    def resume_run(self, run_id: str) -> Run:
        """Put a stopped, interrupted or failed run in the queue again, as a new attempt.

        Raises RunNotFound, IllegalTransition.
        """
        with self._database.writing(visitors=True) as connection:
            run_tables.resume(connection, self._clock(), run_id)
            return run_tables.get(connection, run_id)[1]

    # Changes of state

    def transition(
        self,
        run_id: str,
        to: RunState,
        *,
        expected: RunState | Collection[RunState],
        attempt: int | None = None,
        error: str | None = None,
        next_step: str | None = None,
    ) -> Run:
        """Change the state if, and only if, it is one of `expected`, with the cause and what to try next.

        Entering a final state sets `ended_at`, clears the batch in progress and frees the devices. Raises
        RunNotFound, StaleAttempt when `attempt` is given and no longer current, IllegalTransition.
        """
        states = {expected} if isinstance(expected, RunState) else set(expected)
        with self._database.writing() as connection:
            number, run = run_tables.get(connection, run_id)
            if attempt is not None and attempt != run.attempt:
                raise StaleAttempt(
                    f"Attempt {attempt} of run {run_id} is over; {run.attempt} is the current one."
                )
            if run.state not in states:
                raise IllegalTransition(
                    f"“{run.name}” is {run.state.lower()}; it cannot become {to.lower()} now."
                )
            fields = {"error": error, "next_step": next_step}
            run_tables.enter(connection, self._clock(), number, run, to, fields)
            return run_tables.get(connection, run_id)[1]

    def claim(self, run_id: str, devices: Sequence[str], keys: Sequence[str] | None = None) -> Run:
        """WAITING to STARTING, and the devices are the run's own until it ends: ids, and keys where others.

        Raises RunNotFound; IllegalTransition when it does not wait; RunError when a device belongs to another run.
        """
        with self._database.writing() as connection:
            number, run = run_tables.get(connection, run_id)
            if run.state is not RunState.WAITING:
                message = f"“{run.name}” is {run.state.lower()}; only a waiting run can be started."
                raise IllegalTransition(message)
            lease(connection, number, devices, devices if keys is None else keys)
            fields = {"device": ",".join(devices), "pid": None, "pid_started": None}
            run_tables.enter(connection, self._clock(), number, run, RunState.STARTING, fields)
            turns.take_turn(connection, run)
            return run_tables.get(connection, run_id)[1]

    def set_process(self, run_id: str, attempt: int, pid: int, pid_started: float) -> None:
        """Note the process of an attempt. Raises RunNotFound, StaleAttempt."""
        with self._database.writing() as connection:
            number, _ = run_tables.get_current(connection, run_id, attempt, states=None)
            run_tables.update(connection, number, {"pid": pid, "pid_started": pid_started})

    def clear_process(self, run_id: str) -> None:
        """Note that the last process of the run is gone. Nothing happens when the run was deleted."""
        with self._database.writing() as connection:
            device = "CASE state WHEN 'WAITING' THEN NULL ELSE device END"
            query = f"UPDATE runs SET pid = NULL, pid_started = NULL, device = {device} WHERE id = ?"
            connection.execute(query, (run_id,))

    # What a worker reports; each raises StaleAttempt when its attempt is no longer the active one

    def record_data(self, run_id: str, attempt: int, data: RunData) -> None:
        """What the run is trained on. What is known of it already stays."""
        with self._database.writing() as connection:
            number, run = run_tables.get_current(connection, run_id, attempt)
            if run.dataset_digest is None:
                run_tables.update(connection, number, run_tables.data_columns(data))

    def record_started(
        self, run_id: str, attempt: int, total_epochs: int, total_batches: int, resumed_from_epoch: int
    ) -> int:
        """STARTING to RUNNING; epochs after `resumed_from_epoch` are forgotten, because they are trained again.

        `total_epochs` are those of the config; returns how many it is to train with those that were added.
        """
        with self._database.writing() as connection:
            number, run = run_tables.get_current(connection, run_id, attempt, states={RunState.STARTING})
            fields = {
                "total_epochs": total_epochs + run.added_epochs,
                "total_batches": total_batches,
                "heartbeat": self._clock(),
            }
            run_tables.enter(connection, self._clock(), number, run, RunState.RUNNING, fields)
            run_tables.forget_epochs(connection, number, after=resumed_from_epoch)
            return total_epochs + run.added_epochs

    def record_batch(
        self,
        run_id: str,
        attempt: int,
        batch: int,
        total_batches: int,
        loss: float | None,
        accuracy: float | None,
        images_per_second: float | None,
    ) -> bool:
        """Progress within the epoch at work. Returns whether the run is asked to stop."""
        with self._database.writing() as connection:
            number, run = run_tables.get_current(connection, run_id, attempt)
            changes = {
                "batch": batch, "total_batches": total_batches, "batch_loss": finite(loss),
                "batch_accuracy": finite(accuracy), "images_per_second": finite(images_per_second),
                "heartbeat": self._clock(),
            }  # fmt: skip
            run_tables.update(connection, number, changes)
            return run.stop_requested

    def record_epoch(self, run_id: str, attempt: int, row: EpochRow) -> int:
        """A finished epoch. Recorded again, it takes the place of the former one.

        Returns how many epochs the run is to train. Once that many are recorded, none can be added any more, so a
        worker that ends then misses none.
        """
        with self._database.writing() as connection:
            number, run = run_tables.get_current(connection, run_id, attempt)
            run_tables.write_epoch(connection, number, attempt, row)
            changes: dict[str, object] = {"batch": 0, "heartbeat": self._clock()}
            if row.images_per_second is not None:
                # Epochs too short for a report of their own would leave the pace of the first batch.
                changes["images_per_second"] = finite(row.images_per_second)
            run_tables.update(connection, number, changes)
            return run.total_epochs

    def record_log(self, run_id: str, attempt: int, text: str, level: str = "info") -> None:
        """A line for the person who watches the run."""
        with self._database.writing() as connection:
            number, _ = run_tables.get_current(connection, run_id, attempt)
            run_tables.append_log(connection, number, self._clock(), attempt, level, text)

    def is_stop_requested(self, run_id: str, attempt: int) -> bool:
        with self._database.reading() as connection:
            return run_tables.get_current(connection, run_id, attempt)[1].stop_requested
