"""How many pages are open, and how much less often each is drawn again then, so that a class leaves the processor to
what trains.

A tick costs Streamlit about the same however little has changed: thirty pages that tick every second took 40 to 87 % of
a core.
"""

import contextlib
import math
from collections.abc import Iterator

from starlette.types import Scope

PAGES_AT_FULL_SPEED = 5
MOST_TIMES = 6

_num_open = 0


@contextlib.contextmanager
def counted(scope: Scope) -> Iterator[None]:
    """While this lasts, one more page is open if `scope` is its websocket. For the event loop, so nothing is locked."""
    global _num_open
    if scope["type"] != "websocket":
        yield
        return
    _num_open += 1
    try:
        yield
    finally:
        _num_open -= 1


def num_open_pages() -> int:
    """How many pages are open."""
    return _num_open


def times_slower() -> int:
    """How many times longer the interval between two ticks is to be: 1 up to 5 open pages, 2 up to 10, at most 6."""
    return min(MOST_TIMES, max(1, math.ceil(_num_open / PAGES_AT_FULL_SPEED)))
