"""Fields for a number that may be missing: cleared with the keyboard, they hold None."""

from collections.abc import Callable

import streamlit as st

from core.config.fields import Limits
from pages.components.kit import session


def optional_number(
    label: str, limits: Limits, value: float | None, step: float, *, key: str, empty: str, help: str,
    on_change: Callable[..., None] | None = None, args: tuple[object, ...] = (),
) -> float | None:  # fmt: skip
    """A field that shows `value` at first. While it holds nothing, it shows `empty`: what no value means."""
    kind: Callable[[float], float] = int if limits.whole else float
    # A cleared field of Streamlit falls back to the `value` that it was drawn with, so it must be drawn with none.
    session.first_value(key, None if value is None else kind(value))
    return st.number_input(
        label, kind(limits.low), kind(limits.high), None, kind(step), key=key, placeholder=empty, help=help,
        format="%d" if limits.whole else "%g", on_change=on_change, args=args,
    )  # fmt: skip
