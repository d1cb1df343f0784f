"""A run's answers on uploaded pictures: requested in portions, drawn with the pixels that the network sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.store.records import Run
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


def look_at(run: Run, pictures: Sequence[Picture], crop: str) -> list[dict[str, Any]]:
    """The run's answers, in order. Those that it gave before with the same weights come from the cache."""
    rows = []
    for start in range(0, len(pictures), CHUNK):
        chunk = pictures[start : start + CHUNK]
        with st.spinner(f"Classifying pictures {start + 1} to {start + len(chunk)} of {len(pictures)}…"):
            # A run saves its best weights before it reports them.
            weights = (run.attempt, run.best_epoch)
            rows += _answers(run.id, weights, crop, tuple(picture.id for picture in chunk), chunk)
    return rows


@st.cache_data(max_entries=KEPT_CHUNKS, show_spinner=False)
def _answers(
    run_id: str,
    weights: tuple[int, int | None],
    crop: str,
    ids: tuple[str, ...],
    _pictures: Sequence[Picture],
) -> list[dict[str, Any]]:
    """The engine's rows with the likeliest classes, cached by run, weights, crop and pictures."""
    sent = [(picture.name, picture.read()) for picture in _pictures]
    rows = session.services().engine.predict(run_id, sent, crop)
    return [{**row, "top": row["top"][:SHOWN_CLASSES]} for row in rows]


def render_rows(rows: list[dict[str, Any]], truths: list[str] | None = None) -> None:
    """The engine's rows as cards, with the true classes where they are known; above them, what could not be read."""
    for row in rows:
        if not row["ok"]:
            st.error(literal(row["error"]), icon=":material/broken_image:")
    shown = [(row, truths[index] if truths else None) for index, row in enumerate(rows) if row["ok"]]
    with st.grid(4, min_column_width=160):
        for row, truth in shown:
            with st.container(border=True):
                _render_answer(row, truth)


def _render_answer(row: dict[str, Any], truth: str | None) -> None:
    height, width = row["seen"].shape[:2]
    seen = f"{row['image']}: the {width}×{height} pixels that the network sees"
    render_seen(row["seen"], seen, PICTURE_SIDE)
    if truth is None:
        st.caption(literal(seen))
    else:
        st.markdown(right_or_wrong(row["top"][0]["class"], truth))
    render_bars(row, SHOWN_CLASSES)
    for note in row["notes"]:
        st.caption(literal(note))
