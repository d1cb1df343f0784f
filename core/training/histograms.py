"""How the numbers in a network are distributed: its weights, what its layers give, and the gradients of its weights."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.histogram import Histogram
from core.training.attribution import copy_model
from core.training.evaluation import pictures_at_once
from core.training.inspection import multiply_adds, network_of
from core.training.layers import as_numbers, kernels_of, kind_of
from core.training.runtime import backend_name

# Forward and backward, some six seconds on two cores.
MOST_MULTIPLY_ADDS = 100_000_000_000
FEWEST_PICTURES, MOST_DIFFERENTIATED = 8, 32
CALCULATING = (
    "conv", "separable_conv", "depthwise_conv", "dense", "batch_norm", "activation", "add",
)  # fmt: skip


def weight_histograms(model: keras.Model) -> dict[str, Histogram]:
    """Of each kernel, by the names of `kernels_of`; biases and batch normalisation are left out."""
    found = {}
    for name, variable in kernels_of(model):
        found[name] = Histogram()
        found[name].add(as_numbers(variable))
    return found


def activation_histograms(model: keras.Model, pictures: NDArray[np.uint8]) -> dict[str, Histogram]:
    """Of what each layer that calculates gives for `pictures` (n, height, width, channels), with dropout off."""
    network = network_of(model)
    layers = [layer for layer in network.layers if kind_of(layer) in CALCULATING]
    found = {layer.name: Histogram() for layer in layers}
    inner = keras.Model(network.input, [layer.output for layer in layers])
    size = pictures_at_once(network, MOST_DIFFERENTIATED)
    for start in range(0, len(pictures), size):
        outputs = inner(pictures[start : start + size], training=False)
        for layer, output in zip(layers, outputs if isinstance(outputs, list) else [outputs], strict=True):
            found[layer.name].add(as_numbers(output))
    return found


def gradient_histograms(
    model: keras.Model, pictures: NDArray[np.uint8], labels: NDArray[np.int64]
) -> dict[str, Histogram]:
    """Of the gradient of the mean cross-entropy on `pictures` (n, height, width, channels) for each kernel.

    `labels` (n,). Without label smoothing, weight decay and augmentation, with dropout off and batch normalisation's
    running statistics: what differs between two epochs is then the weights alone. A kernel that is not trained is left
    out.
    """
    # A copy whose last layer gives what goes into the softmax: behind it the probability of a sure mistake is 0.
    network = copy_model(network_of(model))
    network.layers[-1].activation = keras.activations.linear
    named = [(name, variable) for name, variable in kernels_of(network) if variable.trainable]
    variables = [variable for _, variable in named]
    sums: list[Any] = [np.zeros(variable.shape) for variable in variables]
    size = pictures_at_once(network, MOST_DIFFERENTIATED)
    for start in range(0, len(pictures), size):
        own = labels[start : start + size]
        portion = ops.convert_to_tensor(pictures[start : start + size])
        chosen = ops.one_hot(own, network.output.shape[-1])

        def loss(outputs: Any, chosen: Any = chosen) -> Any:
            return -ops.sum(ops.log_softmax(ops.cast(outputs, "float32"), axis=-1) * chosen)

        gradients = _weight_gradients(network, variables, portion, loss)
        sums = [each + as_numbers(gradient) for each, gradient in zip(sums, gradients, strict=True)]
    found = {}
    for (name, _), each in zip(named, sums, strict=True):
        found[name] = Histogram()
        found[name].add(each / len(pictures))
    return found


def affordable_pictures(model: keras.Model, most: int) -> int:
    """At most `most`, fewer of a network that takes long, so that a request to the engine does not overrun."""
    return max(FEWEST_PICTURES, min(most, MOST_MULTIPLY_ADDS // (4 * max(1, multiply_adds(model)))))


def _weight_gradients(
    network: keras.Model, variables: list[Any], pictures: Any, loss: Callable[[Any], Any]
) -> list[Any]:
    if backend_name() == "jax":
        from core.training import backend_jax

        return backend_jax.weight_gradients(network, variables, pictures, loss)
    from core.training import backend_tensorflow

    return backend_tensorflow.weight_gradients(network, variables, pictures, loss)
