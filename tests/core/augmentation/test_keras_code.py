"""The code to copy, run with Keras: it is taken, and its layers reach as far as the policy says."""

import math
import re
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from core.augmentation.generator_code import generator_code
from core.augmentation.keras_code import keras_code
from core.config import AugmentationConfig
from core.design.presets import PRESETS
from core.training.augmentation import affine_transforms
from core.training.draws import draw

ALL = AugmentationConfig(
    rotation_degrees=20.0, width_shift_fraction=0.1, height_shift_fraction=0.2, zoom_fraction=0.25,
    shear_degrees=30.0, horizontal_flip=True, vertical_flip=True, brightness=0.3, contrast=0.4, saturation=0.5,
    hue=0.1, erasing_probability=0.6, noise_stddev=0.05, fill_mode="wrap",
)  # fmt: skip


def made(config: AugmentationConfig, channels: int = 3) -> dict[str, Any]:
    """What the code defines when it is run."""
    found: dict[str, Any] = {}
    exec(keras_code(config, channels).text, found)
    return found


def layers(config: AugmentationConfig) -> dict[str, Any]:
    return {type(layer).__name__: layer for layer in made(config)["augmentation"].layers}


@pytest.fixture(scope="module")
def every() -> dict[str, Any]:
    return layers(ALL)


def test_a_rotation_is_a_fraction_of_a_full_turn(every) -> None:
    low, high = every["RandomRotation"].factor
    assert (360 * low, 360 * high) == pytest.approx((-20, 20))


def test_shifts_are_those_of_their_own_axis(every) -> None:
    layer = every["RandomTranslation"]
    assert (layer.width_lower, layer.width_upper) == (-0.1, 0.1)
    assert (layer.height_lower, layer.height_upper) == (-0.2, 0.2)


def test_a_zoom_enlarges_as_far_as_training_does(every) -> None:
    # Keras maps each output position to (1 + factor) times it; training here to 1 / zoom times it.
    layer = every["RandomZoom"]
    reach = affine_transforms(draw(AugmentationConfig(zoom_fraction=0.25), 5000, (32, 32, 3), [0]))[:, 0]
    assert 1 + layer.height_lower == pytest.approx(1 / 1.25, abs=1e-6) == pytest.approx(reach.min(), rel=1e-3)
    assert 1 + layer.height_upper == pytest.approx(1 / 0.75, abs=1e-6) == pytest.approx(reach.max(), rel=1e-3)
    assert layer.width_factor is None  # the same both ways, as here


def test_shear_is_a_slope(every) -> None:
    assert every["RandomShear"].x_factor == pytest.approx(
        (-math.tan(math.pi / 6), math.tan(math.pi / 6)), abs=1e-5
    )
    assert every["RandomShear"].y_factor == (0, 0)


def test_flips_and_colours(every) -> None:
    assert every["RandomFlip"].mode == "horizontal_and_vertical"
    assert every["RandomBrightness"].factor == (-0.3, 0.3)
    # Its documentation: from 1 - factor[0] to 1 + factor[1].
    assert every["RandomContrast"].factor == (0.4, 0.4)
    # Its documentation: half of the circle at factor 1.
    assert 180 * every["RandomHue"].factor[1] == pytest.approx(36)
    assert every["RandomErasing"].factor == (0.6, 0.6)


@pytest.mark.parametrize("fill_mode", ["nearest", "reflect", "wrap", "constant"])
def test_the_edge_is_filled_in_the_same_way(fill_mode: str) -> None:
    config = AugmentationConfig(rotation_degrees=9, width_shift_fraction=0.1, zoom_fraction=0.1, shear_degrees=5,
                                fill_mode=fill_mode)  # fmt: skip
    found = layers(config).values()
    assert [layer.fill_mode for layer in found] == [fill_mode] * 4
    assert all(layer.fill_value == 0 for layer in found)


def test_brightness_contrast_and_saturation_move_pixels_as_far_as_training_does() -> None:
    pictures = np.full((2000, 2, 2, 3), (120.0, 160.0, 160.0), np.float32)
    bright = np.asarray(made(AugmentationConfig(brightness=0.2))["augmentation"](pictures, training=True))
    assert (bright[..., 0].min(), bright[..., 0].max()) == pytest.approx((120 - 51, 120 + 51), abs=1)
    halves = np.full((2000, 2, 2, 3), 100.0, np.float32)
    halves[:, :, 1] = 200.0
    contrasted = np.asarray(made(AugmentationConfig(contrast=0.5))["augmentation"](halves, training=True))
    assert (contrasted[..., 0].min(), contrasted[..., 0].max()) == pytest.approx((150 - 75, 150 + 75), abs=1)
    assert contrasted[:, 0, 0, 0].max() == pytest.approx(150 - 25, abs=1)
    # The strongest channel stays in HSV; the weakest is 40 below it, times 1 ± 0.5.
    colored = np.asarray(made(AugmentationConfig(saturation=0.5))["augmentation"](pictures, training=True))
    assert (colored[..., 0].min(), colored[..., 0].max()) == pytest.approx((160 - 60, 160 - 20), abs=1)


def test_every_policy_runs_and_leaves_pictures_alone_outside_of_training() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    policies = {preset.config.augmentation for preset in PRESETS.values()}
    for config in [ALL, AugmentationConfig(), *policies]:
        augmentation = made(config)["augmentation"]
        varied = np.asarray(augmentation(pictures, training=True))
        assert varied.shape == pictures.shape
        assert np.isfinite(varied).all()
        np.testing.assert_allclose(np.asarray(augmentation(pictures, training=False)), pictures, atol=1e-3)


