"""Augment: how training varies its pictures, and how trained networks answer them."""

import streamlit as st

from pages.components.augment.batch import render_batch
from pages.components.augment.code import render_code
from pages.components.augment.run_choice import PARAMETER, VIEW, warn_of_run
from pages.components.augment.sweep import render_sweep
from pages.components.augment.variants import render_variants
from pages.components.design.drafts import ensure_draft
from pages.components.kit import session

CHOICE = "augment-view"
VIEWS = {
    "variants": "Variants",
    "batch": "What the network sees",
    "sweep": "Strength sweep",
    "code": "Code",
}
WORDS = {
    "variants": "How training varies a picture. Each variant is drawn by the same code that trains.",
    "batch": "One training batch, picture by picture, with the labels that the network gets.",
    "sweep": "How robust a run is to rotation, shifts, darkening and other distortions. A network usually copes with "
    "those that it was trained with.",
    "code": "The same ranges as Keras layers, to put in front of your own network.",
}


def main() -> None:
    """The page. Only the chosen view is drawn, so the engine gets no other requests."""
    st.title("Augment", anchor=False)
    services = session.services()
    config = ensure_draft(services, keep=(PARAMETER, VIEW))
    view = _choose_view()
    st.markdown(WORDS[view])
    runs = services.store.list_runs(limit=500, alone_first=True)
    warn_of_run(runs, needs_weights=view in ("variants", "sweep"))
    if view == "variants":
        render_variants(services, config, runs)
    elif view == "batch":
        render_batch(services, config, runs)
    elif view == "sweep":
        render_sweep(services, runs)
    else:
        render_code(services, config)


def _choose_view() -> str:
    asked = st.query_params.get(VIEW)
    if asked in VIEWS:
        session.set_widget(CHOICE, asked)
    view = st.segmented_control(
        "View", list(VIEWS), default=None if asked in VIEWS else "variants", required=True, key=CHOICE,
        persist_state="session", format_func=VIEWS.__getitem__, on_change=_note_view, label_visibility="collapsed",
        wrap=True,
    )  # fmt: skip
    return str(view)


def _note_view() -> None:
    st.query_params[VIEW] = session.widget_value(CHOICE)


main()
