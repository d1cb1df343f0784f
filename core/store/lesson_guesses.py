"""What people guessed in lessons before the training, and the runs that answered it."""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from core.store.database import Database, reading
from core.store.rights import check_own

_SELECT = "SELECT id, lesson, visitor, value, curve, run_ids, created_at FROM lesson_guesses"


@dataclass(frozen=True)
class LessonGuess:
    """One try of a lesson. It is open until runs answer it; after that the guess stays as it is.

    `visitor` is the id of a visitor of a class, None for the machine and the teacher. `value` is in percent or points,
    as the lesson asks for it; None for somebody who trained without a guess. `curve` has such a value for each epoch
    from the first on, None where only a number was guessed. `run_ids` are in the lesson's order. `created_at` is in
    unix seconds.
    """

    id: str
    lesson: str
    visitor: str | None
    value: float | None
    curve: tuple[float, ...] | None
    run_ids: tuple[str, ...]
    created_at: float

    @property
    def is_open(self) -> bool:
        return not self.run_ids


class LessonGuesses:
    """The part of the store that keeps them."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def find(self, guess_id: str) -> LessonGuess | None:
        """None where there is none of that id."""
        with self._database.reading() as connection:
            return _find(connection, guess_id)

    def of_lesson(self, lesson: str, visitor: str | None = None) -> list[LessonGuess]:
        """Those of the visitors of a class, or of one of them, oldest first."""
        query = f"{_SELECT} WHERE lesson = ? AND visitor IS NOT NULL AND (? IS NULL OR visitor = ?) ORDER BY number"
        with self._database.reading() as connection:
            return [_from_row(row) for row in connection.execute(query, (lesson, visitor, visitor))]

    def put(
        self,
        lesson: str,
        visitor: str | None,
        value: float | None,
        curve: Sequence[float] | None = None,
        *,
        guess_id: str | None = None,
    ) -> LessonGuess:
        """Change the guess of that id where it is open and this visitor's in this lesson; otherwise add one.

        Raises NotAllowed for a visitor of a class who is another one.
        """
        stored = None if curve is None else json.dumps(list(curve))
        with self._database.writing(visitors=True) as connection:
            check_own(connection, visitor, "change", "guess")
            known = _own(connection, lesson, visitor, guess_id)
            if known is not None and known.is_open:
                query = "UPDATE lesson_guesses SET value = ?, curve = ? WHERE id = ?"
                connection.execute(query, (value, stored, known.id))
                return _get(connection, known.id)
            return _get(connection, self._add(connection, lesson, visitor, value, stored))

    def answer(
        self, lesson: str, visitor: str | None, run_ids: Sequence[str], *, guess_id: str | None = None
    ) -> LessonGuess:
        """Say which runs answer the guess of that id, in place of those that did before. Without such a guess of this
        visitor in this lesson, one without a value is added. Raises as `put` does.
        """
        with self._database.writing(visitors=True) as connection:
            check_own(connection, visitor, "change", "guess")
            known = _own(connection, lesson, visitor, guess_id)
            own_id = self._add(connection, lesson, visitor, None, None) if known is None else known.id
            query = "UPDATE lesson_guesses SET run_ids = ? WHERE id = ?"
            connection.execute(query, (json.dumps(list(run_ids)), own_id))
            return _get(connection, own_id)

    def _add(
        self, connection: Connection, lesson: str, visitor: str | None, value: float | None, curve: str | None
    ) -> str:
        guess_id = secrets.token_hex(6)
        query = "INSERT INTO lesson_guesses (id, lesson, visitor, value, curve, created_at) VALUES (?, ?, ?, ?, ?, ?)"
        connection.execute(query, (guess_id, lesson, visitor, value, curve, self._clock()))
        return guess_id


def _own(
    connection: Connection, lesson: str, visitor: str | None, guess_id: str | None
) -> LessonGuess | None:
    """The guess of that id, where it is this visitor's in this lesson."""
    found = None if guess_id is None else _find(connection, guess_id)
    return found if found is not None and (found.lesson, found.visitor) == (lesson, visitor) else None


def _find(connection: Connection, guess_id: str) -> LessonGuess | None:
    row = connection.execute(f"{_SELECT} WHERE id = ?", (guess_id,)).fetchone()
    return None if row is None else _from_row(row)


def _get(connection: Connection, guess_id: str) -> LessonGuess:
    return _from_row(connection.execute(f"{_SELECT} WHERE id = ?", (guess_id,)).fetchone())


def _from_row(row: tuple[Any, ...]) -> LessonGuess:
    guess_id, lesson, visitor, value, curve, run_ids, created_at = row
    with reading(f"The guess {guess_id}"):
        known = None if curve is None else tuple(map(float, json.loads(curve)))
        return LessonGuess(guess_id, lesson, visitor, value, known, tuple(json.loads(run_ids)), created_at)
