"""The network: convolution blocks, a head and dense layers."""

import re
from typing import Annotated, ClassVar, Literal, get_args

from msgspec import Meta

from core.config.fields import LATER, LaterSwitch
from core.config.part import Check, ConfigPart
from core.config.refusals import NUMBERS, describe
from core.errors import ConfigError

Activation = Literal["relu", "gelu", "silu", "elu", "leaky_relu", "tanh", "linear"]
Padding = Literal["valid", "same"]
Pool = Literal["max", "average", "none"]
Head = Literal["flatten", "global_average"]
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
PADDINGS: tuple[Padding, ...] = get_args(Padding)
POOLS: tuple[Pool, ...] = get_args(Pool)
HEADS: tuple[Head, ...] = get_args(Head)

MAX_BLOCKS = 40
MAX_DENSE = 10

RUN_ID = re.compile(r"[a-z][a-z0-9]{9}")

_Dropout = Annotated[float, Meta(ge=0, le=0.95)]
_KernelSize = Annotated[int, Meta(ge=1, le=31)]


class BlockConfig(ConfigPart, frozen=True):
    """One convolution block: `repeats` times convolution and batch normalisation, then pooling and dropout."""

    filters: Annotated[int, Meta(ge=1, le=2048)] = 32
    kernel_sizes: Annotated[
        tuple[_KernelSize, ...],
        Meta(
            min_length=1,
            max_length=6,
            description="Several are parallel branches with `filters` filters each, concatenated as in Inception.",
        ),
    ] = (3,)
    padding: Padding = "valid"
    stride: Annotated[int, Meta(ge=1, le=8, description="Applies to the first repeat.")] = 1
    activation: Activation = "relu"
    batch_norm: bool = True
    pool: Pool = "max"
    pool_size: Annotated[int, Meta(ge=1, le=16)] = 2
    dropout: _Dropout = 0.0
    repeats: Annotated[int, Meta(ge=1, le=20)] = 1
    residual: Annotated[
        bool,
        Meta(
            description="Adds the block's input to what its convolutions give, through a 1×1 convolution where the "
            "shapes differ."
        ),
    ] = False
    separable: Annotated[bool, Meta(description="Uses depthwise separable convolutions.")] = False

    def check(self, fields: Check) -> None:
        fields(NUMBERS)
        sizes = self.kernel_sizes
        if sizes == ():
            raise ConfigError("kernel_sizes", "must have at least one size.")
        if not isinstance(sizes, tuple) or not 1 <= len(sizes) <= 6:
            raise ConfigError(
                "kernel_sizes", f"must be a list of 1 to 6 whole numbers, not {describe(sizes)}."
            )
        fields("kernel_sizes")
        if len(set(sizes)) != len(sizes):
            raise ConfigError(
                "kernel_sizes", "names a kernel size twice; each parallel branch needs its own."
            )
        fields("padding")
        if len(sizes) > 1 and self.padding != "same":
            raise ConfigError(
                "padding", "must be 'same' with several kernel sizes: their outputs are laid side by side."
            )
        fields("activation", "batch_norm", "pool", "residual", "separable")
        if self.residual and self.padding != "same":
            raise ConfigError("padding", "must be 'same' in a residual block: input and output are added.")


class DenseConfig(ConfigPart, frozen=True):
    """One fully connected layer of the head, with the dropout that follows it."""

    units: Annotated[int, Meta(ge=1, le=16_384)] = 128
    activation: Activation = "relu"
    dropout: _Dropout = 0.0

    def check(self, fields: Check) -> None:
        fields(NUMBERS, "activation")


class ModelConfig(ConfigPart, frozen=True):
    """Convolution blocks, then `head`, then dense layers; the output layer comes from the data set's classes."""

    place: ClassVar[str] = "model."

    blocks: Annotated[tuple[BlockConfig, ...], Meta(max_length=MAX_BLOCKS)] = (BlockConfig(),)
    head: Head = "flatten"
    dense: Annotated[tuple[DenseConfig, ...], Meta(max_length=MAX_DENSE)] = ()
    batch_norm_momentum: Annotated[
        float,
        Meta(
            ge=0,
            le=0.9999,
            description="How slowly batch normalisation's running statistics follow, which are what counts when "
            "nothing trains. Keras's 0.99 needs some hundred steps, 0.9 some dozens: with few steps per epoch, the "
            "first epochs' validation is poor for that reason alone.",
        ),
    ] = 0.99
    whitening: Annotated[
        LaterSwitch,
        Meta(
            description="Puts a 2×2 convolution in front that is not trained: computed from the training pictures, it "
            "gives numbers that are not correlated and have a variance of nearly 1 (less for what hardly varies), each "
            "with its negative, through gelu (Jordan, arXiv 2404.00498, section 3.2)."
        ),
    ] = False
    start_from: Annotated[
        Annotated[str, Meta(pattern=f"^{RUN_ID.pattern}$")] | None,
        LATER,
        Meta(
            description="The id of a finished run. Each layer whose name and shapes are the same there starts from the "
            "weights of that run's best epoch; the output layer and all others start from random weights (null: all)."
        ),
    ] = None
    frozen_blocks: Annotated[
        int,
        LATER,
        Meta(
            ge=0,
            le=MAX_BLOCKS,
            description="How many convolution blocks, counted from the picture, keep the weights that they start from; "
            "their batch normalisation uses the statistics that it has. Needs start_from.",
        ),
    ] = 0

    def check(self, fields: Check) -> None:
        if len(self.blocks) > MAX_BLOCKS:
            raise ConfigError(
                "model.blocks", f"may hold at most {MAX_BLOCKS} blocks, not {len(self.blocks)}."
            )
        if len(self.dense) > MAX_DENSE:
            raise ConfigError("model.dense", f"may hold at most {MAX_DENSE} layers, not {len(self.dense)}.")
        fields("head", NUMBERS, "whitening")
        start = self.start_from
        # A pattern's $ also takes a line's end behind it.
        if start is not None and (not isinstance(start, str) or not RUN_ID.fullmatch(start)):
            raise ConfigError(
                "model.start_from",
                f"must be the id of a run, ten lowercase letters and digits, not {describe(start)}.",
            )
        if self.frozen_blocks and start is None:
            raise ConfigError(
                "model.frozen_blocks",
                "needs a run whose weights the network starts from: random weights would stay random. Choose one, or "
                "freeze no block.",
            )
        if self.frozen_blocks > len(self.blocks):
            raise ConfigError(
                "model.frozen_blocks",
                f"must be at most {len(self.blocks)}, the number of convolution blocks, not {self.frozen_blocks}.",
            )
