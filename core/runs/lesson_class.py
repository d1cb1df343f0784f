"""A class in a lesson: who has begun and how far they are, what they guessed, and the curves that answer it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import NamedTuple

from core.onboarding.lessons import Lesson
from core.store.lesson_guesses import LessonGuess
from core.store.records import Run
from core.store.store import Store


class Stage(StrEnum):
    """How far somebody is in a lesson, in their order."""

    JOINED = "not started"
    GUESSED = "guessed"
    TRAINING = "training"
    FINISHED = "finished"


@dataclass(frozen=True)
class Learner:
    """A visitor of the class in a lesson.

    `guess` is the first one that this visitor has made: a later one may know the outcome. `runs` are those of the last
    try that has any, in the lesson's order; empty where there are none, or one of them was deleted.
    """

    visitor: str
    name: str
    stage: Stage
    guess: LessonGuess | None = None
    runs: tuple[Run, ...] = ()


class Spread(NamedTuple):
    """Of the guesses of a class: how many, and their range and median, in percent or points."""

    num_guesses: int
    least: float
    median: float
    most: float


def learners_of(store: Store, lesson: Lesson) -> list[Learner]:
    """All who have joined the class, in the order in which they did."""
    visitors = store.visitors.list_visitors()
    tries: dict[str | None, list[LessonGuess]] = {visitor.id: [] for visitor in visitors}
    for each in store.lesson_guesses.of_lesson(lesson.name):
        if each.visitor in tries:  # not of a former class
            tries[each.visitor].append(each)
    runs = {
        run.id: run for run in store.get_runs([run_id for own in tries.values() for run_id in _answer(own)])
    }
    learners = []
    for visitor in visitors:
        own = tries[visitor.id]
        guess = next((each for each in own if each.value is not None), None)
        ids = _answer(own)
        found = tuple(runs[run_id] for run_id in ids if run_id in runs)
        if len(found) != len(ids):
            found = ()
        learners.append(Learner(visitor.id, visitor.name, _stage(guess, found), guess, found))
    return learners


def spread_of(learners: Sequence[Learner]) -> Spread | None:
    """None where none of them has guessed."""
    values = [value for each in learners if each.guess and (value := each.guess.value) is not None]
    return Spread(len(values), min(values), median(values), max(values)) if values else None


def closest_to(learners: Sequence[Learner], value: float) -> list[Learner]:
    """Those whose guess is nearest to it: several where they are equally near."""
    apart = {
        each.visitor: abs(each.guess.value - value)
        for each in learners
        if each.guess and each.guess.value is not None
    }
    least = min(apart.values(), default=None)
    return [each for each in learners if each.visitor in apart and apart[each.visitor] == least]


def trained_together(learners: Sequence[Learner]) -> list[tuple[Run, ...]]:
    """The runs of the class, each tuple once: identical runs are shared, so that it is often a single one."""
    return list({tuple(run.id for run in each.runs): each.runs for each in learners if each.runs}.values())


def _answer(tries: Sequence[LessonGuess]) -> tuple[str, ...]:
    return next((each.run_ids for each in reversed(tries) if each.run_ids), ())


def _stage(guess: LessonGuess | None, runs: Sequence[Run]) -> Stage:
    if not runs:
        return Stage.JOINED if guess is None else Stage.GUESSED
    return Stage.FINISHED if all(run.state.is_finished for run in runs) else Stage.TRAINING
