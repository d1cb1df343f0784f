"""Datasets: what is available, what can be downloaded, your own, and a look inside."""

import streamlit as st

from core.datasets.catalogue import SOURCES
from core.datasets.storage import DatasetInfo, list_datasets, load_dataset
from core.workspace import Workspace
from pages.components.datasets.cards import render_card
from pages.components.datasets.gallery import render_inside
from pages.components.datasets.import_form import held_upload, render_import
from pages.components.kit import session, session_uploads
from pages.components.kit.picture_grid import scroll_here


def main() -> None:
    """The page."""
    st.title("Datasets", anchor=False)
    workspace = session.services().workspace
    infos = own_first(workspace, list_datasets(workspace))
    upload = held_upload()
    with st.expander(
        "Add your own pictures",
        expanded=session_uploads.is_choosing_pictures() or all(info.id in SOURCES for info in infos),
    ):
        render_import(infos, upload)
    with st.grid(3, min_column_width=280):
        for info in infos:
            with st.container(border=True, height="stretch"):
                render_card(info)
    ready = [info for info in infos if info.state == "ready"]
    if ready:
        token = session_uploads.scroll_to_inside()
        if token is not None:
            scroll_here(token, "report")
        st.subheader("Look inside", anchor=False)
        titles = {info.id: info.title for info in ready}
        chosen = st.selectbox(
            "Data set", list(titles), format_func=titles.__getitem__, key="look-inside", bind="query-params"
        )
        render_inside(workspace, load_dataset(workspace, chosen))


def own_first(workspace: Workspace, infos: list[DatasetInfo]) -> list[DatasetInfo]:
    """A person's own data sets, the newest first; then those that are here; then those that are not."""

    def place(info: DatasetInfo) -> tuple[int, float]:
        if info.id in SOURCES:
            return (2 if info.state == "available" else 1), 0.0
        try:
            return 0, -(workspace.datasets / info.id).stat().st_mtime
        except OSError:  # removed since it was listed
            return 0, 0.0

    return sorted(infos, key=place)


main()
