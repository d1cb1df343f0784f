"""What was sent to each sink (see `core.sinks`), what is still to be sent, and how each one is doing."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from core.epoch import CURVE_KEYS, EpochRow
from core.store import run_tables
from core.store.database import Database, reading
from core.store.records import RUN_COLUMNS, Run, run_from_row

# What an epoch cannot say: the name and the state, in `told`.
_TOLD = "name || char(10) || state"
# Epochs that are trained again after a resume have a later attempt than those that were sent.
_TO_SEND = f"""
    FROM live_runs AS runs LEFT JOIN sink_marks AS sent ON sent.kind = ? AND sent.target = ? AND sent.subject = runs.id
    WHERE runs.epoch > 0 AND (
        sent.subject IS NULL OR runs.epoch > sent.epoch OR sent.told IS NOT {_TOLD}
        OR (runs.attempt > sent.attempt
            AND (SELECT max(attempt) FROM epochs WHERE run_number = runs.number) > sent.attempt)
    )
"""
_SWEEP_VERSION = """
    sweeps.name || char(10) || sweeps.state || ' ' || count(DISTINCT trials.trial) || ' ' ||
    total(trials.pruned_at) || ' ' || count(runs.number) || ' ' || total(runs.attempt) || ' ' || total(runs.epoch)
    || ' ' || total(runs.state IN ('WAITING', 'STARTING')) || ' ' || total(runs.state = 'FINISHED')
    || ' ' || total(runs.state IN ('STOPPED', 'FAILED', 'INTERRUPTED'))
"""
_SWEEPS = f"""
    SELECT sweeps.id, {_SWEEP_VERSION} AS version, sent.subject, sent.key, sent.attempt, sent.epoch, sent.told
    FROM sweeps LEFT JOIN trials ON trials.sweep_number = sweeps.number
    LEFT JOIN trial_runs ON trial_runs.sweep_number = sweeps.number AND trial_runs.trial = trials.trial
    LEFT JOIN live_runs AS runs ON runs.number = trial_runs.run_number
    LEFT JOIN sink_marks AS sent ON sent.kind = ? AND sent.target = ? AND sent.subject = sweeps.id
    GROUP BY sweeps.number HAVING count(trials.trial) > 0 AND sent.told IS NOT version
    ORDER BY sweeps.number DESC
