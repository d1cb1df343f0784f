"""Resamples uint8 pictures through affine maps by OpenCV, bilinear: the same pixels whatever the backend."""

import cv2
import numpy as np
from numpy.typing import NDArray

FILL_MODES = {
    "nearest": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "wrap": cv2.BORDER_WRAP,
    "constant": cv2.BORDER_CONSTANT,
}
# The maps lead from the output to the input, as Keras's do.
FLAGS = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def resample(images: NDArray[np.uint8], transforms: NDArray[np.float32], fill_mode: str) -> NDArray[np.uint8]:
    """Pictures (batch, height, width, 1 or 3) moved by maps (batch, 8), as `affine_transforms` makes them; rounded.

    `fill_mode` says what lies beyond the edge: `nearest` repeats the edge, `reflect` mirrors the picture there,
    `wrap` begins it anew, `constant` is black. SciPy's names are nearest, reflect, grid-wrap and grid-constant.
    """
    images = np.ascontiguousarray(images)  # OpenCV refuses some other orders
    resampled = np.empty_like(images)
    size = images.shape[2], images.shape[1]
    matrices = transforms[:, :6].reshape(-1, 2, 3)
    border = FILL_MODES[fill_mode]
    for source, matrix, target in zip(images, matrices, resampled, strict=True):
        cv2.warpAffine(source, matrix, size, target, FLAGS, border)
    return resampled
