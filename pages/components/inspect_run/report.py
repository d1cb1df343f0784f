"""The report of a run, made on a click, as a file to keep or to send."""

import time

import streamlit as st

from core.errors import ConvDeckError
from core.formatting import file_size, file_stem
from core.report.contents import report_of
from core.report.render import render_report
from core.server.services import Services
from core.store.records import Run
from pages.components.kit.redraw import draw_alone
from pages.components.kit.text import error_text, literal


def render_report_button(services: Services, run: Run) -> None:
    """A button that opens a dialog, which makes the file and offers it."""
    draw_alone(_render_button, services, run)


def _render_button(services: Services, run: Run) -> None:
    if st.button(
        "Report", icon=":material/description:", key="inspect-report", help="All of this as one file."
    ):
        _render_dialog(services, run)


@st.dialog("Report", icon=":material/description:")
def _render_dialog(services: Services, run: Run) -> None:
    st.write(
        f"One HTML file on “{literal(run.name)}” that opens offline: curves, accuracy with intervals, confusions, "
        "calibration, the worst mistakes with what the network looked at, a map of pictures, and all settings. Names "
        "and pictures of the data set are in it: think of that before you send it."
    )
    # On a button of its own, because the page behind waits for whatever a dialog does at its first drawing.
    if st.button("Create the file", key="inspect-make-report", type="primary"):
        _offer(services, run)
    st.caption("The same on the command line:")
    st.code(
        f"python -m core report {run.id} --out {file_stem(run.name, run.id)}.html",
        language="bash", wrap_lines=True,
    )  # fmt: skip


def _offer(services: Services, run: Run) -> None:
    place = st.empty()

    def tell(what: str, done: int, of: int) -> None:
        place.progress(min(1.0, done / max(1, of)), f"{what}: {done:,} of {of:,}")

    try:
        with st.spinner("Measuring and drawing…"):
            report = report_of(services.workspace, services.store, services.engine, run, time.time(), tell)
            data = render_report(report).encode()
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/block:")
        return
    place.empty()
    st.download_button(
        f"Save {file_size(len(data))}", data, f"{file_stem(run.name, run.id)}.html", "text/html",
        icon=":material/download:", on_click="ignore", key="inspect-save-report",
    )  # fmt: skip
