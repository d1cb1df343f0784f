"""Saved views: ways to look at the runs. A view is what stands after the `?` in a link to Compare, with a name."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import UserError, ViewNotFound
from core.formatting import printable
from core.store.database import Database

MAX_NAME_CHARACTERS = 80
MAX_QUERY_CHARACTERS = 8_000

_SELECT = "SELECT id, name, query, created_at FROM saved_views"


@dataclass(frozen=True)
class SavedView:
    """`query` is a query string; `created_at` unix seconds."""

    id: str
    name: str
    query: str
    created_at: float


class Views:
    """The part of the store that keeps saved views. No two have the same name."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def list_views(self) -> list[SavedView]:
        """In the order of their names."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{_SELECT} ORDER BY name COLLATE NOCASE, name").fetchall()
            return [SavedView(*row) for row in rows]

    def get(self, name_or_id: str) -> SavedView:
        """Raises ViewNotFound."""
        with self._database.reading() as connection:
            row = connection.execute(
                f"{_SELECT} WHERE name = ? OR id = ? ORDER BY name = ? DESC", (name_or_id,) * 3
            ).fetchone()
        if row is None:
            raise ViewNotFound(f"There is no view “{printable(name_or_id, 40)}”. It may have been deleted.")
        return SavedView(*row)

    def save(self, name: str, query: str) -> SavedView:
        """A view of that name gets the new query. Raises UserError for a name or a query that is not allowed."""
        name, query = _checked_name(name), query.removeprefix("?")
        if len(query) > MAX_QUERY_CHARACTERS:
            raise UserError(f"A view has at most {MAX_QUERY_CHARACTERS:,} characters, not {len(query):,}.")
        if not query.isprintable():
            raise UserError("A view holds a character that is not part of a link.")
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO saved_views (id, name, query, created_at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET query = excluded.query",
                (secrets.token_hex(8), name, query, self._clock()),
            )
            return SavedView(*connection.execute(f"{_SELECT} WHERE name = ?", (name,)).fetchone())

    def restore(self, view: SavedView) -> None:
        """Bring a deleted view back. Nothing happens where another one has its name by now."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO saved_views (id, name, query, created_at) VALUES (?, ?, ?, ?)",
                (view.id, view.name, view.query, view.created_at),
            )

    def delete(self, name_or_id: str) -> SavedView:
        """Returns what was deleted, for `restore`. Raises ViewNotFound."""
        view = self.get(name_or_id)
        with self._database.writing() as connection:
            connection.execute("DELETE FROM saved_views WHERE id = ?", (view.id,))
        return view


def _checked_name(name: object) -> str:
    shown = printable(name, MAX_NAME_CHARACTERS + 1) if isinstance(name, str) else ""
    if not shown:
        raise UserError("A view needs a name.")
    if len(shown) > MAX_NAME_CHARACTERS:
        raise UserError(f"The name of a view has at most {MAX_NAME_CHARACTERS} characters.")
    return shown