def enlargements(fraction: float) -> np.ndarray:
    """By how much the code enlarges each of 4,000 ramps, read off around their middle."""
    ramp = np.broadcast_to(
        128 + (np.arange(65, dtype=np.float32) - 32)[None, None, :, None], (4000, 65, 65, 1)
    )
    zoomed = np.asarray(
        made(AugmentationConfig(zoom_fraction=fraction), 1)["augmentation"](ramp, training=True)
    )
    return 8 / (zoomed[:, 32, 36, 0] - zoomed[:, 32, 28, 0])


def colourings(saturation: float) -> np.ndarray:
    """What the code multiplies the saturation of each of 4,000 pictures by, in HSV."""
    pale = np.full((4000, 2, 2, 3), (140.0, 110.0, 110.0), np.float32)
    varied = np.asarray(made(AugmentationConfig(saturation=saturation))["augmentation"](pale, training=True))[
        :, 0, 0
    ]
    return (1 - varied.min(axis=-1) / varied.max(axis=-1)) / (1 - 110 / 140)


@pytest.mark.parametrize("reach", [0.1, 0.3, 0.45])
def test_how_often_each_zoom_and_saturation_comes_is_said(reach: float) -> None:
    zooms, colours = enlargements(reach), colourings(reach)
    (zoom,) = (
        each for each in keras_code(AugmentationConfig(zoom_fraction=reach)).differences if "Zoom" in each
    )
    mean, share = re.search(r"by ×([\d.]+) on average and shrinks (\d+) %", zoom).groups()
    # The means of 4,000 draws: five standard errors are at most 2.5 % of the reach.
    assert float(mean) == pytest.approx(zooms.mean(), abs=0.05 * reach + 0.005)
    assert float(share) == pytest.approx(100 * (zooms < 1).mean(), abs=4)
    said = keras_code(AugmentationConfig(saturation=reach)).differences
    mean = re.search(r"become ×([\d.]+)", next(each for each in said if "draws lower" in each))[1]
    assert float(mean) == pytest.approx(colours.mean(), abs=0.05 * reach + 0.005)


# Keras calls SciPy by a name that SciPy is giving up.
@pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning")
def test_who_compares_with_the_older_generator_is_told_that_it_exchanges_the_axes() -> None:
    assert "exchanged" in generator_code(AugmentationConfig(width_shift_fraction=0.1)).text
    sides = {"width_shift_range": (0, 0), "height_shift_range": (0, 0)}
    for name in sides:
        generator = ImageDataGenerator(fill_mode="constant", **{name: 0.25})
        np.random.seed(1)
        moved = generator.random_transform(np.full((16, 16, 3), 255.0, np.float32))
        sides[name] = (int((moved[8, :, 0] == 0).sum()), int((moved[:, 8, 0] == 0).sum()))
    # Black columns where it was moved sideways, black rows where it was moved up or down.
    assert sides["width_shift_range"][0] == 0 < sides["width_shift_range"][1]
    assert sides["height_shift_range"][1] == 0 < sides["height_shift_range"][0]


def test_grey_pictures_have_no_colours_to_vary() -> None:
    config = AugmentationConfig(saturation=0.5, hue=0.1, contrast=0.2)
    assert "Saturation" not in keras_code(config, 1).text and "Hue" not in keras_code(config, 1).text
    grey = np.zeros((2, 8, 8, 1), np.uint8)
    assert made(config, 1)["augmentation"](grey, training=True).shape == (2, 8, 8, 1)


@pytest.mark.parametrize("field", ["mixup_alpha", "cutmix_alpha"])
def test_mixing_mixes_the_labels_too(field: str) -> None:
    mixing = made(AugmentationConfig(**{field: 0.4}))["mixing"]
    pictures, labels = np.zeros((8, 8, 8, 3), np.float32), np.eye(8, dtype=np.float32)
    mixed = mixing({"images": pictures, "labels": labels}, training=True)
    np.testing.assert_allclose(np.asarray(mixed["labels"]).sum(axis=1), 1, rtol=1e-5)
    if field == "mixup_alpha":
        assert isinstance(mixing, keras.layers.MixUp) and mixing.alpha == 0.4
    else:
        assert mixing.factor == (0.4, 0.4)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (AugmentationConfig(randaugment_operations=2), "RandAugment"),
        (AugmentationConfig(mixup_alpha=0.2, cutmix_alpha=0.2), "Mixup and CutMix together"),
        (AugmentationConfig(cutmix_alpha=3.0), "an alpha up to 1"),
        (AugmentationConfig(rotation_degrees=5, unchanged_fraction=0.25), "25 % of the pictures"),
        (AugmentationConfig(zoom_fraction=0.8), "half its size"),
        (AugmentationConfig(horizontal_flip=True, alternating_flip=True), "every other epoch"),
        (AugmentationConfig(shear_degrees=60), "no further than 45°"),
        (AugmentationConfig(rotation_degrees=5, zoom_fraction=0.1), "resamples"),
    ],
)
def test_what_keras_cannot_do_is_said(config: AugmentationConfig, words: str) -> None:
    found = keras_code(config)
    assert any(words in sentence for sentence in found.differences)
    made(config)


def test_a_single_resampling_is_no_difference() -> None:
    assert keras_code(AugmentationConfig(rotation_degrees=5, horizontal_flip=True)).differences == ()
    assert keras_code(AugmentationConfig()).differences == ()


@pytest.mark.parametrize("field", ["zoom_fraction", "saturation"])
def test_a_strength_of_nearly_nothing_is_no_layer(field: str) -> None:
    for code in (keras_code, generator_code):
        found = code(AugmentationConfig(**{field: 5e-324}))
        assert "RandomZoom" not in found.text and "RandomSaturation" not in found.text
        assert "zoom_range" not in found.text
