"""The stages of a network, which a picture of it shows: what each block, pooling and dense layer gives."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.design.architecture import WHITENING, Layer, Shape
from core.design.muon import CONVOLUTIONS
from core.formatting import count_of

POOLS = {"max_pool": "max", "average_pool": "average"}
# Layers after the blocks, with what a picture calls them; `flatten` only writes the same numbers in a row.
AFTER_BLOCKS = {"global_average_pool": "average", "dense": "dense", "softmax": "softmax"}


@dataclass(frozen=True)
class Stage:
    """What a part of a network gives.

    `shape` is (height, width, channels), or (units,) behind the head. `what` is short, as in `2 × 3×3`, and `words` say
    it in full. `branches` are the channels of each kernel size that lies beside others, in their order.
    `receptive_field` is a side in input pixels, None where a position has none. `is_residual`: the block's input is
    added. `block` counts from 0, None outside the blocks.
    """

    what: str
    words: str
    shape: Shape
    receptive_field: int | None = None
    branches: tuple[int, ...] = ()
    is_residual: bool = False
    is_pool: bool = False
    block: int | None = None

    @property
    def is_map(self) -> bool:
        """Whether it has height and width."""
        return len(self.shape) == 3

    @property
    def size(self) -> str:
        """`30×30×64`"""
        return "×".join(map(str, self.shape))


def stages_of(layers: Sequence[Layer]) -> list[Stage]:
    """From the picture, which is none of them, to the classes, or as far as there are layers."""
    stages = [
        Stage("whitening", f"whitening layer, {_size(layer)}", layer.output_shape, layer.receptive_field)
        for layer in layers
        if layer.kind == WHITENING
    ]
    for block in sorted({layer.block for layer in layers if layer.block is not None}):
        stages += _of_block([layer for layer in layers if layer.block == block], block)
    for layer in layers:
        if layer.kind in AFTER_BLOCKS:
            what = layer.name if layer.kind == "dense" else AFTER_BLOCKS[layer.kind]
            words = "global average" if layer.kind == "global_average_pool" else what
            of = "classes" if layer.kind == "softmax" else "numbers"
            stages.append(Stage(what, f"{words}, {layer.output_shape[0]:,} {of}", layer.output_shape))
    return stages


def network_in_words(image_shape: Shape, stages: Iterable[Stage]) -> str:
    """What a picture of the network shows, for those who do not see it."""
    parts = [f"picture, {'×'.join(map(str, image_shape))}", *(stage.words for stage in stages)]
    return f"The network to scale: {'; '.join(parts)}."


def _of_block(layers: Sequence[Layer], block: int) -> list[Stage]:
    """Its convolutions, as one stage however often they are repeated, and its pooling."""
    found = []
    convolutions = [
        layer for layer in layers if layer.kind in CONVOLUTIONS and not layer.name.startswith("shortcut_")
    ]
    if convolutions:
        found.append(_convolved(layers, convolutions, block))
    for layer in layers:
        if layer.kind in POOLS:
            size = layer.settings["pool_size"]
            what = f"{POOLS[layer.kind]} {size}×{size}"
            words = f"pooling, {what}, {_size(layer)}"
            found.append(
                Stage(what, words, layer.output_shape, layer.receptive_field, is_pool=True, block=block)
            )
    return found


def _convolved(layers: Sequence[Layer], convolutions: Sequence[Layer], block: int) -> Stage:
    joined = [layer for layer in layers if layer.kind == "concatenate"]
    last = joined[-1] if joined else convolutions[-1]
    parallel = [layer for layer in convolutions if layer.name in last.inputs] if joined else []
    repeats = len(joined) if joined else len(convolutions)
    kernels = [
        f"{layer.settings['kernel_size']}×{layer.settings['kernel_size']}" for layer in parallel or [last]
    ]
    stride = convolutions[0].settings["stride"]
    is_residual = any(layer.kind == "add" for layer in layers)
    what = (
        (f"{repeats} × " if repeats > 1 else "")
        + " | ".join(kernels)
        + (f" / {stride}" if stride > 1 else "")
    )
    words = f"block {block + 1}, {count_of(repeats, 'convolution')} {' and '.join(kernels)}"
    words += f" in {len(parallel)} branches" * bool(parallel) + f" with stride {stride}" * (stride > 1)
    words += ", its input added" * is_residual + f", {_size(last)}"
    branches = tuple(layer.output_shape[-1] for layer in parallel)
    return Stage(what, words, last.output_shape, last.receptive_field, branches, is_residual, block=block)


def _size(layer: Layer) -> str:
    return "×".join(map(str, layer.output_shape))
