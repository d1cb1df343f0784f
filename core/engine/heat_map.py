"""Draws an explanation as a PNG: the picture, and over it the map and the one with random weights. Loads no Keras."""

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.engine.explanation import METHOD_NAMES, Explanation
from core.system.frames import Pixels

if TYPE_CHECKING:
    from PIL import Image

# Every 15th of the 256 colours of Viridis, by van der Walt and Smith: each is brighter than the one before, also in
# grey and for people who do not tell red from green.
VIRIDIS = np.array(
    [(68, 1, 84), (72, 23, 105), (71, 42, 122), (67, 61, 132), (61, 78, 138), (53, 94, 141), (46, 109, 142),
     (41, 123, 142), (35, 137, 142), (31, 151, 139), (33, 165, 133), (46, 179, 124), (70, 192, 111), (101, 203, 94),
     (137, 213, 72), (176, 221, 47), (216, 226, 25), (253, 231, 37)], float,
)  # fmt: skip
MAP_SHARE = 0.65  # of the map's colour where it lies over the picture
PANEL_PIXELS = 256
GAP, CAPTION, BAR = 12, 26, 14
BACKGROUND, INK = (255, 255, 255), (30, 30, 30)


def paint_map(values: NDArray[np.floating]) -> Pixels:
    """Numbers from 0 to 1, (height, width), in colours: (height, width, 3) uint8. What lies outside is cut off."""
    places = np.clip(values, 0, 1) * (len(VIRIDIS) - 1)
    below = np.minimum(places.astype(int), len(VIRIDIS) - 2)
    share = (places - below)[..., None]
    colors = (1 - share) * VIRIDIS[below] + share * VIRIDIS[below + 1]
    return np.asarray(np.rint(colors), np.uint8)


def lay_over(pixels: Pixels, values: NDArray[np.floating]) -> Pixels:
    """The map `values` (height, width) in colours over the picture (height, width, 1 or 3) in grey; uint8 RGB."""
    grey = pixels.mean(axis=-1, keepdims=True)
    return np.asarray(np.rint(MAP_SHARE * paint_map(values) + (1 - MAP_SHARE) * grey), np.uint8)


def enlarge(pixels: Pixels, scale: int) -> Pixels:
    """Each pixel as a square of `scale` pixels, not smoothed."""
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def render_explanation(explanation: Explanation) -> bytes:
    """A PNG file: what the network saw, the map over it, the map with random weights, and a scale from 0 to 1.

    Its text field `Description` has the explanation's sentence.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    seen = explanation.seen
    scale = max(1, PANEL_PIXELS // max(seen.shape[:2]))
    panels = {
        "What the network saw": np.broadcast_to(seen, (*seen.shape[:2], 3)),
        METHOD_NAMES[explanation.method]: lay_over(seen, explanation.map),
        "With random weights": lay_over(seen, explanation.random_map),
    }
    height, width = (side * scale for side in seen.shape[:2])
    column = max(width, PANEL_PIXELS // 2)
    sheet = Image.new("RGB", (3 * column + 4 * GAP, CAPTION + height + 2 * GAP + BAR + CAPTION), BACKGROUND)
    for place, (caption, pixels) in enumerate(panels.items()):
        left = GAP + place * (column + GAP)
        _write(sheet, caption, left, GAP // 2)
        sheet.paste(Image.fromarray(enlarge(pixels, scale)), (left, CAPTION))
    bar = paint_map(np.linspace(0, 1, column)[None]).repeat(BAR, axis=0)
    left, top = 2 * GAP + column, CAPTION + height + GAP
    sheet.paste(Image.fromarray(bar), (left, top))
    _write(sheet, "no evidence", left, top + BAR + 2)
    _write(sheet, "strongest", left + column, top + BAR + 2, anchor_right=True)
    described, buffer = PngInfo(), io.BytesIO()
    described.add_itxt("Description", explanation.sentence)
    sheet.save(buffer, "PNG", pnginfo=described)
    return buffer.getvalue()


def _write(sheet: "Image.Image", text: str, left: int, top: int, *, anchor_right: bool = False) -> None:
    from PIL import ImageDraw, ImageFont

    ImageDraw.Draw(sheet).text(
        (left, top), text, INK, ImageFont.load_default(12), anchor="ra" if anchor_right else "la"
    )
