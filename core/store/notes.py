"""The notebook: what was expected of runs, and how they turned out.

An expectation is worth something only when it was written before the result could be seen. So it can be written while
one of the note's runs has not finished its first epoch, and cannot be changed afterwards.
"""

import json
import secrets
import sqlite3
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import RunError, RunNotFound
from core.store import run_tables
from core.store.database import Database, reading
from core.store.rights import check_own, check_run
from core.visitors.person import acting_person

MAX_NOTE_CHARACTERS = 4000
MAX_NOTE_RUNS = 50

_SELECT = "SELECT id, runs, expectation, outcome, created_at, changed_at, visitor FROM notes"


@dataclass(frozen=True)
class NotedRun:
    """A run as the note remembers it: it may have been deleted since."""

    id: str
    name: str


@dataclass(frozen=True)
class Note:
    """What a person wrote about a run, or about several side by side. Times are unix seconds; texts may be empty.

    `visitor` is the id of the visitor of a class who wrote it; None: the person of this machine, or the teacher.
    """

    id: str
    runs: tuple[NotedRun, ...]
    expectation: str
    outcome: str
    created_at: float
    changed_at: float
    visitor: str | None = None

    @property
    def run_ids(self) -> tuple[str, ...]:
        return tuple(run.id for run in self.runs)


class Notes:
    """The part of the store that keeps notes. There is one note for each run or set of runs."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def list_notes(self) -> list[Note]:
        """Newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{_SELECT} ORDER BY number DESC").fetchall()
            return [_note(row) for row in rows]

    def get(self, note_id: str) -> Note:
        """Raises RunError."""
        with self._database.reading() as connection:
            return _get(connection, note_id)

    def find(self, run_ids: Sequence[str]) -> Note | None:
        """The note about exactly these runs, in whatever order."""
        with self._database.reading() as connection:
            return _find(connection, run_ids)

    def is_open(self, run_ids: Sequence[str]) -> bool:
        """Whether an expectation can still be written: one of the runs has not ended its first epoch."""
        with self._database.reading() as connection:
            return _is_open(connection, run_ids)

    def write(
        self, run_ids: Sequence[str], *, expectation: str | None = None, outcome: str | None = None
    ) -> Note:
        """Set the texts that are not None in the note about these runs, which is made where there is none.

        Raises:
            RunNotFound: there is no note yet, and one of the runs does not exist.
            RunError: a text is not allowed, nothing would be left, or it is too late for that expectation.
        """
        texts = _checked(expectation, outcome)
        ids = list(dict.fromkeys(run_ids))
        if not 0 < len(ids) <= MAX_NOTE_RUNS:
            raise RunError(f"A note is about 1 to {MAX_NOTE_RUNS} runs, not {len(ids):,}.")
        with self._database.writing(visitors=True) as connection:
            found = _find(connection, ids)
            if found is None:
                found = self._begin(connection, ids)
            check_own(connection, found.visitor, "change", "note")
            return self._change(connection, found, texts)

    def edit(self, note_id: str, *, expectation: str | None = None, outcome: str | None = None) -> Note:
        """Set the texts that are not None, also where the runs were deleted. Raises RunError as `write` does."""
        texts = _checked(expectation, outcome)
        with self._database.writing(visitors=True) as connection:
            note = _get(connection, note_id)
            check_own(connection, note.visitor, "change", "note")
            return self._change(connection, note, texts)

    def delete(self, note_id: str) -> None:
        """Forget a note. Raises RunError."""
        with self._database.writing(visitors=True) as connection:
            note = _get(connection, note_id)
            check_own(connection, note.visitor, "delete", "note")
            connection.execute("DELETE FROM notes WHERE id = ?", (note.id,))

    # Inside a transaction of the store

    def expect(self, connection: sqlite3.Connection, run_id: str, expectation: str) -> None:
        """Note what is expected of a run that is being created."""
        self._change(connection, self._begin(connection, [run_id]), _checked(expectation, None))

    def take_over(
        self,
        connection: sqlite3.Connection,
        run_id: str,
        expectation: str,
        outcome: str,
        created: float,
        changed: float,
    ) -> None:
        """The note of a run that is being imported, whose texts were checked, with the times when it was written."""
        note = self._begin(connection, [run_id])
        query = "UPDATE notes SET expectation = ?, outcome = ?, created_at = ?, changed_at = ? WHERE id = ?"
        connection.execute(query, (expectation, outcome, created, max(created, changed), note.id))

    def rename(self, connection: sqlite3.Connection, run_id: str, name: str) -> None:
        """A run has another name: should it be deleted, notes call it by its last one."""
        query = (
            f"{_SELECT} WHERE EXISTS (SELECT 1 FROM json_each(runs) WHERE json_extract(value, '$.id') = ?)"
        )
        for note in [_note(row) for row in connection.execute(query, (run_id,))]:
            runs = [NotedRun(run.id, name if run.id == run_id else run.name) for run in note.runs]
            connection.execute("UPDATE notes SET runs = ? WHERE id = ?", (_runs_json(runs), note.id))

    def _begin(self, connection: sqlite3.Connection, run_ids: Sequence[str]) -> Note:
        found = [run_tables.get(connection, each)[1] for each in run_ids]
        if not any(acting_person().may_change(run.visitor) for run in found):
            check_run(connection, found[0], "write a note on")
        runs = [NotedRun(run.id, run.name) for run in found]
        note_id, now = secrets.token_hex(8), self._clock()
        # The token makes a note the only one about its runs, even when two are written at the same moment.
        connection.execute(
            "INSERT INTO notes (id, token, runs, expectation, outcome, created_at, changed_at, visitor) "
            "VALUES (?, ?, ?, '', '', ?, ?, ?)",
            (note_id, _token(run_ids), _runs_json(runs), now, now, acting_person().id),
        )
        return _get(connection, note_id)

    def _change(self, connection: sqlite3.Connection, note: Note, texts: dict[str, str]) -> Note:
        old = {"expectation": note.expectation, "outcome": note.outcome}
        new = old | texts
        if new["expectation"] != old["expectation"] and not _is_open(connection, note.run_ids):
            raise RunError(
                "The first epoch has ended, so the expectation can no longer be written or changed. "
                "Write it in the outcome instead."
            )
        if not any(new.values()):
            raise RunError("A note needs an expectation or an outcome. To remove a note, delete it.")
        if new != old:
            connection.execute(
                "UPDATE notes SET expectation = ?, outcome = ?, changed_at = ? WHERE id = ?",
                (new["expectation"], new["outcome"], max(note.created_at, self._clock()), note.id),
            )
        return _get(connection, note.id)


