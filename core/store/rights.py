"""Whose is what: what a visitor of a class changes must be their own. For use inside the store's transactions.

A visitor gets a transaction that writes only where a method opens one for visitors (`Database.writing`); such a method
calls these before it changes anything.
"""

import sqlite3

from core.errors import NotAllowed, RunError
from core.formatting import count_of
from core.store.records import Run
from core.visitors.person import UNKNOWN, acting_person, refusal

# Waiting runs of one visitor. Two lessons that train a pair, or a run and three forks of it.
MOST_WAITING = 4


def check_own(connection: sqlite3.Connection, visitor: str | None, what: str, thing: str = "run") -> None:
    """Raise NotAllowed unless the acting person may change what `visitor` has made; `what`: `stop`, `delete`, …"""
    if not acting_person().may_change(visitor):
        raise NotAllowed(refusal(what, owner_name(connection, visitor), thing))


def check_run(connection: sqlite3.Connection, run: Run, what: str) -> None:
    """`check_own` of a run."""
    check_own(connection, run.visitor, what)


def owner_name(connection: sqlite3.Connection, visitor: str | None) -> str | None:
    """None for what no visitor has made; UNKNOWN where the visitor is not known."""
    if visitor is None:
        return None
    row = connection.execute("SELECT name FROM visitors WHERE id = ?", (visitor,)).fetchone()
    return UNKNOWN if row is None else str(row[0])


def check_joined() -> None:
    """Raise NotAllowed for one of whom the class knows nothing: a run of theirs would be the teacher's."""
    person = acting_person()
    if person.is_visitor and person.id is None:
        raise NotAllowed("Only those who have joined the class can start a run. Reload the page to join.")


def check_room_in_queue(connection: sqlite3.Connection) -> None:
    """Raise RunError for a visitor who has MOST_WAITING runs in the queue already."""
    person = acting_person()
    if not person.is_visitor:
        return
    query = "SELECT count(*) FROM live_runs WHERE state = 'WAITING' AND visitor IS ?"
    if connection.execute(query, (person.id,)).fetchone()[0] >= MOST_WAITING:
        raise RunError(
            f"You have {count_of(MOST_WAITING, 'run')} waiting, which is the most in a class. Wait until one has "
            "started, or stop one."
        )
