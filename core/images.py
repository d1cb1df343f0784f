"""Decodes untrusted pictures: a few formats, a limit on their size before decoding, errors in words."""

import io
import math
import re
import struct
import warnings
import zlib
from dataclasses import astuple, dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features

from core.errors import PictureError, UserError
from core.system.frames import Pixels

# Pillow registers some 40 openers; these are what people have. Not every build of it has AVIF.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", *(("AVIF",) if features.check("avif") else ()))
FORMATS_IN_WORDS = (
    "PNG, JPEG, WebP, BMP, GIF, TIFF or AVIF" if "AVIF" in FORMATS else "PNG, JPEG, WebP, BMP, GIF or TIFF"
)
# Names of such files end in these; what a file is, its content tells.
PICTURE_ENDINGS = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif",
)  # fmt: skip
MAX_PIXELS = 25_000_000  # that are decoded: of a JPEG, the decoder can leave out most
MAX_PHOTO_PIXELS = 150_000_000  # that a JPEG may say it has
MAX_SIDE_RATIO = 50
MAX_FILE_BYTES = 50_000_000
# Each scan of a progressive JPEG decodes the whole picture again: 0.1 s for 25 million pixels. Most have about ten.
MAX_SCANS = 32
MAX_SCANNED_PIXELS = MAX_SCANS * MAX_PIXELS
CROPS = ("center", "pad", "stretch")
# Of a large photo, each pixel that a network sees averages at least this many by this many.
PIXELS_AVERAGED = 16

HEAD_BYTES = 64  # of a file, from which its kind is told
_JPEG, _SCAN = b"\xff\xd8", b"\xff\xda"
_BEGINNINGS = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    # The length of the second header tells a bitmap from a text that begins with "BM".
    "BMP": re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
    "TIFF": re.compile(rb"II\*\0|MM\0\*"),
    # One of its compatible brands; the major one may be that of HEIC.
    "AVIF": re.compile(rb"....ftyp(?:.{4}){0,12}avi[fs]", re.DOTALL),
    "HEIC": re.compile(rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL),
}
# The markers that something follows, or that end the picture (ITU-T T.81, table B.1).
_MARKER = re.compile(rb"\xff+([\xc0-\xcf\xd9-\xfe])", re.DOTALL)


@dataclass(frozen=True)
class Picture:
    """Decoded `pixels`, uint8 (height, width, 3) RGB, upright, and `notes` on what was done to get there."""

    pixels: Pixels
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Box:
    """A part of an upright picture: where it begins and how large it is, as fractions of its width and its height.

    Raises ValueError where it is empty or not inside the picture.
    """

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        values = astuple(self)
        ends = self.left + self.width, self.top + self.height
        if not all(math.isfinite(value) for value in values) or not (
            min(values) >= 0 and self.width > 0 and self.height > 0 and max(ends) <= 1 + 1e-6
        ):
            raise ValueError(f"A box must lie inside the picture, in fractions from 0 to 1, not {values}.")

    @classmethod
    def parse(cls, text: str) -> "Box":
        """`"0.25,0,0.75,0.5"`: its left, top, right and lower edge, as fractions. Raises UserError."""
        try:
            left, top, right, bottom = map(float, text.split(","))
            return cls(left, top, right - left, bottom - top)
        except ValueError:
            raise UserError(
                "box must be LEFT,TOP,RIGHT,BOTTOM: fractions of the picture's width and height from 0 to 1, such as "
                f"0.25,0,0.75,0.5, not {text[:40]!r}."
            ) from None

    def pixels_of(self, picture: Pixels) -> Pixels:
        """This part of (height, width, channels) pixels, rounded to whole ones and at least one."""
        height, width = picture.shape[:2]
        rows = _whole(self.top, self.height, height)
        columns = _whole(self.left, self.width, width)
        return picture[rows, columns]


def _whole(begin: float, length: float, of: int) -> slice:
    first = min(round(begin * of), of - 1)
    return slice(first, max(first + 1, min(round((begin + length) * of), of)))


def picture_kind(head: bytes) -> str | None:
    """The kind of picture (`PNG`, `JPEG`, …) that a file is by its first `HEAD_BYTES`, also one that is not read here
    (`HEIC`); None: it is no picture. What the file is called does not count.
    """
    return next((kind for kind, beginning in _BEGINNINGS.items() if beginning.match(head)), None)


