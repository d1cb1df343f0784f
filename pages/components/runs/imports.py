"""The dialog that imports runs: a bundle, or what other tools have recorded; and where an imported run comes from."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.bundles.arrivals import Wishes, import_any, is_bundle
from core.bundles.importing import imported_in_words
from core.errors import ConvDeckError
from core.foreign.importing import MAX_VALIDATION_PICTURES, found_in_words
from core.foreign.reading import Given, read_runs
from core.server.services import Services
from core.store.records import Run
from pages.components.kit import session_uploads
from pages.components.kit.text import error_text, literal, local_time
from pages.components.runs.selection import write_selection

MOST_MEGABYTES = 150


def render_import() -> None:
    """The button that asks for the dialog, which `render_import_dialog` opens: a part of a page that ticks cannot."""
    if st.button(
        "Import runs", key="import-bundle", icon=":material/upload_file:", type="tertiary",
        help="Add a run from another computer, or the curves that another tool has recorded.",
    ):  # fmt: skip
        session_uploads.ask_for_import()
        st.rerun()


def render_import_dialog(services: Services) -> None:
    """The dialog, where the button was just pressed."""
    if session_uploads.take_import_request():
        _import_dialog(services)


@st.dialog("Import runs", icon=":material/upload_file:")
def _import_dialog(services: Services) -> None:
    st.write(
        "A bundle of ConvDeck brings a run with its curves, notes and weights. From TensorBoard, W&B, trackio, "
        "Lightning, Keras or any CSV come the curves: give the event files, a zip of the log folder, CSV or JSON."
    )
    uploaded = st.file_uploader(
        "Files", accept_multiple_files=True, key="bundle-file", max_upload_size=MOST_MEGABYTES
    )
    with tempfile.TemporaryDirectory() as folder:
        try:
            given = _written(uploaded, Path(folder))
            is_clear, pictures = bool(given), None
            if given and not any(is_bundle(each.path) for each in given):
                pictures = _render_found(given)
        except (ConvDeckError, OSError) as error:
            is_clear = False
            st.error(literal(error_text(error)), icon=":material/block:")
        if not st.button("Import", key="import-now", type="primary", disabled=not is_clear) or not is_clear:
            return
        try:
            with st.spinner("Checking and reading…"):
                wishes = Wishes(validation_pictures=pictures)
                runs = import_any(services.workspace, services.store, given, wishes)
        except (ConvDeckError, OSError) as error:
            st.error(literal(error_text(error)), icon=":material/block:")
            return
    write_selection([run.id for run in runs])
    st.rerun()


def _written(uploaded: Sequence[Any], folder: Path) -> list[Given]:
    """The files under names of our own: those of their sender say something to people alone."""
    given = []
    for number, file in enumerate(uploaded):
        path = folder / f"file-{number}"
        path.write_bytes(file.getbuffer())
        given.append(Given(path, file.name))
    return given


def _render_found(given: Sequence[Given]) -> int | None:
    """What would be imported, and a field for the one thing that no file says. Raises RecordError."""
    with st.spinner("Reading…"):
        found = read_runs(given)
    for sentence in found_in_words(found):
        st.markdown(literal(sentence))
    pictures = st.number_input(
        "Validation pictures", min_value=1, max_value=MAX_VALIDATION_PICTURES, value=None, step=1,
        key="import-validation-pictures", placeholder="not known",
        help="How many pictures validation was measured on, if you know it. The verdict then tells chance better.",
    )  # fmt: skip
    return None if pictures is None else int(pictures)


def render_origin(services: Services, run: Run) -> None:
    """Where an imported run comes from, and what it lacks here."""
    origin = run.origin
    if origin is None:
        return
    when = f"imported {local_time(origin.imported_at)}."
    if origin.tool is not None:
        words = [
            f"Recorded by {origin.tool}, {when}",
            "ConvDeck has its curves, but neither settings nor weights; the log says what was made of its files.",
        ]
    else:
        where = f" on {origin.machine}" if origin.machine else ""
        exported = "" if origin.exported_at is None else f"exported {local_time(origin.exported_at)}{where}, "
        words = [
            f"Imported from {origin.run} by bundle: {exported}{when}",
            *imported_in_words(services.workspace, run),
        ]
    st.caption(":material/inventory_2: " + literal(" ".join(words)))
