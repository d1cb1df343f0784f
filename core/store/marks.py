"""How people keep order among many runs: tags, and runs that are hidden from lists."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence

from core.errors import RunError
from core.formatting import count_of, has_visible
from core.store import run_tables
from core.store.database import Database
from core.store.records import Run
from core.store.rights import check_run

MAX_TAG_CHARACTERS = 40
MAX_TAGS = 50  # of one run


class Marks:
    """The part of the store that keeps tags and hidden runs. What changes several runs changes all of them or none."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def count_by_tag(self) -> dict[str, int]:
        """How many runs have each tag that is in use, in the order of the tags."""
        query = """
            SELECT tag, count(*) FROM run_tags JOIN live_runs ON number = run_number GROUP BY tag ORDER BY tag
        """
        with self._database.reading() as connection:
            return dict(connection.execute(query).fetchall())

    def tags_of(self, run_id: str) -> tuple[str, ...]:
        """In their order. Raises RunNotFound."""
        with self._database.reading() as connection:
            number, _ = run_tables.get(connection, run_id)
            query = "SELECT tag FROM run_tags WHERE run_number = ? ORDER BY tag"
            return tuple(tag for (tag,) in connection.execute(query, (number,)))

    def is_hidden(self, run_id: str) -> bool:
        """Raises RunNotFound."""
        with self._database.reading() as connection:
            number, _ = run_tables.get(connection, run_id)
            return bool(
                connection.execute("SELECT hidden FROM live_runs WHERE number = ?", (number,)).fetchone()[0]
            )

    def add_tags(self, run_ids: Iterable[str], tags: Iterable[str]) -> None:
        """A run that has a tag already keeps it. Raises RunNotFound, and RunError for a tag that is not allowed."""
        self.change(run_ids, add=tags)

    def remove_tags(self, run_ids: Iterable[str], tags: Iterable[str]) -> None:
        """A tag that a run does not have is no error. Raises RunNotFound."""
        self.change(run_ids, remove=tags)

    def set_hidden(self, run_ids: Iterable[str], hidden: bool) -> None:
        """Raises RunNotFound."""
        self.change(run_ids, hidden=hidden)

    def change(
        self,
        run_ids: Iterable[str],
        *,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        hidden: bool | None = None,
    ) -> None:
        """All of it of all runs, or nothing: tags are removed, then added; None leaves hidden what it is.

        Raises RunNotFound, and RunError for a tag that is not allowed.
        """
        wanted = [check_tag(tag) for tag in add]
        unwanted = json.dumps([str(tag).strip() for tag in remove])
        with self._database.writing(visitors=True) as connection:
            for number, run in _rows(connection, run_ids):
                check_run(connection, run, "mark")
                query = (
                    "DELETE FROM run_tags WHERE run_number = ? AND tag IN (SELECT value FROM json_each(?))"
                )
                connection.execute(query, (number, unwanted))
                query = "INSERT OR IGNORE INTO run_tags (run_number, tag) VALUES (?, ?)"
                connection.executemany(query, [(number, tag) for tag in wanted])
                query = "SELECT count(*) FROM run_tags WHERE run_number = ?"
                if (count := connection.execute(query, (number,)).fetchone()[0]) > MAX_TAGS:
                    raise RunError(f"A run has at most {count_of(MAX_TAGS, 'tag')}, not {count:,}.")
                if hidden is not None:
                    run_tables.update(connection, number, {"hidden": hidden})


def check_tag(tag: object) -> str:
    """The tag without space around it. Raises RunError when it is empty, too long or not plain text."""
    if not isinstance(tag, str):
        raise RunError("A tag must be text.")
    tag = tag.strip()
    if not tag or not has_visible(tag):
        raise RunError("A tag cannot be empty.")
    if len(tag) > MAX_TAG_CHARACTERS:
        raise RunError(f"A tag has at most {MAX_TAG_CHARACTERS} characters, not {len(tag):,}.")
    if not tag.isprintable() or "," in tag:
        raise RunError("A tag cannot hold commas, line breaks or control characters.")
    return tag


def _rows(connection: sqlite3.Connection, run_ids: Iterable[str]) -> Sequence[tuple[int, Run]]:
    return [run_tables.get(connection, run_id) for run_id in dict.fromkeys(run_ids)]
