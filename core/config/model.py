"""The network: convolution blocks, a head and dense layers."""

from dataclasses import dataclass, field

from core.config.fields import (
    check_boolean,
    check_choice,
    check_integer,
    check_limits,
    describe,
    later_switch,
    number,
    whole,
)
from core.errors import ConfigError

ACTIVATIONS = ("relu", "gelu", "silu", "elu", "leaky_relu", "tanh", "linear")
PADDINGS = ("valid", "same")
POOLS = ("max", "average", "none")
HEADS = ("flatten", "global_average")

MAX_BLOCKS = 40
MAX_DENSE = 10


@dataclass(frozen=True)
class BlockConfig:
    """One convolution block: `repeats` times convolution and batch normalisation, then pooling and dropout.

    Several `kernel_sizes` are parallel branches with `filters` filters each, concatenated as in Inception.
    `stride` applies to the first repeat. `residual` adds the block's input to what its convolutions give,
    through a 1×1 convolution where the shapes differ. `separable` uses depthwise separable convolutions.
    """

    filters: int = whole(32, 1, 2048)
    kernel_sizes: tuple[int, ...] = (3,)
    padding: str = "valid"
    stride: int = whole(1, 1, 8)
    activation: str = "relu"
    batch_norm: bool = True
    pool: str = "max"
    pool_size: int = whole(2, 1, 16)
    dropout: float = number(0.0, 0.0, 0.95)
    repeats: int = whole(1, 1, 20)
    residual: bool = False
    separable: bool = False

    def __post_init__(self) -> None:
        check_limits(self)
        if not isinstance(self.kernel_sizes, tuple) or not 1 <= len(self.kernel_sizes) <= 6:
            raise ConfigError(
                "kernel_sizes", f"must be a list of 1 to 6 whole numbers, not {describe(self.kernel_sizes)}."
            )
        for index, size in enumerate(self.kernel_sizes):
            check_integer(f"kernel_sizes[{index}]", size, 1, 31)
        if len(set(self.kernel_sizes)) != len(self.kernel_sizes):
            raise ConfigError(
                "kernel_sizes", "names a kernel size twice; each parallel branch needs its own."
            )
        check_choice("padding", self.padding, PADDINGS)
        if len(self.kernel_sizes) > 1 and self.padding != "same":
            raise ConfigError(
                "padding", "must be 'same' with several kernel sizes: their outputs are laid side by side."
            )
        check_choice("activation", self.activation, ACTIVATIONS)
        check_boolean("batch_norm", self.batch_norm)
        check_choice("pool", self.pool, POOLS)
        check_boolean("residual", self.residual)
        check_boolean("separable", self.separable)
        if self.residual and self.padding != "same":
            raise ConfigError("padding", "must be 'same' in a residual block: input and output are added.")


@dataclass(frozen=True)
class DenseConfig:
    """One fully connected layer of the head, with the dropout that follows it."""

    units: int = whole(128, 1, 16_384)
    activation: str = "relu"
    dropout: float = number(0.0, 0.0, 0.95)

    def __post_init__(self) -> None:
        check_limits(self)
        check_choice("activation", self.activation, ACTIVATIONS)


@dataclass(frozen=True)
class ModelConfig:
    """Convolution blocks, then `head`, then dense layers; the output layer comes from the data set's classes.

    `batch_norm_momentum` says how slowly batch normalisation's running statistics follow, which are what counts
    when nothing trains. Keras's 0.99 needs some hundred steps, 0.9 some dozens: with few steps an epoch, the
    first epochs' validation is poor for that reason alone.

    `whitening` puts a 2×2 convolution in front that is not trained: computed from the training pictures, it gives
    numbers that are not correlated and have a variance of 1, each with its negative, through gelu (Jordan, arXiv
    2404.00498, section 3.2).
    """

    blocks: tuple[BlockConfig, ...] = field(default_factory=lambda: (BlockConfig(),))
    head: str = "flatten"
    dense: tuple[DenseConfig, ...] = ()
    batch_norm_momentum: float = number(0.99, 0.0, 0.9999)
    whitening: bool = later_switch()

    def __post_init__(self) -> None:
        if len(self.blocks) > MAX_BLOCKS:
            raise ConfigError(
                "model.blocks", f"may hold at most {MAX_BLOCKS} blocks, not {len(self.blocks)}."
            )
        if len(self.dense) > MAX_DENSE:
            raise ConfigError("model.dense", f"may hold at most {MAX_DENSE} layers, not {len(self.dense)}.")
        check_choice("model.head", self.head, HEADS)
        check_limits(self, "model.")
        check_boolean("model.whitening", self.whitening)
