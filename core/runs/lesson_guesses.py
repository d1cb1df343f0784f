"""What a person guesses in a lesson: whose it is, what may be guessed, and how far it is from what came out."""

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from core.errors import UserError
from core.onboarding.lessons import Lesson
from core.store.lesson_guesses import LessonGuess
from core.store.store import Store


class Distance(NamedTuple):
    """How far a drawn curve is from the trained one, in percentage points.

    `mean` is the mean over the epochs of how far apart they are. They are furthest apart in `epoch`, the first of equal
    ones, where the trained curve is `difference` above the drawn one, or below where it is negative.
    """

    mean: float
    epoch: int
    difference: float


def current_guess(
    store: Store, lesson: Lesson, visitor: str | None, guess_id: str | None, run_ids: Sequence[str]
) -> LessonGuess | None:
    """The guess that these runs answer, or the open one where there are none; None where the person made none.

    `guess_id` is the guess that the person's browser knows. Without it, or where it is another's, a visitor of a
    class has the last one; for `visitor` None, the machine and the teacher, only their browsers know which is theirs.
    """
    asked = None if guess_id is None else store.lesson_guesses.find(guess_id)
    found = [asked] if asked and (asked.lesson, asked.visitor) == (lesson.name, visitor) else []
    if visitor is not None:
        found += reversed(store.lesson_guesses.of_lesson(lesson.name, visitor))
    return next((each for each in found if each.run_ids == tuple(run_ids)), None)


def keep_guess(
    store: Store,
    lesson: Lesson,
    visitor: str | None,
    value: float | None,
    curve: Sequence[float] | None,
    guess_id: str | None,
) -> LessonGuess:
    """Keep a number, or a curve, whose last value is then the number; None for neither. See `LessonGuesses.put`.

    Raises UserError for what the lesson does not ask for.
    """
    guess = lesson.guess
    drawn = None if curve is None else _checked(lesson, curve)
    value = value if drawn is None else drawn[-1]
    if value is not None and not 0 <= value <= guess.most:
        raise UserError(f"A guess is from 0 to {guess.most} {guess.unit}, not {value:g}.")
    return store.lesson_guesses.put(lesson.name, visitor, value, drawn, guess_id=guess_id)


def distance_between(drawn: Sequence[float], curve: Sequence[tuple[int, float]]) -> Distance | None:
    """Of a curve with a value for each epoch from the first on, and `guessed_curve`; None without a common epoch."""
    apart = {epoch: value - drawn[epoch - 1] for epoch, value in curve if 1 <= epoch <= len(drawn)}
    if not apart:
        return None
    furthest = max(apart, key=lambda epoch: (abs(apart[epoch]), -epoch))
    return Distance(fmean(map(abs, apart.values())), furthest, apart[furthest])


def _checked(lesson: Lesson, curve: Sequence[float]) -> tuple[float, ...]:
    most, length = lesson.guess.most, lesson.num_epochs
    if (
        not lesson.guess.can_be_drawn
        or len(curve) != length
        or not all(0 <= value <= most for value in curve)
    ):
        raise UserError(f"A drawn curve has a number from 0 to {most} for each of {length} epochs.")
    return tuple(round(float(value), 1) for value in curve)
