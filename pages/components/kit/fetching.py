"""A button that brings a known data set here: drawn on this computer, or downloaded, with its progress on the page."""

import streamlit as st

from core.datasets.prepare import ensure_dataset
from core.datasets.storage import DatasetInfo, Progress
from core.errors import UserError
from pages.components.kit import session
from pages.components.kit.text import error_text, literal


def fetch_button(info: DatasetInfo, title: str = "") -> None:
    """For a data set that is not here yet. `title`: what it is called, where the page does not say it beside."""
    of = f" {literal(title)}," if title else ""
    if info.size_bytes == 0:
        pressed = st.button(
            f"Generate{of.removesuffix(',')}", key=f"get-{info.id}", icon=":material/brush:",
            help="Generated on this machine in a few seconds; always the same pictures.",
        )  # fmt: skip
    else:
        pressed = st.button(
            f"Download{of} {info.size_bytes / 1e6:.0f} MB", key=f"get-{info.id}", icon=":material/download:"
        )
    if pressed:
        _fetch(info)


def _fetch(info: DatasetInfo) -> None:
    """In this script's thread. If the visitor leaves, the part that was downloaded is kept and continued later."""
    with st.status(f"Getting {literal(info.title)}…", expanded=True) as status:
        bar = st.progress(0.0)

        def report(progress: Progress) -> None:
            share = progress.done / progress.total if progress.total else 0.0
            bar.progress(min(share, 1.0), progress.stage)

        try:
            ensure_dataset(session.services().workspace, info.id, progress=report)
        except UserError as error:
            status.update(label=f"{literal(info.title)} could not be fetched", state="error")
            st.error(literal(error_text(error)))
            return
    session.flash(f"{literal(info.title)} is ready.")
    st.rerun()
