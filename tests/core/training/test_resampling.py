"""Pictures through affine maps, held against SciPy."""

import numpy as np
import pytest
from scipy import ndimage

from core.training.augmentation import resample

FILL_MODES = {"nearest": "nearest", "reflect": "reflect", "wrap": "grid-wrap", "constant": "grid-constant"}
SHAPE = (13, 17)


def noise(num: int, channels: int) -> np.ndarray:
    """The hardest of pictures: any error in a weight shows in full."""
    return np.random.default_rng(0).integers(0, 256, (num, *SHAPE, channels)).astype(np.uint8)


def maps(num: int) -> np.ndarray:
    """Any affine maps, far beyond what is drawn: slanted, mirrored, and many pictures away."""
    generator = np.random.default_rng(1)
    transforms = np.zeros((num, 8), np.float32)
    transforms[:, [0, 1, 3, 4]] = generator.normal(0, 0.8, (num, 4))
    transforms[:, [2, 5]] = generator.uniform(-5, 20, (num, 2))
    transforms[0, :6] = [1, 0, 0, 0, 1, 0]
    transforms[1, :6] = [-1, 0, SHAPE[1] - 1, 0, 1, 0]
    transforms[2, :6] = [1, 0, SHAPE[1], 0, 1, -SHAPE[0]]
    transforms[3, :6] = [1, 0, 70, 0, 1, -70]
    return transforms


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("fill_mode", "scipy_mode"), FILL_MODES.items())
def test_each_pixel_is_scipy_s(fill_mode: str, scipy_mode: str, channels: int) -> None:
    pictures, transforms = noise(12, channels), maps(12)
    resampled = resample(pictures, transforms, fill_mode)
    for index, (a, b, c, d, e, f) in enumerate(transforms[:, :6].astype(float)):
        for channel in range(channels):
            expected = ndimage.affine_transform(
                pictures[index, :, :, channel].astype(float), [[e, d], [b, a]], [f, c], order=1, mode=scipy_mode
            )  # fmt: skip
            difference = np.abs(resampled[index, :, :, channel] - expected).max()
            assert difference <= 0.5 + 1e-3, (index, channel)


@pytest.mark.parametrize("fill_mode", FILL_MODES)
def test_the_map_that_changes_nothing_changes_nothing(fill_mode: str) -> None:
    pictures = noise(3, 3)
    np.testing.assert_array_equal(resample(pictures, maps(4)[[0, 0, 0]], fill_mode), pictures)


@pytest.mark.parametrize("fill_mode", FILL_MODES)
def test_white_stays_white_and_black_stays_black(fill_mode: str) -> None:
    """All weights add up to one."""
    transforms = maps(400)
    transforms[:, [0, 4]] += 0.5
    for level in (0, 255):
        pictures = np.full((400, *SHAPE, 3), level, np.uint8)
        resampled = resample(pictures, transforms, fill_mode)
        if fill_mode == "constant":
            assert resampled.min() == 0 and resampled.max() <= level
        else:
            np.testing.assert_array_equal(resampled, pictures)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_order_of_pictures_in_memory_does_not_matter(channels: int) -> None:
    pictures, transforms = noise(4, channels), maps(4)
    expected = resample(pictures, transforms, "reflect")
    for ordered in (np.asfortranarray(pictures), np.flip(np.flip(pictures, axis=2).copy(), axis=2)):
        np.testing.assert_array_equal(resample(ordered, transforms, "reflect"), expected)
