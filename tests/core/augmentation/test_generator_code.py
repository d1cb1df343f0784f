"""The article's generator to copy, run with Keras: it reaches as far as the policy says, as the layers do."""

import math
from typing import Any

import numpy as np
import pytest

from core.augmentation.generator_code import generator_code
from core.augmentation.keras_code import keras_code
from core.config import AugmentationConfig
from core.design.presets import PRESETS
from core.training.augmentation import affine_transforms, resample
from core.training.draws import draw

# Keras calls SciPy by a name that SciPy is giving up.
pytestmark = pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning")
DRAWS = 4000


def made(config: AugmentationConfig, channels: int = 3) -> Any:
    """The generator that the code defines when it is run."""
    found: dict[str, Any] = {}
    exec(generator_code(config, channels).text, found)
    return found["generator"]


def drawn(config: AugmentationConfig, name: str, side: int = 32) -> np.ndarray:
    """What the generator says itself that it has drawn for each of many pictures."""
    generator = made(config)
    np.random.seed(3)
    return np.array([generator.get_random_transform((side, side, 3))[name] for _ in range(DRAWS)])


def test_a_rotation_reaches_as_far_as_in_training() -> None:
    config = AugmentationConfig(rotation_degrees=20)
    here = draw(config, DRAWS, (32, 32, 3), [0]).values["rotation"]
    there = drawn(config, "theta")
    assert (there.min(), there.max()) == pytest.approx((here.min(), here.max()), abs=0.1)


def moved(pictures: np.ndarray) -> tuple[float, float]:
    """How far a dot in the middle got at most, sideways and up or down, in pixels."""
    rows, columns = np.mgrid[: pictures.shape[1], : pictures.shape[2]]
    weight = pictures[..., 0].astype(float) / pictures[..., 0].sum(axis=(1, 2), keepdims=True)
    middle = (pictures.shape[1] - 1) / 2
    x, y = ((weight * each).sum(axis=(1, 2)) - middle for each in (columns, rows))
    return float(np.abs(x).max()), float(np.abs(y).max())


@pytest.mark.parametrize(("width", "height"), [(0.1, 0.25), (0.2, 0.2), (0.0, 0.3)])
def test_shifts_move_along_the_axis_that_they_are_called_after(width: float, height: float) -> None:
    dots = np.zeros((600, 33, 33, 3), np.float32)
    dots[:, 15:18, 15:18] = 255
    config = AugmentationConfig(
        width_shift_fraction=width, height_shift_fraction=height, fill_mode="constant"
    )
    np.random.seed(5)
    generator = made(config)
    by_generator = moved(np.stack([generator.random_transform(each) for each in dots]))
    found: dict[str, Any] = {}
    exec(keras_code(config).text, found)
    by_layers = moved(np.asarray(found["augmentation"](dots, training=True)))
    draws = draw(config, 600, (33, 33, 3), [1])
    here = moved(resample(dots.astype(np.uint8), affine_transforms(draws), "constant"))
    assert by_generator == pytest.approx((33 * width, 33 * height), abs=0.15)
    assert by_layers == pytest.approx(by_generator, abs=0.2)
    assert here == pytest.approx(by_generator, abs=0.2)


@pytest.mark.parametrize("reach", [0.1, 0.3, 0.6])
def test_a_zoom_enlarges_as_far_as_training_does_and_its_mean_is_said(reach: float) -> None:
    config = AugmentationConfig(zoom_fraction=reach)
    here = draw(config, DRAWS, (32, 32, 3), [0]).values["zoom"]
    enlarged = 1 / drawn(config, "zx")
    assert (enlarged.min(), enlarged.max()) == pytest.approx((here.min(), here.max()), rel=0.01)
    (zoom,) = (each for each in generator_code(config).differences if "Zoom" in each)
    said = float(zoom.split("×")[1].split(" ")[0])
    assert said == pytest.approx(enlarged.mean(), abs=0.05 * reach + 0.005)


