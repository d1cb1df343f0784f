"""What studies and sweeps have in common: each is a question that several runs answer, with an id and a name."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable
from typing import ClassVar

from core.epoch import Curves
from core.errors import UserError
from core.store import run_tables
from core.store.database import Database
from core.store.records import RUN_ID, RunRequest, check_name
from core.store.reuse import find_identical

# Whether another study or sweep has a run. `{study}` or `{sweep}` is the number of the one that asks, the other 0.
IS_SHARED = """(
    EXISTS (SELECT 1 FROM study_runs AS other WHERE other.run_number = runs.number AND other.study_number != {study})
    OR EXISTS (SELECT 1 FROM trial_runs AS other WHERE other.run_number = runs.number AND other.sweep_number != {sweep})
)"""

# Whether another one wants a run to go on. One that was stopped does not, nor a sweep that has given the trial up, but
# for runs of a confirmation.
IS_WANTED = """(
    EXISTS (
        SELECT 1 FROM study_runs AS other JOIN studies ON studies.number = other.study_number
        WHERE other.run_number = runs.number AND other.study_number != {study} AND NOT studies.is_stopped
    )
    OR EXISTS (
        SELECT 1 FROM trial_runs AS other JOIN sweeps ON sweeps.number = other.sweep_number
        JOIN trials ON (trials.sweep_number, trials.trial) = (other.sweep_number, other.trial)
        WHERE other.run_number = runs.number AND other.sweep_number != {sweep}
            AND (other.purpose = 'confirm' OR sweeps.state != 'STOPPED' AND pruned_at IS NULL)
    )
)"""


class RunGroups:
    """The part of the store that keeps questions of one kind. A class beneath says in which table."""

    table: ClassVar[str]
    noun: ClassVar[str]
    not_found: ClassVar[type[UserError]]

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def curves(self, run_ids: Collection[str]) -> dict[str, Curves]:
        """The curves of several runs in one reading, by run id; those that no longer exist are left out."""
        found = {}
        with self._database.reading() as connection:
            query = "SELECT id, number FROM live_runs WHERE id IN (SELECT value FROM json_each(?))"
            for run_id, number in connection.execute(query, (json.dumps(list(run_ids)),)).fetchall():
                found[run_id] = run_tables.read_curves(connection, number)
        return found

    def reusable(self, requests: Iterable[RunRequest]) -> dict[str, str]:
        """Which runs would be reused instead of training these: run id by config id."""
        with self._database.reading() as connection:
            found = find_identical(connection, list(requests), known_data_only=False)
            ids = dict(connection.execute("SELECT number, id FROM live_runs").fetchall()) if found else {}
        return {config_id: ids[number] for config_id, number in found.items()}

    def rename(self, group_id: str, name: str) -> None:
        """Raises its `not_found`, and RunError for a name that is not allowed."""
        name = check_name(name)
        with self._database.writing() as connection:
            number = self._number(connection, group_id)
            connection.execute(f"UPDATE {self.table} SET name = ? WHERE number = ?", (name, number))

    def delete(self, group_id: str) -> None:
        """Forget the question; its runs stay. Raises its `not_found`."""
        with self._database.writing() as connection:
            number = self._number(connection, group_id)
            connection.execute(f"DELETE FROM {self.table} WHERE number = ?", (number,))

    def _number(self, connection: sqlite3.Connection, group_id: str) -> int:
        """The number of its row. Raises its `not_found`."""
        if isinstance(group_id, str) and RUN_ID.fullmatch(group_id):
            query = f"SELECT number FROM {self.table} WHERE id = ?"
            if row := connection.execute(query, (group_id,)).fetchone():
                return int(row[0])
        raise self.not_found(f"There is no {self.noun} with the id {str(group_id)[:40]!r}.")

    def _started(self, connection: sqlite3.Connection, token: str | None) -> int | None:
        """The number of the row that a token has started."""
        if token is None:
            return None
        query = f"SELECT number FROM {self.table} WHERE token = ?"
        row = connection.execute(query, (token,)).fetchone()
        return None if row is None else int(row[0])
