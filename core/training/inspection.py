"""What is inside a network: its layers by name, their feature maps, filters, and units that never respond."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.training.evaluation import pictures_at_once
from core.training.models import NETWORK

MOST_AT_ONCE = 256
SHORTCUT = "shortcut_"  # begins the names of the 1×1 convolutions beside a residual block
NO_CONVOLUTION = (
    "This network has no convolution layer whose output is larger than 1×1, so Grad-CAM has no map to show. Use "
    "occlusion instead."
)


@dataclass(frozen=True)
class DeadUnit:
    """A channel of a layer with ReLU, counted from 0, that is 0 at every place of every picture that was looked at."""

    layer: str
    channel: int


def network_of(model: keras.Model) -> keras.Model:
    """The network itself, also where `model` gives the mean of its answers to a picture and to its mirror image."""
    return model.get_layer(NETWORK) if answers_mirrored(model) else model


def answers_mirrored(model: keras.Model) -> bool:
    """Whether `model` gives the mean of the answers to a picture and to its mirror image (test-time flip)."""
    return any(layer.name == NETWORK and isinstance(layer, keras.Model) for layer in model.layers)


def layer_names(model: keras.Model) -> tuple[str, ...]:
    """Every layer of the network, in order."""
    return tuple(layer.name for layer in network_of(model).layers)


def spatial_convolutions(model: keras.Model) -> tuple[str, ...]:
    """The convolution layers, in order, whose output has more than one place."""
    return tuple(
        layer.name
        for layer in network_of(model).layers
        if _is_convolution(layer) and layer.output.shape[1] * layer.output.shape[2] > 1
    )


def choose_convolution(model: keras.Model, name: str | None = None) -> str:
    """`name`, or by default the last of `spatial_convolutions` that is no shortcut beside a residual block.

    Raises:
        UserError: there is no such layer; the sentence lists those that can be chosen.
    """
    choices = spatial_convolutions(model)
    if not choices:
        raise UserError(NO_CONVOLUTION)
    if name is None:
        return ([each for each in choices if not each.startswith(SHORTCUT)] or list(choices))[-1]
    if name not in choices:
        raise UserError(
            f"This network has no convolution layer “{name[:60]}” with a map of its own. Choose one of "
            f"{', '.join(choices)}."
        )
    return name


def feature_maps(model: keras.Model, pictures: NDArray[Any], layer: str) -> NDArray[np.float32]:
    """What `layer` gives for `pictures` (n, height, width, channels): (n, rows, columns, channels), or (n, units).

    Raises:
        UserError: there is no such layer.
    """
    network = network_of(model)
    inner = keras.Model(network.input, _layer(model, layer).output)
    return np.concatenate([outputs for (outputs,) in _outputs(inner, pictures, 1)])


def filters(model: keras.Model, layer: str) -> NDArray[np.float32]:
    """The kernels of a convolution layer, (height, width, input channels, filters).

    Those of a separable layer are the products of its two steps, which are one convolution when multiplied out.

    Raises:
        UserError: there is no such layer, or it is no convolution.
    """
    found = _layer(model, layer)
    if not _is_convolution(found):
        names = ", ".join(each.name for each in network_of(model).layers if _is_convolution(each))
        raise UserError(f"{layer} is no convolution, so it has no filters. Choose one of {names}.")
    if isinstance(found, keras.layers.SeparableConv2D):
        depthwise, pointwise = found.get_weights()[:2]  # (h, w, c, m) and (1, 1, c · m, f)
        of_channel = pointwise[0, 0].reshape(*depthwise.shape[2:], -1)
        kernels: NDArray[np.float32] = np.einsum("hwcm,cmf->hwcf", depthwise, of_channel)
        return kernels
    return np.asarray(found.get_weights()[0], np.float32)


def dead_units(model: keras.Model, pictures: NDArray[Any]) -> tuple[DeadUnit, ...]:
    """The channels that are never above 0 on `pictures`, (n, height, width, channels), in the order of the layers.

    Only layers with ReLU count: with another activation a unit that is never above 0 may still learn. A network with
    test-time flip is also shown the mirror images.
    """
    network = network_of(model)
    layers = [layer for layer in network.layers if layer.get_config().get("activation") == "relu"]
    if not layers:
        return ()
    inner = keras.Model(network.input, [layer.output for layer in layers])
    shown = [pictures, pictures[:, :, ::-1]] if answers_mirrored(model) else [pictures]
    alive = [np.zeros(layer.output.shape[-1], bool) for layer in layers]
    for view in shown:
        for outputs in _outputs(inner, view, len(layers)):
            for responded, output in zip(alive, outputs, strict=True):
                responded |= (output > 0).reshape(-1, output.shape[-1]).any(axis=0)
    return tuple(
        DeadUnit(layer.name, int(channel))
        for layer, responded in zip(layers, alive, strict=True)
        for channel in np.flatnonzero(~responded)
    )


def multiply_adds(model: keras.Model) -> int:
    """How many multiplications with a kernel's weight one picture takes, from which its time can be estimated."""
    network, total = network_of(model), 0
    for layer in network.layers:
        weights = sum(math.prod(weight.shape) for weight in layer.weights if weight.name.endswith("kernel"))
        total += weights * math.prod(layer.output.shape[1:-1])
    return 2 * total if answers_mirrored(model) else total


def _outputs(
    inner: keras.Model, pictures: NDArray[Any], num_outputs: int
) -> Iterator[list[NDArray[np.float32]]]:
    """The outputs of a model of one or several layers, portion by portion."""
    size = max(1, pictures_at_once(inner, MOST_AT_ONCE) // num_outputs)
    for start in range(0, len(pictures), size):
        outputs = inner(pictures[start : start + size], training=False)
        listed = outputs if isinstance(outputs, list) else [outputs]
        yield [np.asarray(keras.ops.cast(output, "float32")) for output in listed]


def _layer(model: keras.Model, name: str) -> Any:
    names = layer_names(model)
    if name not in names:
        raise UserError(f"This network has no layer “{name[:60]}”. Choose one of {', '.join(names)}.")
    return network_of(model).get_layer(name)


def _is_convolution(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Conv2D | keras.layers.SeparableConv2D)
