"""A network as Keras code, one line per layer, under the names and in the order of `core.design.architecture`."""

from collections import Counter

from core.config import ExperimentConfig
from core.design.architecture import Architecture, Layer
from core.script.text import WIDTH

_INPUT = "pictures"


def network_lines(config: ExperimentConfig, network: Architecture) -> list[str]:
    """The functions `build_network` and `set_starting_weights`.

    A layer's output is called `x` where the next layer alone reads it, else by the layer's own name.
    """
    used = Counter(name for layer in network.layers for name in layer.inputs)
    follows = {layer.inputs[0]: layer.name for layer in network.layers if len(layer.inputs) == 1}
    variables: dict[str, str] = {}
    lines: list[str] = []
    part = None
    for place, layer in enumerate(network.layers):
        if layer.kind == "input":
            variables[layer.name] = _INPUT
            lines.append(f'    {_INPUT} = keras.Input(IMAGE_SHAPE, name="input")')
            continue
        if part != (part := _part_of(layer)):
            lines += ["", f"    # {part}"]
        after = network.layers[place + 1].name if place + 1 < len(network.layers) else None
        is_passed_on = not used[layer.name] or (used[layer.name] == 1 and follows.get(layer.name) == after)
        variables[layer.name] = "x" if is_passed_on else layer.name
        given = [variables[name] for name in layer.inputs]
        lines += _assignment(variables[layer.name], _made(layer, config), given)
    return [
        "def seed_of(name, seed=SEED):",
        '    """A seed of its own for each layer, so that layers of one name start alike in every network."""',
        '    return zlib.crc32(f"{seed}/{name}".encode()) & 0x7FFFFFFF',
        "",
        "",
        "def build_network():",
        f'    """{len(network.layers)} layers with {network.parameters:,} parameters, '
        f'of which {network.trainable_parameters:,} are trained."""',
        *lines,
        "",
        f'    return keras.Model({_INPUT}, x, name="network")',
        "",
        "",
        *_starting_weights(network),
    ]


def _part_of(layer: Layer) -> str:
    """What a group of layers is, as the comment above them."""
    if layer.block is not None:
        return f"Block {layer.block + 1}"
    match layer.kind:
        case "rescaling":
            return "From 0 to 255 to 0 to 1"
        case "whitening" | "activation":
            return "Patches of 2×2 pixels without correlation, not trained"
        case "softmax":
            return "A probability for each class"
    return "Head"


def _made(layer: Layer, config: ExperimentConfig) -> tuple[str, list[str]]:
    """The layer's class in `keras.layers` and its arguments."""
    settings, name = layer.settings, f'name="{layer.name}"'
    match layer.kind:
        case "rescaling":
            return "Rescaling", ["1 / 255", name]
        case "whitening":
            sizes = [str(settings["filters"]), str(settings["kernel_size"])]
            return "Conv2D", [*sizes, 'kernel_initializer="zeros"', "trainable=False", name]
        case "activation":
            return "Activation", [f'"{settings["activation"]}"', name]
        case "conv" | "separable_conv":
            arguments = [str(settings["filters"]), str(settings["kernel_size"])]
            if settings["stride"] != 1:
                arguments.append(f"strides={settings['stride']}")
            if settings["padding"] != "valid":
                arguments.append(f'padding="{settings["padding"]}"')
            of = "Conv2D" if layer.kind == "conv" else "SeparableConv2D"
            return of, [*arguments, *_activation(settings), name]
        case "batch_norm":
            momentum = config.model.batch_norm_momentum
            return "BatchNormalization", [*([] if momentum == 0.99 else [f"momentum={momentum!r}"]), name]
        case "max_pool":
            return "MaxPooling2D", [str(settings["pool_size"]), name]
        case "average_pool":
            return "AveragePooling2D", [str(settings["pool_size"]), name]
        case "dropout":
            return "Dropout", [repr(settings["rate"]), f'seed=seed_of("{layer.name}")', name]
        case "concatenate":
            return "Concatenate", [name]
        case "add":
            return "Add", [name]
        case "flatten":
            return "Flatten", [name]
        case "global_average_pool":
            return "GlobalAveragePooling2D", [name]
        case "dense":
            return "Dense", [str(settings["units"]), *_activation(settings), name]
        case "softmax":
            # Small probabilities would vanish in half precision.
            single = [] if config.training.precision == "float32" else ['dtype="float32"']
            return "Dense", ["NUM_CLASSES", 'activation="softmax"', *single, name]
    raise ValueError(f"core.design.architecture describes a {layer.kind!r} layer, which is not written yet.")


def _activation(settings: dict[str, str]) -> list[str]:
    return [] if settings["activation"] == "linear" else [f'activation="{settings["activation"]}"']


def _assignment(target: str, made: tuple[str, list[str]], given: list[str]) -> list[str]:
    """The line that adds a layer, or three where it would be too long."""
    function, arguments = made[0], ", ".join(made[1])
    read = given[0] if len(given) == 1 else f"[{', '.join(given)}]"
    line = f"    {target} = layers.{function}({arguments})({read})"
    if len(line) <= WIDTH:
        return [line]
    if len(given) > 1:
        return [f"    {target} = layers.{function}({arguments})(", f"        {read}", "    )"]
    return [f"    {target} = layers.{function}(", f"        {arguments}", f"    )({read})"]


def _starting_weights(network: Architecture) -> list[str]:
    separable = any(layer.kind == "separable_conv" for layer in network.layers)
    of = [
        "                seed = seed_of(layer.name)",
        '                if variable.name == "pointwise_kernel":',
        '                    seed = seed_of("pointwise", seed)',
        "                variable.assign(keras.initializers.GlorotUniform(seed)(variable.shape))",
    ]
    plain = [
        "                draw = keras.initializers.GlorotUniform(seed_of(layer.name))",
        "                variable.assign(draw(variable.shape))",
    ]
    return [
        "def set_starting_weights(network):",
        '    """Draw the weights that the run started from."""',
        "    for layer in network.layers:",
        "        for variable in layer.trainable_weights:",
        '            if variable.name.endswith("kernel"):',
        *(of if separable else plain),
    ]
