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
    """An expander that calls `render` while it is open; `always`: also while it is not; `keep`: see `stays_drawn`.

    With another label, icon or `expanded` it is another expander, that begins closed, or open, again.
    """
    fold = st.expander(label, expanded, key=key, icon=icon, on_change="rerun")
    if always or (stays_drawn(key, is_open=fold.open) if keep else fold.open):
        with fold:
            render()


def stays_drawn(key: str, *, is_open: bool | None) -> bool:
    """Whether what is in the fold or popover `key` is drawn: from the first time on that it was open.

    For fields whose text is sent by a button: what was typed before would go with its field.
    """
    if is_open:
        session.remember_opened(key)
    return session.was_opened(key)
