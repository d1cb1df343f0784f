"""Decodes untrusted pictures: a few formats, a limit on their size before decoding, errors in words."""

import io
import re
import struct
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import PictureError
from core.system.frames import Pixels

# Pillow registers some 40 openers; these are what people have.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
MAX_PIXELS = 25_000_000
MAX_SIDE_RATIO = 50
MAX_FILE_BYTES = 50_000_000
# Each scan of a progressive JPEG decodes the whole picture again: 0.1 s for 25 million pixels. Most have about ten.
MAX_SCANS = 32
CROPS = ("center", "pad", "stretch")
# Of a large photo, each pixel that a network sees averages at least this many by this many.
PIXELS_AVERAGED = 16

_JPEG, _SCAN = b"\xff\xd8", b"\xff\xda"
# The markers that something follows, or that end the picture (ITU-T T.81, table B.1).
_MARKER = re.compile(rb"\xff+([\xc0-\xcf\xd9-\xfe])", re.DOTALL)


@dataclass(frozen=True)
class Picture:
    """Decoded `pixels`, uint8 (height, width, 3) RGB, upright, and `notes` on what was done to get there."""

    pixels: Pixels
    notes: tuple[str, ...]


def decode_picture(data: bytes, name: str, enough: int | None = None) -> Picture:
    """Decode one picture file.

    A JPEG may come out smaller, by 2, 4 or 8, as long as both sides keep `enough` pixels: its decoder then leaves out
    what would be averaged away, which takes a third of the time for a phone's photo.

    The first frame of an animation is taken, transparency is laid on white, 16-bit greys are scaled to their own
    range, and EXIF orientation is applied.

    Raises:
        PictureError: one sentence with the file's name.
    """
    shown = shorten(name)
    if not data:
        raise PictureError(f"{shown} is empty.")
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(f"{shown} is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # Pillow warns of broken EXIF and large pictures; both are handled here
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_size(image.size, shown)
                if data.startswith(_JPEG):
                    _check_scans(data, shown)
                if enough is not None:
                    image.draft(image.mode, (enough, enough))
                return _to_rgb(image)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f"{shown} is not a picture in PNG, JPEG, WebP, BMP or GIF format.") from None
    except Image.DecompressionBombError:
        raise PictureError(f"{shown} has more than {MAX_PIXELS // 1_000_000} million pixels.") from None
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        MemoryError,
        OverflowError,
        IndexError,
        KeyError,
        struct.error,
        zlib.error,
    ) as error:
        reason = "it is cut off" if "truncated" in str(error) else "its data is damaged"
        raise PictureError(f"{shown} cannot be decoded: {reason}.") from error


def fit_picture(pixels: Pixels, image_shape: tuple[int, ...], crop: str = "center") -> Pixels:
    """Bring (height, width, 3) pixels to `image_shape` (height, width, 1 or 3).

    `center` cuts out the largest middle part of the right proportions, `pad` keeps everything and fills up with
    the edge's mean colour, `stretch` changes the proportions. One channel is ITU-R 601 luma, as Pillow's "L".
    """
    if crop not in CROPS:
        raise ValueError(f"crop must be one of {', '.join(CROPS)}, not {crop!r}.")
    height, width, channels = image_shape
    image = Image.fromarray(pixels)
    size = (width, height)
    resampling = Image.Resampling.BOX if min(image.size) >= 2 * max(size) else Image.Resampling.BILINEAR
    if crop == "center":
        image = ImageOps.fit(image, size, resampling)
    elif crop == "pad":
        edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        red, green, blue = (int(value) for value in edges.mean(axis=0))
        image = ImageOps.pad(image, size, resampling, color=(red, green, blue))
    else:
        image = image.resize(size, resampling)
    if channels == 1:
        return np.asarray(image.convert("L"))[..., None]
    return np.asarray(image)


def shorten(name: str) -> str:
    """A file's name for a sentence: its last part, printable, at most 60 characters."""
    printable = "".join(c for c in name.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable())
    return printable if 0 < len(printable) <= 60 else (printable[:57] + "…" if printable else "A file")


def _check_size(size: tuple[int, int], shown: str) -> None:
    """From the header, before anything is decoded: a file of 21 KB can unfold to 177 million pixels."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"{shown} has {width * height / 1e6:.0f} million pixels; at most {MAX_PIXELS / 1e6:.0f} are allowed."
        )
    if max(size) > MAX_SIDE_RATIO * min(size):
        raise PictureError(f"{shown} is {width}×{height} pixels: too long and thin to be classified.")


def _check_scans(data: bytes, shown: str) -> None:
    """Before anything is decoded: 127 KB can hold 700 scans, which take a minute."""
    if data.count(_SCAN) > MAX_SCANS and (scans := _count_scans(data)) > MAX_SCANS:
        raise PictureError(
            f"{shown} is a JPEG with {scans:,} scans; at most {MAX_SCANS} are decoded. Save it again as a plain JPEG."
        )


def _count_scans(data: bytes) -> int:
    """The scans of a JPEG's first picture: what is in its metadata or follows its end does not count."""
    scans, place = 0, len(_JPEG)
    while found := _MARKER.search(data, place):
        place = found.end()
        marker = found[1]
        if marker == b"\xd9":  # the picture's end
            break
        scans += marker == b"\xda"
        # The length of what the marker begins; after a scan's come its data, in which 0xFF stands before 0 alone.
        place += int.from_bytes(data[place : place + 2], "big")
    return scans


def _to_rgb(image: Image.Image) -> Picture:
    notes = []
    # Not `n_frames`: counting walks through the whole file, 6 s for 15 MB of tiny frames. A phone's JPEG may hold
    # further pictures too (MPO), which is no animation.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        image.seek(0)
        notes.append("Animation: the first frame is used.")
    image.load()
    try:
        upright = ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF comes as many kinds of errors; the picture itself is fine
        upright = image
    image = upright if upright is not None else image
    if image.mode.startswith(("I", "F")):
        image = _to_eight_bits(np.asarray(image, np.float32))
        notes.append("More than 8 bits per pixel: scaled to the range from 0 to 255.")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layered = image.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        if layered.getchannel("A").getextrema() != (255, 255):
            notes.append("Transparent parts are shown on white.")
        image = Image.alpha_composite(white, layered)
    return Picture(np.array(image.convert("RGB")), tuple(notes))


def _to_eight_bits(values: NDArray[np.float32]) -> Image.Image:
    """Plain conversion would turn 300 and 60,000 both white."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 255:
        scaled = values
    else:
        low = min(0.0, low)
        scaled = (values - low) * (255.0 / max(high - low, 1e-12))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))
