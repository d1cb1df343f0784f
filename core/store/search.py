"""Searching runs by name, data set, preset and id."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

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
    connection: sqlite3.Connection, text: str, states: Collection[RunState] | None, limit: int, offset: int
) -> Found:
    """What `Store.find_runs` returns. Of all runs only the searched columns are read; whole rows only for the page."""
    # Without a clause, the order of the numbers is that of the table: nothing is sorted.
    clause = "" if states is None else "WHERE state IN (SELECT value FROM json_each(?))"
    wanted = () if states is None else (json.dumps([state.value for state in states]),)
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
