"""Fixed distortions against NumPy."""

import colorsys

import numpy as np
import pytest

from core.augmentation.robustness import KNOBS
from core.config import AugmentationConfig
from core.training.augmentation import apply
from core.training.distortion import distort
from core.training.draws import Draws

PICTURES = np.random.default_rng(3).integers(0, 256, (6, 10, 10, 3)).astype(np.uint8)


@pytest.mark.parametrize("knob", KNOBS)
def test_at_its_untouched_level_a_knob_changes_nothing(knob: str) -> None:
    assert KNOBS[knob].untouched in KNOBS[knob].levels
    found = distort(PICTURES, knob, KNOBS[knob].untouched).astype(int)
    assert np.abs(found - PICTURES).max() <= (1 if knob in ("saturation", "hue") else 0)


@pytest.mark.parametrize("knob", KNOBS)
def test_each_level_of_each_knob_gives_pictures(knob: str) -> None:
    for level in KNOBS[knob].levels:
        assert distort(PICTURES, knob, level).shape == PICTURES.shape


def test_a_quarter_turn_is_numpy_s() -> None:
    np.testing.assert_array_equal(distort(PICTURES, "rotation", 90), np.rot90(PICTURES, axes=(1, 2)))
    np.testing.assert_array_equal(distort(PICTURES, "rotation", -180), PICTURES[:, ::-1, ::-1])


def test_shifts_move_right_and_down_and_repeat_the_edge() -> None:
    right = distort(PICTURES, "width_shift", 0.2)
    np.testing.assert_array_equal(right[:, :, 2:], PICTURES[:, :, :-2])
    np.testing.assert_array_equal(right[:, :, 0], PICTURES[:, :, 0])
    up = distort(PICTURES, "height_shift", -0.3)
    np.testing.assert_array_equal(up[:, :-3], PICTURES[:, 3:])


def test_brightness_and_contrast() -> None:
    bright = np.clip(np.rint(PICTURES + 0.2 * 255.0), 0, 255)
    np.testing.assert_allclose(distort(PICTURES, "brightness", 0.2), bright, atol=1)
    means = PICTURES.mean(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(
        distort(PICTURES, "contrast", 0.0), np.broadcast_to(np.rint(means), PICTURES.shape)
    )
    grey = np.rint(PICTURES @ [0.299, 0.587, 0.114])[..., None]
    np.testing.assert_allclose(distort(PICTURES, "saturation", 0.0), np.repeat(grey, 3, axis=-1), atol=1)


@pytest.mark.parametrize("level", [-60, -30, 30, 60, 90])
def test_hue_turns_the_way_that_hsv_counts(level: float) -> None:
    """As `colorsys` has it, and by about as much: YIQ's circle is another one than HSV's."""
    for colour in ((200, 60, 60), (200, 200, 60), (60, 200, 60), (60, 60, 200)):
        picture = np.full((1, 4, 4, 3), colour, np.uint8)
        turned = distort(picture, "hue", level)[0, 0, 0]
        before, after = (
            colorsys.rgb_to_hsv(*(value / 255 for value in each))[0] for each in (colour, turned)
        )
        degrees = 360 * ((after - before + 0.5) % 1 - 0.5)
        assert np.sign(degrees) == np.sign(level)
        assert abs(degrees - level) < 30
        # What is below a preview has the same sign.
        drawn = Draws(AugmentationConfig(), (4, 4, 3), 1, {"hue": np.array([-level / 360], np.float32)})
        np.testing.assert_array_equal(
            np.asarray(apply(picture, np.zeros((1, 1), np.float32), drawn)[0])[0, 0, 0], turned
        )
        assert drawn.describe(0)["hue"] == f"hue {level:+d}°".replace("-", "\N{MINUS SIGN}")


def test_noise_is_as_wide_as_asked_and_the_same_however_it_is_cut() -> None:
    grey = np.full((200, 10, 10, 3), 128, np.uint8)
    whole = distort(grey, "noise", 0.1)
    assert (whole.astype(float) - 128).std() == pytest.approx(25.5, rel=0.02)
    parts = [distort(grey[:70], "noise", 0.1), distort(grey[70:], "noise", 0.1, first=70)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(whole[0], whole[1])


def test_an_unknown_knob_is_refused() -> None:
    with pytest.raises(ValueError, match="no knob"):
        distort(PICTURES, "warp", 1.0)
