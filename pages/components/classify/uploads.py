"""A run's answers on uploaded pictures: requested in portions, and kept for as long as run and weights are these."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from core.engine.answers import Answer
from core.inspection.prediction import learn_known
from core.store.records import Run
from pages.components.kit import session

SHOWN_CLASSES = 4
CHUNK = 25  # pictures per request: the engine answers others in between, and the spinner shows progress
KEPT_CHUNKS = 16


@dataclass(frozen=True)
class Picture:
    """A picture to classify: an id that stays the same across reruns, its name, and how to get its bytes."""

    id: str
    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True, eq=False)
class LookedAt:
    """An answer, and a key that no other picture, crop, run or weights has."""

    key: str
    answer: Answer


def look_at(run: Run, pictures: Sequence[Picture], crop: str | None, *, with_known: bool) -> list[LookedAt]:
    """The run's answers, in order. Those that it gave before with the same weights come from the cache.

    `with_known`: also whether it knows such pictures, after `known.learn_what_it_knows`.
    """
    looked: list[LookedAt] = []
    for start in range(0, len(pictures), CHUNK):
        chunk = pictures[start : start + CHUNK]
        with st.spinner(f"Classifying pictures {start + 1} to {start + len(chunk)} of {len(pictures)}…"):
            # A run saves its best weights before it reports them.
            weights = (run.attempt, run.best_epoch)
            ids = tuple(picture.id for picture in chunk)
            answers = _answers(run.id, weights, crop, with_known, ids, run, chunk)
        looked += [
            LookedAt(f"{run.id}-{run.attempt}-{run.best_epoch}-{crop}-{picture.id}", answer)
            for picture, answer in zip(chunk, answers, strict=True)
        ]
    return looked


@st.cache_data(max_entries=KEPT_CHUNKS, show_spinner=False)
def _answers(
    run_id: str,
    weights: tuple[int, int | None],
    crop: str | None,
    with_known: bool,
    ids: tuple[str, ...],
    _run: Run,
    _pictures: Sequence[Picture],
) -> list[Answer]:
    """The engine's answers with the likeliest classes, cached by run, weights, crop and pictures."""
    services = session.services()
    sent = [(picture.name, picture.read()) for picture in _pictures]
    answers = services.engine.predict(run_id, sent, crop, with_known=with_known)
    if with_known and any(answer.ok and answer.knowledge is None for answer in answers):
        # The engine has restarted since, or was asked about other runs: it reads again what it had measured.
        learn_known(services.workspace, services.engine, _run)
        answers = services.engine.predict(run_id, sent, crop, with_known=True)
    return [replace(answer, top=answer.top[:SHOWN_CLASSES]) for answer in answers]
