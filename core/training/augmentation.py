"""Applies what was drawn to pictures, on every backend alike: first `move`, by OpenCV, then `recolor`, in `keras.ops`.

Rotation, shifts, zoom, shear and flips are composed into one affine map, so a picture is resampled once however
many of them are on. Training and previews go through the same functions.
"""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.config import AugmentationConfig
from core.config.augmentation import FillMode
from core.training.draws import NOISE_BANK, Draws, ImageShape, Values

GEOMETRY = ("rotation", "shift_x", "shift_y", "zoom", "shear", "flip_x", "flip_y")

# ITU-R BT.601 luma, and the YIQ axes around which hue turns.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_RGB_TO_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]], np.float32
)
BORDERS: dict[FillMode, int] = {
    "nearest": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "wrap": cv2.BORDER_WRAP,
    "constant": cv2.BORDER_CONSTANT,
}
# The maps lead from the output to the input, as Keras's do.
FLAGS = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def apply(images: NDArray[np.uint8], labels: NDArray[np.float32], draws: Draws) -> tuple[Any, Any]:
    """Vary uint8 `images` (batch, height, width, channels) and one-hot `labels` (batch, classes) as drawn.

    Mixup and CutMix take the next picture of the batch as the partner. Returns uint8 pictures and float32
    labels, tensors or arrays.
    """
    return apply_values(images, labels, prepare(draws), draws.config, draws.image_shape)


def prepare(draws: Draws) -> Values:
    """The drawn values in the form in which they are applied; each array's first axis is the picture.

    `transform` (num, 8) float32 maps output to input positions as `keras.ops.image.affine_transform` takes it,
    `color` (num, 3, 3) float32 turns saturation and hue; the other values stay as drawn.
    """
    values = {
        name: value for name, value in draws.values.items() if name not in (*GEOMETRY, "saturation", "hue")
    }
    if any(name in draws.values for name in GEOMETRY):
        values["transform"] = affine_transforms(draws)
    if "saturation" in draws.values or "hue" in draws.values:
        values["color"] = color_matrices(draws)
    return values


