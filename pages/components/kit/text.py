"""Text on a page: what people typed, shown as it is, times by the visitor's own clock, and what went wrong."""

import datetime
import re
import zoneinfo

import streamlit as st

from core.config.labels import label_of
from core.errors import ConfigError, ConvDeckError

EXPECTATION_EXAMPLE = "For example: it overfits by epoch 5; validation ends near 60 %."
UNEXPECTED = "Something went wrong on this page. Reload it to try again; the server's log says what happened."
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|$:~<>&]|^=)", re.MULTILINE)
# Where Streamlit 1.67 finds something to replace after backslashes are gone: icons and emoji (but not in 12:30:05),
# addresses, e-mail addresses, arrows and the like.
_BREAKS = re.compile(
    r"(?<=:)(?=[\w+\-/]+:)(?!\d\d:)|(?<=:)(?=material/)|(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=[\w\-])"
    r"|(?<=[<>~=])(?=[<>=\-])|(?<=-)(?=>)|(?<=-)(?=-(?!\w))",
    re.IGNORECASE,
)
# A span with nothing in it, which parts what the browser would search as one piece of text. It adds no character.
_NOTHING = ":small[]"
# They let text rewrite what stands beside it: embeddings, overrides and isolates.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def literal(text: str) -> str:
    """`text` as Markdown that shows every character as it is, for whatever people named or wrote.

    Needed wherever Streamlit reads Markdown: labels, captions, tooltips, titles, messages. Options of selectbox and
    multiselect, cells of `st.dataframe`, charts and `alt` take plain text.
    """
    return _NOTHING.join(_MARKDOWN.sub(r"\\\1", piece) for piece in _BREAKS.split(_BIDI.sub("", text)))


def unbroken(text: str) -> str:
    """The same, with no line break before a percent sign."""
    return literal(text).replace(" %", "\u00a0%")


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
