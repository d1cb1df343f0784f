"""Where in a picture a network finds evidence for a class: Grad-CAM and occlusion."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.training.evaluation import pictures_at_once
from core.training.inspection import answers_mirrored, choose_convolution, multiply_adds, network_of
from core.training.runtime import backend_name
from core.training.saved_models import MOST_AT_ONCE, predict

# The gradient keeps the outputs of all layers, not of the largest one alone.
MOST_DIFFERENTIATED = 32
WINDOWS_PER_SIDE = 4
STRIDES_PER_WINDOW = 4
# Of one map by occlusion: some four seconds on two cores. The sanity check takes five more maps, and a request to the
# engine may take a minute.
MOST_MULTIPLY_ADDS = 100_000_000_000
# A picture's probability alone and in a batch of others may differ by that much, because other kernels round it.
ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each place speaks for a class, in n pictures.

    `maps` (n, height, width) float32, 0 or more, are of the pictures' size. They come from `raw` (n, rows, columns)
    float32, which has one number per place that was looked at, below 0 where it speaks against the class.
    """

    maps: NDArray[np.float32]
    raw: NDArray[np.float32]

    @property
    def is_empty(self) -> NDArray[np.bool_]:
        """(n,) whether nothing in the picture speaks for the class, so that its map is 0 everywhere."""
        return np.asarray(self.maps.max(axis=(1, 2)) <= 0)


def grad_cam(
    model: keras.Model, pictures: NDArray[Any], classes: NDArray[np.integer[Any]], layer: str | None = None
) -> Attribution:
    """Grad-CAM after Selvaraju et al. (arXiv 1610.02391, equations 1 and 2).

    Each channel of a convolution layer has a weight, the mean over all places of the gradient of the class's score,
    before the softmax. `raw` is the weighted sum of the channels, and `maps` is what is above 0 of it, resized
    bilinearly as if it covered the whole picture. With test-time flip, `raw` is the mean of those for the picture and
    for its mirror image, mirrored back.

    `pictures` (n, height, width, channels) uint8, `classes` (n,) the places of the classes in the network's output,
    `layer` by default as `choose_convolution` says. The model stays as it is.

    Raises:
        UserError: there is no such layer.
    """
    name, mirrored = choose_convolution(model, layer), pictures[:, :, ::-1]
    # A copy, since what is built from a model's layers stays with these layers.
    network = copy_model(network_of(model))
    network.layers[-1].activation = keras.activations.linear
    raw = _weighted_sums(network, pictures, classes, name)
    if answers_mirrored(model):
        both = raw + _weighted_sums(network, mirrored, classes, name)[:, :, ::-1]
        raw = (both / 2).astype(np.float32)
    positive = np.maximum(raw, 0)[..., None]
    resized = ops.image.resize(positive, pictures.shape[1:3], "bilinear", data_format="channels_last")
    return Attribution(np.asarray(resized)[..., 0], raw)


def occlusion(
    model: keras.Model,
    pictures: NDArray[np.uint8],
    classes: NDArray[np.integer[Any]],
    window: int | None = None,
    stride: int | None = None,
) -> Attribution:
    """Occlusion after Zeiler and Fergus (arXiv 1311.2901, section 4.2).

    A square `window` of the picture's mean colour is moved over the picture in steps of `stride` pixels, and the last
    step ends at the edge. `raw` says by how much the probability of the class falls at each step, and `maps`, for each
    pixel, how much on average while it is covered, where that is above 0. By default the window is a quarter of the
    picture's shorter side and the stride a quarter of the window, which makes at most 13 × 13 steps for a square. It is
    longer, up to a whole window, where a map would take more than `MOST_MULTIPLY_ADDS`. Less than `ROUNDING` is none.

    `pictures` (n, height, width, channels) uint8, `classes` (n,) as in `grad_cam`.
    """
    height, width = pictures.shape[1:3]
    window = min(height, width, window or max(1, round(min(height, width) / WINDOWS_PER_SIDE)))
    stride = stride or _affordable_stride(model, window, (height, width))
    tops, lefts = _positions(height, window, stride), _positions(width, window, stride)
    maps, raw = [], []
    for picture, label in zip(pictures, classes, strict=True):
        (whole,) = predict(model, picture[None])[:, label]
        drops = whole - _covered(model, picture, int(label), tops, lefts, window)
        drops[np.abs(drops) < ROUNDING] = 0
        raw.append(drops)
        maps.append(np.maximum(_mean_of_windows(drops, tops, lefts, window, (height, width)), 0))
    return Attribution(np.stack(maps).astype(np.float32), np.stack(raw).astype(np.float32))


