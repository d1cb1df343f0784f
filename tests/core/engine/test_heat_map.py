"""The drawing: Viridis as OpenCV has it, ordered by brightness, and pixels that stay squares."""

import io

import cv2
import numpy as np
from PIL import Image

from core.engine.heat_map import enlarge, lay_over, paint_map, render_explanation
from tests.core.engine.explained import PIXELS, explained

# Machado et al. (2009), severity 1: how linear RGB looks without the red and without the green cones.
DICHROMATS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip


def linear(colors: np.ndarray) -> np.ndarray:
    shares = colors / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def test_the_palette_is_viridis() -> None:
    values = np.linspace(0, 1, 256)
    expected = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_VIRIDIS)[..., ::-1]
    found = paint_map(values[None])
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - expected).max() <= 6


def test_more_is_brighter_also_for_people_who_do_not_tell_red_from_green() -> None:
    colors = linear(paint_map(np.linspace(0, 1, 40)[None])[0])
    luminance = np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(colors @ luminance) > 0).all()
    for matrix in DICHROMATS.values():
        assert (np.diff(colors @ np.array(matrix).T @ luminance) > 0).all()


def test_what_lies_outside_of_the_range_has_the_last_colour() -> None:
    np.testing.assert_array_equal(paint_map(np.array([[-1.0, 2.0]])), paint_map(np.array([[0.0, 1.0]])))


def test_the_map_lies_over_the_picture_in_grey() -> None:
    found = lay_over(PIXELS, explained().map)
    white = 0.65 * np.array([253, 231, 37]) + 0.35 * 250  # the strongest place is the white pixel
    np.testing.assert_allclose(found[1, 0], white, atol=0.51)
    grey = lay_over(PIXELS.mean(axis=-1, keepdims=True).round().astype(np.uint8), explained().map)
    np.testing.assert_allclose(found, grey, atol=1)


def test_enlarged_pixels_are_squares() -> None:
    np.testing.assert_array_equal(enlarge(PIXELS, 3), np.kron(PIXELS, np.ones((3, 3, 1), np.uint8)))


def test_the_picture_and_both_maps_are_in_the_file() -> None:
    found = explained()
    with Image.open(io.BytesIO(render_explanation(found))) as image:
        assert (image.format, image.mode, image.text["Description"]) == ("PNG", "RGB", found.sentence)
        sheet = np.asarray(image)
    for expected in (PIXELS, lay_over(PIXELS, found.map), lay_over(PIXELS, found.random_map)):
        assert contains(sheet, enlarge(expected, 128))
    assert not contains(sheet, enlarge(255 - PIXELS, 128))


def test_grey_pictures_and_large_or_narrow_ones_are_drawn() -> None:
    from dataclasses import replace

    for shape in ((28, 28, 1), (300, 280, 3), (64, 3, 3)):
        found = replace(
            explained(),
            seen=np.zeros(shape, np.uint8),
            map=np.zeros(shape[:2]),
            random_map=np.zeros(shape[:2]),
        )
        with Image.open(io.BytesIO(render_explanation(found))) as image:
            assert image.height > shape[0] and image.width > 3 * shape[1]


def contains(sheet: np.ndarray, part: np.ndarray) -> bool:
    """Whether the part lies somewhere in the sheet: where its first row does, to begin with."""
    height, width = part.shape[:2]
    return any(
        np.array_equal(sheet[top : top + height, left : left + width], part)
        for top in range(sheet.shape[0] - height + 1)
        for left in range(sheet.shape[1] - width + 1)
        if np.array_equal(sheet[top, left : left + 1], part[0, :1])
    )
