"""What people do to runs while they train: requested on a page or command line, carried out by the worker.

    kind            value      takes effect
    learning_rate   the rate   when the next epoch begins, also after a resume
    add_epochs      how many   at once: the run's number of epochs grows
    pause                      at the next report of the worker: RUNNING to PAUSED
    resume                     PAUSED to RUNNING
    step                       PAUSED to RUNNING, and PAUSED again when an epoch has ended

Each stays in the run's history. One without an outcome is still to be carried out. A run pauses while its
`pause_requested` is true; during a step, not before its epoch has ended.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, fields

from core.config.fields import limits_of
from core.config.optimizer import OptimizerConfig
from core.config.training import TrainingConfig
from core.errors import IllegalTransition, RunError
from core.store import run_tables
from core.store.database import Database
from core.store.records import Run
from core.store.rights import check_run
from core.store.states import RunState

KINDS = ("learning_rate", "add_epochs", "pause", "resume", "step")

# What becomes of the learning rate when more epochs are trained than its schedule was laid out for.
_AFTER_THE_SCHEDULE = {
    "cosine": " The added epochs keep the schedule's final learning rate.",
    "one_cycle": " The added epochs keep the schedule's final learning rate.",
    "triangular": " The added epochs keep the schedule's final learning rate.",
    "step": " The learning rate keeps falling by its steps.",
}


@dataclass(frozen=True)
class Intervention:
    """One request of a person to a run. Times are unix seconds; `number` grows.

    `attempt` is the one in which it was requested. `epoch` counts the epochs that had finished when it took effect,
    `outcome` is the result in a sentence; both are None until then. A request that never took effect has an outcome
    and no `applied_at`.
    """

    number: int
    kind: str
    value: float | None
    asked_at: float
    attempt: int
    applied_at: float | None
    epoch: int | None
    outcome: str | None

    @property
    def is_pending(self) -> bool:
        """Whether it is still to be carried out."""
        return self.outcome is None


_COLUMNS = ", ".join(field.name for field in fields(Intervention))


class Interventions:
    """The part of the store that keeps these requests."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def history(self, run_id: str) -> list[Intervention]:
        """Every request to a run, in order. Raises RunNotFound."""
        with self._database.reading() as connection:
            number, _ = run_tables.get(connection, run_id)
            return _read(connection, number)

    def pending(self, run_id: str, attempt: int) -> list[Intervention]:
        """What is still to be carried out, in order. Raises StaleAttempt when the attempt is not the current one."""
        with self._database.reading() as connection:
            number, _ = run_tables.get_current(connection, run_id, attempt)
            return _pending(connection, number)

    # What people ask for

    def request(self, run_id: str, kind: str, value: float | None = None) -> Intervention:
        """Record a request. Repeated before it is carried out, pause, resume and step are the same request.

        Raises:
            RunNotFound: there is no such run.
            RunError: there is no such kind, or the value is out of its bounds.
            IllegalTransition: the run's state forbids it.
        """
        handle = {
            "learning_rate": self._request_learning_rate,
            "add_epochs": self._request_epochs,
            "pause": self._request_pause,
            "resume": self._request_resume,
            "step": self._request_step,
        }.get(kind)
        if handle is None:
            raise RunError(f"Unknown request {str(kind)[:40]!r}; choose one of {', '.join(KINDS)}.")
        with self._database.writing(visitors=True) as connection:
            number, run = run_tables.get(connection, run_id)
            check_run(connection, run, kind if kind in ("pause", "resume") else "change")
            if run.state.is_finished and run.origin_json is not None:
                raise IllegalTransition(run_tables.without_checkpoints(run))
            return handle(connection, number, run, value)

    def _request_learning_rate(
        self, connection: sqlite3.Connection, number: int, run: Run, value: float | None
    ) -> Intervention:
        limits = limits_of(OptimizerConfig)["learning_rate"]
        if not _is_number(value) or not limits.low < float(value or 0) <= limits.high:
            raise RunError(
                f"A learning rate is a number above {limits.low:g} and at most {limits.high:g}, not {_shown(value)}."
            )
        if run.state is RunState.FINISHED:
            raise IllegalTransition(f"“{run.name}” has finished. Fork it with another learning rate instead.")
        _refuse_while_stopping(run)
        for former in _pending(connection, number):
            if former.kind == "learning_rate":
                _settle(
                    connection,
                    former.number,
                    outcome="Replaced by another learning rate before it took effect.",
                )
        return self._insert(connection, number, run, "learning_rate", float(value or 0))

    def _request_epochs(
        self, connection: sqlite3.Connection, number: int, run: Run, value: float | None
    ) -> Intervention:
        most = int(limits_of(TrainingConfig)["epochs"].high)
        if not _is_number(value) or value != int(value or 0) or not 1 <= value <= most:
            raise RunError(f"The epochs to add are a whole number from 1 to {most:,}, not {_shown(value)}.")
        total, added = run.total_epochs + int(value), run.added_epochs + int(value)
        longer = f"Fork it with {total:,} epochs instead"
        if run.state is RunState.FINISHED:
            raise IllegalTransition(f"“{run.name}” has finished, so no epochs can be added. {longer}.")
        _refuse_while_stopping(run)
        if run.state in (RunState.RUNNING, RunState.PAUSED) and run.epoch >= run.total_epochs:
            raise IllegalTransition(f"“{run.name}” has just trained its last epoch. {longer}.")
        if total > most:
            raise RunError(
                f"A run has at most {most:,} epochs; “{run.name}” has {run.total_epochs:,} already."
            )
        run_tables.update(connection, number, {"total_epochs": total, "added_epochs": added})
        config = run.readable_config  # where it is None, its worker will say so
        schedule: str = "" if config is None else config.optimizer.schedule
        outcome = f"The run now trains {total:,} epochs in total.{_AFTER_THE_SCHEDULE.get(schedule, '')}"
        return self._insert(
            connection, number, run, "add_epochs", float(value), applied_at=self._clock(), epoch=run.epoch,
            outcome=outcome,
        )  # fmt: skip

    def _request_pause(
        self, connection: sqlite3.Connection, number: int, run: Run, value: float | None
    ) -> Intervention:
        _refuse_value("pause", value)
        if run.state is RunState.WAITING:
            raise IllegalTransition(
                f"“{run.name}” is waiting for a device and has not started, so there is nothing to pause. Stop "
                "removes it from the queue."
            )
        if not run.state.is_active:
            raise IllegalTransition(f"“{run.name}” {_has_ended(run)}; there is nothing to pause.")
        _refuse_while_stopping(run)
        if run.state is RunState.PAUSED and run.pause_requested and not _find(connection, number, "step"):
            raise IllegalTransition(f"“{run.name}” is already paused.")
        if asked := _find(connection, number, "pause"):
            return asked
        for former in _pending(connection, number):
            if former.kind in ("step", "resume"):
                _settle(connection, former.number, outcome="The run was paused first.")
        run_tables.update(connection, number, {"pause_requested": True})
        if run.state is RunState.PAUSED:
            # A resume was requested and not carried out yet: the run stays where it is.
            return self._insert(
                connection, number, run, "pause", None, applied_at=self._clock(), epoch=run.epoch,
                outcome="The run was still paused.",
            )  # fmt: skip
        return self._insert(connection, number, run, "pause", None)

    def _request_resume(
        self, connection: sqlite3.Connection, number: int, run: Run, value: float | None
    ) -> Intervention:
        _refuse_value("resume", value)
        if not run.state.is_active or not (run.pause_requested or run.state is RunState.PAUSED):
            raise IllegalTransition(
                f"“{run.name}” is {run.state.lower()}, not paused, so there is nothing to resume."
            )
        _refuse_while_stopping(run)
        if asked := _find(connection, number, "resume"):
            return asked
        for former in _pending(connection, number):
            if former.kind in ("pause", "step"):
                _settle(connection, former.number, outcome="The run was resumed first.")
        run_tables.update(connection, number, {"pause_requested": False})
        if run.state is not RunState.PAUSED:
            return self._insert(
                connection, number, run, "resume", None, applied_at=self._clock(), epoch=run.epoch,
                outcome="The pause was cancelled before it took effect.",
            )  # fmt: skip
        return self._insert(connection, number, run, "resume", None)

    def _request_step(
        self, connection: sqlite3.Connection, number: int, run: Run, value: float | None
    ) -> Intervention:
        _refuse_value("step", value)
        if asked := _find(connection, number, "step"):
            return asked
        if run.state is not RunState.PAUSED or not run.pause_requested:
            now = "is resuming" if run.state is RunState.PAUSED else f"is {run.state.lower()}"
            raise IllegalTransition(f"“{run.name}” {now}; pause it first, then step.")
        _refuse_while_stopping(run)
        return self._insert(connection, number, run, "step", None)

    def _insert(
        self,
        connection: sqlite3.Connection,
        number: int,
        run: Run,
        kind: str,
        value: float | None,
        applied_at: float | None = None,
        epoch: int | None = None,
        outcome: str | None = None,
    ) -> Intervention:
        row = (kind, value, self._clock(), run.attempt, applied_at, epoch, outcome)
        added = connection.execute(
            "INSERT INTO interventions (kind, value, asked_at, attempt, applied_at, epoch, outcome, run_number) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, number),
        )
        return Intervention(int(added.lastrowid or 0), *row)

    # What a worker carries out; each raises StaleAttempt when its attempt is no longer the active one

    def mark_applied(self, run_id: str, attempt: int, number: int, epoch: int, outcome: str) -> None:
        """The request `number` took effect when `epoch` epochs had finished."""
        with self._database.writing() as connection:
            run_tables.get_current(connection, run_id, attempt)
            _settle(connection, number, applied_at=self._clock(), epoch=epoch, outcome=outcome)

    def learning_rates(self, run_id: str, attempt: int, epoch: int) -> list[Intervention]:
        """The rates to set when `epoch` epochs have finished, in order.

        Those that are pending, and those that took effect at this very place before: a worker that comes here again has
        resumed from a checkpoint that was written before they did. Not those that a later request has replaced at an
        earlier place, as it does after a resume from an older checkpoint.
        """
        with self._database.reading() as connection:
            number, _ = run_tables.get_current(connection, run_id, attempt)
            rates = [each for each in _read(connection, number) if each.kind == "learning_rate"]
        places = {
            each.number: epoch if each.is_pending else each.epoch
            for each in rates
            if each.is_pending or each.applied_at is not None
        }
        replaced = max(
            (each for each, place in places.items() if place is not None and place < epoch), default=0
        )
        return [each for each in rates if places.get(each.number) == epoch and each.number > replaced]

    def is_pause_due(self, run_id: str, attempt: int, *, epoch_ended: bool = False) -> bool:
        """Whether the worker is to wait here; during a step, only where an epoch has ended."""
        with self._database.reading() as connection:
            number, run = run_tables.get_current(connection, run_id, attempt)
            return _is_pause_due(connection, number, run, epoch_ended)

    def record_paused(self, run_id: str, attempt: int, *, epoch_ended: bool) -> bool:
        """RUNNING to PAUSED, if a pause is still due here. Returns whether it was."""
        with self._database.writing() as connection:
            number, run = run_tables.get_current(connection, run_id, attempt)
            if run.state is not RunState.RUNNING or not _is_pause_due(connection, number, run, epoch_ended):
                return run.state is RunState.PAUSED
            now = self._clock()
            run_tables.enter(connection, now, number, run, RunState.PAUSED, {"heartbeat": now})
            place = _place(run, epoch_ended)
            for each in _pending(connection, number):
                if each.kind == "pause":
                    _settle(
                        connection, each.number, applied_at=now, epoch=run.epoch, outcome=f"Paused {place}."
                    )
                elif each.kind == "step":
                    _settle(connection, each.number, outcome=f"Resumed, and paused again {place}.")
            return True

    def record_resumed(self, run_id: str, attempt: int) -> bool:
        """PAUSED to RUNNING, if that was requested. Returns whether it was; if not, the run is still paused."""
        with self._database.writing() as connection:
            number, run = run_tables.get_current(connection, run_id, attempt)
            if run.state is not RunState.PAUSED:
                return True
            if _is_pause_due(connection, number, run, epoch_ended=False):
                return False
            now = self._clock()
            run_tables.enter(connection, now, number, run, RunState.RUNNING, {"heartbeat": now})
            for each in _pending(connection, number):
                if each.kind == "resume":
                    outcome = f"Resumed in epoch {min(run.epoch + 1, run.total_epochs)}."
                    _settle(connection, each.number, applied_at=now, epoch=run.epoch, outcome=outcome)
                elif each.kind == "step":
                    _settle(connection, each.number, applied_at=now, epoch=run.epoch)
            return True

    def beat(self, run_id: str, attempt: int) -> None:
        """A paused worker is alive."""
        with self._database.writing() as connection:
            number, _ = run_tables.get_current(connection, run_id, attempt)
            run_tables.update(connection, number, {"heartbeat": self._clock()})


