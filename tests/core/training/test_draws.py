"""What augmentation draws: repeatable, in range, and each knob on its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import AugmentationConfig
from core.training.draws import IDENTITY, NOISE_BANK, Draws, draw
from tests.core.strategies import augmentations

SHAPE = (32, 24, 3)


@given(augmentations, st.integers(0, 2**31 - 1))
def test_equal_seeds_give_equal_draws(config: AugmentationConfig, seed: int) -> None:
    first, second = draw(config, 5, SHAPE, (seed, 1)), draw(config, 5, SHAPE, (seed, 1))
    assert first.values.keys() == second.values.keys()
    for name, value in first.values.items():
        np.testing.assert_array_equal(value, second.values[name])


@given(augmentations)
def test_every_picture_can_be_described(config: AugmentationConfig) -> None:
    draws = draw(config, 6, SHAPE, (1,))
    for index in range(6):
        assert all(text for text in draws.describe(index).values())


def test_another_seed_draws_other_values() -> None:
    config = AugmentationConfig(rotation_degrees=20.0)
    one, other = (draw(config, 50, SHAPE, (seed,)).values["rotation"] for seed in (1, 2))
    assert np.all(one != other)


def test_turning_one_knob_leaves_what_the_others_draw() -> None:
    mild = AugmentationConfig(rotation_degrees=20.0, horizontal_flip=True)
    more = AugmentationConfig(rotation_degrees=20.0, horizontal_flip=True, brightness=0.3, zoom_fraction=0.2)
    one, other = draw(mild, 40, SHAPE, (3,)), draw(more, 40, SHAPE, (3,))
    for name in ("rotation", "flip_x"):
        np.testing.assert_array_equal(one.values[name], other.values[name])


def test_draws_fill_their_ranges_and_stay_inside() -> None:
    config = AugmentationConfig(
        rotation_degrees=20.0, width_shift_fraction=0.25, height_shift_fraction=0.5, zoom_fraction=0.2,
        horizontal_flip=True, brightness=0.3, hue=0.1,
    )  # fmt: skip
    values = draw(config, 20_000, SHAPE, (0,)).values
    reaches = {"rotation": 20, "shift_x": 0.25 * 24, "shift_y": 0.5 * 32, "brightness": 0.3, "hue": 0.1}
    for name, reach in reaches.items():
        assert np.abs(values[name]).max() <= reach
        assert np.abs(values[name]).max() > 0.99 * reach
        # Uniform on ±reach: mean 0, standard deviation reach/√3; bounds are five standard errors.
        assert abs(values[name].mean()) < 5 * reach / np.sqrt(3 * 20_000)
        assert abs(values[name].std() / (reach / np.sqrt(3)) - 1) < 0.02
    assert values["zoom"].min() >= 0.8 and values["zoom"].max() <= 1.2
    assert abs(values["flip_x"].mean() - 0.5) < 5 * 0.5 / np.sqrt(20_000)


@pytest.mark.parametrize("name", ["contrast", "saturation"])
def test_factors_are_uniform_around_one(name: str) -> None:
    drawn = draw(AugmentationConfig(**{name: 0.4}), 20_000, SHAPE, (0,)).values[name]
    assert 0.6 <= drawn.min() < 0.604 and 1.396 < drawn.max() <= 1.4
    assert drawn.mean() == pytest.approx(1, abs=5 * 0.4 / np.sqrt(3 * 20_000))
    assert drawn.std() == pytest.approx(0.4 / np.sqrt(3), rel=0.02)


def test_shear_is_uniform_in_its_reach() -> None:
    drawn = draw(AugmentationConfig(shear_degrees=30), 20_000, SHAPE, (0,)).values["shear"]
    assert 29.7 < np.abs(drawn).max() <= 30
    assert drawn.std() == pytest.approx(30 / np.sqrt(3), rel=0.02)


@pytest.mark.parametrize("probability", [0.25, 1.0])
def test_as_many_pictures_are_erased_as_asked(probability: float) -> None:
    values = draw(AugmentationConfig(erasing_probability=probability), 20_000, SHAPE, (0,)).values
    top, bottom, left, right = values["erased"].T.astype(float)
    erased = bottom > top
    assert erased.mean() == pytest.approx(
        probability, abs=5 * np.sqrt(probability * (1 - probability) / 20_000)
    )
    # 2 % to a third of the picture (arXiv 1708.04896), but for whole pixels: the middle of these is 17.5 %. A long box
    # may not fit in, which takes a little off.
    area = ((bottom - top) * (right - left) / (32 * 24))[erased]
    assert 0.01 < area.min() < 0.03 and 0.32 < area.max() < 0.36
    assert area.mean() == pytest.approx(0.175, rel=0.05)
    colors = values["erased_color"]
    assert colors.min() == 0 and colors.max() == 255 and colors.mean() == pytest.approx(127.5, rel=0.02)


@pytest.mark.parametrize("shape", [(64, 64, 3), (48, 80, 3), (64, 192, 3), (128, 64, 3)], ids=str)
def test_erased_boxes_have_their_proportions_in_pixels(shape: tuple[int, int, int]) -> None:
    box = draw(AugmentationConfig(erasing_probability=1.0), 20_000, shape, (1,)).values["erased"]
    tall, wide = (box[:, last] - box[:, first] for first, last in ((0, 1), (2, 3)))
    is_large = np.minimum(tall, wide) >= 10  # where whole pixels change their ratio by a tenth at most
    ratio = (tall / np.maximum(wide, 1))[is_large]
    # 0.3 to 3.3 whatever the picture, evenly in their logarithm (arXiv 1708.04896). A box that does not fit into a long
    # picture is cut, which brings it nearer to a square.
    assert ratio.min() > 0.3 * 0.9 and ratio.max() < 3.3 * 1.1
    if shape[0] == shape[1]:
        assert np.median(tall / np.maximum(wide, 1)) == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_mixup_draws_from_its_beta(alpha: float) -> None:
    weights = draw(AugmentationConfig(mixup_alpha=alpha), 20_000, SHAPE, (0,)).values["mix_weight"]
    # Beta(a, a): mean one half, variance 1 / (4 (2a + 1)).
    assert weights.mean() == pytest.approx(0.5, abs=0.02)
    assert weights.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_cutmix_draws_from_its_beta(alpha: float) -> None:
    weights = draw(AugmentationConfig(cutmix_alpha=alpha), 20_000, (64, 64, 3), (0,)).values["mix_weight"]
    assert weights.mean() == pytest.approx(0.5, abs=0.02)
    assert weights.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)


def test_with_both_half_of_the_pictures_are_mixed_and_half_are_cut() -> None:
    values = draw(AugmentationConfig(mixup_alpha=1.0, cutmix_alpha=1.0), 20_000, SHAPE, (0,)).values
    top, bottom, left, right = values["mix_box"].T
    cut = bottom > top
    covered = (bottom - top) * (right - left) / (32 * 24)
    assert cut.mean() == pytest.approx(0.5, abs=0.03)  # a few boxes are too small to have a pixel
    np.testing.assert_allclose(values["mix_weight"][cut], 1 - covered[cut], atol=1e-6)
    # Those that are not cut keep mixup's own uniform weight.
    assert values["mix_weight"][~cut].std() == pytest.approx(1 / np.sqrt(12), rel=0.05)


def test_noise_is_read_from_everywhere_in_its_bank() -> None:
    offsets = draw(AugmentationConfig(noise_stddev=0.1), 20_000, SHAPE, (0,)).values["noise"]
    assert 0 <= offsets.min() < 100 and NOISE_BANK - 100 < offsets.max() < NOISE_BANK
    assert len(np.unique(offsets)) > 19_000


def test_one_random_operation_of_randaugment_is_one_of_ten() -> None:
    config = AugmentationConfig(randaugment_operations=1, randaugment_magnitude=0.5)
    values = draw(config, 20_000, SHAPE, (0,)).values
    # At half the magnitude; identity leaves all of them alone.
    expected = {
        "rotation": {-15.0, 15.0},
        "shear": {-8.5, 8.5},
        "shift_x": {-3.6, 3.6},
        "shift_y": {-4.8, 4.8},
        "brightness": {-0.225, 0.225},
        "contrast": {0.55, 1.45},
        "saturation": {0.55, 1.45},
        "posterize": {64},
        "solarize": {128},
    }
    unchanged = np.ones(20_000, bool)
    for name, strengths in expected.items():
        done = values[name] != IDENTITY.get(name, 0)
        assert {round(float(value), 4) for value in np.unique(values[name][done])} == strengths
        assert done.mean() == pytest.approx(0.1, abs=5 * np.sqrt(0.09 / 20_000))
        assert (done & unchanged).sum() == done.sum(), "one operation a picture"
        unchanged &= ~done
        if len(strengths) == 2:
            assert (values[name][done] > IDENTITY.get(name, 0)).mean() == pytest.approx(0.5, abs=0.06)
    assert unchanged.mean() == pytest.approx(0.1, abs=5 * np.sqrt(0.09 / 20_000))


def test_randaugment_turns_no_colour_into_its_opposite_and_no_shear_over() -> None:
    config = AugmentationConfig(
        randaugment_operations=4, randaugment_magnitude=1.0, contrast=1.0, saturation=1.0, shear_degrees=60.0
    )
    values = draw(config, 20_000, SHAPE, (0,)).values
    for name in ("contrast", "saturation"):
        assert values[name].min() >= 0
    assert 60 < np.abs(values["shear"]).max() < 80


def test_a_fraction_of_pictures_stays_as_it_is() -> None:
    config = AugmentationConfig(
        rotation_degrees=20.0, zoom_fraction=0.2, noise_stddev=0.1, mixup_alpha=1.0, randaugment_operations=2,
        erasing_probability=1.0, unchanged_fraction=0.3,
    )  # fmt: skip
    draws = draw(config, 10_000, SHAPE, (0,))
    unchanged = np.array([not draws.describe(index) for index in range(draws.num)])
    assert abs(unchanged.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / 10_000)


@given(st.floats(0.1, 3), st.integers(0, 1000))
def test_cutmix_weights_are_the_part_that_is_left(alpha: float, seed: int) -> None:
    values = draw(AugmentationConfig(cutmix_alpha=alpha), 30, SHAPE, (seed,)).values
    top, bottom, left, right = values["mix_box"].T
    np.testing.assert_allclose(
        values["mix_weight"], 1 - (bottom - top) * (right - left) / (32 * 24), atol=1e-6
    )
    assert (top >= 0).all() and (bottom <= 32).all() and (left >= 0).all() and (right <= 24).all()


def test_words_say_what_was_drawn() -> None:
    values = {
        "rotation": np.array([-12.3]), "shift_x": np.array([1.04]), "flip_x": np.array([True]),
        "shift_y": np.array([-2.0]), "zoom": np.array([1.1]),
    }  # fmt: skip
    assert Draws(AugmentationConfig(), SHAPE, 1, values).describe(0) == {
        "rotation": "rotated −12°",  # noqa: RUF001
        "shift_x": "1.0 px right",
        "shift_y": "2.0 px up",
        "zoom": "zoom ×1.10",
        "flip_x": "mirrored",
    }
