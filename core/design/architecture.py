"""Every layer of a network with its shape, parameters, FLOPs and receptive field, without Keras.

The rows are also the plan that the Keras model is built from, so names, order and wiring are said once.

Conventions: shapes leave out the batch axis. A multiply-add counts as two FLOPs; a bias, an activation and each
element that a pooling window reads count as one; batch normalisation as two an element. The receptive field is
the side, in input pixels, of the square that one output position can see, after Dumoulin and Visin (arXiv
1603.07285) and Araujo et al. (Distill, 2019); it may exceed the picture.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from core.config.model import BlockConfig, DenseConfig, ModelConfig
from core.errors import ConfigError

MAX_PARAMETERS = 100_000_000
# With 400 layers TensorFlow takes a minute and a half before the first step (two cores); it grows faster than linearly.
MAX_LAYERS = 400

# The layer before the blocks that makes 2×2 patches of pixels uncorrelated.
WHITENING = "whitening"
WHITENING_SIZE = 2
WHITENING_ACTIVATION = "gelu"

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """One layer: what it is, what it reads, and what comes of it.

    `settings` are the arguments that shape it (`filters`, `kernel_size`, `rate`, …). `output_shape` is without
    the batch axis. `block` is the index of its convolution block, `dense` that of its dense layer, if any. A layer of a
    `frozen` block keeps the weights that it starts from.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    settings: dict[str, Any]
    output_shape: Shape
    parameters: int
    trainable_parameters: int
    flops: int
    receptive_field: int
    block: int | None = None
    dense: int | None = None
    frozen: bool = False


@dataclass(frozen=True)
class Architecture:
    """A whole network, layers in order."""

    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def trainable_parameters(self) -> int:
        return sum(layer.trainable_parameters for layer in self.layers)

    @property
    def flops(self) -> int:
        """FLOPs of one picture's forward pass."""
        return sum(layer.flops for layer in self.layers)

    @property
    def receptive_field(self) -> int:
        """Of the last convolution or pooling, in input pixels; 1 when there is none."""
        spatial = [layer for layer in self.layers if layer.block is not None or layer.kind == WHITENING]
        return spatial[-1].receptive_field if spatial else 1


class NotBuildable(ConfigError):
    """A network that cannot be built. `layers` are those up to `layer`, the first that cannot be, and `reason` says in
    a few words why not. Where the network as a whole is too large, `layers` are all and `layer` is the largest.
    """

    def __init__(self, field: str, message: str, layer: str, reason: str, layers: Sequence[Layer]) -> None:
        super().__init__(field, message)
        self.layer = layer
        self.reason = reason
        self.layers = tuple(layers)


def describe_network(
    model: ModelConfig, input_shape: Shape = (32, 32, 3), num_classes: int = 10
) -> Architecture:
    """Work out every layer for pictures of `input_shape` (height, width, channels).

    Raises:
        NotBuildable: a kernel or a pooling window is larger than what it reads (the layer and both sizes are
            named), or there are more than `MAX_LAYERS` layers before the head or `MAX_PARAMETERS` parameters.
    """
    plan = _Plan()
    tip = plan.start(input_shape)
    if model.whitening:
        tip = _add_whitening(plan, tip)
    for index, block in enumerate(model.blocks):
        tip = _add_block(plan, tip, index, block)
    _check_depth(plan)
    tip = _add_head(plan, tip, model.head)
    for index, dense in enumerate(model.dense):
        tip = _add_dense(plan, tip, index, dense)
    features = prod(tip.shape)
    plan.add(
        tip, "softmax", "softmax", (num_classes,), {"units": num_classes},
        parameters=features * num_classes + num_classes, flops=(2 * features + 2) * num_classes,
    )  # fmt: skip
    architecture = Architecture(tuple(_with_frozen(plan.layers, model.frozen_blocks)))
    if architecture.parameters > MAX_PARAMETERS:
        largest = max(architecture.layers, key=lambda layer: layer.parameters)
        raise NotBuildable(
            _place(largest),
            f"The network would have {architecture.parameters:,} parameters, {largest.parameters:,} of them in "
            f"{largest.name}; at most {MAX_PARAMETERS:,} are allowed. Make {largest.name} or its input smaller.",
            largest.name, "too many parameters", plan.layers,
        )  # fmt: skip
    return architecture


def _with_frozen(layers: Sequence[Layer], blocks: int) -> Iterator[Layer]:
    for layer in layers:
        is_frozen = layer.block is not None and layer.block < blocks
        yield replace(layer, trainable_parameters=0, frozen=True) if is_frozen else layer


@dataclass(frozen=True)
class _Tip:
    """Where the next layer is attached: a layer's name, its shape, receptive field and step in input pixels."""

    name: str
    shape: Shape
    receptive_field: int
    jump: int


