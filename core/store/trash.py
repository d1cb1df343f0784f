"""The trash: deleted runs that can come back. Every other part of the store reads `live_runs`, without them."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core.errors import IllegalTransition, RunNotFound
from core.store import run_tables
from core.store.database import Database
from core.store.records import RUN_COLUMNS, Run, run_from_row
from core.store.rights import check_own, check_run
from core.store.states import RunState
from core.visitors.person import check_not_visitor

KEPT_SECONDS = 7 * 24 * 3600.0

# `deleted_at` of a run whose files are being deleted: it cannot come back.
_GOING = 0.0


@dataclass(frozen=True)
class TrashedRun:
    """A run in the trash; times are unix seconds."""

    run: Run
    deleted_at: float

    @property
    def kept_until(self) -> float:
        """From then on it may be deleted for good."""
        return self.deleted_at + KEPT_SECONDS


@dataclass(frozen=True)
class TrashedBatch:
    """Runs that were deleted together, in the order in which they were asked for or, where they are listed, the newest
    first. `deleted_at` is unix seconds.
    """

    deleted_at: float
    runs: tuple[Run, ...]

    @property
    def kept_until(self) -> float:
        """From then on they may be deleted for good."""
        return self.deleted_at + KEPT_SECONDS


class Trash:
    """The part of the store that keeps deleted runs for KEPT_SECONDS."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def list_runs(self) -> list[TrashedRun]:
        """Those that can be restored, the last deleted first."""
        query = f"SELECT deleted_at, {_COLUMNS} FROM runs WHERE deleted_at > ? ORDER BY deleted_at DESC, number DESC"
        with self._database.reading() as connection:
            return [TrashedRun(run_from_row(row), at) for at, *row in connection.execute(query, (_GOING,))]

    def list_batches(self) -> list["TrashedBatch"]:
        """What was deleted together, the last first: what can be undone, also after a restart."""
        batches: dict[float, list[Run]] = {}
        for each in self.list_runs():
            batches.setdefault(each.deleted_at, []).append(each.run)
        return [TrashedBatch(at, tuple(runs)) for at, runs in batches.items()]

    def put(self, run_id: str) -> TrashedRun:
        """Move a run into the trash. A waiting one is stopped, and its place in the queue is lost.

        Raises RunNotFound; IllegalTransition while it is active or its process is not known to be gone: a forgotten
        process would hold its device unseen.
        """
        batch = self.put_all([run_id])
        return TrashedRun(batch.runs[0], batch.deleted_at)

    def put_all(self, run_ids: Iterable[str]) -> "TrashedBatch":
        """Move runs into the trash together, all or none. Raises as `put`, for the first that cannot be moved."""
        with self._database.writing(visitors=True) as connection:
            now = max(self._clock(), 1.0)
            runs = [_put(connection, run_id, now) for run_id in dict.fromkeys(run_ids)]
            return TrashedBatch(now, tuple(runs))

    def restore(self, run_id: str) -> Run:
        """Bring a run back as it was, also into the studies and sweeps that have not replaced it meanwhile.

        Raises RunNotFound when it is not in the trash.
        """
        with self._database.writing(visitors=True) as connection:
            return _restore(connection, run_id)

    def restore_all(self, run_ids: Iterable[str]) -> list[Run]:
        """Bring runs back together. Those that were deleted for good meanwhile are left out.

        Raises RunNotFound when none of them is in the trash any more.
        """
        restored, missing = [], None
        with self._database.writing(visitors=True) as connection:
            for run_id in dict.fromkeys(run_ids):
                try:
                    restored.append(_restore(connection, run_id))
                except RunNotFound as error:
                    missing = error
            if missing is not None and not restored:
                raise missing
        return restored

    # For good, in two steps with the files between them: a crash leaves no run without its files

    def begin_purge(self, *, run_id: str | None = None, before: float | None = None) -> list[str]:
        """Runs whose files are to be deleted now: one, those deleted before a time, or all of the trash.

        They can no longer be restored. Those that a crash has left are among them. Raises RunNotFound;
        IllegalTransition for one that has not ended, or whose process is not known to be gone.
        """
        with self._database.writing(visitors=True) as connection:
            found = self._at_rest(connection, run_id, before)
            query = "UPDATE runs SET deleted_at = ? WHERE id IN (SELECT value FROM json_each(?))"
            connection.execute(query, (_GOING, json.dumps(found)))
            return found

    def to_purge(self, *, run_id: str | None = None, before: float | None = None) -> list[str]:
        """What `begin_purge` would return, as long as nothing can be written. Raises as it does."""
        with self._database.reading() as connection:
            return self._at_rest(connection, run_id, before)

    def _at_rest(self, connection: sqlite3.Connection, run_id: str | None, before: float | None) -> list[str]:
        if run_id is not None:
            found = connection.execute(
                f"{_AT_REST} AND number = ?", (_number(connection, run_id, "delete"),)
            ).fetchall()
            if not found:
                raise IllegalTransition("This run has a process again, so its files stay. Restore it.")
        else:
            check_not_visitor("empty the trash")
            most = self._clock() + KEPT_SECONDS if before is None else before
            found = connection.execute(f"{_AT_REST} AND deleted_at <= ?", (max(most, _GOING),)).fetchall()
        return [at_rest for (at_rest,) in found]

    def end_purge(self, run_id: str) -> None:
        """Forget a run whose files are gone, with its curves and log."""
        with self._database.writing(visitors=True) as connection:
            query = "DELETE FROM runs WHERE id = ? AND deleted_at = ? RETURNING visitor"
            for (visitor,) in connection.execute(query, (run_id, _GOING)).fetchall():
                check_own(connection, visitor, "delete")  # raised, it takes the deletion back


