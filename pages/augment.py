"""Augment: what training does to its pictures, and what networks make of it."""

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
    "variants": "How training varies a picture, anew each time, drawn by the code that trains.",
    "batch": "A batch of training, picture for picture, with the labels that the network is told.",
    "sweep": "How well a run recognises pictures that are turned, shifted or darkened. It copes with what it was "
    "trained with.",
    "code": "The same ranges as Keras layers, to put before a network of your own.",
}


def main() -> None:
    """The page. Only the part that is looked at is drawn, so that the engine is asked for nothing else."""
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
