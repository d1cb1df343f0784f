"""Studies: several runs that answer one question. What the question is, `core.studies` knows; here it is kept."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.errors import StudyNotFound, TokenTaken
from core.store import run_tables
from core.store.database import reading
from core.store.groups import IS_SHARED, IS_WANTED, RunGroups
from core.store.records import (
    RUN_COLUMNS,
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
    """A study as the store knows it: `spec` is JSON of `core.studies`, `num_*` count the runs that it has now.

    One that adds seeds until it is decided has `max_seeds`, and has added `added_seeds` to those of its spec;
    `adds_seeds` while it may add more; `ended_by` is the error that ended that, if one did. `is_stopped`: a person
    stopped it, so it does not want the runs that it shares to go on.
    """

    id: str
    kind: str
    name: str
    spec: str
    created_at: float
    num_runs: int
    num_finished: int
    num_under_way: int
    added_seeds: int
    max_seeds: int | None
    ended_by: str | None
    adds_seeds: bool
    is_stopped: bool


@dataclass(frozen=True)
class NewRun:
    """A run that a study asks for: `role` says what it is in the study, and no two of a study have the same."""

    role: Mapping[str, Any]
    request: RunRequest


@dataclass(frozen=True)
class Member:
    """A run of a study. `is_reused`: it existed before the study, which must not delete it.

    `is_alone`: a person started it by itself. `is_shared`: another study or a sweep has it too; `is_wanted`: and wants
    it to go on. `is_changed`: a person changed it while it trained, so its config does not describe all of it.
    """

    position: int
    role: dict[str, Any] = field(compare=False)
    run: Run
    is_reused: bool
    is_alone: bool
    is_shared: bool
    is_wanted: bool
    is_changed: bool

    @property
    def may_stop(self) -> bool:
        """Whether the study may stop it: of those that share a run, the last that wants it does."""
        return not (self.is_alone or self.is_wanted)


_SELECT = f"""
    SELECT studies.id, kind, studies.name, spec, studies.created_at, count(runs.number),
        coalesce(sum(state = 'FINISHED'), 0), coalesce(sum({UNDER_WAY}), 0),
        added_seeds, max_seeds, ended_by, adds_seeds, is_stopped
    FROM studies LEFT JOIN study_runs ON study_number = studies.number
    LEFT JOIN live_runs AS runs ON runs.number = study_runs.run_number
