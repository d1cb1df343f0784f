"""A run's answers as cards: the pixels that the network sees, its likeliest classes, and what it does not know."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.neighbours import KNOWN_SHARE
from core.engine.answers import Knowledge
from core.formatting import percent
from core.inspection.looking import disagree
from core.server.services import Services
from core.store.records import Run
from pages.components.classify.cropping import render_crop_button
from pages.components.classify.reasons import render_reasons
from pages.components.classify.several import render_answer, render_side_by_side
from pages.components.classify.uploads import SHOWN_CLASSES, LookedAt
from pages.components.kit.answers import render_seen, right_or_wrong
from pages.components.kit.pictures import render_file
from pages.components.kit.text import literal

PICTURE_SIDE, SIDE_BY_SIDE = 160, 104
UNKNOWN = "This looks like nothing that it was trained on."


def render_answers(
    services: Services, runs: Sequence[Run], looked: Sequence[LookedAt], truths: Sequence[str] | None = None
) -> None:
    """The answers as cards, with the true classes where they are known; above them, what could not be read."""
    for each in looked:
        if each.answer.error:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.error(literal(_with_folder(each)), icon=":material/broken_image:")
                _render_remove(each)
    if len(runs) > 1:
        for index, each in enumerate(looked):
            if each.answer.seen is not None:
                with st.container(border=True):
                    own, *others = st.columns([1.2, *[1] * len(runs)], gap="medium")
                    with own:
                        _render_picture(services, runs[0], each, truths[index] if truths else None)
                    render_side_by_side(runs, each, others)
        return
    with st.grid(4, min_column_width=160 if truths else 240):
        for index, each in enumerate(looked):
            if each.answer.seen is not None:
                with st.container(border=True):
                    _render_picture(services, runs[0], each, truths[index] if truths else None)


def _render_picture(services: Services, run: Run, looked: LookedAt, truth: str | None) -> None:
    """The picture, what the network sees of it and what it does not know; with a single run, also its answer."""
    answer, pixels = looked.answer, looked.answer.seen
    assert pixels is not None
    height, width = pixels.shape[:2]
    seen = f"{answer.image}: the {width}×{height} pixels that the network sees"
    if looked.look.original:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            render_file(looked.look.original, SIDE_BY_SIDE, f"{answer.image}: the original")
            render_seen(pixels, seen, SIDE_BY_SIDE)
    else:
        render_seen(pixels, seen, PICTURE_SIDE)
    if truth is None:
        st.caption(literal(seen))
    else:
        st.markdown(right_or_wrong(answer.best, truth))
    if answer.knowledge is not None and not answer.knowledge.is_known:
        st.markdown(f":orange[:material/help_center: **{UNKNOWN}**]", help=_explain_unknown(answer.knowledge))
    if len(looked.look.answers) == 1:
        render_answer(looked, 0, SHOWN_CLASSES)
    elif disagree(looked.look.answers):
        st.markdown(":orange-badge[:material/alt_route: The runs disagree]")
    for note in answer.notes:
        st.caption(literal(note))
    with st.container(horizontal=True):
        render_reasons(services, run, answer, looked.key)
        if looked.look.original:
            render_crop_button(services, run, looked)
        _render_remove(looked)


def _render_remove(looked: LookedAt) -> None:
    if looked.picture.remove is not None:
        st.button(
            "Remove", icon=":material/close:", type="tertiary", key=f"remove-{looked.picture.id}",
            on_click=looked.picture.remove,
        )  # fmt: skip


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


def _with_folder(looked: LookedAt) -> str:
    """Why it could not be read, with the whole name: pictures of two folders may be called the same."""
    error, name = looked.answer.error or "", looked.picture.name
    inside = name.rpartition("/")[2]
    return f"{name}{error.removeprefix(inside)}" if error.startswith(inside) else error