@dataclass
class _Plan:
    layers: list[Layer] = field(default_factory=list)

    def start(self, input_shape: Shape) -> _Tip:
        self.layers.append(Layer("input", "input", (), {}, input_shape, 0, 0, 0, 1))
        return self.add(_Tip("input", input_shape, 1, 1), "rescaling", "rescaling", input_shape, {},
                        flops=prod(input_shape))  # fmt: skip

    def add(
        self,
        tip: _Tip,
        name: str,
        kind: str,
        shape: Shape,
        settings: dict[str, Any],
        *,
        parameters: int = 0,
        frozen: int = 0,
        flops: int = 0,
        window: int = 1,
        stride: int = 1,
        others: tuple[_Tip, ...] = (),
        block: int | None = None,
        dense: int | None = None,
    ) -> _Tip:
        """Append a layer that reads `tip` and `others` through a window of `window` positions."""
        seen = max(t.receptive_field for t in (tip, *others)) + (window - 1) * tip.jump
        inputs = (tip.name, *(other.name for other in others))
        self.layers.append(
            Layer(
                name,
                kind,
                inputs,
                settings,
                shape,
                parameters,
                parameters - frozen,
                flops,
                seen,
                block,
                dense,
            )
        )
        return _Tip(name, shape, seen, tip.jump * stride)


def _add_whitening(plan: _Plan, tip: _Tip) -> _Tip:
    """A filter for each number in a patch and one for its negative; frozen. Then the activation."""
    height, width, channels = tip.shape
    size = WHITENING_SIZE
    if min(height, width) < size:
        raise NotBuildable(
            "model.whitening",
            f"reads patches of {size}×{size} pixels, and the pictures have {height}×{width}. Turn it off.",
            WHITENING, _too_small(height, width, size), plan.layers,
        )  # fmt: skip
    patch = size * size * channels
    shape = (height - size + 1, width - size + 1, 2 * patch)
    weights = patch * 2 * patch
    tip = plan.add(
        tip, WHITENING, "whitening", shape, {"filters": 2 * patch, "kernel_size": size},
        parameters=weights + 2 * patch, frozen=weights + 2 * patch,
        flops=2 * shape[0] * shape[1] * weights + prod(shape), window=size,
    )  # fmt: skip
    return plan.add(
        tip,
        "whitening_activation",
        "activation",
        shape,
        {"activation": WHITENING_ACTIVATION},
        flops=prod(shape),
    )


def _add_block(plan: _Plan, tip: _Tip, index: int, block: BlockConfig) -> _Tip:
    entry = tip
    for repeat in range(1, block.repeats + 1):
        suffix = f"{index + 1}" if block.repeats == 1 else f"{index + 1}_{repeat}"
        tip = _add_convolutions(plan, tip, index, block, suffix, block.stride if repeat == 1 else 1)
        if block.batch_norm:
            channels = tip.shape[-1]
            tip = plan.add(tip, f"batch_norm_{suffix}", "batch_norm", tip.shape, {}, parameters=4 * channels,
                           frozen=2 * channels, flops=2 * prod(tip.shape), block=index)  # fmt: skip
    if block.residual:
        tip = _add_shortcut(plan, entry, tip, index, block.stride)
    if block.pool != "none":
        tip = _add_pool(plan, tip, index, block)
    if block.dropout:
        tip = plan.add(
            tip, f"conv_dropout_{index + 1}", "dropout", tip.shape, {"rate": block.dropout}, block=index
        )
    return tip


def _add_convolutions(
    plan: _Plan, tip: _Tip, index: int, block: BlockConfig, suffix: str, stride: int
) -> _Tip:
    several = len(block.kernel_sizes) > 1
    branches = []
    for number, size in enumerate(block.kernel_sizes):
        name = f"conv_{suffix}_k{size}" if several else f"conv_{suffix}"
        height, width = tip.shape[:2]
        if block.padding == "valid" and size > min(height, width):
            raise NotBuildable(
                f"model.blocks[{index}].kernel_sizes[{number}]",
                f"{name} reads {height}×{width} pixels, too small for its {size}×{size} kernel without padding. "
                f"Use a smaller kernel, padding 'same', or less pooling before it.",
                name, _too_small(height, width, size), plan.layers,
            )  # fmt: skip
        branches.append(_add_convolution(plan, tip, name, index, block, size, stride))
    if not several:
        return branches[0]
    first, *others = branches
    shape = (*first.shape[:2], sum(branch.shape[-1] for branch in branches))
    return plan.add(first, f"concat_{suffix}", "concatenate", shape, {}, others=tuple(others), block=index)


