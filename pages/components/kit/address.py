"""How a visitor came to what a page shows: by a link, by Back, or from the page itself."""

import contextlib

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.components.kit import session

_PAGE, _IS_ENTERED, _ASKED = "page-shown", "page-is-entered", "addresses-asked-for"


def enter_page(name: str) -> None:
    """Before a page is run: whether it is another one than before, and what its address says.

    A link from a page to itself (another lesson, sweep or run) leaves the browser's address as it was (Streamlit 1.67),
    and with the next click the browser asks for that one again. So an address that is new is put there once more; what
    the browser has already, it ignores. One of the last two is left: after a change that the page puts there, the
    browser's next request may still come with the address before.
    """
    session.set_widget(_IS_ENTERED, session.widget_value(_PAGE) != name)
    session.set_widget(_PAGE, name)
    asked = {key: st.query_params.get_all(key) for key in st.query_params}
    known = session.widget_value(_ASKED, ())
    if not is_linked() and asked not in known:
        for key, values in asked.items():
            if known and values != known[0].get(key):
                with contextlib.suppress(StreamlitAPIException):  # a field keeps this one in the address
                    st.query_params[key] = values
    session.set_widget(_ASKED, (asked, *known[:1]))


def is_entered() -> bool:
    """Whether the page has just been opened, by whatever link; not when something was clicked on it.

    Only then does its address say something new: after a change that the page puts there, the browser's next request
    may still come with the address before.
    """
    return bool(session.widget_value(_IS_ENTERED))


def is_back() -> bool:
    """Whether the visitor went back or forward in the browser, to this page or within it.

    Streamlit knows it, so as not to add to the browser's history then, but does not offer it (1.67).
    """
    context = get_script_run_ctx()
    return context is not None and bool(getattr(context, "is_history_navigation", False))


def is_linked() -> bool:
    """Whether the visitor has just come here by what the address says: a link, a reload, or Back."""
    return is_entered() or is_back()
