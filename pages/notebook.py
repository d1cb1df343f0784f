"""Notebook: what was expected of runs, what came of them, and the whole of it as a document."""

import datetime
import time

import streamlit as st

from core.analysis.curves import curves_frame
from core.errors import ConvDeckError
from core.notebook import Entry, all_entries, entry_of, find_notes, render_html, render_markdown
from core.server.services import Services
from core.store.notes import Note
from pages.components.charts import curves
from pages.components.charts.curves import RunCurves
from pages.components.kit import session
from pages.components.kit.redraw import stays_drawn
from pages.components.kit.text import literal
from pages.components.run_note import NOTHING_EXPECTED, render_note_form, render_words

ENTRIES_PER_PAGE = 4  # each chart takes a browser on two busy cores 28 ms
CHART_HEIGHT = 220
CHART_POINTS = 100  # one in five pixels of its width


def main() -> None:
    """The page."""
    st.title("Notebook", anchor=False)
    services = session.services()
    notes = services.store.notes.list_notes()
    if not notes:
        st.write(
            "Nothing is written yet. Before a start, Design asks what you expect; on Runs you write what came of it."
        )
        st.page_link("design.py", label="Design a network", icon=":material/add:")
        return
    text = _render_tools(services)
    found = find_notes(services.store, text)
    if not found:
        st.caption("No entry holds these words.")
        return
    num_pages = -(-len(found) // ENTRIES_PER_PAGE)
    page = 1
    if num_pages > 1:
        page = st.pagination(num_pages, key=f"notebook-page-{num_pages}")
    for note in found[(page - 1) * ENTRIES_PER_PAGE : page * ENTRIES_PER_PAGE]:
        with st.container(border=True):
            _render_entry(services, entry_of(services.store, note))


def _render_tools(services: Services) -> str:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Filter", key="notebook-filter", placeholder="Words of a note, or a run's name", max_chars=200,
            persist_state="session",
        )  # fmt: skip
        for label, suffix, render, kind in (
            ("Export as Markdown", "md", render_markdown, "text/markdown"),
            ("Export as one HTML file", "html", render_html, "text/html"),
        ):
            st.download_button(
                label, lambda render=render: render(all_entries(services.store), time.time()),
                f"notebook.{suffix}", kind, icon=":material/download:", on_click="ignore", key=f"export-{suffix}",
            )  # fmt: skip
    return text


def _render_entry(services: Services, entry: Entry) -> None:
    note = entry.note
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader(literal(entry.title), anchor=False)
        st.caption(_day(note.created_at))
        render_words(
            "Expected", note.expectation, NOTHING_EXPECTED if not entry.is_open else "Not written yet."
        )
        render_words("What came of it", note.outcome, "Not written yet.")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            there = [run.id for run in entry.runs if not run.deleted]
            if there:
                st.page_link(
                    "runs.py",
                    label="Curves",
                    icon=":material/monitoring:",
                    query_params={"run": ",".join(there)},
                )
            _render_edit(services, entry)
            if st.button("Delete", key=f"delete-{note.id}", icon=":material/delete:", type="tertiary"):
                _delete_dialog(services, note)
    with right:
        _render_curves(entry)
        for fact in entry.facts():
            st.markdown(f":small[{literal(fact)}]")


def _render_edit(services: Services, entry: Entry) -> None:
    note = entry.note
    key = f"edit-{note.id}-{note.changed_at}"
    popover = st.popover("Edit", icon=":material/edit:", key=key, on_change="rerun")
    if stays_drawn(key, is_open=popover.open):
        with popover:
            render_note_form(services, note.id, note, is_open=entry.is_open, facts=entry.facts())


def _render_curves(entry: Entry) -> None:
    drawn = [
        RunCurves(run.name, curves_frame(run.curves), run.best_epoch)
        for run in entry.runs
        if run.curves is not None and run.has_curves
    ][: curves.MAX_RUNS]
    if not drawn:
        return
    names = [run.name for run in drawn]
    spec = curves.curve_spec("accuracy", names, ["val", "clean_train"], at_rest=True)
    legend_rows = len(names) if len(names) > 1 else 0
    spec["height"] = CHART_HEIGHT + curves.LEGEND_ROW_HEIGHT * legend_rows
    spec.pop("title")
    st.vega_lite_chart(
        curves.curve_data("accuracy", drawn, CHART_POINTS), spec, key=f"curves-{entry.note.id}", width="stretch",
        alt=f"Accuracy by epoch of validation and clean training: {', '.join(names)}",
    )  # fmt: skip


@st.dialog("Delete this note?", icon=":material/delete:")
def _delete_dialog(services: Services, note: Note) -> None:
    st.write("What was written is gone for good; the runs stay.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        kept = st.button("Keep", key="keep-note")
        deleted = st.button(
            "Delete", key="really-delete-note", type="primary", on_click=_delete, args=(services, note)
        )
    if kept or deleted:
        st.rerun()


def _delete(services: Services, note: Note) -> None:
    try:
        services.store.notes.delete(note.id)
    except ConvDeckError as error:
        session.flash(literal(str(error)))


def _day(moment: float) -> str:
    return f"{datetime.datetime.fromtimestamp(moment, datetime.UTC):%d %B %Y}".lstrip("0")


main()
