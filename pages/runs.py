"""Runs: the table of all runs, and live curves of the chosen ones."""

import streamlit as st

from pages.components.kit import session
from pages.components.kit.starting import open_runs, render_shared
from pages.components.notebook.note_form import render_run_note
from pages.components.runs.actions import render_actions
from pages.components.runs.head import render_head, render_settings
from pages.components.runs.imports import render_import, render_import_dialog, render_origin
from pages.components.runs.live import render_live
from pages.components.runs.selection import read_selection
from pages.components.runs.table import render_run_table
from pages.components.runs.trash import render_notice, render_trash, warn_of_unknown


def main() -> None:
    """The page."""
    services = session.services()
    selection = read_selection(services.store)
    trashed = services.store.trash.list_runs()
    warn_of_unknown(selection.unknown, trashed)
    render_notice(services, trashed)
    if services.store.run_to_watch() is None:
        st.title("Runs", anchor=False)
        st.write("All runs were deleted." if trashed else "No run has been started yet.")
        st.page_link("design.py", label="Design a network", icon=":material/add:")
        render_import()
        render_import_dialog(services)
        render_trash(services, trashed)
        return
    chosen = services.store.get_runs(selection.ids)
    render_run_table(services.store, chosen)
    render_import_dialog(services)
    if not chosen:
        st.caption("Tick one or more runs to see their curves.")
        render_trash(services, trashed)
        return
    if again := render_shared(services, chosen):
        open_runs(*(again.get(run.id, run) for run in chosen))
    render_actions(services, chosen)
    render_head(services, chosen)
    if len(chosen) == 1:
        render_origin(services, chosen[0])
    render_live(services, chosen, linked=True)
    render_run_note(services, chosen)
    render_settings(chosen)
    render_trash(services, trashed)


main()
