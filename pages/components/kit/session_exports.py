"""What a session keeps of exports: the files, so that another format does not cost them their receipts, and how often
the dialog was opened.
"""

from dataclasses import dataclass

import streamlit as st

from core.engine.exporting import ExportedModel

MOST_BYTES = 200_000_000  # of all files that are kept; the oldest go first


@dataclass(frozen=True, eq=False)
class ExportedFile:
    """An exported model with its file's name and content, and where Netron draws it, if it does."""

    model: ExportedModel
    name: str
    data: bytes
    drawn: str | None


def exported(weights: str, export_format: str) -> ExportedFile | None:
    """What is kept of these weights in this format."""
    of, kept = st.session_state.get("exported", ("", {}))
    return kept.get(export_format) if of == weights else None


def keep_exported(weights: str, export_format: str, made: ExportedFile) -> None:
    """Keep what was made beside the other formats of these `weights`; those of others go."""
    of, kept = st.session_state.get("exported", ("", {}))
    kept = dict(kept) if of == weights else {}
    kept.pop(export_format, None)
    kept[export_format] = made
    while len(kept) > 1 and sum(len(each.data) for each in kept.values()) > MOST_BYTES:
        del kept[next(iter(kept))]
    st.session_state["exported"] = weights, kept


def export_opened() -> None:
    """The visitor has opened the dialog that exports a model."""
    st.session_state["exports_opened"] = exports_opened() + 1


def exports_opened() -> int:
    """How often that was."""
    return int(st.session_state.get("exports_opened", 0))
