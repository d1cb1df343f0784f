"""One entry of the notebook: its words, its curves, the facts, editing and deleting it."""

import streamlit as st

from core.analysis.curves import curves_frame
from core.errors import ConvDeckError
from core.notebook import Entry
from core.notebook.markdown_export import NOTHING_EXPECTED, day
from core.server.services import Services
from core.store.notes import Note
from pages.components.charts import curves
from pages.components.charts.curves import RunCurves
from pages.components.kit import session
from pages.components.kit.destructive import destructive_button, render_confirmation
from pages.components.kit.redraw import stays_drawn
from pages.components.kit.text import error_text, literal
from pages.components.notebook.note_form import render_note_form, render_words

CHART_HEIGHT = 220
CHART_POINTS = 100  # one in five pixels of its width


def render_entry(services: Services, entry: Entry) -> None:
    """Words on the left, curves and facts on the right."""
    note = entry.note
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader(literal(entry.title), anchor=False)
        st.caption(day(note.created_at))
        render_words(
            "Expected", note.expectation, NOTHING_EXPECTED if not entry.is_open else "Not written yet."
        )
        render_words("Outcome", note.outcome, "Not written yet.")
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
            why = services.store.visitors.refusal(note.visitor, "delete", "note")
            if destructive_button(
                "Delete", f"delete-{note.id}", type="tertiary", disabled=why is not None, help=why
            ):
                _delete_dialog(services, entry)
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
def _delete_dialog(services: Services, entry: Entry) -> None:
    st.write(
        f"This deletes the note on “{literal(entry.title)}”, what was expected and the outcome, permanently. The runs "
        "stay."
    )
    render_confirmation("Delete", "really-delete-note", on_click=_delete, args=(services, entry.note))


def _delete(services: Services, note: Note) -> None:
    try:
        services.store.notes.delete(note.id)
    except ConvDeckError as error:
        session.flash(literal(error_text(error)))
