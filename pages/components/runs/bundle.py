"""A run as a bundle in the export dialog; the dialog that imports one; and where an imported run comes from."""

import tempfile
from pathlib import Path

import streamlit as st

from core.bundles.importing import import_bundle, imported_in_words
from core.bundles.model_card import run_card
from core.bundles.packing import bundle_name, export_bundle
from core.errors import ConvDeckError
from core.inspection.run_export import CARD
from core.server.services import Services
from core.store.records import Run
from pages.components.kit import session_uploads
from pages.components.kit.text import error_text, literal, local_time
from pages.components.runs.selection import write_selection

MOST_MEGABYTES = 150


def offer_bundle(services: Services, run: Run) -> None:
    """Pack the run at a click, and offer it to be saved."""
    if not run.state.is_finished:
        st.caption("A bundle is of a run that has ended.")
        return
    if not st.button("Create the bundle", key="write-bundle", type="primary"):
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
            f"Save {len(data) / 1e6:.1f} MB",
            data,
            file_name=bundle_name(run),
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
            type="primary",
        )
        _save_card(packed.card)
    st.caption(
        "On another computer: Import, at the top of its Runs page, or `python -m core import` with the file."
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


def render_import() -> None:
    """The button that asks for the dialog, which `render_import_dialog` opens: a part of a page that ticks cannot."""
    if st.button(
        "Import", key="import-bundle", icon=":material/upload_file:", type="tertiary",
        help="Add a run that was exported as a bundle on another computer.",
    ):  # fmt: skip
        session_uploads.ask_for_import()
        st.rerun()


def render_import_dialog(services: Services) -> None:
    """The dialog, where the button was just pressed."""
    if session_uploads.take_import_request():
        _import_dialog(services)


@st.dialog("Import a bundle", icon=":material/upload_file:")
def _import_dialog(services: Services) -> None:
    st.write(
        "A run that was exported as a bundle comes in under a new id, with its curves, notes and weights."
    )
    uploaded = st.file_uploader("Bundle", type="zip", key="bundle-file", max_upload_size=MOST_MEGABYTES)
    if (
        not st.button("Import", key="import-now", type="primary", disabled=uploaded is None)
        or uploaded is None
    ):
        return
    try:
        with st.spinner("Checking and unpacking…"), tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bundle.zip"
            path.write_bytes(uploaded.getbuffer())
            run = import_bundle(services.workspace, services.store, path, uploaded.name)
    except (ConvDeckError, OSError) as error:
        st.error(literal(error_text(error)), icon=":material/block:")
        return
    write_selection([run.id])
    st.rerun()


def render_origin(services: Services, run: Run) -> None:
    """Where an imported run comes from, and what it lacks here."""
    origin = run.origin
    if origin is None:
        return
    where = f" on {origin.machine}" if origin.machine else ""
    words = [
        f"Imported from {origin.run} by bundle: exported {local_time(origin.exported_at)}{where}, imported "
        f"{local_time(origin.imported_at)}.",
        *imported_in_words(services.workspace, run),
    ]
    st.caption(":material/inventory_2: " + literal(" ".join(words)))
