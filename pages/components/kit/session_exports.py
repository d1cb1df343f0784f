"""What a session keeps of the files that it has exported, so that another format does not cost them their receipts."""

from typing import Any

import streamlit as st

MOST_BYTES = 200_000_000  # of all files that are kept; the oldest go first


def exported(weights: str, export_format: str) -> Any | None:
    """What `keep_exported` got for these weights in this format; None where nothing is kept."""
    of, kept = st.session_state.get("exported", ("", {}))
    return kept.get(export_format, (None, 0))[0] if of == weights else None


def keep_exported(weights: str, export_format: str, made: Any, num_bytes: int) -> None:
    """Keep what was made, of `num_bytes`, beside the other formats of these `weights`; those of others go."""
    of, kept = st.session_state.get("exported", ("", {}))
    kept = dict(kept) if of == weights else {}
    kept.pop(export_format, None)
    kept[export_format] = made, num_bytes
    while len(kept) > 1 and sum(size for _, size in kept.values()) > MOST_BYTES:
        del kept[next(iter(kept))]
    st.session_state["exported"] = weights, kept
