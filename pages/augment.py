"""Augment: how training varies its pictures, and how trained networks answer them."""

import streamlit as st

from pages.components.augment.batch import render_batch
from pages.components.augment.code import render_code
from pages.components.augment.run_choice import IN_ADDRESS, VIEW, choose_part, take_link, warn_of_run
from pages.components.augment.sweep import render_sweep
from pages.components.augment.variants import render_variants
from pages.components.design.drafts import ensure_draft
from pages.components.kit import session

# Of a visitor without a design: without augmentation there is nothing to see.
FIRST_PRESET = "article-augmented"
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
    "code": "The same ranges in Keras, for your own network.",
}


def main() -> None:
    """The page. Only the chosen view is drawn, so the engine gets no other requests."""
    st.title("Augment", anchor=False)
    services = session.services()
    take_link()
    config = ensure_draft(services, keep=IN_ADDRESS, first=FIRST_PRESET)
    view = choose_part(VIEW, "View", VIEWS, "augment-view")
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


main()
