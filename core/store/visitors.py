"""The visitors of a class: who has joined, and by what name; and those of former classes."""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import NotAllowed, UserError
from core.store.database import Database
from core.store.records import Run
from core.store.rights import owner_name
from core.visitors.names import check_visitor_name, name_key, next_free
from core.visitors.person import acting_person, refusal

MAX_VISITORS = 500

_SELECT = "SELECT id, name, joined_at FROM visitors"
_IN_CLASS = "class = (SELECT id FROM current_class)"


@dataclass(frozen=True)
class Visitor:
    """`joined_at` is unix seconds."""

    id: str
    name: str
    joined_at: float


class NameTaken(UserError):
    """Another visitor has this name; `free` is a similar name that is not taken."""

    def __init__(self, name: str, free: str) -> None:
        super().__init__(f"“{name}” has joined already. Choose another name, such as “{free}”.")
        self.free = free


class Visitors:
    """The part of the store that keeps who has joined. They stay after their class, so that their runs keep a name."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def begin_class(self, class_id: str) -> None:
        """From now on people join this class; those who have joined it before are in it again.

        Who has joined before there was any, in a workspace of an older version, is in the first one.
        """
        with self._database.writing() as connection:
            connection.execute("UPDATE visitors SET class = ? WHERE class = ''", (class_id,))
            connection.execute("UPDATE current_class SET id = ?", (class_id,))

    def join(self, name: str) -> Visitor:
        """Somebody new. Raises NameTaken, and UserError for a name that is not allowed or a class that is full."""
        name = check_visitor_name(name)
        with self._database.writing() as connection:
            taken = _taken_keys(connection)
            if name_key(name) in taken:
                raise NameTaken(name, next_free(name, taken))
            if len(taken) >= MAX_VISITORS:
                raise UserError(f"{MAX_VISITORS} people have joined this class; there is no room for more.")
            visitor = Visitor(secrets.token_hex(8), name, self._clock())
            query = """
                INSERT INTO visitors (id, class, name, name_key, joined_at)
                SELECT ?, id, ?, ?, ? FROM current_class
            """
            connection.execute(query, (visitor.id, name, name_key(name), visitor.joined_at))
            return visitor

    def get(self, visitor_id: str) -> Visitor | None:
        """None for one who is not of this workspace."""
        with self._database.reading() as connection:
            row = connection.execute(f"{_SELECT} WHERE id = ?", (visitor_id,)).fetchone()
            return None if row is None else Visitor(*row)

    def list_visitors(self) -> list[Visitor]:
        """Those of this class, in the order in which they joined."""
        return self._visitors(f"WHERE {_IN_CLASS}")

    def list_all(self) -> list[Visitor]:
        """Those of former classes too, in the order in which they joined."""
        return self._visitors()

    def names(self) -> dict[str, str]:
        """The name of each visitor by id, of former classes too: their runs are still there."""
        return {visitor.id: visitor.name for visitor in self.list_all()}

    def refusal(self, visitor: str | None, what: str, thing: str = "run") -> str | None:
        """Why the acting person cannot stop, delete, … what this visitor made; None where they can."""
        if acting_person().may_change(visitor):
            return None
        with self._database.reading() as connection:
            return refusal(what, owner_name(connection, visitor), thing)

    def check_run(self, run: Run, what: str) -> None:
        """Raise NotAllowed with the sentence of `refusal`: for what is kept in files."""
        if sentence := self.refusal(run.visitor, what):
            raise NotAllowed(sentence)

    def taken_keys(self) -> set[str]:
        """What `name_key` gives for the names of those who have joined this class."""
        with self._database.reading() as connection:
            return _taken_keys(connection)

    def _visitors(self, condition: str = "") -> list[Visitor]:
        with self._database.reading() as connection:
            query = f"{_SELECT} {condition} ORDER BY joined_at, id"
            return [Visitor(*row) for row in connection.execute(query)]


def _taken_keys(connection: sqlite3.Connection) -> set[str]:
    return {key for (key,) in connection.execute(f"SELECT name_key FROM visitors WHERE {_IN_CLASS}")}
