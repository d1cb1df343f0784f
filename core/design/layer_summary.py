"""A layer of a built network in plain values, as training gives it and pages show it. Loads no Keras."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.formatting import count_of

CONVOLUTIONS = ("conv", "separable_conv", "depthwise_conv")  # kinds that have filters
# How a number of a layer comes about: see `core.training.products.Products`.
SUM, MAXIMUM, COPY = "sum", "maximum", "copy"


@dataclass(frozen=True)
class LayerSummary:
    """A layer of a network: its `kind`, the layers that it reads, and that read it.

    `kind` is a name of `core.training.layers`, or the layer's class in Keras where it has none there. `output_shape` is
    without the batch axis, `activation` what the layer itself ends with, `kernel_size` (rows, columns) that of a
    convolution.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output_shape: tuple[int, ...]
    parameters: int
    activation: str | None = None
    kernel_size: tuple[int, int] | None = None
    followers: tuple[str, ...] = ()

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "LayerSummary":
        """From a row as it crosses the pipe."""
        size = row["kernel_size"]
        return cls(
            row["name"], row["kind"], tuple(row["inputs"]), tuple(row["output_shape"]), row["parameters"],
            row["activation"], None if size is None else (size[0], size[1]),
        )  # fmt: skip

    @property
    def is_map(self) -> bool:
        """Whether it gives maps, and not a number per unit."""
        return len(self.output_shape) == 3

    @property
    def channels(self) -> int:
        """How many maps or units it has."""
        return self.output_shape[-1]

    @property
    def in_words(self) -> str:
        """`conv_1: 32 maps of 30×30`"""
        if self.is_map:
            rows, columns, _ = self.output_shape
            return f"{self.name}: {count_of(self.channels, 'map')} of {columns}×{rows}"
        return f"{self.name}: {count_of(self.channels, 'unit')}"

    def to_json(self) -> dict[str, Any]:
        """As the command line and REST give it."""
        return {
            "name": self.name, "kind": self.kind, "inputs": list(self.inputs),
            "output_shape": list(self.output_shape), "parameters": self.parameters, "activation": self.activation,
            "kernel_size": None if self.kernel_size is None else list(self.kernel_size),
        }  # fmt: skip
