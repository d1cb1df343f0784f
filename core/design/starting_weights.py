"""Which layers of a network can start from the weights of another network, without Keras.

Transfer learning (Yosinski et al., "How transferable are features in deep neural networks?", arXiv 1411.1792): a layer
takes the weights of the layer of its name where kind and shapes agree. The output layer belongs to its classes, so it
is always new. Batch normalisation belongs to the convolution before it, so it is new where that is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.design.architecture import WHITENING, Architecture, Layer, Shape
from core.design.layer_summary import LayerSummary
from core.formatting import count_of

OUTPUT = "softmax"
# What Keras makes of kinds that have a name of their own here.
_KERAS = {OUTPUT: "dense", WHITENING: "conv"}

ByName = Mapping[str, LayerSummary]


@dataclass(frozen=True)
class LayerStart:
    """Where the weights of the layer `name` come from: `taken` from the layer of that name, or new, and why."""

    name: str
    taken: bool
    reason: str = ""


def summaries_of(network: Architecture) -> tuple[LayerSummary, ...]:
    """A described network's layers as those of a built one are summarised."""
    return tuple(_summary(layer) for layer in network.layers)


def plan_start(network: Sequence[LayerSummary], source: Sequence[LayerSummary]) -> tuple[LayerStart, ...]:
    """For each layer of `network` that has weights, in order, whether it takes those of `source`."""
    own, other = ({layer.name: layer for layer in each} for each in (network, source))
    found: dict[str, LayerStart] = {}
    for layer in network:
        if not layer.parameters:
            continue
        reason = _why_new(layer, own, other)
        if not reason and layer.kind == "batch_norm":
            new = [name for name in _weighted_before(layer, own) if not found[name].taken]
            reason = f"{new[0]} before it is new" if new else ""
        found[layer.name] = LayerStart(layer.name, not reason, reason)
    return tuple(found.values())


def weight_shapes(layer: LayerSummary, layers: ByName) -> tuple[Shape, ...]:
    """The shapes of a layer's weights in the order of Keras; `layers` are those of its network by name."""
    if not layer.parameters:
        return ()
    inputs, outputs = _reads(layer, layers), layer.channels
    if layer.kind == "batch_norm":
        return ((outputs,),) * 4
    if layer.kernel_size is None:
        return (inputs, outputs), (outputs,)
    if layer.kind == "separable_conv":
        return (*layer.kernel_size, inputs, 1), (1, 1, inputs, outputs), (outputs,)
    return (*layer.kernel_size, inputs, outputs), (outputs,)


def start_in_words(plan: Sequence[LayerStart], frozen_blocks: int = 0) -> str:
    """`Taken: conv_1, batch_norm_1. New: softmax (3 classes instead of 10). Frozen: blocks 1 to 3.`"""
    taken = ", ".join(each.name for each in plan if each.taken) or "nothing"
    new = ", ".join(f"{each.name} ({each.reason})" for each in plan if not each.taken)
    frozen = "block 1" if frozen_blocks == 1 else f"blocks 1 to {frozen_blocks}"
    return f"Taken: {taken}. New: {new}." + (f" Frozen: {frozen}." if frozen_blocks else "")


def _summary(layer: Layer) -> LayerSummary:
    size = layer.settings.get("kernel_size")
    return LayerSummary(
        layer.name, _KERAS.get(layer.kind, layer.kind), layer.inputs, layer.output_shape, layer.parameters,
        kernel_size=None if size is None else (size, size),
    )  # fmt: skip


def _why_new(layer: LayerSummary, own: ByName, other: ByName) -> str:
    """In a few words; empty where it is taken."""
    same = other.get(layer.name)
    if same is None:
        return "no layer of this name there"
    if layer.name == OUTPUT:
        changed = layer.channels != same.channels
        return f"{layer.channels:,} classes instead of {same.channels:,}" if changed else "always new"
    if layer.kind != same.kind:
        return "another kind of layer there"
    if weight_shapes(layer, own) == weight_shapes(same, other):
        return ""
    return next(_differences(layer, same, _reads(layer, own), _reads(same, other)))


def _differences(layer: LayerSummary, same: LayerSummary, reads: int, read: int) -> Iterator[str]:
    if layer.kernel_size and same.kernel_size and layer.kernel_size != same.kernel_size:
        yield f"{_size(layer.kernel_size)} instead of {_size(same.kernel_size)}"
    is_dense = layer.kind == "dense"
    if layer.channels != same.channels:
        yield f"{count_of(layer.channels, 'unit' if is_dense else 'channel')} instead of {same.channels:,}"
    yield f"reads {count_of(reads, 'value' if is_dense else 'channel')} instead of {read:,}"


def _size(kernel: tuple[int, int]) -> str:
    return f"{kernel[0]}×{kernel[1]}"


def _reads(layer: LayerSummary, layers: ByName) -> int:
    return layers[layer.inputs[0]].channels


def _weighted_before(layer: LayerSummary, layers: ByName) -> Iterator[str]:
    """The nearest layers with weights on each way to `layer`."""
    for name in layer.inputs:
        if layers[name].parameters:
            yield name
        else:
            yield from _weighted_before(layers[name], layers)