def _read(connection: sqlite3.Connection, number: int) -> list[Intervention]:
    query = f"SELECT {_COLUMNS} FROM interventions WHERE run_number = ? ORDER BY number"
    return [Intervention(*row) for row in connection.execute(query, (number,))]


def _pending(connection: sqlite3.Connection, number: int) -> list[Intervention]:
    query = f"SELECT {_COLUMNS} FROM interventions WHERE run_number = ? AND outcome IS NULL ORDER BY number"
    return [Intervention(*row) for row in connection.execute(query, (number,))]


def _find(connection: sqlite3.Connection, number: int, kind: str) -> Intervention | None:
    return next((each for each in _pending(connection, number) if each.kind == kind), None)


def _settle(connection: sqlite3.Connection, intervention: int, **changes: object) -> None:
    assignments = ", ".join(f"{column} = ?" for column in changes)
    query = f"UPDATE interventions SET {assignments} WHERE number = ?"
    connection.execute(query, (*changes.values(), intervention))


def _is_pause_due(connection: sqlite3.Connection, number: int, run: Run, epoch_ended: bool) -> bool:
    return run.pause_requested and (epoch_ended or _find(connection, number, "step") is None)


def _place(run: Run, epoch_ended: bool) -> str:
    if epoch_ended or not run.batch:
        return f"after epoch {run.epoch}" if run.epoch else "before the first epoch"
    return f"in epoch {run.epoch + 1}, after batch {run.batch:,} of {run.total_batches:,}"


def _refuse_while_stopping(run: Run) -> None:
    if run.stop_requested:
        raise IllegalTransition(f"“{run.name}” is stopping. Once it has stopped, you can resume it.")


def _refuse_value(kind: str, value: object) -> None:
    if value is not None:
        raise RunError(f"{kind} takes no value.")


def _has_ended(run: Run) -> str:
    return "has finished" if run.state is RunState.FINISHED else f"is {run.state.lower()}"


def _is_number(value: object) -> bool:
    # Compared before it is converted: an integer of hundreds of digits cannot become a float at all.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**40


def _shown(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else "nothing" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "…"
