"""Searching runs by name, data set, preset and id."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from core.errors import RunNotFound
from core.store.records import Run, run_from_row
from core.store.run_tables import SELECT_RUN
from core.store.states import RunState


@dataclass(frozen=True)
class Found:
    """A page of matching runs, and how many match on all pages."""

    runs: tuple[Run, ...]
    total: int


def fits(text: str, run_id: str, name: str, dataset: str, preset: str | None) -> bool:
    """Whether name, data set or preset hold each word of `text`, whatever its case, or the id begins with it."""
    described = f"{name} {dataset} {preset or ''}".casefold()
    return all(word in described for word in text.casefold().split()) or run_id.startswith(text.strip())


def find(
    connection: sqlite3.Connection,
    text: str,
    states: Collection[RunState] | None,
    limit: int,
    offset: int,
    visitor: str | None = None,
    older_than: str | None = None,
) -> Found:
    """What `Store.find_runs` returns. Of all runs only the searched columns are read; whole rows only for the page.

    Raises RunNotFound where the run `older_than` is gone for good.
    """
    # Without a clause, the order of the numbers is that of the table: nothing is sorted.
    asked: dict[str, object] = {}
    if states is not None:
        asked["state IN (SELECT value FROM json_each(?))"] = json.dumps([state.value for state in states])
    if visitor is not None:
        asked["visitor = ?"] = visitor
    if older_than is not None:
        # Of one in the trash too.
        row = connection.execute("SELECT number FROM runs WHERE id = ?", (older_than,)).fetchone()
        if row is None:
            raise RunNotFound(f"There is no run with the id {older_than[:40]!r}.")
        asked["number < ?"] = row[0]
    clause = f"WHERE {' AND '.join(asked)}" if asked else ""
    wanted = tuple(asked.values())
    if not text.strip():
        query = f"SELECT count(*) FROM live_runs {clause}"
        total = int(connection.execute(query, wanted).fetchone()[0])
        query = f"{SELECT_RUN} {clause} ORDER BY number DESC LIMIT ? OFFSET ?"
        rows = connection.execute(query, (*wanted, limit, offset)).fetchall()
    else:
        query = f"SELECT number, id, name, dataset, preset FROM live_runs {clause} ORDER BY number DESC"
        fitting = [
            number for number, *described in connection.execute(query, wanted) if fits(text, *described)
        ]
        total, page = len(fitting), json.dumps(fitting[offset : offset + limit])
        query = f"{SELECT_RUN} WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number DESC"
        rows = connection.execute(query, (page,)).fetchall()
    return Found(tuple(run_from_row(row) for row in rows), total)