"""


@dataclass(frozen=True)
class SinkMark:
    """How far a sink has a run or a sweep, `subject`. `key` is what it is called there.

    `epoch` is the last epoch that was sent, `attempt` the latest attempt of those that were, `told` what was said
    beside epochs. `refusal` is why the sink did not take it; None where it did.
    """

    subject: str
    key: str
    attempt: int
    epoch: int
    told: str
    refusal: str | None = None


@dataclass(frozen=True)
class SinkState:
    """How a sink is doing. Times are unix seconds; `failing_since` is None while it takes what it is sent.

    `num_sent` counts the runs or sweeps that it has, `num_refused` those that it did not take, `refusal` says why.
    """

    sent_at: float | None = None
    failing_since: float | None = None
    cause: str | None = None
    next_step: str | None = None
    num_sent: int = 0
    num_refused: int = 0
    refusal: str | None = None


class Sinks:
    """The part of the store that keeps it. A sink is its kind and its target, which has no password."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def runs_to_send(self, kind: str, target: str, limit: int) -> list[tuple[Run, SinkMark | None]]:
        """Runs with something that the sink does not have yet, and how far it has them: active ones first, then newest
        first. A run without an epoch is not sent, nor one in the trash.
        """
        columns = ", ".join(f"runs.{column}" for column in RUN_COLUMNS)
        query = f"""
            SELECT sent.subject, sent.key, sent.attempt, sent.epoch, sent.told, {columns} {_TO_SEND}
            ORDER BY runs.state IN ({run_tables.ACTIVE_STATES}) DESC, runs.number DESC LIMIT ?
        """
        with self._database.reading() as connection:
            rows = connection.execute(query, (kind, target, limit)).fetchall()
            return [(run_from_row(row[5:]), _mark(row[:5])) for row in rows]

    def sweeps_to_send(self, kind: str, target: str) -> list[tuple[str, str, SinkMark | None]]:
        """(id, version, how far the sink has it) of sweeps that have changed since, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(_SWEEPS, (kind, target)).fetchall()
            return [(row[0], row[1], _mark(row[2:])) for row in rows]

    def has_something(self, kind: str, target: str) -> bool:
        """Whether there is something to send now, or will be soon: something trains."""
        query = f"SELECT EXISTS (SELECT 1 FROM live_runs WHERE state IN ({run_tables.ACTIVE_STATES}))"
        with self._database.reading() as connection:
            if connection.execute(query).fetchone()[0]:
                return True
            if kind == "optuna":
                return connection.execute(f"{_SWEEPS} LIMIT 1", (kind, target)).fetchone() is not None
            query = f"SELECT EXISTS (SELECT 1 {_TO_SEND})"
            return bool(connection.execute(query, (kind, target)).fetchone()[0])

    def epochs(self, run_id: str) -> list[tuple[int, EpochRow]]:
        """(attempt, epoch) of a run, in order. Raises RunNotFound."""
        query = f"SELECT attempt, {', '.join(CURVE_KEYS)} FROM epochs WHERE run_number = ? ORDER BY epoch"
        with self._database.reading() as connection:
            number, _ = run_tables.get(connection, run_id)
            return [(attempt, EpochRow(*values)) for attempt, *values in connection.execute(query, (number,))]

    def record_sent(self, kind: str, target: str, mark: SinkMark) -> None:
        """The sink has the subject as far as this, or has refused it. It is failing no longer."""
        with self._database.writing() as connection:
            query = """
                INSERT OR REPLACE INTO sink_marks (kind, target, subject, key, attempt, epoch, told, refusal)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
            values = (mark.subject, mark.key, mark.attempt, mark.epoch, mark.told, mark.refusal)
            connection.execute(query, (kind, target, *values))
            query = "INSERT OR REPLACE INTO sinks (kind, target, sent_at) VALUES (?, ?, ?)"
            connection.execute(query, (kind, target, self._clock()))

    def record_failing(self, kind: str, target: str, cause: str, next_step: str) -> bool:
        """The sink takes nothing now. Returns whether that is news: it was well, or the cause was another."""
        with self._database.writing() as connection:
            before = _state(connection, kind, target)
            query = """
                INSERT OR REPLACE INTO sinks (kind, target, sent_at, failing_since, cause, next_step)
                VALUES (?, ?, ?, ?, ?, ?)
            """
            since = self._clock() if before.failing_since is None else before.failing_since
            connection.execute(query, (kind, target, before.sent_at, since, cause, next_step))
            return before.failing_since is None or before.cause != cause

    def record_well(self, kind: str, target: str) -> None:
        """There is nothing left to send, and nothing fails any more."""
        with self._database.writing() as connection:
            query = """
                UPDATE sinks SET failing_since = NULL, cause = NULL, next_step = NULL WHERE kind = ? AND target = ?
            """
            connection.execute(query, (kind, target))

    def state(self, kind: str, target: str) -> SinkState:
        """How it is doing; of one that was never used nothing is known."""
        with self._database.reading() as connection:
            return _state(connection, kind, target)

    def forget_deleted(self) -> None:
        """Drop the marks of runs and sweeps that are gone for good."""
        with self._database.writing() as connection:
            connection.execute("""
                DELETE FROM sink_marks
                WHERE subject NOT IN (SELECT id FROM runs) AND subject NOT IN (SELECT id FROM sweeps)
            """)


def told_of(run: Run) -> str:
    """What a sink is told of a run beside its epochs, as the queries have it."""
    return f"{run.name}\n{run.state}"


def _mark(row: tuple[object, ...]) -> SinkMark | None:
    with reading("what was sent"):
        return None if row[0] is None else SinkMark(*row)  # type: ignore[arg-type]


def _state(connection: sqlite3.Connection, kind: str, target: str) -> SinkState:
    query = "SELECT sent_at, failing_since, cause, next_step FROM sinks WHERE kind = ? AND target = ?"
    sent_at, failing_since, cause, next_step = (
        connection.execute(query, (kind, target)).fetchone() or (None,) * 4
    )
    query = """
        SELECT total(refusal IS NULL), total(refusal IS NOT NULL), max(refusal) FROM sink_marks
        WHERE kind = ? AND target = ?
    """
    sent, refused, refusal = connection.execute(query, (kind, target)).fetchone()
    return SinkState(sent_at, failing_since, cause, next_step, int(sent), int(refused), refusal)
