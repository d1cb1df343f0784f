"""Notebook: what was expected of runs, their outcomes, and all of it as a document."""

import time

import streamlit as st

from core.notebook import all_entries, entry_of, find_notes, render_html, render_markdown
from core.server.services import Services
from pages.components.kit import session
from pages.components.kit.downloads import download_made
from pages.components.kit.redraw import some_of
from pages.components.notebook.entry import render_entry

ENTRIES_PER_PAGE = 4  # each chart takes a browser on two busy cores 28 ms


def main() -> None:
    """The page."""
    st.title("Notebook", anchor=False)
    services = session.services()
    notes = services.store.notes.list_notes()
    if not notes:
        st.write(
            "No notes yet. Before you start a run, Design asks what you expect; on Runs you write down the outcome."
        )
        st.page_link("design.py", label="Design a network", icon=":material/add:")
        return
    text = _render_tools(services)
    found = find_notes(services.store, text)
    if not found:
        st.caption("No entry contains this text.")
        return
    for note in some_of(found, ENTRIES_PER_PAGE, "notebook-page"):
        with st.container(border=True):
            render_entry(services, entry_of(services.store, note))


def _render_tools(services: Services) -> str:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Filter", key="notebook-filter", placeholder="Text of a note or name of a run", max_chars=200,
            persist_state="session",
        )  # fmt: skip
        for label, suffix, render, kind in (
            ("Export as Markdown", "md", render_markdown, "text/markdown"),
            ("Export as one HTML file", "html", render_html, "text/html"),
        ):
            download_made(
                label, lambda render=render: render(all_entries(services.store), time.time()),
                f"notebook.{suffix}", kind, icon=":material/download:", key=f"export-{suffix}",
            )  # fmt: skip
    return text


main()
