"""A part of a picture chosen by hand: the same pixels as Pillow cuts out of the upright picture."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.engine.decoder import Decoder, Views
from core.images import Box, encode_small

UPRIGHT = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3)).astype(np.uint8))
# What a camera stores for each EXIF orientation: the inverse of what a viewer has to do.
STORED = {
    1: [], 2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM], 5: [Image.Transpose.TRANSPOSE], 6: [Image.Transpose.ROTATE_90],
    7: [Image.Transpose.TRANSVERSE], 8: [Image.Transpose.ROTATE_270],
}  # fmt: skip
FRACTION = st.floats(0, 1, exclude_min=True)


@pytest.fixture(scope="module")
def decoder():
    made = Decoder()
    yield made
    made.close()


@pytest.mark.parametrize("orientation", STORED)
def test_a_box_counts_on_the_upright_picture(decoder: Decoder, orientation: int) -> None:
    stored = UPRIGHT
    for step in STORED[orientation]:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    stored.save(buffer, "PNG", exif=exif)
    # 30 of 90 pixels from 45 on, 30 of 60 from 15 on: three pixels become one.
    box = Box(45 / 90, 15 / 60, 30 / 90, 30 / 60)
    views = Views((((10, 10, 3), "pad"), ((30, 30, 1), "stretch")), box, original_side=45)
    found = decoder.view("x.png", buffer.getvalue(), views, 30)
    part = UPRIGHT.crop((45, 15, 75, 45))
    np.testing.assert_array_equal(found.pixels[0], np.asarray(part.resize((10, 10), Image.Resampling.BOX)))
    np.testing.assert_array_equal(found.pixels[1][..., 0], np.asarray(part.convert("L")))
    original = Image.open(io.BytesIO(found.original))
    assert (original.format, original.size) == ("JPEG", (45, 30))
    small = np.asarray(UPRIGHT.resize((45, 30), Image.Resampling.BILINEAR), np.int16)
    assert np.abs(np.asarray(original, np.int16) - small).mean() < 30  # of noise, as JPEG has it


def test_of_a_small_part_of_a_large_photo_every_pixel_is_decoded(decoder: Decoder) -> None:
    """A JPEG may be decoded at an eighth: not where a hundredth of it becomes all that the network sees."""
    picture = np.zeros((1600, 1600, 3), np.uint8)
    picture[:160:2, :160] = 255  # lines, which a reduced picture would have as grey
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=95)
    shape = (32, 32, 3)
    part = Views(((shape, "center"),), Box(0, 0, 0.02, 0.02))
    (seen,) = decoder.view("x.jpg", buffer.getvalue(), part, 30).pixels
    assert seen[::2].mean() > 240 and seen[1::2].mean() < 15
    (whole,) = decoder.view("x.jpg", buffer.getvalue(), Views(((shape, "center"),)), 30).pixels
    assert 100 < whole[0, 0].mean() < 160


def test_a_part_may_be_far_below_a_pixel(decoder: Decoder) -> None:
    """A browser may send any number."""
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(buffer, "JPEG")
    part = Views((((8, 8, 3), "center"),), Box(0.5, 0.5, 5e-324, 5e-324))
    (seen,) = decoder.view("x.jpg", buffer.getvalue(), part, 30).pixels
    assert seen.shape == (8, 8, 3) and seen[..., 0].min() > 240


@given(FRACTION, FRACTION, FRACTION, FRACTION)
def test_what_is_cut_out_is_never_empty_and_never_outside(
    left: float, top: float, width: float, height: float
) -> None:
    pixels = np.zeros((7, 5, 3), np.uint8)
    box = Box(left * (1 - width), top * (1 - height), width, height)
    rows, columns = box.pixels_of(pixels).shape[:2]
    assert 1 <= rows <= 7 and 1 <= columns <= 5


@pytest.mark.parametrize(
    "values",
    [(0, 0, 0, 1), (-0.1, 0, 1, 1), (0.5, 0, 0.6, 1), (0, 0, float("nan"), 1), (0, float("inf"), 1, 1)],
)
def test_a_box_outside_of_the_picture_is_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="inside the picture"):
        Box(*values)


def test_a_small_picture_keeps_its_size() -> None:
    assert Image.open(io.BytesIO(encode_small(np.zeros((30, 40, 3), np.uint8), 100))).size == (40, 30)
    assert Image.open(io.BytesIO(encode_small(np.zeros((1, 400, 3), np.uint8), 100))).size == (100, 1)
