"""Studies: several runs that answer one question. What the question is, `core.studies` knows; here it is kept."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.epoch import Curves
from core.errors import StudyNotFound, TokenTaken
from core.store import run_tables
from core.store.database import Database, reading
from core.store.records import (
    RUN_COLUMNS,
    RUN_ID,
    Run,
    RunRequest,
    check_name,
    check_token,
    new_run_id,
    run_from_row,
)
from core.store.reuse import CHANGED, UNDER_WAY, find_identical


@dataclass(frozen=True)
class Study:
    """A study as the store knows it: `spec` is JSON of `core.studies`, `num_*` count the runs that it has now."""

    id: str
    kind: str
    name: str
    spec: str
    created_at: float
    num_runs: int
    num_finished: int
    num_under_way: int


@dataclass(frozen=True)
class NewRun:
    """A run that a study asks for: `role` says what it is in the study, and no two of a study have the same."""

    role: Mapping[str, Any]
    request: RunRequest


@dataclass(frozen=True)
class Member:
    """A run of a study. `is_reused`: it existed before the study, which must not stop or delete it.

    `is_shared`: another study has it too. `is_changed`: a person changed it while it trained, so its config does not
    describe all of it.
    """

    position: int
    role: dict[str, Any] = field(compare=False)
    run: Run
    is_reused: bool
    is_shared: bool
    is_changed: bool


_SELECT = f"""
    SELECT studies.id, kind, studies.name, spec, studies.created_at, count(runs.number),
        coalesce(sum(state = 'FINISHED'), 0), coalesce(sum({UNDER_WAY}), 0)
    FROM studies LEFT JOIN study_runs ON study_number = studies.number
    LEFT JOIN live_runs AS runs ON runs.number = study_runs.run_number
