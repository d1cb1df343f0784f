"""What is drawn and applied, held against Keras's `ImageDataGenerator`, which the article uses.

It counts otherwise in some respects. A positive shift moves the picture left and up, where ours moves it right and
down; it draws sideways shifts from the height's range, and upward ones from the width's. A zoom below 1 enlarges, and
the two sides are zoomed each by its own draw, where ours keeps proportions. It mirrors last, ours first, which turns
the other way. And its shear shortens the picture, ours only slants it. Rotation has the same direction, every range
the same reach, and in square pictures the centre is the same; in others it takes the height's half for the width's.
"""

import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from scipy import ndimage

from core.config import AugmentationConfig
from core.training.augmentation import affine_transforms, apply
from core.training.draws import Draws, draw

# Keras calls SciPy by a name that SciPy is giving up.
pytestmark = pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning")

SIDE = 24
# Rounding to whole numbers, and weights in parts of 8192.
TOLERANCE = 0.5 + 0.06
# What theirs is told, and what has to be drawn for ours to do the same.
SAME = {
    "rotation": ({"theta": 25.0}, {"rotation": 25.0}),
    "shift": ({"tx": 2.25, "ty": -3.5}, {"shift_x": -2.25, "shift_y": 3.5}),
    "rotation and shift": (
        {"theta": -15.0, "tx": 1.5, "ty": 2.75},
        {"rotation": -15.0, "shift_x": -1.5, "shift_y": -2.75},
    ),
    "zoom": ({"zx": 0.8, "zy": 0.8}, {"zoom": 1 / 0.8}),
    "rotation and zoom": ({"theta": 40.0, "zx": 1.25, "zy": 1.25}, {"rotation": 40.0, "zoom": 0.8}),
    "mirrored": ({"flip_horizontal": True}, {"flip_x": 1}),
    "upside down": ({"flip_vertical": True}, {"flip_y": 1}),
    "mirrored last": (
        {"theta": 25.0, "tx": 1.5, "flip_horizontal": True},
        {"rotation": -25.0, "shift_x": 1.5, "flip_x": 1},
    ),
}


def picture() -> np.ndarray:
    noise = np.random.default_rng(1).uniform(0, 255, (SIDE, SIDE, 3))
    return ndimage.gaussian_filter(noise, (1, 1, 0)).clip(0, 255).astype(np.uint8)


def ours(drawn: dict[str, float], fill_mode: str) -> tuple[np.ndarray, np.ndarray]:
    """The picture, and whether each pixel comes from inside of it: (side, side, 3) and (side, side)."""
    values = {name: np.full(1, value, np.float32) for name, value in drawn.items()}
    draws = Draws(AugmentationConfig(fill_mode=fill_mode), (SIDE, SIDE, 3), 1, values)
    images, _ = apply(picture()[None], np.ones((1, 1), np.float32), draws)
    a, b, c, d, e, f = affine_transforms(draws)[0, :6]
    rows, columns = np.mgrid[:SIDE, :SIDE]
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    slack = 1e-3
    inside = (x >= slack) & (x <= SIDE - 1 - slack) & (y >= slack) & (y <= SIDE - 1 - slack)
    return np.asarray(images)[0], inside


def theirs(told: dict[str, float], fill_mode: str) -> np.ndarray:
    generator = ImageDataGenerator(fill_mode=fill_mode, cval=0.0)
    return np.asarray(generator.apply_transform(picture().astype(np.float32), told))


@pytest.mark.parametrize("fill_mode", ["nearest", "reflect", "constant", "wrap"])
@pytest.mark.parametrize("name", SAME)
def test_the_same_transformation_gives_the_same_pixels(name: str, fill_mode: str) -> None:
    told, drawn = SAME[name]
    (images, inside), expected = ours(drawn, fill_mode), theirs(told, fill_mode)
    assert inside.mean() > 0.4
    difference = np.abs(images - expected).max(axis=-1)
    assert difference[inside].max() <= TOLERANCE
    if fill_mode in ("nearest", "reflect"):
        assert difference.max() <= TOLERANCE


def test_beyond_a_black_edge_ours_fades_over_one_pixel_where_theirs_breaks_off() -> None:
    told, drawn = SAME["shift"]
    (images, inside), expected = ours(drawn, "constant"), theirs(told, "constant")
    assert (expected[~inside] == 0).all()
    fading = (images[~inside].max(axis=-1) > 0).sum()
    assert 0 < fading <= 2 * SIDE
    # Two pixels beyond the edge nothing is left: 3.5 pixels came in from above, 2.25 on the right.
    assert (images[:2] == 0).all() and (images[:, -1] == 0).all()


@pytest.mark.parametrize("axis", [0, 1])
def test_its_shifts_change_sides(axis: int) -> None:
    """Why the ranges of `shift_x` and `shift_y` are compared crosswise below."""
    moved = theirs({"tx": 2.0, "ty": 0.0} if axis else {"tx": 0.0, "ty": 2.0}, "nearest")
    np.testing.assert_allclose(
        np.take(moved, range(10), axis), np.take(picture(), range(2, 12), axis), atol=1e-3
    )


def test_ranges_have_the_same_reach_and_shape() -> None:
    generator = ImageDataGenerator(
        rotation_range=20, width_shift_range=0.1, height_shift_range=0.2, zoom_range=0.3, shear_range=15,
        horizontal_flip=True, vertical_flip=True,
    )  # fmt: skip
    config = AugmentationConfig(
        rotation_degrees=20, width_shift_fraction=0.1, height_shift_fraction=0.2, zoom_fraction=0.3,
        shear_degrees=15, horizontal_flip=True, vertical_flip=True,
    )  # fmt: skip
    num = 4000
    np.random.seed(0)
    drawn = [generator.get_random_transform((SIDE, SIDE, 3)) for _ in range(num)]
    values = draw(config, num, (SIDE, SIDE, 3), (3,)).values
    pairs = {
        "rotation": "theta", "shear": "shear", "zoom": "zx", "shift_y": "tx", "shift_x": "ty",
        "flip_x": "flip_horizontal", "flip_y": "flip_vertical",
    }  # fmt: skip
    for own, other in pairs.items():
        expected = np.array([each[other] for each in drawn], float)
        reach = np.ptp(expected)
        # Deciles of uniform draws: with 4,000 of them, a standard error of at most 0.8 % of the range.
        for share in np.linspace(0, 1, 11):
            difference = np.quantile(values[own].astype(float), share) - np.quantile(expected, share)
            if own.startswith("flip"):
                difference = values[own].mean() - expected.mean()
            assert abs(difference) <= 0.04 * reach, (own, share)
    assert np.abs(values["shift_x"]).max() == pytest.approx(0.1 * SIDE, rel=0.01)
    assert np.abs(values["shift_y"]).max() == pytest.approx(0.2 * SIDE, rel=0.01)
    assert values["flip_x"].mean() == pytest.approx(0.5, abs=0.04)
