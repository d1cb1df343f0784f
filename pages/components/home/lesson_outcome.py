"""A lesson's guess beside what comes out: the curve grows over it, and in the end it says how far off it was."""

from collections.abc import Sequence

import streamlit as st

from core.errors import RunNotFound
from core.formatting import with_minus
from core.onboarding.lessons import Lesson
from core.runs.lesson_guesses import distance_between
from core.runs.lessons import guessed_curve
from core.server.services import Services
from core.store.lesson_guesses import LessonGuess
from core.store.records import Run
from pages.components.charts.guess import guess_data, guess_spec
from pages.components.charts.zoom import ZOOM
from pages.components.home.lesson_guess import title_of
from pages.components.kit.redraw import draw_ticking
from pages.components.runs.curves import curves_of, last_epoch

TICK_SECONDS = 1.0
CLOSE = 5.0  # percent or points


def render_outcome(
    services: Services, lesson: Lesson, guess: LessonGuess | None, runs: Sequence[Run], *, with_chart: bool
) -> None:
    """The guess with its curve, drawn again while that changes; nothing without a guess.

    `with_chart` False: in words alone, where another chart shows both.
    """
    if guess is None or guess.value is None or len(runs) != len(lesson.runs):
        return
    every = None if all(run.state.is_finished for run in runs) else TICK_SECONDS
    draw_ticking(_draw, services, lesson, guess, tuple(run.id for run in runs), with_chart, every=every)


def _draw(
    services: Services, lesson: Lesson, guess: LessonGuess, ids: Sequence[str], with_chart: bool
) -> None:
    try:
        runs = [services.store.get_run(run_id) for run_id in ids]
    except RunNotFound:
        st.rerun()  # deleted elsewhere: the page says so
    curve = guessed_curve(lesson.guess, [curves_of(services.store, run) for run in runs])
    is_over = all(run.state.is_finished for run in runs)
    # One place for what comes and goes, so that the chart below keeps its own.
    with st.container(gap="small"):
        furthest = _render_words(lesson, guess, curve, is_over=is_over)
    if not with_chart or (not curve and guess.curve is None):
        return
    own = runs if lesson.guess.measure == "difference" else [runs[lesson.guess.run]]
    end = max(len(guess.curve or ()), *map(last_epoch, own))
    st.vega_lite_chart(
        guess_data(curve, guess.curve, furthest),
        guess_spec(title_of(lesson), lesson.guess, guess.value, end, is_drawn=guess.curve is not None),
        key=f"guess-{'-'.join(ids)}-{guess.id}", on_select="rerun", selection_mode=[ZOOM], width="stretch",
        alt=f"{title_of(lesson)}, by epoch, with your guess",
    )  # fmt: skip


def _render_words(
    lesson: Lesson, guess: LessonGuess, curve: Sequence[tuple[int, float]], *, is_over: bool
) -> int | None:
    """The guess, how it stands, and once it is over how far off it was.

    Returns the epoch in which a drawn curve was furthest off, once that is known.
    """
    unit = lesson.guess.unit
    said = f"Your {'curve ends at' if guess.curve else 'guess:'} **{guess.value:.0f} {unit}**."
    if not curve:
        st.markdown(said)
        return None
    epoch, value = curve[-1]
    found = f"{value:.1f} {unit}"
    if not is_over:
        st.markdown(f"{said} After epoch {epoch}: {found}.")
        return None
    apart = abs(value - (guess.value or 0))
    said += f" In the end: **{found}**, {apart:.1f} points from it."
    distance = None if guess.curve is None else distance_between(guess.curve, curve)
    if distance is None:
        st.markdown(f"{said} {_badge(apart)}")
        return None
    st.markdown(f"{said} {_badge(distance.mean)}")
    st.metric(
        "Mean distance from your curve",
        f"{distance.mean:.1f} points",
        f"Largest surprise: epoch {distance.epoch}, {with_minus(f'{distance.difference:+.1f}')} points",
        delta_color="off", delta_arrow="off", border=True, width="content",
        help="How far apart the trained curve and yours are in each epoch, whichever is higher, averaged over the "
        "epochs. Below it the epoch in which they are furthest apart: with a plus the trained curve is higher.",
    )  # fmt: skip
    return distance.epoch


def _badge(apart: float) -> str:
    if apart <= CLOSE:
        return ":green-badge[:material/target: close]"
    return ":orange-badge[:material/lightbulb: surprise]"