def check_text(text: object, what: str) -> str:
    """The text without space around it, its lines ended by `\\n` alone.

    Raises RunError when it is too long or holds control characters.
    """
    if not isinstance(text, str):
        raise RunError(f"The {what} must be text.")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    lines = lines.strip()
    if len(lines) > MAX_NOTE_CHARACTERS:
        raise RunError(f"The {what} has at most {MAX_NOTE_CHARACTERS:,} characters, not {len(lines):,}.")
    for character in lines:
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs"):
            raise RunError(
                f"The {what} holds a character that is not text (U+{ord(character):04X}). Remove it; line breaks "
                "and tabs are allowed."
            )
    return lines


def _checked(expectation: str | None, outcome: str | None) -> dict[str, str]:
    texts = {"expectation": expectation, "outcome": outcome}
    return {what: check_text(text, what) for what, text in texts.items() if text is not None}


def _is_open(connection: sqlite3.Connection, run_ids: Sequence[str]) -> bool:
    for run_id in run_ids:
        try:
            _, run = run_tables.get(connection, run_id)
        except RunNotFound:
            continue  # its result may have been seen
        if run.epoch == 0:
            return True
    return False


def _get(connection: sqlite3.Connection, note_id: str) -> Note:
    row = connection.execute(f"{_SELECT} WHERE id = ?", (str(note_id),)).fetchone()
    if row is None:
        raise RunError(f"There is no note {str(note_id)[:40]!r}. It may have been deleted.")
    return _note(row)


def _find(connection: sqlite3.Connection, run_ids: Sequence[str]) -> Note | None:
    row = connection.execute(f"{_SELECT} WHERE token = ?", (_token(run_ids),)).fetchone()
    return None if row is None else _note(row)


def _token(run_ids: Sequence[str]) -> str:
    return ",".join(sorted(set(run_ids)))


def _note(row: tuple[Any, ...]) -> Note:
    note_id, runs, expectation, outcome, created_at, changed_at, visitor = row
    with reading("a note"):
        noted = tuple(NotedRun(run["id"], run["name"]) for run in json.loads(runs))
    return Note(note_id, noted, expectation, outcome, created_at, changed_at, visitor)


def _runs_json(runs: Sequence[NotedRun]) -> str:
    return json.dumps([{"id": run.id, "name": run.name} for run in runs])
