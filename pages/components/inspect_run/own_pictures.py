"""Pictures of a person's own, followed over the epochs of a run, also while it trains."""

import secrets

import streamlit as st

from core.engine.answers import Answer
from core.errors import ConvDeckError, RunNotFound
from core.formatting import percent
from core.inspection.over_epochs import EpochAnswers
from core.server.services import Services
from core.store.records import Run
from pages.components.inspect_run.picture_over_epochs import (
    NONE_KEPT,
    ask_over_epochs,
    render_answers_chart,
)
from pages.components.kit import session
from pages.components.kit.cache import VersionedCache
from pages.components.kit.own_files import OwnFile, Room, upload_field
from pages.components.kit.picture_grid import scroll_here
from pages.components.kit.pictures import render_pixels
from pages.components.kit.redraw import draw_alone, draw_ticking, render_folded
from pages.components.kit.text import error_text, literal

MOST_PICTURES = 8
TICK_SECONDS = 2.0
SIDE = 96
FOLD, SCROLL = "inspect-own", "inspect-own-scroll"
OWN = Room("inspect-own-uploads", MOST_PICTURES)


# The pictures as the network of a run reads them, which is the same at each of its epochs.
_seen: VersionedCache[Answer] = VersionedCache(256)


def render_own_button() -> None:
    """A button for the head of the page, which opens the fold and scrolls to it."""
    st.button(
        "Your own pictures", icon=":material/add_a_photo:", key="inspect-open-own", on_click=_open,
        help="Follow pictures of your own over the epochs of this run, also while it trains.",
    )  # fmt: skip


def _open() -> None:
    session.set_widget(FOLD, True)
    session.set_widget(SCROLL, secrets.token_hex(4))


def render_own_pictures(services: Services, run: Run) -> None:
    """A fold with pictures of this visitor, which stay for as long as the visit, and what the run made of them."""
    if token := session.widget_value(SCROLL):
        scroll_here(token, "own")
    render_folded(
        "Follow your own pictures", FOLD, lambda: draw_alone(_render, services, run.id),
        icon=":material/add_a_photo:", expanded=bool(OWN.held()),
    )  # fmt: skip


def _render(services: Services, run_id: str) -> None:
    followed = OWN.held()
    st.caption(
        "See what the network says of your own pictures after each epoch. While the run trains, each new epoch is "
        "added by itself. These are the network's own probabilities; Classify corrects them, so its numbers "
        "differ a little."
    )
    if len(followed) < MOST_PICTURES:
        upload_field(OWN, f"Add up to {MOST_PICTURES - len(followed)} pictures")
    if not followed:
        return
    run = _run_of(services, run_id)
    draw_ticking(
        _render_answers, services, run_id, run is not None and run.state.is_active,
        every=TICK_SECONDS if run is not None and run.state.is_active else None,
    )  # fmt: skip
    st.button("Remove all", key="inspect-own-remove", icon=":material/delete:", on_click=OWN.clear)


def _render_answers(services: Services, run_id: str, was_active: bool) -> None:
    run = _run_of(services, run_id)
    if run is None or run.state.is_active != was_active:
        st.rerun()
    pictures = OWN.held()
    try:
        shown = [_look(services, run, picture) for picture in pictures]
        pixels = [each.seen for each in shown if each.seen is not None]
        answers = iter(ask_over_epochs(services, run, pixels))
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/error:")
        return
    if not run.config.training.keep_epoch_weights:
        st.caption(NONE_KEPT)
    with st.grid(2, min_column_width=320):
        for picture, each in zip(pictures, shown, strict=True):
            with st.container(border=True):
                _render_picture(run, picture, each, next(answers) if each.seen is not None else None)


def _render_picture(run: Run, picture: OwnFile, shown: Answer, answers: EpochAnswers | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if shown.seen is not None:
            render_pixels(shown.seen, SIDE, width=SIDE, alt=f"{picture.name} as the network sees it")
        with st.container(gap="xsmall"):
            st.markdown(f"**{literal(picture.name)}**")
            if answers is None:
                st.caption(literal(str(shown.error)))
            else:
                last = answers.probabilities[-1]
                best = int(last.argmax())
                st.caption(
                    f"After epoch {answers.epochs[-1]:,}: **{literal(answers.class_names[best])}** "
                    f"({percent(float(last[best]))})"
                )
        st.button(
            "Remove", key=f"inspect-own-remove-{picture.id[:16]}", icon=":material/close:", type="tertiary",
            on_click=OWN.remove, args=(picture.id,), help="Stop following this picture.", width="content",
        )  # fmt: skip
    if answers is not None:
        render_answers_chart(answers, f"own-{run.id}-{picture.id[:16]}")


def _look(services: Services, run: Run, picture: OwnFile) -> Answer:
    """The picture as the run's network reads it, or why it cannot be read."""
    name = services.workspace.root, run.id, picture.id
    return _seen.get(name, None, lambda: services.engine.predict(run.id, [(picture.name, picture.data)])[0])


def _run_of(services: Services, run_id: str) -> Run | None:
    try:
        return services.store.get_run(run_id)
    except RunNotFound:
        return None
