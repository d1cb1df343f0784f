"""The one boundary between what goes wrong while a page is drawn and what its visitor reads."""

import streamlit as st

from core.errors import ConvDeckError
from pages.components.kit.text import literal

UNEXPECTED = "Something went wrong on this page. Reload it to try again; the server's log says what happened."


def render_error(error: Exception) -> bool:
    """Say in a sentence what a page, one of its fragments or a callback raised, in the place where it happened.

    For `st.App(on_script_error=…)`, because a fragment handles what its function raises before the page could catch
    it. Streamlit has written the traceback to the log by then; True keeps it from drawing its own message.
    """
    st.error(literal(str(error)) if isinstance(error, ConvDeckError) else UNEXPECTED)
    return True