def _add_convolution(
    plan: _Plan, tip: _Tip, name: str, index: int, block: BlockConfig, size: int, stride: int
) -> _Tip:
    height, width, channels = tip.shape
    shape = (
        _slide(height, size, stride, block.padding),
        _slide(width, size, stride, block.padding),
        block.filters,
    )
    if block.separable:
        weights = size * size * channels + channels * block.filters
    else:
        weights = size * size * channels * block.filters
    settings = {
        "filters": block.filters,
        "kernel_size": size,
        "padding": block.padding,
        "stride": stride,
        "activation": block.activation,
    }
    return plan.add(
        tip, name, "separable_conv" if block.separable else "conv", shape, settings,
        parameters=weights + block.filters,
        flops=2 * shape[0] * shape[1] * weights + _activated(shape, block.activation),
        window=size, stride=stride, block=index,
    )  # fmt: skip


def _add_shortcut(plan: _Plan, entry: _Tip, tip: _Tip, index: int, stride: int) -> _Tip:
    if entry.shape != tip.shape:
        channels, filters = entry.shape[-1], tip.shape[-1]
        settings = {
            "filters": filters,
            "kernel_size": 1,
            "padding": "same",
            "stride": stride,
            "activation": "linear",
        }
        entry = plan.add(
            entry, f"shortcut_{index + 1}", "conv", tip.shape, settings, parameters=channels * filters + filters,
            flops=2 * prod(tip.shape) * channels + prod(tip.shape), stride=stride, block=index,
        )  # fmt: skip
    return plan.add(
        tip, f"add_{index + 1}", "add", tip.shape, {}, flops=prod(tip.shape), others=(entry,), block=index
    )


def _add_pool(plan: _Plan, tip: _Tip, index: int, block: BlockConfig) -> _Tip:
    height, width, channels = tip.shape
    size = block.pool_size
    if size > min(height, width):
        raise NotBuildable(
            f"model.blocks[{index}].pool_size",
            f"pool_{index + 1} reads {height}×{width} pixels, too small for its {size}×{size} window. "
            f"Use a smaller window, no pooling here, or less before it.",
            f"pool_{index + 1}", _too_small(height, width, size), plan.layers,
        )  # fmt: skip
    shape = (_slide(height, size, size, "valid"), _slide(width, size, size, "valid"), channels)
    return plan.add(
        tip, f"pool_{index + 1}", f"{block.pool}_pool", shape, {"pool_size": size},
        flops=prod(shape) * size * size, window=size, stride=size, block=index,
    )  # fmt: skip


def _check_depth(plan: _Plan) -> None:
    """Refuse more than `MAX_LAYERS` up to the head; what follows are a few dense layers at most."""
    if len(plan.layers) <= MAX_LAYERS:
        return
    ((block, most),) = Counter(layer.block for layer in plan.layers if layer.block is not None).most_common(1)
    raise NotBuildable(
        f"model.blocks[{block}].repeats",
        f"The blocks would have {len(plan.layers):,} layers, {most:,} of them in block {block + 1}; at most "
        f"{MAX_LAYERS:,} are allowed. Use fewer blocks, repeats or kernel sizes.",
        plan.layers[MAX_LAYERS].name, f"over {MAX_LAYERS:,} layers", plan.layers[:MAX_LAYERS],
    )  # fmt: skip


def _add_head(plan: _Plan, tip: _Tip, head: str) -> _Tip:
    height, width, channels = tip.shape
    if head == "flatten":
        return plan.add(_whole(tip), "flatten", "flatten", (height * width * channels,), {})
    return plan.add(
        _whole(tip), "global_average_pool", "global_average_pool", (channels,), {}, flops=prod(tip.shape)
    )


def _add_dense(plan: _Plan, tip: _Tip, index: int, dense: DenseConfig) -> _Tip:
    features, units = tip.shape[0], dense.units
    tip = plan.add(
        tip, f"fc{index + 1}", "dense", (units,), {"units": units, "activation": dense.activation},
        parameters=features * units + units, flops=2 * features * units + _activated((units,), dense.activation),
        dense=index,
    )  # fmt: skip
    if dense.dropout:
        tip = plan.add(tip, f"dropout{index + 1}", "dropout", (units,), {"rate": dense.dropout}, dense=index)
    return tip


def _whole(tip: _Tip) -> _Tip:
    """From the head on, each number sees every position there is."""
    side = max(tip.shape[:2])
    return _Tip(tip.name, tip.shape, tip.receptive_field + (side - 1) * tip.jump, tip.jump)


def _slide(length: int, window: int, stride: int, padding: str) -> int:
    return -(-length // stride) if padding == "same" else (length - window) // stride + 1


def _too_small(height: int, width: int, window: int) -> str:
    return f"{height}×{width} is too small for {window}×{window}"


def _activated(shape: Shape, activation: str) -> int:
    """One FLOP a value for the bias, one more for an activation."""
    return prod(shape) * (1 if activation == "linear" else 2)


def _place(layer: Layer) -> str:
    if layer.block is not None:
        return f"model.blocks[{layer.block}].filters"
    return f"model.dense[{layer.dense}].units" if layer.dense is not None else "model"
