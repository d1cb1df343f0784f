"""A run as a bundle in the export dialog, and its model card."""

import tempfile
from pathlib import Path

import streamlit as st

from core.bundles.model_card import run_card
from core.bundles.packing import bundle_name, export_bundle
from core.errors import ConvDeckError
from core.formatting import file_size
from core.inspection.run_export import CARD
from core.server.services import Services
from core.store.records import Run
from pages.components.kit import session
from pages.components.kit.text import error_text, literal


def offer_bundle(services: Services, run: Run) -> None:
    """Pack the run at a click, and offer it to be saved."""
    if not run.state.is_finished:
        st.caption("A bundle is of a run that has ended.")
        return
    is_there = session.widget_value("write-bundle", False)  # then saving it is the primary button
    if not st.button("Create the bundle", key="write-bundle", type="secondary" if is_there else "primary"):
        return
    try:
        with (
            st.spinner("Measuring what its model card says, then packing…"),
            tempfile.TemporaryDirectory() as folder,
        ):
            packed = export_bundle(
                services.workspace, services.store, services.engine, run.id, Path(folder) / bundle_name(run)
            )
            data = packed.path.read_bytes()
    except (ConvDeckError, OSError) as error:
        st.error(literal(error_text(error)))
        return
    with st.container(horizontal=True):
        st.download_button(
            f"Save the bundle ({file_size(len(data))})",
            data,
            file_name=bundle_name(run),
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
            type="primary",
        )
        _save_card(packed.card)
    st.caption(
        "On another computer: Import runs, at the top of its Runs page, or `python -m core import` with the file."
    )
    with st.expander("Model card", icon=":material/description:"):
        st.markdown(packed.card)


def offer_card(services: Services, run: Run) -> None:
    """The model card of a run whose data was just measured."""
    try:
        card = run_card(services.workspace, services.store, services.engine, run)
    except ConvDeckError as error:
        st.error(literal(error_text(error)))
        return
    with st.expander("Model card", icon=":material/description:"):
        _save_card(card)
        st.markdown(card)


def _save_card(card: str) -> None:
    st.download_button(
        "Save the model card",
        card,
        file_name=CARD,
        mime="text/markdown",
        icon=":material/description:",
        on_click="ignore",
        help="Data, accuracy with its interval, calibration and limits, filled in from the run.",
    )
