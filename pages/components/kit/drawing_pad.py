"""A pad that a person draws on, and the drawing as a picture file.

The script, `assets/pad.js`, sends a drawing of 280×280 pixels as a data URL each time the pen is lifted. It is decoded
with all other pictures from outside, in the engine's decoder.
"""

import base64
import binascii
from pathlib import Path
from typing import Any

from pages.components.kit.browser import mount, take_no_notice

PACKAGE = "convdeck_pad"
HERE = Path(__file__).parent
FILES: dict[str, tuple[str, str | None]] = {"pad": ("pad.js", "pad.css")}
PNG_IN_TEXT = "data:image/png;base64,"
MOST_CHARACTERS = 1_000_000  # of a drawing: one of 280×280 pixels has some 20,000


def drawing_pad(key: str, *, dark: bool) -> bytes | None:
    """A pad that is drawn on; `dark`: in white on black at first. Returns the drawing as a PNG file, or None as long
    as it is empty. The browser keeps what is drawn for as long as its tab is open. Each pad needs a `key` of its own.
    """
    found = mount(
        PACKAGE, HERE, FILES, "pad", key, {"dark": dark, "name": key}, default={"drawing": None},
        on_drawing_change=take_no_notice,
    ).drawing  # fmt: skip
    return png_of(found)


def png_of(found: Any) -> bytes | None:
    """What a browser has sent: the bytes of a picture file, which nothing has decoded yet.

    None for an empty pad, and for everything that no pad sends.
    """
    if not isinstance(found, str) or not found.startswith(PNG_IN_TEXT) or len(found) > MOST_CHARACTERS:
        return None
    try:
        return base64.b64decode(found.removeprefix(PNG_IN_TEXT), validate=True)
    except (binascii.Error, ValueError):
        return None
