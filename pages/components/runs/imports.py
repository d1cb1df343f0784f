"""The dialog that imports runs: a bundle, or what other tools have recorded; and where an imported run comes from."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.bundles.arrivals import import_any, look_at
from core.bundles.importing import imported_in_words
from core.errors import ConvDeckError, RecordError
from core.foreign.epochs import FoundRun
from core.foreign.importing import (
    MAX_VALIDATION_PICTURES,
    add_found,
    already_here,
    found_in_words,
    here_in_words,
)
from core.foreign.reading import Given
from core.server.services import Services
from core.store.records import Run
from pages.components.kit import session_uploads
from pages.components.kit.text import error_text, literal, local_time
from pages.components.runs.selection import write_selection

MOST_MEGABYTES = 150
MAX_FILES = 20  # as by REST


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
    seen = _look(uploaded)
    pictures = None if seen is None else _render_seen(services, seen)
    is_clear = seen is not None and seen.error is None
    label = "Import anyway" if seen is not None and seen.is_here(services) else "Import"
    if not st.button(label, key="import-now", type="primary", disabled=not is_clear) or seen is None:
        return
    try:
        with st.spinner("Importing…"):
            runs = _import(services, seen, uploaded, pictures)
    except (ConvDeckError, OSError) as error:
        st.error(literal(error_text(error)), icon=":material/block:")
        return
    session_uploads.keep_seen_import((), None)
    write_selection([run.id for run in runs])
    st.rerun()


@dataclass(frozen=True)
class _Seen:
    """What was made of the files that were given: runs of other tools, None for a bundle; or why they are refused."""

    found: Sequence[FoundRun] | None = None
    error: str | None = None

    def is_here(self, services: Services) -> bool:
        """Whether all that would come is here already."""
        return bool(self.found) and all(already_here(services.store, self.found or ()))


def _look(uploaded: Sequence[Any]) -> _Seen | None:
    """The files are read once, when they are given; None without files."""
    files = tuple(f"{file.file_id} {file.name}" for file in uploaded)
    if not files:
        session_uploads.keep_seen_import((), None)
        return None
    seen = session_uploads.seen_import(files)
    if isinstance(seen, _Seen):
        return seen
    try:
        if len(files) > MAX_FILES:
            raise RecordError(
                f"{len(files):,} files are given; at most {MAX_FILES} can be imported at once. A zip may hold more."
            )
        with st.spinner("Reading…"), tempfile.TemporaryDirectory() as folder:
            seen = _Seen(look_at(_written(uploaded, Path(folder))))
    except (ConvDeckError, OSError) as error:
        seen = _Seen(error=error_text(error))
    session_uploads.keep_seen_import(files, seen)
    return seen


def _render_seen(services: Services, seen: _Seen) -> int | None:
    """What would be imported, and a field for the one thing that no file says."""
    if seen.error is not None:
        st.error(literal(seen.error), icon=":material/block:")
        return None
    if seen.found is None:
        return None
    for sentence in found_in_words(seen.found):
        st.markdown(literal(sentence))
    for sentence in here_in_words(seen.found, already_here(services.store, seen.found)):
        st.warning(literal(sentence), icon=":material/content_copy:")
    pictures = st.number_input(
        "Validation pictures", min_value=1, max_value=MAX_VALIDATION_PICTURES, value=None, step=1,
        key="import-validation-pictures", placeholder="not known",
        help="How many pictures validation was measured on, if you know it. The verdict then tells chance better.",
    )  # fmt: skip
    return None if pictures is None else int(pictures)


def _import(services: Services, seen: _Seen, uploaded: Sequence[Any], pictures: int | None) -> list[Run]:
    """What was shown; a bundle is unpacked only now."""
    services.workspace.ensure()
    if seen.found is not None:
        return add_found(services.store, seen.found, None, pictures)
    with tempfile.TemporaryDirectory() as folder:
        return import_any(services.workspace, services.store, _written(uploaded, Path(folder)))


def _written(uploaded: Sequence[Any], folder: Path) -> list[Given]:
    """The files under names of our own: those of their sender say something to people alone."""
    given = []
    for number, file in enumerate(uploaded):
        path = folder / f"file-{number}"
        path.write_bytes(file.getbuffer())
        given.append(Given(path, file.name))
    return given


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
