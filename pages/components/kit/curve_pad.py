"""A pad on which a person draws a curve over the epochs, with mouse, finger or keys.

The script, `assets/curve_pad.js`, sends the value of each epoch each time the pointer is lifted or the keys rest. What
is allowed of it is checked in core.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pages.components.kit.browser import mount, take_no_notice

PACKAGE = "convdeck_curve_pad"
HERE = Path(__file__).parent
FILES: dict[str, tuple[str, str | None]] = {"curve_pad": ("curve_pad.js", "curve_pad.css")}


def curve_pad(
    key: str, title: str, unit: str, *, num_epochs: int, most: int, curve: Sequence[float] | None = None
) -> tuple[float, ...] | None:
    """A pad for `num_epochs` values from 0 to `most` `unit`; `curve` is what stands on it at first.

    Returns the values from the first epoch on, or None as long as the pad is empty. Of two pads on a page, each needs a
    `key` of its own.
    """
    first = None if curve is None else list(curve)
    data = {"epochs": num_epochs, "most": most, "unit": unit, "title": title, "curve": first}
    found = mount(
        PACKAGE, HERE, FILES, "curve_pad", key, data, default={"curve": first}, on_curve_change=take_no_notice
    ).curve
    return curve_of(found)


def curve_of(found: Any) -> tuple[float, ...] | None:
    """What a browser has sent as numbers, of any size and number; None for an empty pad and what is no list of them."""
    if not isinstance(found, Sequence) or isinstance(found, str):
        return None
    try:
        return tuple(float(value) for value in found)
    except (TypeError, ValueError, OverflowError):
        return None
