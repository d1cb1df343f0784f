"""Datasets: what is at hand, what can be fetched, your own, and a look inside."""

import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import streamlit as st

from core.datasets.import_process import import_dataset
from core.datasets.prepare import ensure_dataset
from core.datasets.storage import Dataset, DatasetInfo, Progress, delete_dataset, list_datasets, load_dataset
from core.errors import UserError
from core.runs import control
from pages.components.kit import session
from pages.components.kit.pictures import contact_sheet
from pages.components.kit.text import literal

GALLERY = 12
SHOWN_CLASSES = 20
UPLOADS = ("zip", "npz")
# Nominal: of names such as 0 to 9 it would make a scale otherwise. Unsorted: in the data set's own order.
COUNTS_CHART: dict[str, Any] = {
    "title": "Training pictures a class",
    "height": {"step": 22},
    "mark": {"type": "bar", "tooltip": True},
    "encoding": {
        "x": {"field": "pictures", "type": "quantitative", "title": None, "axis": {"tickMinStep": 1}},
        "y": {"field": "class", "type": "nominal", "sort": None, "title": None},
    },
}
STATES: dict[str, tuple[str, str | None, Literal["green", "gray", "red"]]] = {
    "ready": ("Ready", ":material/check_circle:", "green"),
    "available": ("Not here yet", None, "gray"),
    "damaged": ("Damaged", ":material/broken_image:", "red"),
}


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
        label, icon, color = STATES[info.state]
        st.badge(label, icon=icon, color=color)
    st.markdown(literal(info.description))
    if info.class_names:
        size = "×".join(map(str, info.image_shape[:2])) + (" grey" if info.image_shape[2] == 1 else "")
        st.caption(
            f"{info.num_classes} classes, {size}; {info.num_train:,} training, {info.num_validation:,} validation and "
            f"{info.num_test:,} test pictures"
        )
    if info.state != "available":
        if st.button("Remove", key=f"remove-{info.id}", type="tertiary", icon=":material/delete:"):
            _confirm_removal(info)
    elif info.size_bytes == 0:
        help_text = "Made on this machine within some seconds, always the same pictures."
        if st.button("Draw it", key=f"get-{info.id}", icon=":material/brush:", help=help_text):
            _get(info)
    elif st.button(
        f"Download {info.size_bytes / 1e6:.0f} MB", key=f"get-{info.id}", icon=":material/download:"
    ):
        _get(info)


def _get(info: DatasetInfo) -> None:
    """In this script's thread: what was downloaded is kept and gone on with if the visitor leaves in between."""
    with st.status(f"Getting {literal(info.title)}…", expanded=True) as status:
        bar = st.progress(0.0)

        def tell(progress: Progress) -> None:
            share = progress.done / progress.total if progress.total else 0.0
            bar.progress(min(share, 1.0), progress.stage)

        try:
            ensure_dataset(session.services().workspace, info.id, progress=tell)
        except UserError as error:
            status.update(label=f"{literal(info.title)} could not be fetched", state="error")
            st.error(literal(str(error)))
            return
    session.flash(f"{literal(info.title)} is ready.")
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
        session.flash(f"{literal(info.title)} is removed.")
        st.rerun()


def _render_import() -> None:
    st.markdown(
        "A `.zip` with one folder a class, or an `.npz` with `x_train`, `y_train`, `x_test` and `y_test`. Larger ones, "
        "and official CIFAR archives, go through the command line: `python -m core datasets add NAME PATH`."
    )
    with st.form("import", border=False):
        columns = st.columns([2, 1])
        name = columns[0].text_input("Name", placeholder="my-flowers", max_chars=40)
        size = columns[1].number_input(
            "Image size", 8, 256, 32, 8, help="The side in pixels to which pictures of a zip are brought."
        )
        # With the server's own limit: a higher one given here would be offered by the browser and refused at the end.
        upload = st.file_uploader("File", type=list(UPLOADS))
        sent = st.form_submit_button("Import", icon=":material/upload:")
    if not sent:
        return
    if upload is None:
        st.error("Choose a file first.")
        return
    with st.spinner("Importing…"), tempfile.TemporaryDirectory() as folder:
        # The name on disk is our own; of the uploaded one only the ending counts.
        suffix = next(kind for kind in UPLOADS if upload.name.lower().endswith(f".{kind}"))
        path = Path(folder) / f"upload.{suffix}"
        path.write_bytes(upload.getbuffer())
        try:
            dataset = import_dataset(
                session.services().workspace, name.strip(), path, image_size=int(size), shown_name=upload.name
            )
        except UserError as error:
            st.error(literal(str(error)))
            return
    session.flash(f"{literal(dataset.id)} is ready: {len(dataset.class_names)} classes.")
    st.rerun()


def _render_inside(dataset: Dataset) -> None:
    left, right = st.columns([1, 2], gap="large")
    with left:
        alt = f"Training pictures of each class of {dataset.title}"
        st.vega_lite_chart(class_counts(dataset), COUNTS_CHART, alt=alt)
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
            with st.container(gap="xsmall"):
                st.caption(literal(name))
                st.image(
                    contact_sheet(np.asarray(dataset.x_train[rows]), columns=GALLERY), width="stretch",
                    alt=f"{len(rows)} pictures of the class {name}",
                )  # fmt: skip


def class_counts(dataset: Dataset) -> pd.DataFrame:
    """A row a class, in the data set's own order: its name and its number of training pictures."""
    counts = np.bincount(np.asarray(dataset.y_train), minlength=len(dataset.class_names))
    return pd.DataFrame({"class": list(dataset.class_names), "pictures": counts})


main()