"""


class Studies:
    """The part of the store that keeps studies."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    # Reading

    def get(self, study_id: str) -> Study:
        """Raises StudyNotFound."""
        with self._database.reading() as connection:
            return _get(connection, study_id)[1]

    def list_studies(self) -> list[Study]:
        """Newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{_SELECT} GROUP BY studies.number ORDER BY studies.number DESC")
            return [Study(*row) for row in rows]

    def members(self, study_id: str) -> list[Member]:
        """Its runs in the order of the plan, without those that were deleted. Raises StudyNotFound."""
        columns = ", ".join(f"runs.{column}" for column in RUN_COLUMNS)
        shared = (
            "EXISTS (SELECT 1 FROM study_runs AS other WHERE other.run_number = study_runs.run_number "
            "AND other.study_number != study_runs.study_number)"
        )
        query = f"""
            SELECT position, role, {shared}, {CHANGED}, {columns} FROM study_runs
            JOIN live_runs AS runs ON runs.number = study_runs.run_number WHERE study_number = ? ORDER BY position
        """
        with self._database.reading() as connection:
            number, _ = _get(connection, study_id)
            rows = connection.execute(query, (number,)).fetchall()
            return [_member(*row[:4], run=run_from_row(row[4:])) for row in rows]

    def curves(self, run_ids: Collection[str]) -> dict[str, Curves]:
        """The curves of several runs in one reading, by run id; those that no longer exist are left out."""
        found = {}
        with self._database.reading() as connection:
            query = "SELECT id, number FROM live_runs WHERE id IN (SELECT value FROM json_each(?))"
            for run_id, number in connection.execute(query, (json.dumps(list(run_ids)),)).fetchall():
                found[run_id] = run_tables.read_curves(connection, number)
        return found

    def reusable(self, requests: Iterable[RunRequest]) -> dict[str, str]:
        """Which runs a study of these would reuse instead of training them: run id by config id."""
        with self._database.reading() as connection:
            found = find_identical(connection, list(requests), known_data_only=False)
            ids = dict(connection.execute("SELECT number, id FROM live_runs").fetchall()) if found else {}
        return {config_id: ids[number] for config_id, number in found.items()}

    # What people request

    def create(
        self,
        kind: str,
        name: str,
        spec: str,
        runs: Sequence[NewRun],
        *,
        token: str | None = None,
        reuse: bool = True,
    ) -> Study:
        """A new study with all of its runs WAITING, in one transaction: all of them or nothing.

        The same token gives the same study again. With `reuse`, a run that is finished or under way, has exactly the
        same config, was not started on other data and was not changed while it trained is reused instead of a new one.
        Raises RunError for a name or a token that is not allowed, TokenTaken for one that has started another study.
        """
        name = check_name(name)
        check_token(token)
        with self._database.writing() as connection:
            if token is not None:
                found = connection.execute("SELECT id FROM studies WHERE token = ?", (token,)).fetchone()
                if found:
                    return _same_study(_get(connection, found[0])[1], kind, spec)
            study_id = new_run_id()
            query = "INSERT INTO studies (id, token, kind, name, spec, created_at) VALUES (?, ?, ?, ?, ?, ?)"
            connection.execute(query, (study_id, token, kind, name, spec, self._clock()))
            number, _ = _get(connection, study_id)
            self._add(connection, number, list(enumerate(runs)), reuse)
            return _get(connection, study_id)[1]

    def fill(self, study_id: str, runs: Sequence[NewRun], *, reuse: bool = True) -> int:
        """Queue those of its planned runs that it does not have (any more). Returns how many. Raises StudyNotFound."""
        with self._database.writing() as connection:
            number, _ = _get(connection, study_id)
            query = """
                SELECT role FROM study_runs JOIN live_runs ON number = run_number WHERE study_number = ?
            """
            roles = connection.execute(query, (number,)).fetchall()
            with reading("a run of a study"):
                known = [json.loads(role)["role"] for (role,) in roles]
            missing = [(position, run) for position, run in enumerate(runs) if _plain(run.role) not in known]
            self._add(connection, number, missing, reuse)
        return len(missing)

    def rename(self, study_id: str, name: str) -> None:
        """Raises StudyNotFound, and RunError for a name that is not allowed."""
        name = check_name(name)
        with self._database.writing() as connection:
            number, _ = _get(connection, study_id)
            connection.execute("UPDATE studies SET name = ? WHERE number = ?", (name, number))

    def delete(self, study_id: str) -> None:
        """Forget the study; its runs stay. Raises StudyNotFound."""
        with self._database.writing() as connection:
            number, _ = _get(connection, study_id)
            connection.execute("DELETE FROM studies WHERE number = ?", (number,))

    def _add(
        self, connection: sqlite3.Connection, study: int, runs: list[tuple[int, NewRun]], reuse: bool
    ) -> None:
        requests = [run.request for _, run in runs]
        known = find_identical(connection, requests, known_data_only=False) if reuse else {}
        query = "INSERT INTO study_runs (study_number, run_number, position, role) VALUES (?, ?, ?, ?)"
        for position, run in runs:
            request = replace(run.request, name=check_name(run.request.name))
            number = known.get(request.config.config_id)
            role = {"role": _plain(run.role), "reused": number is not None}
            if number is None:
                number = run_tables.add_run(connection, self._clock(), request)
            connection.execute(query, (study, number, position, json.dumps(role)))


def _get(connection: sqlite3.Connection, study_id: str) -> tuple[int, Study]:
    if isinstance(study_id, str) and RUN_ID.fullmatch(study_id):
        row = connection.execute("SELECT number FROM studies WHERE id = ?", (study_id,)).fetchone()
        if row is not None:
            found = connection.execute(f"{_SELECT} WHERE studies.number = ?", row).fetchone()
            return int(row[0]), Study(*found)
    raise StudyNotFound(f"There is no study with the id {str(study_id)[:40]!r}.")


def _same_study(study: Study, kind: str, spec: str) -> Study:
    """The study that a token has started, if it is the one that is asked for."""
    if (study.kind, study.spec) != (kind, spec):
        raise TokenTaken(
            f"This token has started the study “{study.name}”, which asks something else. Send another token for "
            "another study."
        )
    return study


def _member(position: int, role: str, is_shared: int, is_changed: int, *, run: Run) -> Member:
    with reading("a run of a study"):
        kept = json.loads(role)
        return Member(position, kept["role"], run, bool(kept["reused"]), bool(is_shared), bool(is_changed))


def _plain(role: Mapping[str, Any]) -> Any:
    """As it comes back from JSON, so that roles can be compared."""
    return json.loads(json.dumps(dict(role)))
