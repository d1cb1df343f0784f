"""Config → Keras model: pictures as uint8 in, class probabilities as float32 out."""

import zlib
from typing import Any

import keras
from keras import layers

from core.config import ExperimentConfig
from core.design.architecture import Layer, describe
from core.training.draws import ImageShape


def build_model(
    config: ExperimentConfig, image_shape: ImageShape, num_classes: int, *, synchronized: bool = False
) -> keras.Model:
    """Build the network that `core.design.architecture` describes, layer by layer and under the same names.

    Preprocessing is part of the model, so whoever loads it sees what training saw. The initial weights depend on
    the seed and each layer's name alone: networks that share layers start from the same weights in them.
    `synchronized` makes batch normalisation use the whole batch when it is spread over several devices.

    Raises:
        ConfigError: the network cannot be built for pictures of `image_shape`.
    """
    built: dict[str, Any] = {}
    for layer in describe(config.model, image_shape, num_classes).layers:
        if layer.kind == "input":
            built[layer.name] = keras.Input(image_shape, dtype="uint8", name="input")
            continue
        inputs = [built[name] for name in layer.inputs]
        made = _build_layer(layer, config, synchronized)
        built[layer.name] = made(inputs if len(inputs) > 1 else inputs[0])
    return keras.Model(built["input"], built["softmax"], name="network")


def layer_seed(seed: int, name: str) -> int:
    """A seed of its own for each layer, from the run's seed and the layer's name."""
    return zlib.crc32(f"{seed}/{name}".encode()) & 0x7FFFFFFF


def _build_layer(layer: Layer, config: ExperimentConfig, synchronized: bool) -> Any:
    settings = layer.settings
    seed = layer_seed(config.seed, layer.name)
    common = {"name": layer.name, "dtype": config.training.precision}
    match layer.kind:
        case "rescaling":
            return layers.Rescaling(1 / 255, **common)
        case "whitening":
            # Not trained, and without its filters until `core.training.whitening` gives them.
            return layers.Conv2D(
                settings["filters"], settings["kernel_size"], kernel_initializer="zeros", trainable=False, **common
            )  # fmt: skip
        case "activation":
            return layers.Activation(settings["activation"], **common)
        case "conv":
            return layers.Conv2D(
                settings["filters"], settings["kernel_size"], strides=settings["stride"],
                padding=settings["padding"], activation=settings["activation"],
                kernel_initializer=keras.initializers.GlorotUniform(seed), **common,
            )  # fmt: skip
        case "separable_conv":
            return layers.SeparableConv2D(
                settings["filters"], settings["kernel_size"], strides=settings["stride"],
                padding=settings["padding"], activation=settings["activation"],
                depthwise_initializer=keras.initializers.GlorotUniform(seed),
                pointwise_initializer=keras.initializers.GlorotUniform(layer_seed(seed, "pointwise")), **common,
            )  # fmt: skip
        case "batch_norm":
            return layers.BatchNormalization(
                momentum=config.model.batch_norm_momentum, synchronized=synchronized, **common
            )
        case "max_pool":
            return layers.MaxPooling2D(settings["pool_size"], **common)
        case "average_pool":
            return layers.AveragePooling2D(settings["pool_size"], **common)
        case "dropout":
            return layers.Dropout(settings["rate"], seed=seed, **common)
        case "concatenate":
            return layers.Concatenate(**common)
        case "add":
            return layers.Add(**common)
        case "flatten":
            return layers.Flatten(**common)
        case "global_average_pool":
            return layers.GlobalAveragePooling2D(**common)
        case "dense":
            return layers.Dense(
                settings["units"], activation=settings["activation"],
                kernel_initializer=keras.initializers.GlorotUniform(seed), **common,
            )  # fmt: skip
        case "softmax":
            # In half precision small probabilities would vanish: the output is always float32.
            return layers.Dense(
                settings["units"], activation="softmax", name=layer.name, dtype="float32",
                kernel_initializer=keras.initializers.GlorotUniform(seed),
            )  # fmt: skip
    raise ValueError(
        f"core.design.architecture describes a {layer.kind!r} layer, which build_model does not know."
    )
