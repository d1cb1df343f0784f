"""Pictures of 32×32 pixels, turned and moved by SciPy."""

import numpy as np
from scipy import ndimage

MIDDLE = np.array([15.5, 15.5])


def about_the_middle(matrix: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Each pixel (row, column) read where `matrix` leads from the middle, between four pixels, the edge repeated."""
    layers = [
        ndimage.affine_transform(
            picture[..., color].astype(float), matrix, MIDDLE - matrix @ MIDDLE, order=1, mode="nearest"
        )
        for color in range(3)
    ]
    return np.stack(layers, axis=-1)


def rotated(picture: np.ndarray, degrees: float) -> np.ndarray:
    """Counter-clockwise, as `np.rot90` turns."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return about_the_middle(np.array([[cosine, sine], [-sine, cosine]]), picture)


def shifted(picture: np.ndarray, down: float, right: float) -> np.ndarray:
    """By so many pixels."""
    return ndimage.shift(picture.astype(float), (down, right, 0), order=1, mode="nearest")
