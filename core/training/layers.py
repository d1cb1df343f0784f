"""What each layer of a network is, what it reads, and which of its weights are kernels."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from core.design.layer_summary import CONVOLUTIONS, LayerSummary
from core.errors import UserError
from core.training.inspection import network_of

KINDS = {
    keras.layers.InputLayer: "input",
    keras.layers.Rescaling: "rescaling",
    keras.layers.SeparableConv2D: "separable_conv",
    keras.layers.DepthwiseConv2D: "depthwise_conv",
    keras.layers.Conv2D: "conv",
    keras.layers.BatchNormalization: "batch_norm",
    keras.layers.Activation: "activation",
    keras.layers.MaxPooling2D: "max_pool",
    keras.layers.AveragePooling2D: "average_pool",
    keras.layers.GlobalAveragePooling2D: "global_average_pool",
    keras.layers.Add: "add",
    keras.layers.Concatenate: "concatenate",
    keras.layers.Flatten: "flatten",
    keras.layers.Dropout: "dropout",
    keras.layers.Dense: "dense",
}


def summarise_layers(model: keras.Model) -> tuple[LayerSummary, ...]:
    """Every layer of the network, in order."""
    return tuple(summarise_layer(layer) for layer in network_of(model).layers)


def summarise_layer(layer: Any) -> LayerSummary:
    """One layer of a network."""
    kind, activation = kind_of(layer), layer.get_config().get("activation")
    return LayerSummary(
        layer.name,
        kind,
        tuple(each._keras_history.operation.name for each in inputs_of(layer)),
        tuple(layer.output.shape[1:]),
        int(layer.count_params()),
        activation if isinstance(activation, str) and activation != "linear" else None,
        tuple(layer.kernel_size) if kind in CONVOLUTIONS else None,
    )


def kind_of(layer: Any) -> str:
    """A value of KINDS, or the name of the layer's class."""
    return next((kind for known, kind in KINDS.items() if isinstance(layer, known)), type(layer).__name__)


def inputs_of(layer: Any) -> list[Any]:
    """The tensors that a layer of a network reads; none of its first layer."""
    if isinstance(layer, keras.layers.InputLayer):
        return []
    return list(layer.input) if isinstance(layer.input, list | tuple) else [layer.input]


def kernels_of(model: keras.Model) -> tuple[tuple[str, Any], ...]:
    """Every kernel of the network as a variable, in order, under the name of its layer.

    A separable convolution has two: `conv_1 depthwise` and `conv_1 pointwise`.
    """
    found = []
    for layer in network_of(model).layers:
        own = [variable for variable in layer.weights if variable.name.endswith("kernel")]
        for variable in own:
            step = variable.name.removesuffix("kernel").removesuffix("_")
            found.append((f"{layer.name} {step}" if len(own) > 1 else layer.name, variable))
    return tuple(found)


def find_layer(model: keras.Model, name: str) -> Any:
    """The network's layer of that name. Raises UserError with those that there are."""
    layers = {layer.name: layer for layer in network_of(model).layers}
    if name not in layers:
        raise UserError(f"This network has no layer “{name[:60]}”. Choose one of {', '.join(layers)}.")
    return layers[name]


def as_numbers(tensor: Any) -> NDArray[np.float32]:
    """A tensor or a variable as float32, whatever its precision."""
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")))
