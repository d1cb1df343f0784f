"""A run's answers as cards: the pixels that the network sees, its likeliest classes, and what it does not know."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.neighbours import KNOWN_SHARE
from core.engine.answers import Answer, Knowledge
from core.formatting import percent
from core.server.services import Services
from core.store.records import Run
from core.system.frames import Pixels
from pages.components.classify.reasons import render_reasons
from pages.components.classify.uploads import SHOWN_CLASSES, LookedAt
from pages.components.kit.answers import render_bars, render_seen, right_or_wrong
from pages.components.kit.text import literal

PICTURE_SIDE = 160
UNKNOWN = "This looks like nothing that it was trained on."


def render_answers(
    services: Services, run: Run, looked: Sequence[LookedAt], truths: Sequence[str] | None = None
) -> None:
    """The answers as cards, with the true classes where they are known; above them, what could not be read."""
    for each in looked:
        if each.answer.error:
            st.error(literal(each.answer.error), icon=":material/broken_image:")
    with st.grid(4, min_column_width=160):
        for index, each in enumerate(looked):
            if each.answer.seen is not None:
                with st.container(border=True):
                    _render_answer(each.answer, each.answer.seen, truths[index] if truths else None)
                    render_reasons(services, run, each.answer, each.key)


def _render_answer(answer: Answer, pixels: Pixels, truth: str | None) -> None:
    height, width = pixels.shape[:2]
    seen = f"{answer.image}: the {width}×{height} pixels that the network sees"
    render_seen(pixels, seen, PICTURE_SIDE)
    if truth is None:
        st.caption(literal(seen))
    else:
        st.markdown(right_or_wrong(answer.best, truth))
    if answer.knowledge is not None and not answer.knowledge.is_known:
        st.markdown(f":orange[:material/help_center: **{UNKNOWN}**]", help=_explain_unknown(answer.knowledge))
    render_bars(answer, SHOWN_CLASSES)
    for note in answer.notes:
        st.caption(literal(note))


def _explain_unknown(knowledge: Knowledge) -> str:
    mistaken = (
        ""
        if knowledge.false_alarms is None
        else (
            " The notice can be wrong: of the test pictures of its own data set, "
            f"{percent(knowledge.false_alarms)} are called so by mistake."
        )
    )
    return literal(
        "Measured by how far the picture lies from the training pictures in the network's features: "
        f"{percent(knowledge.percentile / 100)} of the validation pictures are nearer. The notice appears where "
        f"{percent(KNOWN_SHARE, 0)} or more are.{mistaken}"
    )
