"""Small pictures made visible: enlarged without smoothing, so that each pixel is seen as the network gets it."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def enlarge(pixels: Pixels, side: int = 160) -> Image.Image:
    """(height, width, 1 or 3) pixels as a picture of at least `side` pixels, by a whole factor."""
    factor = max(1, -(-side // max(pixels.shape[:2])))
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def enlarged_png(pixels: Pixels, side: int = 160) -> bytes:
    """As `enlarge`, as the bytes of a PNG file."""
    return _fast_png(enlarge(pixels, side))


def contact_sheet(pictures: Pixels, columns: int, scale: int = 3, gap: int = 2) -> bytes:
    """(count, height, width, 1 or 3) pictures in rows of `columns`, enlarged, with transparent gaps, as a PNG file."""
    count, height, width = pictures.shape[:3]
    rows = -(-count // columns)
    size = (columns * (width * scale + gap) - gap, rows * (height * scale + gap) - gap)
    sheet = Image.new("RGBA", size, (0, 0, 0, 0))
    for index, pixels in enumerate(pictures):
        tile = enlarge(pixels, max(height, width) * scale)
        place = (index % columns) * (width * scale + gap), (index // columns) * (height * scale + gap)
        sheet.paste(tile.convert("RGBA"), place)
    return _fast_png(sheet)


def png_bytes(pixels: Pixels) -> bytes:
    """(height, width, 1 or 3) pixels as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)).save(buffer, "PNG")
    return buffer.getvalue()


def _fast_png(image: Image.Image) -> bytes:
    """A PNG file a tenth larger than it need be, written in a sixth of the time (12 pictures: 3 instead of 16 ms)."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
