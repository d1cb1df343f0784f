"""Folded parts of a page that are drawn once somebody opens them.

Streamlit draws what is folded as well: it is sent at each tick, and the browser mounts each field of it, which on
Design was a third of the time until the page was there.
"""

from collections.abc import Callable

import streamlit as st

from pages.components import session


def render_folded(
    label: str, key: str, render: Callable[[], None], *, icon: str | None = None, expanded: bool = False,
    always: bool = False, keep: bool = False,
) -> None:  # fmt: skip
    """An expander that calls `render` while it is open; with `always` also while it is not.

    With `keep` also once it was open, for something that was typed and not sent yet would go with its field.
    """
    fold = st.expander(label, expanded, key=key, icon=icon, on_change="rerun")
    stays = keep and session.is_opened(key, bool(fold.open))
    if fold.open or stays or always:
        with fold:
            render()
