"""What the helper processes said last, and the report on this computer, each in a fold with a copy and a download."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from core.doctor import in_lines
from core.scheduling.worker_log import without_noise
from core.workspace import Workspace
from pages.components.kit.downloads import download_made
from pages.components.kit.redraw import render_folded

SHOWN_BYTES = 8_000
HEIGHT = 320


def render_logs(workspace: Workspace, report: Mapping[str, Any]) -> None:
    """The logs' last lines, and `report`, which is what `core.doctor.examine` found."""
    st.subheader("Logs", anchor=False)
    on_cpu = all(device["kind"] == "cpu" for device in report["devices"])
    for title, path in (
        ("Scheduler", workspace.scheduler_log),
        ("Searcher", workspace.searcher_log),
        ("Picture engine", workspace.root / "engine.log"),
        ("Standby worker", workspace.standby_log),
        *([("Sinks", workspace.sinks_log)] if report["sinks"] else []),
        ("Alerter", workspace.alerter_log),
    ):
        key = f"log-of-{path.stem}"
        render_folded(title, key, lambda path=path: _render_log(path, on_cpu), icon=":material/notes:")
    render_folded(
        "This computer, as text to send to others", "report-as-text", lambda: _render_report(report),
        icon=":material/description:",
    )  # fmt: skip
    st.caption(
        "Without what TensorFlow prints on every computer. The dashboard itself writes to the terminal that it was "
        "started in, and each run has a log of its own on Runs."
    )


def _render_log(path: Path, on_cpu: bool) -> None:
    text = "\n".join(without_noise(tail(path, SHOWN_BYTES), on_cpu=on_cpu))
    if not text:
        st.caption("The log is empty.")
        return
    st.code(text, language=None, wrap_lines=True, height=HEIGHT)
    download_made(
        "Download all of it", lambda: tail(path), path.name, "text/plain", key=f"download-{path.name}",
        icon=":material/download:",
        help="The whole file, with what TensorFlow prints.",
    )  # fmt: skip


def _render_report(report: Mapping[str, Any]) -> None:
    text = "\n".join(in_lines(report))
    st.code(text, language=None, wrap_lines=True)
    st.download_button(
        "Download", text, "convdeck-system.txt", "text/plain", key="download-report",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def tail(path: Path, most_bytes: int | None = None) -> str:
    """The log's last whole lines, in at most so many bytes; empty where there is no log."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            start = 0 if most_bytes is None else max(0, size - most_bytes)
            log.seek(start)
            data = log.read()
    except OSError:
        return ""
    if start:
        data = data.partition(b"\n")[2] or data
    return data.decode(errors="replace").strip()
