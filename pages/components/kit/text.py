"""Text on a page: what people typed, shown as it is, and times by the visitor's own clock."""

import datetime
import re
import zoneinfo

import streamlit as st

EXPECTATION_EXAMPLE = "For example: it overfits by epoch 5; validation ends near 60 %."
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|$:~<>&])")


def local_time(seconds: float) -> str:
    """Unix seconds as `07 Mar 14:05:09`."""
    return datetime.datetime.fromtimestamp(seconds, _zone()).strftime("%d %b %H:%M:%S")


def _zone() -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo(st.context.timezone or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.UTC


def literal(text: str) -> str:
    """Escape what Markdown and Streamlit's directives would take for their own."""
    return _MARKDOWN.sub(r"\\\1", text)
