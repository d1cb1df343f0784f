"""Runs: the table of all runs, and live curves of the chosen ones."""

import streamlit as st

from pages.components.kit import session
from pages.components.notebook.note_form import render_run_note
from pages.components.runs.actions import render_actions
from pages.components.runs.head import render_head, render_settings, render_sweeps
from pages.components.runs.live import render_live
from pages.components.runs.selection import read_selection
from pages.components.runs.table import render_run_table
from pages.components.runs.trash import render_notice, render_trash, warn_of_unknown


def main() -> None:
    """The page."""
    st.title("Runs", anchor=False)
    services = session.services()
    selection = read_selection(services.store)
    trashed = services.store.trash.list_runs()
    warn_of_unknown(selection.unknown, trashed)
    render_notice(services, trashed)
    if services.store.run_to_watch() is None:
        st.write("All runs were deleted." if trashed else "No run has been started yet.")
        st.page_link("design.py", label="Design a network", icon=":material/add:")
        render_trash(services, trashed)
        return
    chosen = services.store.get_runs(selection.ids)
    render_run_table(services.store, chosen)
    if not chosen:
        st.caption("Tick one or more runs to see their curves.")
        render_trash(services, trashed)
        return
    render_head(chosen)
    render_sweeps(services, chosen)
    render_actions(services, chosen)
    render_live(services, chosen)
    render_run_note(services, chosen)
    render_settings(chosen)
    render_trash(services, trashed)


main()
