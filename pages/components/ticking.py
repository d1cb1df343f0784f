"""Parts of a page that draw themselves again by a timer."""

from collections.abc import Callable

import streamlit as st


def draw_ticking(draw: Callable[..., object], *arguments: object, every: float | None) -> None:
    """Call `draw(*arguments)` here, and again every so many seconds; None: only with the page.

    It gets a container of its own. When its timer goes off before the page's messages have left the server, Streamlit
    1.67 drops what the page had drawn for it, and the browser takes its place away until it is drawn again. Whatever
    stands behind it in the same container would move up into that place, and the next message to one of them would
    meet a stranger: the page stands still for ever with “'setIn' cannot be called on an ElementNode”.
    """
    with st.container():
        st.fragment(draw, run_every=every)(*arguments)
