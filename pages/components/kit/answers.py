"""What a network makes of a picture: the pixels that it sees, and its likeliest classes as bars."""

import streamlit as st

from core.engine.answers import Answer
from core.formatting import percent
from core.system.frames import Pixels
from pages.components.kit.pictures import render_pixels
from pages.components.kit.text import literal

SHOWN_CLASSES = 3
SIDE = 128


def render_seen(pixels: Pixels, alt: str, side: int = SIDE) -> None:
    """The pixels themselves, enlarged without smoothing to `side` pixels of the page."""
    render_pixels(pixels, side, width=side, alt=alt)


def render_bars(answer: Answer, most: int = SHOWN_CLASSES) -> None:
    """The likeliest classes, each with its probability."""
    for each in answer.top[:most]:
        st.progress(each.probability, f"{literal(each.name)} {percent(each.probability)}")


def right_or_wrong(answer: str, truth: str) -> str:
    """A word in colour, and the truth, as Markdown."""
    if answer == truth:
        return f":green[:material/check: Right]: it is **{literal(truth)}**."
    return f":red[:material/close: Wrong]: it is **{literal(truth)}**."
