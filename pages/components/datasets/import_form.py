"""The form that imports pictures from a file."""

import tempfile
from pathlib import Path

import streamlit as st

from core.errors import UserError
from core.importing.process import import_dataset
from core.importing.reading import Reading
from pages.components.kit import session
from pages.components.kit.text import error_text, literal

UPLOADS = ("zip", "npz")


def render_import() -> None:
    """What can be imported, and the form that does it."""
    st.markdown(
        "A `.zip` with one folder per class, or an `.npz` with `x_train`, `y_train`, `x_test` and `y_test`. Import "
        "larger files and official CIFAR archives from the command line: `python -m core datasets add NAME PATH`."
    )
    with st.form("import", border=False):
        columns = st.columns([2, 1])
        name = columns[0].text_input("Name", placeholder="my-flowers", max_chars=40)
        size = columns[1].number_input(
            "Image size",
            8,
            256,
            32,
            8,
            help="Pictures from a zip are resized to squares of this many pixels per side.",
        )
        # No size limit here, so that the server's own holds: it would refuse a larger file only after the upload.
        upload = st.file_uploader("File", type=list(UPLOADS))
        sent = st.form_submit_button("Import", icon=":material/upload:")
    if not sent:
        return
    if upload is None:
        st.error("Choose a file first.")
        return
    with st.spinner("Importing…"), tempfile.TemporaryDirectory() as folder:
        # Of the uploaded name only the ending is used.
        suffix = next(kind for kind in UPLOADS if upload.name.lower().endswith(f".{kind}"))
        path = Path(folder) / f"upload.{suffix}"
        path.write_bytes(upload.getbuffer())
        try:
            dataset = import_dataset(
                session.services().workspace, name.strip(), path, Reading(int(size)), shown_name=upload.name
            )
        except UserError as error:
            st.error(literal(error_text(error)))
            return
    session.flash(f"{literal(dataset.id)} is ready: {len(dataset.class_names)} classes.")
    st.rerun()
