"""What is applied, held against SciPy, numpy and hand calculations."""

import colorsys

import numpy as np
import pytest
from scipy import ndimage

from core.config import AugmentationConfig
from core.training.augmentation import affine_transforms, apply
from core.training.draws import Draws, draw

SHAPE = (16, 16, 3)
NUM = 4
PICTURES = np.random.default_rng(0).integers(0, 256, (NUM, *SHAPE)).astype(np.uint8)
LABELS = np.eye(NUM, dtype=np.float32)


def applied(values: dict[str, object], pictures=PICTURES, config=None) -> tuple[np.ndarray, np.ndarray]:
    filled = {
        name: np.full(len(pictures), value, np.float32) if np.ndim(value) == 0 else value
        for name, value in values.items()
    }
    draws = Draws(config or AugmentationConfig(), pictures.shape[1:], len(pictures), filled)
    images, labels = apply(pictures, LABELS[: len(pictures)], draws)
    return np.asarray(images), np.asarray(labels)


def smooth_pictures() -> np.ndarray:
    noise = np.random.default_rng(1).uniform(0, 255, (NUM, 24, 20, 3))
    return ndimage.gaussian_filter(noise, (0, 2, 2, 0)).clip(0, 255).astype(np.uint8)


def test_a_right_angle_turns_counter_clockwise() -> None:
    np.testing.assert_array_equal(applied({"rotation": 90})[0], np.rot90(PICTURES, 1, axes=(1, 2)))


@pytest.mark.parametrize(("name", "axis"), [("flip_x", 2), ("flip_y", 1)])
def test_flips_mirror(name: str, axis: int) -> None:
    np.testing.assert_array_equal(applied({name: 1})[0], np.flip(PICTURES, axis))


def test_whole_pixel_shifts_move_right_and_down_and_repeat_the_edge() -> None:
    images = applied({"shift_x": 3, "shift_y": 2})[0]
    np.testing.assert_array_equal(images[:, 2:, 3:], PICTURES[:, :-2, :-3])
    np.testing.assert_array_equal(images[:, 2:, 0], PICTURES[:, :-2, 0])


def test_zoom_two_enlarges_the_middle() -> None:
    picture = np.zeros((1, 5, 5, 1), np.uint8)
    picture[0, 2, 2] = 200
    assert applied({"zoom": 2}, picture)[0][0, :, :, 0].tolist() == [
        [0, 0, 0, 0, 0],
        [0, 50, 100, 50, 0],
        [0, 100, 200, 100, 0],
        [0, 50, 100, 50, 0],
        [0, 0, 0, 0, 0],
    ]


FILL_MODES = {"nearest": "nearest", "reflect": "reflect", "wrap": "grid-wrap", "constant": "grid-constant"}


@pytest.mark.parametrize(("fill_mode", "scipy_mode"), FILL_MODES.items())
def test_the_composed_map_is_scipy_s_affine_transform(fill_mode: str, scipy_mode: str) -> None:
    pictures = smooth_pictures()
    config = AugmentationConfig(
        rotation_degrees=180.0, width_shift_fraction=0.9, height_shift_fraction=0.9, zoom_fraction=0.3,
        shear_degrees=15.0, horizontal_flip=True, vertical_flip=True, fill_mode=fill_mode,
    )  # fmt: skip
    draws = draw(config, NUM, pictures.shape[1:], (7,))
    images, _ = apply(pictures, LABELS, draws)
    for index in range(NUM):
        v = {name: float(value[index]) for name, value in draws.values.items()}
        # Written forwards, in (x, y) with y down: flip, zoom, shear, turn counter-clockwise; then shift.
        turn, shear = np.deg2rad(v["rotation"]), np.tan(np.deg2rad(v["shear"]))
        forward = (
            np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
            @ np.array([[1, shear], [0, 1]])
            @ np.diag([v["zoom"], v["zoom"]])
            @ np.diag([1 - 2 * v["flip_x"], 1 - 2 * v["flip_y"]])
        )
        backward = np.linalg.inv(forward)[::-1, ::-1]  # SciPy counts (row, column)
        middle = (np.array(pictures.shape[1:3]) - 1) / 2
        offset = middle - backward @ (middle + np.array([v["shift_y"], v["shift_x"]]))
        for channel in range(3):
            expected = ndimage.affine_transform(
                pictures[index, :, :, channel].astype(float), backward, offset, order=1, mode=scipy_mode
            )
            difference = np.abs(np.asarray(images)[index, :, :, channel] - expected)
            assert difference.max() <= 0.5 + 0.02, (index, channel)


def test_nothing_drawn_is_the_identity_map() -> None:
    draws = Draws(AugmentationConfig(), (32, 24, 3), 2, {"rotation": np.zeros(2, np.float32)})
    np.testing.assert_allclose(affine_transforms(draws), [[1, 0, 0, 0, 1, 0, 0, 0]] * 2, atol=1e-6)


