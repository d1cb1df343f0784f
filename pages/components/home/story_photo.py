"""A visitor's own photo before both networks: what they see of it, and their answers side by side.

The answers follow the race: they are those of the best weights so far, asked again when there are better ones.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import streamlit as st

from core.engine.answers import Answer
from core.engine.looking import Asked, File, Look, look
from core.errors import ConvDeckError, RunNotFound
from core.formatting import percent
from core.server.services import Services
from core.store.records import Run
from pages.components.home.story_picture import Picture, choose_picture, render_classes
from pages.components.kit import session
from pages.components.kit.answers import render_bars, render_seen, right_or_wrong
from pages.components.kit.cache import answer_of
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import error_text, literal

ANCHOR = "your-own-photo"
TICK_SECONDS = 1.0
LAST = "story-photo-answers"


@dataclass(frozen=True, eq=False)
class _Answered:
    """What was answered last: to which picture by which runs, by which of their weights, and what; or why nothing."""

    asked: Hashable
    weights: Hashable
    found: Look | str


def render_photo(services: Services, run: Run, fork: Run) -> None:
    """Both answer the same picture: the visitor's own, or else a sample."""
    st.subheader("Your own photo", anchor=ANCHOR)
    left, right = st.columns([2, 3], gap="large")
    with left:
        picture = choose_picture(services, run)
        render_classes(services, run)
    if picture is None:
        return
    ids = run.id, fork.id
    is_live = _is_live(services, (run, fork), picture)
    with right:
        draw_ticking(_draw, services, ids, picture, is_live, every=TICK_SECONDS if is_live else None)


def _is_live(services: Services, runs: Sequence[Run], picture: Picture) -> bool:
    """Whether other answers are still to come."""
    return not all(run.state.is_finished for run in runs) or _is_pending(
        _answers(services, runs, picture), runs
    )


def _draw(services: Services, ids: Sequence[str], picture: Picture, was_live: bool) -> None:
    try:
        runs = [services.store.get_run(run_id) for run_id in ids]
    except RunNotFound:
        st.rerun()  # deleted elsewhere: the page says so
    if was_live and not _is_live(services, runs, picture):
        st.rerun()  # polling ends with the whole page
    answered = _answers(services, runs, picture)
    if answered is None:
        st.caption("The answers appear once the picture engine has loaded TensorFlow.")
        st.skeleton(height=200)
    elif isinstance(answered.found, str):
        st.error(literal(answered.found), icon=":material/broken_image:")
        st.button("Try again", key="story-photo-again", on_click=session.set_widget, args=(LAST, None))
    else:
        _render_answers(runs, picture, answered.found.answers)


def _render_answers(runs: Sequence[Run], picture: Picture, answers: Sequence[Answer]) -> None:
    seen = answers[0].seen
    if seen is None:
        st.error(literal(answers[0].error or ""), icon=":material/broken_image:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        height, width = seen.shape[:2]
        render_seen(seen, f"The {width}×{height} pixels that the networks see")
        notes = "".join(f" {literal(note)}" for note in answers[0].notes)
        st.caption(f"These {width}×{height} pixels are all that the networks see.{notes}")
    columns = st.columns(2, gap="medium", border=True)
    titles = "Without augmentation", "With augmentation"
    for column, run, title, answer in zip(columns, runs, titles, answers, strict=True):
        with column:
            st.markdown(f"**{title}**")
            if picture.truth is not None:
                st.markdown(right_or_wrong(answer.best, picture.truth))
            render_bars(answer)
            so_far = (
                "" if run.state.is_finished else f" so far, after {run.epoch} of {run.total_epochs} epochs"
            )
            st.caption(f"Right on {percent(run.best_val_accuracy)} of its validation pictures{so_far}")
    if picture.truth is None:
        st.caption(
            "They always choose one of the classes they know, even for something they have never seen."
        )


def _answers(services: Services, runs: Sequence[Run], picture: Picture) -> _Answered | None:
    """The newest answers that there are; until the first of this picture, None. The page does not wait for them."""
    asked: Hashable = (*(run.id for run in runs), picture.version)
    last = session.widget_value(LAST)
    if last is not None and last.asked != asked:
        last = None
    if last is not None and not _is_pending(last, runs):
        return last
    weights = _weights(runs)
    file = File(picture.name, picture.data, picture.box)
    questions = [Asked(run.id) for run in runs]
    try:
        found = answer_of(
            ("photo", asked, weights), lambda: look(services.engine, questions, [file], picture.crop)[0]
        )
    except ConvDeckError as error:
        found = error_text(error)
    if found is None:
        return last
    answered = _Answered(asked, weights, found)
    session.set_widget(LAST, answered)
    return answered


def _is_pending(answered: _Answered | None, runs: Sequence[Run]) -> bool:
    return answered is None or answered.weights != _weights(runs)


def _weights(runs: Sequence[Run]) -> Hashable:
    """Which weights answer: a run saves its best before it says that it has new ones."""
    return tuple((run.attempt, run.best_epoch) for run in runs)
