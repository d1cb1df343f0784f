"""Answers of the engine that a page does not wait for: asked in the background, there at one of the next redraws."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import streamlit as st

KEPT = 64


def answer_of(key: tuple[Hashable, ...], ask: Callable[[], Any]) -> Any | None:
    """What `ask` returned for this key, or None as long as it has not returned; the first call asks.

    `ask` runs in a thread of its own and may not draw. What it raised is raised here, once; then it is asked anew.
    """
    future = _asked(key, ask)
    if not future.done():
        return None
    if future.exception() is not None:
        _asked.clear(key, ask)
    return future.result()


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _asked(key: tuple[Hashable, ...], _ask: Callable[[], Any]) -> "Future[Any]":
    return _threads().submit(_ask)


@st.cache_resource(show_spinner=False)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, thread_name_prefix="engine-question")