def copy_model(model: keras.Model) -> keras.Model:
    """The same model with layers and weights of its own."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def _weighted_sums(
    network: keras.Model, pictures: NDArray[Any], classes: NDArray[np.integer[Any]], name: str
) -> NDArray[np.float32]:
    """(n, rows, columns): the channels of the layer `name`, each times its mean gradient, summed."""
    features = network.get_layer(name).output
    upper = keras.Model(network.input, features)
    # The picture goes in too: a layer that others pass by, as in a residual block, does not have everything.
    lower = keras.Model([network.input, features], network.output)
    size, sums = pictures_at_once(network, MOST_DIFFERENTIATED), []
    for start in range(0, len(pictures), size):
        portion = ops.convert_to_tensor(pictures[start : start + size])
        chosen = ops.one_hot(classes[start : start + size], network.output.shape[-1])

        def score(outputs: Any, portion: Any = portion, chosen: Any = chosen) -> Any:
            """The sum is over pictures too, which do not depend on each other."""
            return ops.sum(lower([portion, outputs], training=False) * chosen)

        outputs = upper(portion, training=False)
        gradients = ops.cast(_gradient(score, outputs), "float32")
        weights = ops.mean(gradients, axis=(1, 2), keepdims=True)
        sums.append(np.asarray(ops.sum(weights * ops.cast(outputs, "float32"), axis=-1)))
    return np.concatenate(sums)


def _gradient(function: Callable[[Any], Any], at: Any) -> Any:
    """The gradient of a function with one number as its value, of the shape of `at`."""
    if backend_name() == "jax":
        from core.training import backend_jax

        return backend_jax.gradient(function, at)
    from core.training import backend_tensorflow

    return backend_tensorflow.gradient(function, at)


def _covered(
    model: keras.Model, picture: NDArray[np.uint8], label: int, tops: list[int], lefts: list[int], window: int
) -> NDArray[np.float32]:
    """(tops, lefts): the class's probability while each of the windows is covered."""
    grey = np.rint(picture.mean(axis=(0, 1))).astype(picture.dtype)
    corners = [(top, left) for top in tops for left in lefts]
    size, answers = pictures_at_once(model, MOST_AT_ONCE), []
    for start in range(0, len(corners), size):
        portion = corners[start : start + size]
        covered = np.repeat(picture[None], len(portion), axis=0)
        for each, (top, left) in zip(covered, portion, strict=True):
            each[top : top + window, left : left + window] = grey
        answers.append(predict(model, covered)[:, label])
    return np.concatenate(answers).reshape(len(tops), len(lefts))


def _mean_of_windows(
    values: NDArray[np.float32], tops: list[int], lefts: list[int], window: int, size: tuple[int, int]
) -> NDArray[np.float64]:
    """For each pixel, the mean of the values of all windows that cover it; 0 where none does."""
    total, count = np.zeros(size), np.zeros(size)
    for row, top in enumerate(tops):
        for column, left in enumerate(lefts):
            place = slice(top, top + window), slice(left, left + window)
            total[place] += values[row, column]
            count[place] += 1
    return total / np.maximum(count, 1)


def _affordable_stride(model: keras.Model, window: int, size: tuple[int, int]) -> int:
    stride = max(1, round(window / STRIDES_PER_WINDOW))
    steps = math.prod(len(_positions(side, window, stride)) for side in size)
    excess = steps * multiply_adds(model) / MOST_MULTIPLY_ADDS
    return min(window, math.ceil(stride * math.sqrt(max(1, excess))))


def _positions(length: int, window: int, stride: int) -> list[int]:
    """Where windows begin along a side, the last one at its end."""
    last = length - window
    positions = list(range(0, last + 1, stride))
    return positions if positions[-1] == last else [*positions, last]
