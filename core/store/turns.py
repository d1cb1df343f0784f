"""The order of the queue: the visitors of a class take turns, each with their own runs in the order in which
they came.

The visitor whose last run started longest ago is next, so that between two runs of one visitor every other visitor who
waits gets one, however many runs the first has queued. The teacher and the person of the machine take turns like one
visitor. Where there is no class, theirs are all runs, and the queue is first come, first served.
"""

import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from typing import TypeVar

from core.store.records import RUN_COLUMNS, Run, run_from_row
from core.store.run_tables import SELECT_RUN

_NO_VISITOR = ""
_VISITOR = RUN_COLUMNS.index("visitor")

Item = TypeVar("Item")


def waiting_runs(connection: sqlite3.Connection) -> list[Run]:
    """The waiting runs in the order in which they are to start, if no more come."""
    rows = connection.execute(f"{SELECT_RUN} WHERE state = 'WAITING' ORDER BY queue_number").fetchall()
    visitors = [row[_VISITOR] or _NO_VISITOR for row in rows]
    if len(set(visitors)) > 1:
        last = dict(connection.execute("SELECT visitor, number FROM turns").fetchall())
        rows = in_turn(list(zip(visitors, rows, strict=True)), last)
    return [run_from_row(row) for row in rows]


def take_turn(connection: sqlite3.Connection, run: Run) -> None:
    """The run starts, so its visitor is behind all others. Kept apart from the runs, which may be deleted."""
    query = "INSERT OR REPLACE INTO turns (visitor, number) SELECT ?, coalesce(max(number), 0) + 1 FROM turns"
    connection.execute(query, (run.visitor or _NO_VISITOR,))


def in_turn(waiting: Sequence[tuple[str, Item]], last: Mapping[str, int]) -> list[Item]:
    """What waits, each with whose it is and in the order in which it came, in the order in which it is to start.

    `last` has a number for each one's last turn, which is higher the later it was; 0 or none: there was none yet.
    """
    lines: dict[str, deque[tuple[int, Item]]] = {}
    for place, (visitor, item) in enumerate(waiting):
        lines.setdefault(visitor, deque()).append((place, item))
    # Of those without a turn, the one who came first; places are unlike, so that items are never compared.
    heads = [(last.get(visitor, 0), line[0][0], visitor) for visitor, line in lines.items()]
    heapify(heads)
    turn, order = max(last.values(), default=0), []
    while heads:
        turn += 1
        line = lines[heads[0][2]]
        order.append(line.popleft()[1])
        if line:
            heapreplace(heads, (turn, line[0][0], heads[0][2]))
        else:
            heappop(heads)
    return order
