"""A run's answers on uploaded pictures: requested in portions, drawn with the pixels that the network sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from core.engine.answers import Answer
from core.store.records import Run
from core.system.frames import Pixels
from pages.components.kit import session
from pages.components.kit.answers import render_bars, render_seen, right_or_wrong
from pages.components.kit.text import literal

SHOWN_CLASSES = 4
PICTURE_SIDE = 160
CHUNK = 25  # pictures per request: the engine answers others in between, and the spinner shows progress
KEPT_CHUNKS = 16


@dataclass(frozen=True)
class Picture:
    """A picture to classify: an id that stays the same across reruns, its name, and how to get its bytes."""

    id: str
    name: str
    read: Callable[[], bytes]


def look_at(run: Run, pictures: Sequence[Picture], crop: str | None) -> list[Answer]:
    """The run's answers, in order. Those that it gave before with the same weights come from the cache."""
    answers = []
    for start in range(0, len(pictures), CHUNK):
        chunk = pictures[start : start + CHUNK]
        with st.spinner(f"Classifying pictures {start + 1} to {start + len(chunk)} of {len(pictures)}…"):
            # A run saves its best weights before it reports them.
            weights = (run.attempt, run.best_epoch)
            answers += _answers(run.id, weights, crop, tuple(picture.id for picture in chunk), chunk)
    return answers


@st.cache_data(max_entries=KEPT_CHUNKS, show_spinner=False)
def _answers(
    run_id: str,
    weights: tuple[int, int | None],
    crop: str | None,
    ids: tuple[str, ...],
    _pictures: Sequence[Picture],
) -> list[Answer]:
    """The engine's answers with the likeliest classes, cached by run, weights, crop and pictures."""
    sent = [(picture.name, picture.read()) for picture in _pictures]
    answers = session.services().engine.predict(run_id, sent, crop)
    return [replace(answer, top=answer.top[:SHOWN_CLASSES]) for answer in answers]


def render_answers(answers: list[Answer], truths: list[str] | None = None) -> None:
    """The answers as cards, with the true classes where they are known; above them, what could not be read."""
    for answer in answers:
        if answer.error:
            st.error(literal(answer.error), icon=":material/broken_image:")
    with st.grid(4, min_column_width=160):
        for index, answer in enumerate(answers):
            if answer.seen is not None:
                with st.container(border=True):
                    _render_answer(answer, answer.seen, truths[index] if truths else None)


def _render_answer(answer: Answer, pixels: Pixels, truth: str | None) -> None:
    height, width = pixels.shape[:2]
    seen = f"{answer.image}: the {width}×{height} pixels that the network sees"
    render_seen(pixels, seen, PICTURE_SIDE)
    if truth is None:
        st.caption(literal(seen))
    else:
        st.markdown(right_or_wrong(answer.best, truth))
    render_bars(answer, SHOWN_CLASSES)
    for note in answer.notes:
        st.caption(literal(note))