def decode_picture(data: bytes, name: str, enough: int | None = None) -> Picture:
    """Decode one picture file.

    A JPEG may come out smaller, by 2, 4 or 8, as long as both sides keep `enough` pixels: its decoder then leaves out
    what would be averaged away, which takes a third of the time for a phone's photo. One that would have more than
    `MAX_PIXELS` comes out smaller in any case.

    The first frame of an animation is taken, transparency is laid on white, 16 bits are divided by 257, so that the
    same number is the same grey in every picture, and EXIF orientation is applied.

    Raises:
        PictureError: one sentence with the file's name.
    """
    shown = shorten(name)
    if not data:
        raise PictureError(f"{shown} is empty.")
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(f"{shown} is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    kind = picture_kind(data[:HEAD_BYTES])
    if kind == "HEIC":
        raise PictureError(f"{shown} is a HEIC photo, which is not read. Save it as JPEG.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # Pillow warns of broken EXIF and large pictures; both are handled here
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_size(image.size, shown, MAX_PHOTO_PIXELS if kind == "JPEG" else MAX_PIXELS)
                if kind == "JPEG":
                    _check_scans(data, image.size, shown)
                    _reduce(image, enough)
                return _to_rgb(image, shown)
    except PictureError:
        raise
    except UnidentifiedImageError:
        if kind is not None:
            raise PictureError(f"{shown} cannot be decoded: its data is damaged.") from None
        raise PictureError(f"{shown} is not a picture in {FORMATS_IN_WORDS} format.") from None
    except Image.DecompressionBombError:
        raise PictureError(f"{shown} has more than {MAX_PHOTO_PIXELS // 1_000_000} million pixels.") from None
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
        if kind is not None and str(error).startswith("Unsupported "):  # as Pillow says of rare bitmaps
            raise PictureError(f"{shown} is a {kind} of a kind that is not read. Save it as PNG.") from error
        if kind is None:  # it only begins like one
            raise PictureError(f"{shown} is not a picture in {FORMATS_IN_WORDS} format.") from error
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


def encode_small(pixels: Pixels, most: int) -> bytes:
    """(height, width, 3) pixels as a JPEG file, reduced until neither side is longer than `most`."""
    image = Image.fromarray(pixels)
    if max(image.size) > most:
        scale = most / max(image.size)
        image = image.resize(
            (max(1, round(image.width * scale)), max(1, round(image.height * scale))),
            Image.Resampling.BILINEAR, reducing_gap=2.0,
        )  # fmt: skip
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def shorten(name: str) -> str:
    """A file's name for a sentence: its last part, printable, at most 60 characters."""
    printable = "".join(c for c in name.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable())
    return printable if 0 < len(printable) <= 60 else (printable[:57] + "…" if printable else "A file")


def _check_size(size: tuple[int, int], shown: str, most: int) -> None:
    """From the header, before anything is decoded: a file of 21 KB can unfold to 177 million pixels."""
    width, height = size
    if width * height > most:
        raise PictureError(
            f"{shown} has {width * height / 1e6:.0f} million pixels; at most {most / 1e6:.0f} are allowed."
        )
    if max(size) > MAX_SIDE_RATIO * min(size):
        raise PictureError(f"{shown} is {width}×{height} pixels: too long and thin to be classified.")


def _check_scans(data: bytes, size: tuple[int, int], shown: str) -> None:
    """Before anything is decoded: 127 KB can hold 700 scans, which take a minute."""
    most = min(MAX_SCANS, MAX_SCANNED_PIXELS // (size[0] * size[1]))
    if data.count(_SCAN) > most and (scans := _count_scans(data)) > most:
        raise PictureError(
            f"{shown} is a JPEG with {scans:,} scans; at most {most} are decoded. Save it again as a plain JPEG."
        )


def _reduce(image: Image.Image, enough: int | None) -> None:
    """Have a JPEG decoded smaller, as `decode_picture` says."""
    width, height = image.size
    scale = 1
    while scale < 8 and (
        (enough is not None and min(width, height) // (2 * scale) >= enough)
        or (width // scale) * (height // scale) > MAX_PIXELS
    ):
        scale *= 2
    if scale > 1:
        image.draft(image.mode, (width // scale, height // scale))


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


def _to_rgb(image: Image.Image, shown: str) -> Picture:
    notes = []
    # Not `n_frames`: counting walks through the whole file, 6 s for 15 MB of tiny frames. A phone's JPEG may hold
    # further pictures too (MPO), which is no animation.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        image.seek(0)
        several = "Several pages: the first page" if image.format == "TIFF" else "Animation: the first frame"
        notes.append(f"{several} is used.")
    image.load()
    transparent = image.info.get("transparency")
    try:
        upright = ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF comes as many kinds of errors; the picture itself is fine
        upright = image
    image = upright if upright is not None else image
    if image.mode.startswith(("I", "F")):
        image = _to_eight_bits(image, transparent, shown)
        notes.append("16 bits per pixel: the range from 0 to 65,535 became 0 to 255.")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layered = image.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        if layered.getchannel("A").getextrema() != (255, 255):
            notes.append("Transparent parts are shown on white.")
        image = Image.alpha_composite(white, layered)
    return Picture(np.array(image.convert("RGB")), tuple(notes))


def _to_eight_bits(image: Image.Image, transparent: object, shown: str) -> Image.Image:
    """16-bit grey by one fixed scale, with an alpha channel where one of its greys is `transparent`.

    A scale of the picture's own would make two pictures of the same thing look different, and noise of black.
    """
    values = np.asarray(image)
    if not np.issubdtype(values.dtype, np.integer) or values.min() < 0 or values.max() > 65_535:
        raise PictureError(
            f"{shown} holds {'fractions' if values.dtype.kind == 'f' else 'numbers beyond 16 bits'}, which is not "
            "read. Save it with 8 or 16 bits per pixel."
        )
    grey = Image.fromarray(np.rint(values / 257).astype(np.uint8))  # 65,535 / 257 is 255
    if isinstance(transparent, int):
        grey.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return grey
