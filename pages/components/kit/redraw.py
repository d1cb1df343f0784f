"""When a part of a page is drawn: once a person opens it, or again by a timer.

Streamlit draws what is folded as well: it is sent at each tick, and the browser mounts each field of it, which on
Design was a third of the time until the page was there.
"""

from collections.abc import Callable

import streamlit as st

from pages.components.kit import session


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


def draw_ticking(draw: Callable[..., object], *arguments: object, every: float | None) -> None:
    """Call `draw(*arguments)` here, and again every `every` seconds; None: only with the page.

    It gets a container of its own. When its timer goes off before the page's messages have left the server, Streamlit
    1.67 drops what the page had drawn for it, and the browser takes its place away until it is drawn again. Whatever
    stands behind it in the same container would move up into that place, and the next message to one of them would
    meet a stranger: the page stops for good with “'setIn' cannot be called on an ElementNode”.
    """
    with st.container():
        st.fragment(draw, run_every=every)(*arguments)
