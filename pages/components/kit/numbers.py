"""Fields for numbers: what is out of range is said in words below the field, and long fractions are shown rounded.

The browser is given no limits. With them it would refuse a number with a red frame alone, keep the one before, and the
page would never know.
"""

from collections.abc import Callable

import streamlit as st

from core.config.fields import Limits
from core.config.refusals import check_number, check_whole
from core.errors import ConfigError
from core.formatting import as_sentence, is_long, rounded_long
from pages.components.kit import session
from pages.components.kit.text import literal
from pages.components.kit.widget_values import first_value


def optional_number(
    label: str, limits: Limits, value: float | None, step: float, *, key: str, empty: str, help: str,
    on_change: Callable[..., None] | None = None, args: tuple[object, ...] = (),
) -> float | None:  # fmt: skip
    """A field that shows `value` at first. While it holds nothing, it shows `empty`: what no value means.

    With `on_change`, the caller says what is wrong; without, it is said here, and the value is returned as it is.
    """
    kind: Callable[[float], float] = int if limits.whole else float
    # A cleared field of Streamlit falls back to the `value` that it was drawn with, so it must be drawn with none.
    first_value(key, None if value is None else kind(value))
    number = st.number_input(
        label, value=None, step=kind(step), key=key, placeholder=empty, help=help,
        format="%d" if limits.whole else number_format(session.widget_value(key)), on_change=on_change, args=args,
    )  # fmt: skip
    if on_change is None:
        render_refusal(number, limits)
    else:
        render_rounding(number)
    return number


def number_format(value: float | None) -> str:
    """How a field shows a number: as it is, or to four digits where a search has drawn it and it has many more."""
    return "%.4g" if value is not None and is_long(value) else "%g"


def render_rounding(value: float | None) -> None:
    """Below a field of `number_format`: the value that counts, where another one is shown."""
    if value is not None and is_long(value):
        st.caption(f"{rounded_long(value):g} is rounded. Exactly: {value!r}")


def why_refused(value: float | None, limits: Limits) -> str | None:
    """Why a number is out of range, as a sentence below its field; None where it is not, or there is none."""
    if value is None:
        return None
    check = check_whole if limits.whole else check_number
    try:
        check("", value, limits)
    except ConfigError as error:
        return as_sentence(error.message)
    return None


def render_refusal(value: float | None, limits: Limits, outcome: str = "") -> bool:
    """Say below a field why its number is refused, and `outcome`, what became of it. Returns whether it is."""
    reason = why_refused(value, limits)
    if reason is None:
        return False
    render_problem(f"{reason} {outcome}".strip())
    return True


def render_problem(message: str) -> None:
    """What is wrong with the field above. The config's sentences go on from the field's name, which stands there."""
    st.markdown(f":small[:red[{literal(as_sentence(message))}]]")
