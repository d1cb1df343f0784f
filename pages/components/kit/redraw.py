"""When a part of a page is drawn: once it is opened, again by a timer or after a click, or a few entries at a time.

Streamlit draws what is folded as well: it is sent at each tick, and the browser mounts each field of it, which on
Design was a third of the time until the page was there.
"""

import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from core.errors import ConvDeckError
from core.server.crowd import times_slower
from core.server.timings import TICKS
from pages.components.kit import session
from pages.components.kit.text import error_text, literal

T = TypeVar("T")


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
    """Call `draw(*arguments)` here, and again every `every` seconds, less often while many pages are open; None: only
    with the page.

    It gets a container of its own. When its timer goes off before the page's messages have left the server, Streamlit
    1.67 drops what the page had drawn for it, and the browser takes its place away until it is drawn again. Whatever
    stands behind it in the same container would move up into that place, and the next message to one of them would
    meet a stranger: the page stops for good with “'setIn' cannot be called on an ElementNode”.
    """
    with st.container():
        # An open page keeps its timer until all of it is drawn: to do that for a timer would close an open dialog.
        drawn = draw if every is None else _timed(draw)
        st.fragment(drawn, run_every=every and every * times_slower())(*arguments)


def _timed(draw: Callable[..., object]) -> Callable[..., object]:
    """The same to Streamlit, which knows a fragment by its function's name; how long it takes is counted."""
    part = draw.__module__.removeprefix("pages.components.")

    @functools.wraps(draw)
    def timed(*arguments: object) -> object:
        with TICKS.measured((part,)):
            return draw(*arguments)

    return timed


def draw_alone(draw: Callable[..., object], *arguments: object) -> None:
    """Call `draw(*arguments)` here. What is clicked in it draws it again, and nothing else of the page."""
    st.fragment(draw)(*arguments)


def call_every(call: Callable[..., object], *arguments: object, every: float) -> None:
    """Call `call(*arguments)` every `every` seconds, first after that time: a call may redraw the page, and during the
    first drawing the lower part of the page would then never appear.
    """
    is_page_drawn = False

    def tick() -> None:
        nonlocal is_page_drawn
        if is_page_drawn:
            call(*arguments)
        is_page_drawn = True

    draw_ticking(tick, every=every)


def act_and_redraw(act: Callable[[], object]) -> None:
    """Do it, and draw the page again, with a message where it was refused."""
    try:
        act()
    except ConvDeckError as error:
        session.flash(literal(error_text(error)))
    st.rerun()


def some_of(entries: Sequence[T], at_once: int, key: str) -> Sequence[T]:
    """`at_once` of the entries, and below what has been drawn so far a choice of which; all where they are no more."""
    num_pages = -(-len(entries) // at_once)
    if num_pages < 2:
        return entries
    # Another number of pages is another field. AppTest and an old link may name a page that is gone.
    page = min(st.pagination(num_pages, key=f"{key}-of-{num_pages}"), num_pages)
    return entries[(page - 1) * at_once : page * at_once]
