"""Small pictures made visible: enlarged without smoothing, so that each pixel is seen as the network gets it."""

import io
from typing import Literal
from urllib.parse import urlsplit

import numpy as np
import streamlit as st
from PIL import Image

from core.system.frames import Pixels
from pages.components.kit import browser


def enlarge(pixels: Pixels, side: int) -> Image.Image:
    """(height, width, 1 or 3) pixels as a picture of at least `side` pixels, by a whole factor."""
    factor = max(1, -(-side // max(pixels.shape[:2])))
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def render_pixels(
    pixels: Pixels, side: int, *, alt: str, width: int | Literal["stretch", "content"] = "content", caption: str = ""
) -> None:  # fmt: skip
    """Draw (height, width, 1 or 3) pixels, enlarged to at least `side`, each in exactly its own colour."""
    # Streamlit makes a JPEG of what has no alpha, in which colours run into each other, unless it is told otherwise.
    _draw(_fast_png(enlarge(pixels, side)), width, caption, alt)


def render_file(file: bytes, side: int, alt: str) -> None:
    """Draw a JPEG or PNG file that this program has made; neither side gets longer than `side` pixels of the page."""
    with Image.open(io.BytesIO(file)) as image:
        width, height = image.size
    _draw(file, max(1, round(side * width / max(width, height))), "", alt)


def _draw(file: bytes, width: int | Literal["stretch", "content"], caption: str, alt: str) -> None:
    kind = "JPEG" if file.startswith(b"\xff\xd8") else "PNG"
    if isinstance(width, int):
        # Streamlit would make it as small as that, smoothed, and pack it again; the browser has more pixels to show.
        with st.container(width=width):
            st.image(file, caption or None, "stretch", output_format=kind, alt=alt)
    else:
        st.image(file, caption or None, width, output_format=kind, alt=alt)


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


def may_use_camera() -> bool:
    """Whether the visitor's browser gives this page a camera: over https, or on the browser's own computer."""
    return urlsplit(st.context.url or "").scheme != "http" or browser.is_on_this_computer()
