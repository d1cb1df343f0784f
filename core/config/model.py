"""The network: convolution blocks, a head and dense layers."""

from typing import Annotated, ClassVar, Literal, get_args

from msgspec import Meta

from core.config.fields import LaterSwitch
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

    def check(self, fields: Check) -> None:
        if len(self.blocks) > MAX_BLOCKS:
            raise ConfigError(
                "model.blocks", f"may hold at most {MAX_BLOCKS} blocks, not {len(self.blocks)}."
            )
        if len(self.dense) > MAX_DENSE:
            raise ConfigError("model.dense", f"may hold at most {MAX_DENSE} layers, not {len(self.dense)}.")
        fields("head", NUMBERS, "whitening")
