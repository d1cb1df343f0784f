"""What a learner guesses before a lesson trains: a number, or the whole curve.

The workspace keeps it. `?guess=ID` in the address, and the visit, know which one it is.
"""

from collections.abc import Sequence

import streamlit as st

from core.errors import ConvDeckError
from core.onboarding.lessons import Lesson
from core.runs.lesson_guesses import current_guess, keep_guess
from core.server.services import Services
from core.store.lesson_guesses import LessonGuess
from core.store.records import Run
from pages.components.kit import session
from pages.components.kit.curve_pad import curve_pad
from pages.components.kit.person import who
from pages.components.kit.text import error_text, literal
from pages.components.kit.widget_values import if_drawn

PARAMETER = "guess"
TITLES = {
    "val_accuracy": "Validation accuracy",
    "clean_train_accuracy": "Clean training accuracy",
    "gap": "Gap",
    "difference": "Difference in validation accuracy",
}
NUMBER, CURVE = "Guess a number", "Draw the curve"
ICONS = {NUMBER: ":material/tune:", CURVE: ":material/draw:"}


def read_guess(services: Services, lesson: Lesson, runs: Sequence[Run] = ()) -> LessonGuess | None:
    """What this visitor guessed before these runs, or has guessed so far; None without a guess."""
    known = st.query_params.get(PARAMETER) or session.lesson_guess(lesson.name)
    found = current_guess(services.store, lesson, who().id, known, [run.id for run in runs])
    if found is not None:
        _remember(found)
    return found


def ask_guess(services: Services, lesson: Lesson) -> None:
    """A slider, which counts once it was moved, or a pad, which counts once something is drawn on it."""
    guess, known = lesson.guess, read_guess(services, lesson)
    st.markdown(f"**Your guess first.** {literal(guess.question)}")
    drawn = None if known is None else known.curve
    if not guess.can_be_drawn:
        _ask_number(services, lesson, known)
        return
    way = st.segmented_control(
        "How to guess", [NUMBER, CURVE], default=NUMBER if drawn is None else CURVE, required=True,
        format_func=lambda each: f"{ICONS[each]} {each}", key=f"guess-way-{lesson.name}",
        label_visibility="collapsed",
    )  # fmt: skip
    if way == NUMBER:
        _ask_number(services, lesson, known)
        return
    found = curve_pad(
        f"guess-curve-{lesson.name}", title_of(lesson), guess.unit, num_epochs=lesson.num_epochs, most=guess.most,
        curve=drawn,
    )  # fmt: skip
    if found != drawn:
        _keep(services, lesson, None, found)


def title_of(lesson: Lesson) -> str:
    """Of a chart of what is guessed: the measure with its unit."""
    unit = "percent" if lesson.guess.unit == "%" else lesson.guess.unit
    return f"{TITLES[lesson.guess.measure]}, in {unit}"


def answer_guess(services: Services, lesson: Lesson, guess: LessonGuess | None, runs: Sequence[Run]) -> None:
    """These runs will show how good the guess is. A visitor of a class is known to have begun without one, too."""
    visitor = who().id
    if guess is None and visitor is None:
        return
    ids, guess_id = [run.id for run in runs], guess and guess.id
    try:
        _remember(services.store.lesson_guesses.answer(lesson.name, visitor, ids, guess_id=guess_id))
    except ConvDeckError as error:
        session.flash(literal(error_text(error)))


def _ask_number(services: Services, lesson: Lesson, known: LessonGuess | None) -> None:
    guess, key = lesson.guess, f"guess-{lesson.name}"
    value = 0 if known is None or known.value is None else round(known.value)
    st.slider(
        literal(guess.question), 0, guess.most, value, key=key, format=f"%d {guess.unit.replace('%', '%%')}",
        on_change=_take, args=(key, services, lesson), width=560, label_visibility="collapsed",
    )  # fmt: skip
    if known is None:
        st.caption("No guess yet: move the slider.")


@if_drawn
def _take(key: str, services: Services, lesson: Lesson) -> None:
    _keep(services, lesson, float(session.widget_value(key, 0)), None)


def _keep(services: Services, lesson: Lesson, value: float | None, curve: Sequence[float] | None) -> None:
    known = read_guess(services, lesson)
    try:
        kept = keep_guess(services.store, lesson, who().id, value, curve, known and known.id)
    except ConvDeckError as error:
        session.flash(literal(error_text(error)))
        return
    _remember(kept)


def _remember(guess: LessonGuess) -> None:
    session.set_lesson_guess(guess.lesson, guess.id)
    if st.query_params.get(PARAMETER) != guess.id:
        st.query_params[PARAMETER] = guess.id
