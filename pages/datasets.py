"""Datasets: what is available, what can be downloaded, your own, and a look inside."""

import streamlit as st

from core.datasets.storage import list_datasets, load_dataset
from pages.components.datasets.cards import render_card
from pages.components.datasets.gallery import render_inside
from pages.components.datasets.import_form import render_import
from pages.components.datasets.widgets import scroll_here
from pages.components.kit import session


def main() -> None:
    """The page."""
    st.title("Datasets", anchor=False)
    infos = list_datasets(session.services().workspace)
    with st.expander(
        "Add your own pictures",
        expanded=session.held_upload() is not None,
    ):
        render_import(infos)
    with st.grid(3, min_column_width=280):
        for info in infos:
            with st.container(border=True, height="stretch"):
                render_card(info)
    ready = [info for info in infos if info.state == "ready"]
    if ready:
        token = session.scroll_to_inside()
        if token is not None:
            scroll_here(token)
        st.subheader("Look inside", anchor=False)
        titles = {info.id: info.title for info in ready}
        chosen = st.selectbox(
            "Data set", list(titles), format_func=titles.__getitem__, key="look-inside", bind="query-params"
        )
        render_inside(session.services().workspace, load_dataset(session.services().workspace, chosen))


main()
