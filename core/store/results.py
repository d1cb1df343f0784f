"""What many runs measured, for comparing them: each question is one query, however many runs there are."""

import json
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.epoch import CURVE_KEYS
from core.store.database import Database
from core.store.records import RUN_COLUMNS, Run, run_from_row

CurveTable = NDArray[np.float64]


class ResultRow(NamedTuple):
    """A run as its row is: equal rows are of the same run in the same state, with the same epochs.

    `learning_rate_changed`: a person has set another learning rate while it trains. Tags are in their order.
    """

    number: int
    hidden: bool
    learning_rate_changed: bool
    tags: tuple[str, ...]
    columns: tuple[object, ...]


class EpochResults(NamedTuple):
    """Over the epochs of a run; None where nothing was measured.

    `clean_train_accuracy` is that of the epoch with the best validation accuracy, `val_loss` the lowest one.
    """

    seconds: float | None
    seconds_per_epoch: float | None
    val_loss: float | None
    clean_train_accuracy: float | None


class Results:
    """The part of the store that reads the results of many runs at once. Runs are named by their row numbers."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def rows(self) -> list[ResultRow]:
        """Every run, newest first."""
        # Not those that were never carried out.
        changed = """EXISTS (
            SELECT 1 FROM interventions WHERE run_number = live_runs.number AND kind = 'learning_rate'
                AND (applied_at IS NOT NULL OR outcome IS NULL)
        )"""
        query = (
            f"SELECT number, hidden, {changed}, {', '.join(RUN_COLUMNS)} FROM live_runs ORDER BY number DESC"
        )
        with self._database.reading() as connection:
            tags: dict[int, tuple[str, ...]] = {}
            for number, tag in connection.execute("SELECT run_number, tag FROM run_tags ORDER BY 1, 2"):
                tags[number] = (*tags.get(number, ()), tag)
            return [
                ResultRow(number, bool(hidden), bool(changed), tags.get(number, ()), tuple(columns))
                for number, hidden, changed, *columns in connection.execute(query)
            ]

    def runs(self, rows: Iterable[ResultRow]) -> list[Run]:
        """The run of each row. Raises ConvDeckError for a row that holds what was never written into it."""
        with self._database.reading():
            return [run_from_row(row.columns) for row in rows]

    def over_epochs(self, numbers: Iterable[int]) -> dict[int, EpochResults]:
        """Of those runs that have an epoch."""
        query = """
            SELECT
                run_number, sum(seconds), avg(seconds), min(val_loss),
                max(CASE WHEN epochs.epoch = best_epoch THEN clean_train_accuracy END)
            FROM epochs JOIN live_runs ON number = run_number
            WHERE run_number IN (SELECT value FROM json_each(?)) GROUP BY run_number
        """
        with self._database.reading() as connection:
            rows = connection.execute(query, (json.dumps(list(numbers)),))
            return {number: EpochResults(*results) for number, *results in rows}

    def at_epoch(self, epoch: int) -> dict[int, dict[str, float | None]]:
        """What each run measured in one epoch, under CURVE_KEYS; runs without that epoch are left out."""
        columns = ", ".join(f"epochs.{key}" for key in CURVE_KEYS)
        query = (
            f"SELECT number, {columns} FROM live_runs JOIN epochs ON run_number = number AND epochs.epoch = ?"
        )
        with self._database.reading() as connection:
            return {
                number: dict(zip(CURVE_KEYS, values, strict=True))
                for number, *values in connection.execute(query, (epoch,))
            }

    def curves(self, numbers: Collection[int]) -> dict[int, CurveTable]:
        """(epochs, len(CURVE_KEYS)) of each run, in the order of the epochs; NaN for what is not known."""
        query = f"""
            SELECT run_number, {", ".join(CURVE_KEYS)} FROM epochs
            WHERE run_number IN (SELECT value FROM json_each(?)) ORDER BY run_number, epoch
        """
        found = {number: np.empty((0, len(CURVE_KEYS))) for number in numbers}
        with self._database.reading() as connection:
            rows = connection.execute(query, (json.dumps(list(found)),)).fetchall()
        if rows:
            table = np.array(rows, np.float64)  # None becomes NaN
            run_numbers = table[:, 0].astype(np.int64)
            starts = np.flatnonzero(np.diff(run_numbers, prepend=-1))
            for part in np.split(table, starts[1:]):
                found[int(part[0, 0])] = part[:, 1:]
        return found
