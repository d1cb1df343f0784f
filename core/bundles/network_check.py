"""Whether a saved model from outside is the network that its run's settings describe, before Keras sees it.

A `.keras` file is a zip: `config.json` says which Python classes Keras is to build, with which arguments, and
`model.weights.h5` holds their weights. Only the few classes that ConvDeck writes pass, each layer with the name, place
and size that `core.design.architecture` gives it. So no file decides what code runs or how much memory it takes.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from core.config import ExperimentConfig
from core.design.architecture import Architecture, Layer, Shape, describe_network
from core.design.starting_weights import summaries_of, weight_shapes
from core.errors import BundleError, ConfigError
from core.formatting import printable
from core.model_description import ImageShape

FUNCTIONAL = ("keras.src.models.functional", "Functional")
# Layers by the kinds of `core.design.architecture`.
CLASSES = {
    "input": "InputLayer",
    "rescaling": "Rescaling",
    "whitening": "Conv2D",
    "activation": "Activation",
    "conv": "Conv2D",
    "separable_conv": "SeparableConv2D",
    "batch_norm": "BatchNormalization",
    "max_pool": "MaxPooling2D",
    "average_pool": "AveragePooling2D",
    "dropout": "Dropout",
    "concatenate": "Concatenate",
    "add": "Add",
    "flatten": "Flatten",
    "global_average_pool": "GlobalAveragePooling2D",
    "dense": "Dense",
    "softmax": "Dense",
}
ALLOWED = {
    FUNCTIONAL,
    ("keras.src.ops.numpy", "Flip"),
    ("keras", "DTypePolicy"),
    (None, "__keras_tensor__"),
    *(("keras.layers", name) for name in (*CLASSES.values(), "Average")),
    *(("keras.initializers", name) for name in ("GlorotUniform", "Zeros", "Ones")),
}
_POLICIES = ("float32", "mixed_float16", "mixed_bfloat16", "uint8")
# What Keras calls layers with weights in the file of weights.
_SAVED_AS = {
    "Conv2D": "conv2d",
    "SeparableConv2D": "separable_conv2d",
    "BatchNormalization": "batch_normalization",
    "Dense": "dense",
}
# Of a run with test-time flip: the network is a layer among these.
_FLIPS = re.compile(r"^flip_\d+$")
_AROUND = {"input": "InputLayer", "flip": "Flip", "network": "Functional", "both_ways": "Average"}


class Weight(NamedTuple):
    """Of which layer a weight is, and its shape."""

    layer: str
    shape: Shape


def check_network(
    values: Any, config: ExperimentConfig, image_shape: ImageShape, num_classes: int
) -> dict[str, Weight]:
    """Returns the weights that the network has, by their places in `model.weights.h5`.

    `values` is what `config.json` holds. Raises BundleError where it is anything but the network of `config`.
    """
    for each in _dicts(values):
        _check_class(each)
    try:
        network = describe_network(config.model, image_shape, num_classes)
    except ConfigError as error:
        raise BundleError(f"The network of the bundle cannot be built: {error}") from None
    prefix = ""
    if config.training.test_time_flip:
        prefix = "layers/functional/"
        around = {layer.get("name"): layer for layer in _layers(values)}
        # Keras numbers the flips of a process: a worker's second run has `flip_1`.
        kinds = {_FLIPS.sub("flip", str(name)): layer.get("class_name") for name, layer in around.items()}
        if len(around) != len(_AROUND) or kinds != _AROUND:
            raise _other("it is not answered both ways")
        _check_input(around["input"], image_shape)
        values = around["network"]
    found = _layers(values)
    names = [layer.get("name") for layer in found]
    if sorted(map(str, names)) != sorted(layer.name for layer in network.layers):
        raise _other("its layers are others")
    by_name = {layer["name"]: layer for layer in found}
    for layer in network.layers:
        _check_layer(by_name[layer.name], layer, image_shape)
    return dict(_weights([str(name) for name in names], network, prefix))


def _weights(names: Sequence[str], network: Architecture, prefix: str) -> Iterator[tuple[str, Weight]]:
    """Place and weight, in the order in which Keras saves layers: by their classes, numbered from the second on."""
    kinds = {layer.name: layer.kind for layer in network.layers}
    summaries = {layer.name: layer for layer in summaries_of(network)}
    seen: Counter[str] = Counter()
    for name in names:
        keras_name = _SAVED_AS.get(CLASSES[kinds[name]], "")
        numbered = f"{keras_name}_{seen[keras_name]}" if seen[keras_name] else keras_name
        seen[keras_name] += 1
        for place, shape in enumerate(weight_shapes(summaries[name], summaries)):
            yield f"{prefix}layers/{numbered}/vars/{place}", Weight(name, shape)


def _dicts(values: Any) -> Iterator[dict[str, Any]]:
    if isinstance(values, dict):
        yield values
        values = list(values.values())
    if isinstance(values, list):
        for each in values:
            yield from _dicts(each)


def _check_class(values: dict[str, Any]) -> None:
    if not {"class_name", "module", "registered_name"} & values.keys():
        return
    module, name = values.get("module"), values.get("class_name")
    known = (
        isinstance(name, str) and (module is None or isinstance(module, str)) and (module, name) in ALLOWED
    )
    if not known or values.get("registered_name") not in (None, name) or values.get("compile_config"):
        shown = printable(f"{module}.{name}" if module else str(name), 60)
        raise BundleError(
            f"The saved model in the bundle asks for {shown}, which no network of ConvDeck has. It could run code, so "
            "it is not loaded."
        )
    if (module, name) == ("keras", "DTypePolicy") and values.get("config") not in [
        {"name": policy} for policy in _POLICIES
    ]:
        raise _other("it calculates in another precision")


def _layers(values: Any) -> list[dict[str, Any]]:
    config = values.get("config") if isinstance(values, dict) else None
    layers = config.get("layers") if isinstance(config, dict) else None
    if (values.get("module"), values.get("class_name")) != FUNCTIONAL if isinstance(values, dict) else True:
        raise _other("it is no network")
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise _other("it has no layers")
    if any(layer.get("name") != _settings(layer).get("name") for layer in layers):
        raise _other("a layer has two names")
    return layers


def _settings(layer: dict[str, Any]) -> dict[str, Any]:
    settings = layer.get("config")
    return settings if isinstance(settings, dict) else {}


def _check_input(found: dict[str, Any], image_shape: ImageShape) -> None:
    settings = _settings(found)
    if settings.get("batch_shape") != [None, *image_shape] or settings.get("dtype") != "uint8":
        raise _other("it reads other pictures")


def _check_layer(found: dict[str, Any], layer: Layer, image_shape: ImageShape) -> None:
    settings = _settings(found)
    if found.get("class_name") != CLASSES[layer.kind]:
        raise _other(f"{layer.name} is another layer")
    if layer.kind == "input":
        _check_input(found, image_shape)
        return
    inputs = [each["config"]["keras_history"][0] for each in _tensors(found.get("inbound_nodes"))]
    if inputs != list(layer.inputs):
        raise _other(f"{layer.name} reads other layers")
    wanted = dict(layer.settings)
    if (stride := wanted.pop("stride", None)) is not None:
        wanted["strides"] = stride
    if layer.kind == "softmax":
        wanted["activation"] = "softmax"
    elif "activation" in settings:
        wanted.setdefault("activation", "linear")
    for key, value in wanted.items():
        if settings.get(key) not in (value, [value, value]):
            raise _other(f"{key} of {layer.name} is another")
    if settings.get("dilation_rate", [1, 1]) not in (1, [1, 1]) or settings.get("groups", 1) != 1:
        raise _other(f"{layer.name} is spread out")
    if any(
        settings.get(key) is not None for key in settings if key.endswith(("_regularizer", "_constraint"))
    ):
        raise _other(f"{layer.name} is held back")


def _tensors(nodes: Any) -> Iterator[dict[str, Any]]:
    for each in _dicts(nodes):
        if each.get("class_name") == "__keras_tensor__":
            config = each.get("config")
            history = config.get("keras_history") if isinstance(config, dict) else None
            if not isinstance(history, list) or not history:
                raise _other("a layer reads nothing")
            yield each


def _other(what: str) -> BundleError:
    return BundleError(
        f"The saved model in the bundle is not the network of the run's settings: {printable(what, 100)}."
    )
