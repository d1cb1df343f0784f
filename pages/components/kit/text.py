"""Text on a page: what people typed, shown as it is, times by the visitor's own clock, and what went wrong."""

import datetime
import re
import zoneinfo

import streamlit as st

from core.config.labels import label_of
from core.errors import ConfigError, ConvDeckError

EXPECTATION_EXAMPLE = "For example: it overfits by epoch 5; validation ends near 60 %."
UNEXPECTED = "Something went wrong on this page. Reload it to try again; the server's log says what happened."
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|$:~<>&])")


def literal(text: str) -> str:
    """Escape what Markdown and Streamlit's directives would take for their own."""
    return _MARKDOWN.sub(r"\\\1", text)


def local_time(seconds: float) -> str:
    """Unix seconds as `07 Mar 14:05:09`."""
    return datetime.datetime.fromtimestamp(seconds, _zone()).strftime("%d %b %H:%M:%S")


def _zone() -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo(st.context.timezone or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.UTC


def error_text(error: Exception) -> str:
    """Its sentence, with a setting by its label where programs read its path: `Learning rate: must be above 0 …`"""
    if isinstance(error, ConfigError) and error.field:
        return f"{label_of(error.field)}: {error.message}"
    return str(error)


def render_error(error: Exception) -> bool:
    """Say in a sentence what a page, one of its fragments or a callback raised, in the place where it happened.

    The one boundary of errors: for `st.App(on_script_error=…)`, because a fragment handles what its function raises
    before the page could catch it. Streamlit has written the traceback to the log by then; True keeps it from drawing
    its own message.
    """
    st.error(literal(error_text(error)) if isinstance(error, ConvDeckError) else UNEXPECTED)
    return True
