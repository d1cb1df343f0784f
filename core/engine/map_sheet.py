"""Feature maps and filters as pictures: colours for numbers, and a sheet of all maps as a PNG. Loads no Keras."""

import io

import numpy as np
from numpy.typing import NDArray

from core.engine.heat_map import BACKGROUND, INK, enlarge, paint_map
from core.system.frames import Pixels

# From below 0 to above it, each end as dark as the other; 0 is nearly white (Brewer's red to blue, turned around).
SIGNED = np.array(
    [(5, 48, 97), (33, 102, 172), (67, 147, 195), (146, 197, 222), (209, 229, 240), (247, 247, 247),
     (253, 219, 199), (244, 165, 130), (214, 96, 77), (178, 24, 43), (103, 0, 31)], float,
)  # fmt: skip
UNKNOWN = SILENT = (128, 128, 128)  # NaN, and a map that is 0 everywhere
TILE_PIXELS, COLUMNS, GAP, CAPTION = 96, 8, 8, 14
UNITS_PER_ROW = 32


def paint_numbers(
    values: NDArray[np.floating], most: float | None = None, *, signed: bool | None = None
) -> Pixels:
    """Numbers (rows, columns) in colours, (rows, columns, 3) uint8.

    Where none is below 0 Viridis, from 0 to `most`, by default the largest; else, and with `signed`, blue below 0,
    white at 0 and red above, up to `most` either way. What is not a number is grey.
    """
    known = np.nan_to_num(np.asarray(values, np.float64), nan=0.0)
    if most is None:
        most = float(np.abs(known).max(initial=0.0))
    shares = known / most if most > 0 else np.zeros_like(known)
    signed = is_signed(values) if signed is None else signed
    painted = _signed(shares) if signed else paint_map(shares)
    painted[np.isnan(values)] = UNKNOWN
    return painted


def paint_maps(maps: NDArray[np.floating], *, one_scale: bool, signed: bool | None = None) -> Pixels:
    """Maps (rows, columns, channels) in the colours of `paint_numbers`: (channels, rows, columns, 3) uint8.

    With `one_scale` a colour stands for the same number in all of them, else each map uses all colours.
    """
    most = float(np.nan_to_num(np.abs(maps)).max(initial=0.0)) if one_scale else None
    signed = is_signed(maps) if signed is None else signed
    return np.stack([paint_numbers(each, most, signed=signed) for each in np.moveaxis(maps, -1, 0)])


def paint_filters(kernels: NDArray[np.floating]) -> Pixels:
    """Kernels (rows, columns, 1 or 3, filters) that read a picture, as pictures (filters, rows, columns, 1 or 3) uint8.

    Middle grey is 0. Each filter is divided by its own largest weight: it is its pattern that is looked at.
    """
    own = np.moveaxis(np.nan_to_num(kernels.astype(np.float64)), -1, 0)
    most = np.abs(own).max(axis=(1, 2, 3), keepdims=True)
    shares = np.divide(own, most, out=np.zeros_like(own), where=most > 0)
    return np.asarray(np.rint(127.5 + 127.5 * shares), np.uint8)


def is_signed(values: NDArray[np.floating]) -> bool:
    """Whether a number is below 0."""
    return bool(np.nanmin(values, initial=0.0) < 0)


def silent_maps(maps: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(channels,) which of the maps (rows, columns, channels) are 0 everywhere."""
    return np.asarray((maps == 0).all(axis=(0, 1)))


def arranged(units: NDArray[np.floating]) -> NDArray[np.float32]:
    """(units,) in rows of UNITS_PER_ROW, the last one filled up with NaN: (rows, columns)."""
    columns = min(len(units), UNITS_PER_ROW)
    rows = -(-len(units) // columns)
    filled = np.full(rows * columns, np.nan, np.float32)
    filled[: len(units)] = units
    return filled.reshape(rows, columns)


def render_sheet(values: NDArray[np.floating], title: str, *, one_scale: bool = True) -> bytes:
    """All maps (rows, columns, channels), or all units (units,), as a PNG file, each with its number.

    A map that is 0 everywhere is grey.
    """
    from PIL import Image, ImageDraw, ImageFont

    maps = arranged(values)[..., None] if values.ndim == 1 else values
    pictures = paint_maps(maps, one_scale=one_scale)
    if values.ndim > 1:
        pictures[silent_maps(maps)] = SILENT
    scale = max(1, (TILE_PIXELS if len(pictures) > 1 else 4 * TILE_PIXELS) // max(pictures.shape[1:3]))
    height, width = (side * scale for side in pictures.shape[1:3])
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    size = (
        max(width * columns + GAP * (columns + 1), 4 * TILE_PIXELS),
        rows * (height + CAPTION + GAP) + 24 + GAP,
    )
    sheet, font = Image.new("RGB", size, BACKGROUND), ImageFont.load_default(11)
    drawn = ImageDraw.Draw(sheet)
    drawn.text((GAP, 6), title.replace("×", "x"), INK, font)  # which Pillow's own font has not
    for place, pixels in enumerate(pictures):
        left, top = GAP + place % columns * (width + GAP), 24 + place // columns * (height + CAPTION + GAP)
        if values.ndim > 1:
            drawn.text((left, top), str(place), INK, font)
        sheet.paste(Image.fromarray(enlarge(pixels, scale)), (left, top + CAPTION))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _signed(shares: NDArray[np.float64]) -> Pixels:
    places = (np.clip(shares, -1, 1) + 1) / 2 * (len(SIGNED) - 1)
    below = np.minimum(places.astype(int), len(SIGNED) - 2)
    share = (places - below)[..., None]
    return np.asarray(np.rint((1 - share) * SIGNED[below] + share * SIGNED[below + 1]), np.uint8)
