"""What a network makes of a picture: the pixels that it sees, and its likeliest classes as bars."""

from typing import Any

import streamlit as st

from core.formatting import percent
from pages.components.kit.pictures import Pixels, render_pixels
from pages.components.kit.text import literal

SHOWN_CLASSES = 3
SIDE = 128


def render_seen(pixels: Pixels, alt: str, side: int = SIDE) -> None:
    """The pixels themselves, enlarged without smoothing to `side` pixels of the page."""
    render_pixels(pixels, side, width=side, alt=alt)


def render_bars(row: dict[str, Any], most: int = SHOWN_CLASSES) -> None:
    """The likeliest classes of a row as `core.engine.client.Engine.predict` gives it."""
    for entry in row["top"][:most]:
        text = f"{literal(entry['class'])} {percent(entry['probability'])}"
        st.progress(float(entry["probability"]), text)


def right_or_wrong(answer: str, truth: str) -> str:
    """A word in colour, and the truth, as Markdown."""
    if answer == truth:
        return f":green[:material/check: Right]: it is **{literal(truth)}**."
    return f":red[:material/close: Wrong]: it is **{literal(truth)}**."
