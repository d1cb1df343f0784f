"""Config → Keras model: pictures as uint8 in, class probabilities as float32 out; and the test-time flip."""

import zlib
from typing import Any

import keras
from keras import layers, ops

from core.config import ExperimentConfig
from core.design.architecture import Layer, describe_network
from core.training.draws import ImageShape

NETWORK = "network"


def build_model(
    config: ExperimentConfig, image_shape: ImageShape, num_classes: int, *, synchronized: bool = False
) -> keras.Model:
    """Build the network that `core.design.architecture` describes, layer by layer and under the same names.

    Preprocessing is part of the model, so a loaded model sees what training saw. The initial weights depend on
    the seed and each layer's name alone: networks that share layers start from the same weights in them. The head of
    a network that starts from another run's weights is drawn apart from that run's.
    `synchronized` makes batch normalisation use the whole batch when it is spread over several devices.

    Raises:
        ConfigError: the network cannot be built for pictures of `image_shape`.
    """
    built: dict[str, Any] = {}
    for layer in describe_network(config.model, image_shape, num_classes).layers:
        if layer.kind == "input":
            built[layer.name] = keras.Input(image_shape, dtype="uint8", name="input")
            continue
        inputs = [built[name] for name in layer.inputs]
        made = _build_layer(layer, config, synchronized)
        if layer.frozen:
            made.trainable = False  # Keras then also has batch normalisation use the statistics that it has
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
            # With the seed of the run that this one starts from, a new head would be what that run began with, and its
            # other layers have fitted themselves to that.
            source = config.model.start_from
            seed = seed if source is None else layer_seed(seed, source)
            # In half precision small probabilities would vanish: the output is always float32.
            return layers.Dense(
                settings["units"], activation="softmax", name=layer.name, dtype="float32",
                kernel_initializer=keras.initializers.GlorotUniform(seed),
            )  # fmt: skip
    raise ValueError(
        f"core.design.architecture describes a {layer.kind!r} layer, which build_model does not know."
    )


def mirrored(pictures: Any) -> Any:
    """(batch, height, width, channels) with left and right swapped."""
    return ops.flip(pictures, axis=2)


def with_test_time_flip(model: keras.Model, *, test_time_flip: bool) -> keras.Model:
    """The model as others get it: with `test_time_flip` one that gives the mean of the network's two answers.

    The network itself is then its layer NETWORK, with the same weights as `model`. Jordan (arXiv 2404.00498, section
    3.5) takes the mean before the softmax; here it is that of the probabilities, so that what is saved still gives
    probabilities.
    """
    if not test_time_flip:
        return model
    # The same layers in a model that was never compiled, so that no optimizer is saved with them.
    network = keras.Model(model.input, model.output, name=NETWORK)
    pictures = keras.Input(model.input.shape[1:], dtype="uint8", name="input")
    both = [network(pictures), network(mirrored(pictures))]
    return keras.Model(pictures, layers.Average(name="both_ways", dtype="float32")(both), name="both_ways")
