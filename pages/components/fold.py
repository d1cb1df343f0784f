"""Folded parts of a page that are drawn once somebody opens them.

Streamlit draws what is folded as well, and the browser mounts each field of it, which on Design was a fifth of the
time until the page was there.
"""

from collections.abc import Callable

import streamlit as st


def render_folded(
    label: str, key: str, render: Callable[[], None], *, icon: str | None = None, always: bool = False
) -> None:
    """An expander that calls `render` while it is open; `always`: also while it is not."""
    fold = st.expander(label, key=key, icon=icon, on_change="rerun")
    if fold.open or always:
        with fold:
            render()