def affine_transforms(draws: Draws) -> NDArray[np.float32]:
    """(num, 8): flip, then zoom, then shear, then rotation about the picture's centre, then the shift, inverted.

    Positive rotation turns counter-clockwise, positive shifts move right and down, a zoom above 1 enlarges.
    """
    height, width, _ = draws.image_shape
    zeros, ones = np.zeros(draws.num), np.ones(draws.num)
    angle = np.deg2rad(draws.values.get("rotation", zeros).astype(np.float64))
    slope = np.tan(np.deg2rad(draws.values.get("shear", zeros).astype(np.float64)))
    zoom = draws.values.get("zoom", ones).astype(np.float64)
    flip_x = np.where(draws.values.get("flip_x", zeros), -1.0, 1.0)
    flip_y = np.where(draws.values.get("flip_y", zeros), -1.0, 1.0)
    cosine, sine = np.cos(angle), np.sin(angle)
    # Inverse of rotation, then of shear (x loses slope · y), then of zoom and flip.
    a = flip_x / zoom * (cosine - slope * sine)
    b = flip_x / zoom * (-sine - slope * cosine)
    c = flip_y / zoom * sine
    d = flip_y / zoom * cosine
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    from_x = middle_x + draws.values.get("shift_x", zeros)
    from_y = middle_y + draws.values.get("shift_y", zeros)
    columns = [
        a,
        b,
        middle_x - a * from_x - b * from_y,
        c,
        d,
        middle_y - c * from_x - d * from_y,
        zeros,
        zeros,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def color_matrices(draws: Draws) -> NDArray[np.float32]:
    """(num, 3, 3): hue turned in YIQ, after saturation moved each colour to or from its grey.

    A positive hue turns red towards blue. That is against HSV's sense; where people read it, its sign is HSV's.
    """
    identity = np.eye(3, dtype=np.float32)
    matrices: NDArray[Any] = np.broadcast_to(identity, (draws.num, 3, 3))
    if "saturation" in draws.values:
        factor = draws.values["saturation"][:, None, None]
        grey = np.broadcast_to(_LUMA, (3, 3))
        matrices = factor * identity + (1 - factor) * grey
    if "hue" in draws.values:
        angle = 2 * np.pi * draws.values["hue"]
        turn = np.broadcast_to(identity, (draws.num, 3, 3)).copy()
        turn[:, 1, 1] = turn[:, 2, 2] = np.cos(angle)
        turn[:, 1, 2], turn[:, 2, 1] = -np.sin(angle), np.sin(angle)
        matrices = np.linalg.inv(_RGB_TO_YIQ) @ turn @ _RGB_TO_YIQ @ matrices
    return matrices.astype(np.float32)


def apply_values(
    images: NDArray[np.uint8],
    labels: NDArray[np.float32],
    values: Values,
    config: AugmentationConfig,
    image_shape: ImageShape,
) -> tuple[Any, Any]:
    """Apply prepared `values` to a batch; see `apply` for shapes."""
    return recolor(move(images, values, config), labels, values, config, image_shape)


def move(images: NDArray[np.uint8], values: Values, config: AugmentationConfig) -> NDArray[np.uint8]:
    """Rotate, shift, zoom, shear and flip uint8 `images`, all at once."""
    if "transform" not in values:
        return images
    return resample(images, values["transform"], config.fill_mode)


def recolor(
    images: Any, labels: Any, values: dict[str, Any], config: AugmentationConfig, image_shape: ImageShape
) -> tuple[Any, Any]:
    """Apply everything else, to what `move` gave; tensors or arrays, uint8 `images` in and out."""
    if not values.keys() - {"transform"}:
        return images, labels
    x = ops.cast(images, "float32")
    x = _apply_color(x, values)
    if "noise" in values:
        x = x + 255.0 * config.noise_stddev * _noise(values["noise"], image_shape)
    if "erased" in values:
        inside = _inside(values["erased"], image_shape)
        x = ops.where(inside, values["erased_color"][:, None, None, :], x)
    if "mix_weight" in values:
        x, labels = _mix(x, labels, values, image_shape)
    return ops.cast(ops.round(ops.clip(x, 0.0, 255.0)), "uint8"), labels


def _apply_color(x: Any, values: dict[str, Any]) -> Any:
    if "color" in values:
        x = ops.einsum("bhwc,bdc->bhwd", x, values["color"])
    if "contrast" in values:
        factor = values["contrast"][:, None, None, None]
        middle = ops.mean(x, axis=(1, 2, 3), keepdims=True)
        x = middle + factor * (x - middle)
    if "brightness" in values:
        x = x + 255.0 * values["brightness"][:, None, None, None]
    if "posterize" in values:
        step = 256.0 / values["posterize"][:, None, None, None]
        x = ops.clip(x, 0.0, 255.0)
        x = ops.where(step > 1.0, ops.floor(x / step) * step, x)
    if "solarize" in values:
        threshold = values["solarize"][:, None, None, None]
        x = ops.where(x >= threshold, 255.0 - x, x)
    return x


def _mix(x: Any, labels: Any, values: dict[str, Any], image_shape: ImageShape) -> tuple[Any, Any]:
    other, other_labels = ops.roll(x, -1, axis=0), ops.roll(labels, -1, axis=0)
    weight = values["mix_weight"]
    own = weight[:, None, None, None]
    mixed = own * x + (1.0 - own) * other
    if "mix_box" in values:
        box = values["mix_box"]
        is_cut = (box[:, 1] > box[:, 0])[:, None, None, None]
        mixed = ops.where(is_cut, ops.where(_inside(box, image_shape), other, x), mixed)
    return mixed, weight[:, None] * labels + (1.0 - weight[:, None]) * other_labels


def _inside(boxes: Any, image_shape: ImageShape) -> Any:
    """(batch, height, width, 1): whether a pixel lies in its picture's box (top, bottom, left, right)."""
    rows = ops.arange(image_shape[0], dtype="int32")[None, :]
    columns = ops.arange(image_shape[1], dtype="int32")[None, :]
    in_rows = ops.logical_and(rows >= boxes[:, 0:1], rows < boxes[:, 1:2])
    in_columns = ops.logical_and(columns >= boxes[:, 2:3], columns < boxes[:, 3:4])
    return ops.logical_and(in_rows[:, :, None], in_columns[:, None, :])[:, :, :, None]


def _noise(offsets: Any, image_shape: ImageShape) -> Any:
    """Standard normal noise (batch, height, width, channels), read from a fixed bank; none below offset 0."""
    size = int(np.prod(image_shape))
    places = ops.maximum(offsets, 0)[:, None] + ops.arange(size, dtype="int32")[None, :]
    noise = ops.reshape(
        ops.take(ops.convert_to_tensor(_noise_bank(size)), places, axis=0), (-1, *image_shape)
    )
    return ops.where((offsets >= 0)[:, None, None, None], noise, 0.0)


@lru_cache(maxsize=4)
def _noise_bank(size: int) -> NDArray[np.float32]:
    """A stretch for each offset. Drawing noise itself would differ between backends."""
    return np.random.default_rng(0).standard_normal(NOISE_BANK + size).astype(np.float32)


def resample(
    images: NDArray[np.uint8], transforms: NDArray[np.float32], fill_mode: FillMode
) -> NDArray[np.uint8]:
    """Pictures (batch, height, width, 1 or 3) moved by maps (batch, 8), as `affine_transforms` makes them; rounded.

    `fill_mode` says what lies beyond the edge: `nearest` repeats the edge, `reflect` mirrors the picture there,
    `wrap` continues with its other side, `constant` is black. SciPy's names are nearest, reflect, grid-wrap and
    grid-constant.
    """
    images = np.ascontiguousarray(images)  # OpenCV refuses some other orders
    resampled = np.empty_like(images)
    size = images.shape[2], images.shape[1]
    matrices = transforms[:, :6].reshape(-1, 2, 3)
    border = BORDERS[fill_mode]
    for source, matrix, target in zip(images, matrices, resampled, strict=True):
        cv2.warpAffine(source, matrix, size, target, FLAGS, border)
    return resampled