_COLUMNS = ", ".join(RUN_COLUMNS)
# Only a run that nothing trains loses its files, whatever a process of an older version has made of it.
_AT_REST = f"""
    SELECT id FROM runs WHERE deleted_at IS NOT NULL AND state IN ({run_tables.FINAL_STATES}) AND pid IS NULL
"""
# A run that took its role in the study meanwhile stays there: no study has two runs of one role, and no trial of a
# sweep two of one seed.
_LEAVE_WHERE_REPLACED = (
    """
    DELETE FROM study_runs WHERE run_number = ? AND EXISTS (
        SELECT 1 FROM study_runs AS other JOIN live_runs ON live_runs.number = other.run_number
        WHERE other.study_number = study_runs.study_number
            AND json_extract(other.role, '$.role') = json_extract(study_runs.role, '$.role')
    )
    """,
    """
    DELETE FROM trial_runs WHERE run_number = ? AND EXISTS (
        SELECT 1 FROM trial_runs AS other JOIN live_runs ON live_runs.number = other.run_number
        WHERE (other.sweep_number, other.trial) = (trial_runs.sweep_number, trial_runs.trial)
            AND (other.seed, other.purpose) = (trial_runs.seed, trial_runs.purpose)
    )
    """,
)


def _put(connection: sqlite3.Connection, run_id: str, now: float) -> Run:
    number, run = run_tables.get(connection, run_id)
    check_run(connection, run, "delete")
    if not run.state.can_delete:
        raise IllegalTransition(f"“{run.name}” is {run.state.lower()}; stop it before deleting it.")
    if run.pid is not None:
        raise IllegalTransition(f"The process of “{run.name}” is still ending; try again in a moment.")
    if run.state is RunState.WAITING:
        run_tables.enter(connection, now, number, run, RunState.STOPPED, {})
    # A request that is sent again asks for a run that is there.
    connection.execute("DELETE FROM shared_tokens WHERE run_number = ?", (number,))
    run_tables.update(connection, number, {"deleted_at": now, "token": None})
    return run_tables.get_numbered(connection, number)


def _restore(connection: sqlite3.Connection, run_id: str) -> Run:
    number = _number(connection, run_id, "restore")
    for statement in _LEAVE_WHERE_REPLACED:
        connection.execute(statement, (number,))
    run_tables.update(connection, number, {"deleted_at": None})
    return run_tables.get(connection, run_id)[1]


def _number(connection: sqlite3.Connection, run_id: str, what: str) -> int:
    """Of a run in the trash, with which the acting person may do `what`."""
    query = "SELECT number, visitor FROM runs WHERE id = ? AND deleted_at > ?"
    row = connection.execute(query, (str(run_id), _GOING)).fetchone()
    if row is None:
        raise RunNotFound(f"There is no run with the id {str(run_id)[:40]!r} in the trash.")
    check_own(connection, row[1], what)
    return int(row[0])