def test_brightness_adds_a_fraction_of_full_scale() -> None:
    expected = np.clip(PICTURES.astype(float) + 51, 0, 255)
    np.testing.assert_array_equal(applied({"brightness": 0.2})[0], expected)


def test_contrast_moves_values_from_the_picture_s_mean() -> None:
    x = PICTURES.astype(np.float64)
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    expected = np.clip(mean + 0.5 * (x - mean), 0, 255)
    np.testing.assert_allclose(applied({"contrast": 0.5})[0], expected, atol=0.51)


def test_no_saturation_is_luma_grey() -> None:
    grey = PICTURES.astype(float) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(applied({"saturation": 0})[0], np.repeat(grey[..., None], 3, -1), atol=0.51)


def test_hue_turns_colours_and_leaves_greys() -> None:
    grey = np.full((1, 8, 8, 3), 90, np.uint8)
    np.testing.assert_allclose(applied({"hue": 0.25}, grey)[0], grey, atol=1)
    red = np.zeros((1, 8, 8, 3), np.uint8) + np.array([150, 60, 60], np.uint8)
    turned = applied({"hue": 1 / 3}, red)[0][0, 0, 0] / 255
    hue_before, hue_after = (colorsys.rgb_to_yiq(*rgb)[1:] for rgb in (np.array([150, 60, 60]) / 255, turned))
    angle = np.arctan2(hue_after[1], hue_after[0]) - np.arctan2(hue_before[1], hue_before[0])
    assert np.rad2deg(angle) % 360 == pytest.approx(120, abs=2)


def test_posterize_keeps_the_asked_number_of_levels() -> None:
    images = applied({"posterize": 4})[0]
    assert set(np.unique(images)) == {0, 64, 128, 192}


def test_solarize_inverts_from_the_threshold() -> None:
    expected = np.where(PICTURES >= 100, 255 - PICTURES, PICTURES)
    np.testing.assert_array_equal(applied({"solarize": 100})[0], expected)


def test_erased_boxes_get_their_colour_and_nothing_else_changes() -> None:
    boxes = np.array([[2, 5, 3, 9]] * NUM, np.int32)
    images = applied({"erased": boxes, "erased_color": np.full((NUM, 3), 7, np.float32)})[0]
    expected = PICTURES.copy()
    expected[:, 2:5, 3:9] = 7
    np.testing.assert_array_equal(images, expected)


def test_noise_has_the_asked_strength_and_comes_again() -> None:
    grey = np.full((NUM, 64, 64, 3), 128, np.uint8)
    config = AugmentationConfig(noise_stddev=0.05)
    draws = draw(config, NUM, grey.shape[1:], (1,))
    first, second = (np.asarray(apply(grey, LABELS, draws)[0]).astype(float) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first - 128).std() == pytest.approx(0.05 * 255, rel=0.03)


def test_mixup_mixes_pictures_and_labels_alike() -> None:
    images, labels = applied({"mix_weight": 0.75})
    partners = np.roll(PICTURES, -1, axis=0).astype(float)
    np.testing.assert_allclose(images, 0.75 * PICTURES + 0.25 * partners, atol=0.51)
    np.testing.assert_allclose(labels, 0.75 * LABELS + 0.25 * np.roll(LABELS, -1, axis=0))


def test_cutmix_pastes_the_partner_s_box() -> None:
    boxes = np.array([[0, 8, 0, 8]] * NUM, np.int32)
    images, labels = applied({"mix_box": boxes, "mix_weight": 0.75})
    expected = PICTURES.copy()
    expected[:, :8, :8] = np.roll(PICTURES, -1, axis=0)[:, :8, :8]
    np.testing.assert_array_equal(images, expected)
    np.testing.assert_allclose(labels.sum(axis=1), 1)
    np.testing.assert_allclose(labels.max(axis=1), 0.75)


def test_pictures_that_stay_as_they_are_come_out_bit_for_bit() -> None:
    config = AugmentationConfig(
        rotation_degrees=20.0, zoom_fraction=0.2, contrast=0.5, saturation=0.5, hue=0.1, noise_stddev=0.1,
        mixup_alpha=1.0, cutmix_alpha=1.0, randaugment_operations=2, erasing_probability=1.0, unchanged_fraction=1.0,
    )  # fmt: skip
    images, labels = apply(PICTURES, LABELS, draw(config, NUM, SHAPE, (2,)))
    np.testing.assert_array_equal(np.asarray(images), PICTURES)
    np.testing.assert_array_equal(np.asarray(labels), LABELS)


def test_grey_pictures_take_everything_but_colour() -> None:
    config = AugmentationConfig(
        rotation_degrees=20.0, contrast=0.5, saturation=0.5, hue=0.1, noise_stddev=0.1, mixup_alpha=1.0,
        randaugment_operations=3, erasing_probability=1.0,
    )  # fmt: skip
    grey = PICTURES[..., :1]
    images, _ = apply(grey, LABELS, draw(config, NUM, grey.shape[1:], (2,)))
    assert np.asarray(images).shape == grey.shape
    assert np.asarray(images).dtype == np.uint8
