"""What augmentation draws: repeatable, in range, and each knob on its own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.config import AugmentationConfig
from core.training.draws import Draws, draw
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
