"""Colours of numbers, whose ends and middle are known, and the sheet of all maps."""

import io

import numpy as np
from PIL import Image

from core.engine.map_sheet import (
    SILENT,
    UNKNOWN,
    arranged,
    paint_filters,
    paint_maps,
    paint_numbers,
    render_sheet,
    silent_maps,
)

VIOLET, YELLOW, WHITE = (68, 1, 84), (253, 231, 37), (247, 247, 247)
BLUE, RED = (5, 48, 97), (103, 0, 31)


def colors(painted: np.ndarray) -> list[tuple[int, ...]]:
    return [tuple(each) for each in painted.reshape(-1, 3).tolist()]


def test_numbers_from_0_on_are_violet_to_yellow_and_signed_ones_blue_to_red() -> None:
    assert colors(paint_numbers(np.array([[0, 5.0]]))) == [VIOLET, YELLOW]
    assert colors(paint_numbers(np.array([[0, 5.0]]), 10))[1] not in (VIOLET, YELLOW)
    assert colors(paint_numbers(np.array([[-2.0, 0, 2]]))) == [BLUE, WHITE, RED]
    assert colors(paint_numbers(np.array([[0, 2.0]]), signed=True)) == [WHITE, RED]
    assert colors(paint_numbers(np.array([[np.nan, 0]]))) == [UNKNOWN, VIOLET]


def test_maps_share_one_scale_or_have_their_own() -> None:
    maps = np.array([[[1.0, 4.0, 0.0]]])
    one, own = (paint_maps(maps, one_scale=each) for each in (True, False))
    assert colors(one)[1:] == [YELLOW, VIOLET] and colors(one)[0] != YELLOW
    assert colors(own) == [YELLOW, YELLOW, VIOLET]
    assert silent_maps(maps).tolist() == [False, False, True]


def test_a_filter_is_a_picture_with_grey_for_0() -> None:
    kernels = np.array([[[[2.0], [0.0], [-2.0]]]])  # one filter of 1×1 for red, green and blue
    assert paint_filters(kernels).tolist() == [[[[255, 128, 0]]]]


def test_units_stand_in_rows() -> None:
    found = arranged(np.arange(40))
    assert found.shape == (2, 32) and found[1, 7] == 39 and np.isnan(found[1, 8:]).all()


def test_the_sheet_has_every_map() -> None:
    maps = np.zeros((4, 4, 9), np.float32)
    maps[..., 3] = 1
    with Image.open(io.BytesIO(render_sheet(maps, "conv_1: 9 maps of 4×4"))) as image:
        found = {color for _, color in image.convert("RGB").getcolors(1 << 16)}
    assert {YELLOW, SILENT} <= found
    assert render_sheet(np.arange(5.0), "fc1").startswith(b"\x89PNG")
