"""A frame that a person drags over a picture, and the part of the picture that it chooses."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.images import Box
from pages.components.kit.browser import mount, take_no_notice

PACKAGE = "convdeck_crop"
HERE = Path(__file__).parent
FILES: dict[str, tuple[str, str | None]] = {"crop": ("crop.js", "crop.css")}
# What is done to a picture without a frame, in the order of the buttons: see `core.images.fit_picture`.
CROPS = {"center": "Crop the middle", "pad": "Pad", "stretch": "Stretch"}
# Of the picture that is shown: what a person sees well, and a browser gets quickly.
ORIGINAL_SIDE = 800


def crop_frame(
    original: bytes, alt: str, image_shape: tuple[int, ...], key: str, box: Box | None = None
) -> Box | None:
    """The picture `original`, an upright JPEG file, under a frame in the proportions of `image_shape`.

    Returns what the frame was last let go on, or `box` as long as it was not touched; None where it was taken away.
    With another picture or shape, it begins again, so each of them needs a `key` of its own.
    """
    height, width = image_shape[:2]
    data = {
        "src": f"data:image/jpeg;base64,{base64.b64encode(original).decode()}", "alt": alt, "aspect": width / height,
        "box": None if box is None else _values_of(box),
    }  # fmt: skip
    found = mount(
        PACKAGE, HERE, FILES, "crop", key, data, default={"box": data["box"]}, on_box_change=take_no_notice
    ).box
    return box_of(found)


def box_of(found: Any) -> Box | None:
    """What a browser has sent; None for everything that is no part of a picture."""
    if not isinstance(found, Mapping):
        return None
    try:
        return Box(*(float(found[name]) for name in ("left", "top", "width", "height")))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _values_of(box: Box) -> dict[str, float]:
    return {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
