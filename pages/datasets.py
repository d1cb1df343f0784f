"""Datasets: what is at hand, what can be had, your own, and a look inside."""

import tempfile
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.datasets.importing import import_dataset
from core.datasets.prepare import ensure_dataset
from core.datasets.storage import Dataset, DatasetInfo, Progress, delete_dataset, list_datasets, load_dataset
from core.errors import UserError
from core.runs import control
from pages.components import session
from pages.components.pictures import contact_sheet
from pages.components.text import literal

GALLERY = 16
SHOWN_CLASSES = 20


def main() -> None:
    """The page."""
    st.title("Datasets", anchor=False)
    infos = list_datasets(session.services().workspace)
    with st.grid(3, min_column_width=280):
        for info in infos:
            with st.container(border=True, height="stretch"):
                _render_card(info)
    with st.expander("Add your own pictures"):
        _render_import()
    ready = [info for info in infos if info.state == "ready"]
    if ready:
        st.subheader("Look inside", anchor=False)
        titles = {info.id: info.title for info in ready}
        chosen = st.selectbox(
            "Data set", list(titles), format_func=titles.__getitem__, key="look-inside", bind="query-params"
        )
        _render_inside(load_dataset(session.services().workspace, chosen))


def _render_card(info: DatasetInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{literal(info.title)}**", width="stretch")
        if info.state == "ready":
            st.badge("Ready", icon=":material/check_circle:", color="green")
        else:
            st.badge("To be had", color="gray")
    st.markdown(literal(info.description))
    size = "×".join(map(str, info.image_shape[:2])) + (" grey" if info.image_shape[2] == 1 else "")
    st.caption(
        f"{info.num_classes} classes, {size}; {info.num_train:,} training, {info.num_validation:,} validation and "
        f"{info.num_test:,} test pictures"
    )
    if info.state == "ready":
        if st.button("Remove", key=f"remove-{info.id}", type="tertiary", icon=":material/delete:"):
            _confirm_removal(info)
        return
    label = "Draw it" if info.size_bytes == 0 else f"Download {info.size_bytes / 1e6:.0f} MB"
    if st.button(label, key=f"get-{info.id}", icon=":material/download:"):
        _get(info)


def _get(info: DatasetInfo) -> None:
    """In this script's thread: what was downloaded is kept and gone on with if the visitor leaves in between."""
    with st.status(f"Getting {info.title}…", expanded=True) as status:
        bar = st.progress(0.0)

        def tell(progress: Progress) -> None:
            share = progress.done / progress.total if progress.total else 0.0
            bar.progress(min(share, 1.0), progress.stage)

        try:
            ensure_dataset(session.services().workspace, info.id, progress=tell)
        except UserError as error:
            status.update(label=f"{info.title} could not be had", state="error")
            st.error(literal(str(error)))
            return
    session.flash(f"{info.title} is ready.")
    st.rerun()


@st.dialog("Remove a data set")
def _confirm_removal(info: DatasetInfo) -> None:
    st.markdown(
        f"**{literal(info.title)}** is deleted from this workspace. Finished runs keep their curves and weights."
    )
    if st.button("Remove", type="primary", icon=":material/delete:"):
        workspace = session.services().workspace
        try:
            control.check_dataset_unused(workspace, info.id)
            delete_dataset(workspace, info.id)
        except UserError as error:
            st.error(literal(str(error)))
            return
        session.flash(f"{info.title} is removed.")
        st.rerun()


def _render_import() -> None:
    st.markdown(
        "A `.zip` with one folder a class; an `.npz` with `x_train`, `y_train`, `x_test` and `y_test`; or an official "
        "CIFAR archive. Larger ones go through the command line: `python -m core datasets add NAME PATH`."
    )
    with st.form("import", border=False):
        columns = st.columns([2, 1])
        name = columns[0].text_input("Name", placeholder="my-flowers", max_chars=40)
        size = columns[1].number_input(
            "Image size", 8, 256, 32, 8, help="The side in pixels to which pictures of a zip are brought."
        )
        upload = st.file_uploader("File", type=["zip", "npz", "gz", "tgz", "tar"])
        sent = st.form_submit_button("Import", icon=":material/upload:")
    if not sent:
        return
    if upload is None:
        st.error("Choose a file first.")
        return
    with st.spinner("Importing…"), tempfile.TemporaryDirectory() as folder:
        # The name on disk is our own; of the uploaded one only the ending counts.
        suffix = "".join(Path(upload.name).suffixes[-2:]).lower()
        path = (
            Path(folder) / f"upload{suffix if suffix in ('.tar.gz',) else Path(upload.name).suffix.lower()}"
        )
        path.write_bytes(upload.getvalue())
        try:
            dataset = import_dataset(session.services().workspace, name.strip(), path, image_size=int(size))
        except UserError as error:
            st.error(literal(str(error)))
            return
    session.flash(f"{dataset.id} is ready: {len(dataset.class_names)} classes.")
    st.rerun()


def _render_inside(dataset: Dataset) -> None:
    left, right = st.columns([1, 2], gap="large")
    with left:
        st.plotly_chart(_counts_chart(dataset), alt=f"Training pictures of each class of {dataset.title}")
    with right:
        labels = np.asarray(dataset.y_train)
        names = dataset.class_names[:SHOWN_CLASSES]
        shown = st.multiselect(
            "Classes", range(len(dataset.class_names)), list(range(len(names))),
            format_func=lambda index: dataset.class_names[index], key=f"classes-{dataset.id}",
        )  # fmt: skip
        for index in shown:
            rows = np.flatnonzero(labels == index)[:GALLERY]
            name = dataset.class_names[index]
            st.image(
                contact_sheet(np.asarray(dataset.x_train[rows]), columns=GALLERY), width="stretch",
                caption=name, alt=f"{len(rows)} pictures of the class {name}",
            )  # fmt: skip


def _counts_chart(dataset: Dataset) -> go.Figure:
    counts = np.bincount(np.asarray(dataset.y_train), minlength=len(dataset.class_names))
    figure = go.Figure(go.Bar(x=counts, y=list(dataset.class_names), orientation="h"))
    figure.update_layout(
        height=max(240, 22 * len(counts)), margin={"l": 0, "r": 10, "t": 30, "b": 0}, title="Training pictures a class",
        yaxis={"autorange": "reversed"},
    )  # fmt: skip
    return figure


main()