@pytest.mark.parametrize("degrees", [5.0, 30.0, 45.0])
def test_a_shear_slants_upright_lines_as_far_as_training_does(degrees: float) -> None:
    line = np.zeros((65, 65, 3), np.float32)
    line[:, 31:34] = 255
    config = AugmentationConfig(shear_degrees=degrees, fill_mode="constant")
    generator = made(config)
    slanted = generator.apply_transform(line, {"shear": generator.shear_range})[..., 0]
    columns = np.arange(65)
    places = [(slanted[row] * columns).sum() / slanted[row].sum() for row in (28, 36)]
    assert abs(places[1] - places[0]) / 8 == pytest.approx(math.tan(math.radians(degrees)), abs=0.02)


def test_brightness_is_a_factor_and_that_is_said() -> None:
    config = AugmentationConfig(brightness=0.2)
    generator = made(config)
    np.random.seed(1)
    bright = np.stack([generator.random_transform(np.full((2, 2, 3), 100.0)) for _ in range(2000)])
    assert (bright.min(), bright.max()) == pytest.approx((80, 120), abs=1)
    assert any(
        "multiplies" in each and "up to 51 of 255" in each for each in generator_code(config).differences
    )


def test_flips_and_edges() -> None:
    generator = made(AugmentationConfig(horizontal_flip=True, rotation_degrees=5, fill_mode="reflect"))
    assert (generator.horizontal_flip, generator.vertical_flip, generator.fill_mode) == (
        True,
        False,
        "reflect",
    )
    half = np.zeros((4, 4, 3), np.float32)
    half[:, :2] = 255
    mirror = made(AugmentationConfig(horizontal_flip=True))
    np.random.seed(0)
    left = [mirror.random_transform(half)[0, 0, 0] for _ in range(400)]
    assert np.mean(left) / 255 == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_policy_runs_in_a_flow(channels: int) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (4, 16, 16, channels)).astype(np.uint8)
    everything = AugmentationConfig(
        rotation_degrees=20, width_shift_fraction=1.0, height_shift_fraction=0.2, zoom_fraction=0.9, shear_degrees=60,
        horizontal_flip=True, vertical_flip=True, brightness=1.0, fill_mode="wrap",
    )  # fmt: skip
    policies = {preset.config.augmentation for preset in PRESETS.values()}
    for config in [everything, AugmentationConfig(), *policies]:
        batch, labels = next(made(config, channels).flow(pictures, np.arange(4), batch_size=4))
        assert batch.shape == pictures.shape and sorted(labels) == [0, 1, 2, 3] and np.isfinite(batch).all()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (AugmentationConfig(contrast=0.2, saturation=0.2, hue=0.1), "has no contrast, saturation, hue."),
        (
            AugmentationConfig(noise_stddev=0.1, erasing_probability=0.2),
            "has no pixel noise, random erasing.",
        ),
        (AugmentationConfig(mixup_alpha=0.2, cutmix_alpha=0.2), "has no Mixup, CutMix."),
        (AugmentationConfig(randaugment_operations=2), "has no RandAugment."),
        (AugmentationConfig(rotation_degrees=5, unchanged_fraction=0.25), "25 % of the pictures"),
        (AugmentationConfig(horizontal_flip=True, alternating_flip=True), "every other epoch"),
        (AugmentationConfig(shear_degrees=60), "by 45° at most, here by 60°"),
        (AugmentationConfig(width_shift_fraction=0.1, zoom_fraction=0.2), "shifts before it zooms"),
        (AugmentationConfig(rotation_degrees=5, fill_mode="wrap"), "leaves out one row"),
    ],
)
def test_what_it_cannot_do_is_said(config: AugmentationConfig, words: str) -> None:
    assert any(words in sentence for sentence in generator_code(config).differences)
    made(config)


def test_the_article_s_own_policy_is_the_same_and_grey_pictures_have_no_colours() -> None:
    mild = PRESETS["article-augmented"].config.augmentation
    assert generator_code(mild).differences == ()
    assert generator_code(AugmentationConfig(saturation=0.2, hue=0.1), 1).differences == ()