"""


class Studies(RunGroups):
    """The part of the store that keeps studies."""

    table, noun, not_found = "studies", "study", StudyNotFound

    # Reading

    def get(self, study_id: str) -> Study:
        """Raises StudyNotFound."""
        with self._database.reading() as connection:
            return _read(connection, self._number(connection, study_id))

    def list_studies(self) -> list[Study]:
        """Newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{_SELECT} GROUP BY studies.number ORDER BY studies.number DESC")
            return [_study(row) for row in rows]

    def members(self, study_id: str) -> list[Member]:
        """Its runs in the order of the plan, without those that were deleted. Raises StudyNotFound."""
        columns = ", ".join(f"runs.{column}" for column in RUN_COLUMNS)
        me = {"study": "study_runs.study_number", "sweep": 0}
        query = f"""
            SELECT position, role, NOT {run_tables.STARTED_AS_ONE_OF_SEVERAL}, {IS_SHARED.format(**me)},
                {IS_WANTED.format(**me)}, {CHANGED}, {columns}
            FROM study_runs JOIN live_runs AS runs ON runs.number = study_runs.run_number
            WHERE study_number = ? ORDER BY position
        """
        with self._database.reading() as connection:
            number = self._number(connection, study_id)
            rows = connection.execute(query, (number,)).fetchall()
            return [_member(*row[:6], run=run_from_row(row[6:])) for row in rows]

    def adding_seeds(self) -> list[Study]:
        """Those that may add more seeds, the oldest first."""
        with self._database.reading() as connection:
            query = f"{_SELECT} WHERE adds_seeds GROUP BY studies.number ORDER BY studies.number"
            return [_study(row) for row in connection.execute(query)]

    def open_on(self, dataset_id: str) -> list[str]:
        """The names of those that may add seeds on a data set."""
        query = """
            SELECT name FROM studies WHERE adds_seeds AND json_valid(spec) AND EXISTS (
                SELECT 1 FROM json_each(spec, '$.bases') WHERE json_extract(value, '$.config.dataset.id') = ?
            ) ORDER BY number
        """
        with self._database.reading() as connection:
            return [name for (name,) in connection.execute(query, (dataset_id,))]

    def changed_runs(self) -> set[str]:
        """The ids of the runs that a person changed while they trained: their config does not describe all of them."""
        with self._database.reading() as connection:
            query = f"SELECT id FROM live_runs AS runs WHERE {CHANGED}"
            return {run_id for (run_id,) in connection.execute(query)}

    def is_any_adding_seeds(self) -> bool:
        """Whether one of them may add more."""
        with self._database.reading() as connection:
            return connection.execute("SELECT 1 FROM studies WHERE adds_seeds LIMIT 1").fetchone() is not None

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
        max_seeds: int | None = None,
    ) -> Study:
        """A new study with all of its runs WAITING, in one transaction: all of them or nothing.

        The same token gives the same study again. With `reuse`, a run that is finished or under way, has exactly the
        same config, was not started on other data and was not changed while it trained is reused instead of a new one.
        With `max_seeds` it adds seeds until it is decided. Raises RunError for a name or a token that is not allowed,
        TokenTaken for one that has started another study.
        """
        name = check_name(name)
        check_token(token)
        with self._database.writing() as connection:
            if (started := self._started(connection, token)) is not None:
                return _same_study(_read(connection, started), kind, spec)
            study_id = new_run_id()
            query = """
                INSERT INTO studies (id, token, kind, name, spec, created_at, max_seeds, adds_seeds)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
            values = (study_id, token, kind, name, spec, self._clock(), max_seeds, max_seeds is not None)
            connection.execute(query, values)
            number = self._number(connection, study_id)
            self._add(connection, number, list(enumerate(runs)), reuse)
            return _read(connection, number)

    def fill(self, study_id: str, runs: Sequence[NewRun], *, reuse: bool = True) -> int:
        """Queue those of its planned runs that it does not have (any more). Returns how many. Raises StudyNotFound."""
        with self._database.writing() as connection:
            number = self._number(connection, study_id)
            query = """
                SELECT role FROM study_runs JOIN live_runs ON number = run_number WHERE study_number = ?
            """
            roles = connection.execute(query, (number,)).fetchall()
            with reading("a run of a study"):
                known = [json.loads(role)["role"] for (role,) in roles]
            missing = [(position, run) for position, run in enumerate(runs) if _plain(run.role) not in known]
            self._add(connection, number, missing, reuse)
        return len(missing)

    def add_seeds(self, study_id: str, known: int, runs: Sequence[NewRun], *, reuse: bool) -> bool:
        """Queue the runs of one more seed, if it adds seeds and has added `known` so far; else nothing, and False.

        So of two that ask at once, or of one that asks again after it was killed, one adds it. Raises StudyNotFound.
        """
        with self._database.writing() as connection:
            number = self._number(connection, study_id)
            query = """
                UPDATE studies SET added_seeds = added_seeds + 1 WHERE number = ? AND added_seeds = ? AND adds_seeds
            """
            if not connection.execute(query, (number, known)).rowcount:
                return False
            query = "SELECT coalesce(max(position), -1) + 1 FROM study_runs WHERE study_number = ?"
            (first,) = connection.execute(query, (number,)).fetchone()
            self._add(connection, number, list(enumerate(runs, first)), reuse)
            return True

    def end_adding(self, study_id: str, seen: Study | None = None, error: str | None = None) -> None:
        """Add no more seeds; with `seen`, only if it still stands so and nothing is under way. `error` says why, where
        it was one. Raises StudyNotFound.
        """
        with self._database.writing() as connection:
            number = self._number(connection, study_id)
            if seen is not None:
                now = _read(connection, number)
                if now.num_under_way or (now.added_seeds, now.max_seeds) != (
                    seen.added_seeds,
                    seen.max_seeds,
                ):
                    return
            query = "UPDATE studies SET adds_seeds = 0, ended_by = ? WHERE number = ?"
            connection.execute(query, (error, number))

    def stop(self, study_id: str) -> None:
        """Want no runs any more and add no seeds. Raises StudyNotFound."""
        with self._database.writing() as connection:
            query = "UPDATE studies SET is_stopped = 1, adds_seeds = 0, ended_by = NULL WHERE number = ?"
            connection.execute(query, (self._number(connection, study_id),))

    def resume(self, study_id: str) -> None:
        """Want its runs again. Raises StudyNotFound."""
        with self._database.writing() as connection:
            query = "UPDATE studies SET is_stopped = 0 WHERE number = ?"
            connection.execute(query, (self._number(connection, study_id),))

    def continue_adding(self, study_id: str, max_seeds: int | None = None) -> None:
        """Let a study that adds seeds add more, with another number of them in all if given. Raises StudyNotFound."""
        with self._database.writing() as connection:
            number = self._number(connection, study_id)
            query = """
                UPDATE studies SET adds_seeds = 1, ended_by = NULL, max_seeds = coalesce(?, max_seeds)
                WHERE number = ? AND max_seeds IS NOT NULL
            """
            connection.execute(query, (max_seeds, number))

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


def _read(connection: sqlite3.Connection, number: int) -> Study:
    row = connection.execute(f"{_SELECT} WHERE studies.number = ?", (number,)).fetchone()
    return _study(row)


def _study(row: Sequence[Any]) -> Study:
    return Study(*row[:-2], *map(bool, row[-2:]))


def _same_study(study: Study, kind: str, spec: str) -> Study:
    """The study that a token has started, if it is the one that is asked for."""
    if (study.kind, study.spec) != (kind, spec):
        raise TokenTaken(
            f"This token has started the study “{study.name}”, which asks something else. Send another token for "
            "another study."
        )
    return study


def _member(position: int, role: str, *flags: int, run: Run) -> Member:
    with reading("a run of a study"):
        kept = json.loads(role)
        return Member(position, kept["role"], run, bool(kept["reused"]), *map(bool, flags))


def _plain(role: Mapping[str, Any]) -> Any:
    """As it comes back from JSON, so that roles can be compared."""
    return json.loads(json.dumps(dict(role)))
