"""How one number inside a network comes about, as the engine's client gives it, and what that says in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.design.layer_summary import MAXIMUM, LayerSummary
from core.engine.client import Engine
from core.engine.layers import Numbers, finite
from core.formatting import count_of, with_minus
from core.system.frames import Arrays, Pixels

ACTIVATIONS = {
    "relu": "ReLU", "gelu": "GELU", "silu": "SiLU", "elu": "ELU", "leaky_relu": "Leaky ReLU", "tanh": "tanh",
    "softmax": "Softmax",
}  # fmt: skip
MOST_LISTED = 200  # of the products, in JSON


@dataclass(frozen=True)
class Product:
    """An input of a number and its weight; where it is in what the layer reads, and which of the layers gave it."""

    source: str
    row: int
    column: int
    channel: int
    input: float
    weight: float

    @property
    def value(self) -> float:
        """What it adds to the sum."""
        return self.input * self.weight

    def to_json(self) -> dict[str, Any]:
        """As the command line and REST give it."""
        numbers = {"input": self.input, "weight": self.weight, "product": self.value}
        place = {"source": self.source, "row": self.row, "column": self.column, "channel": self.channel}
        return {**place, **{name: finite(value) for name, value in numbers.items()}}


@dataclass(frozen=True, eq=False)
class Calculation:
    """How `value`, the number at `place` of a layer's output, comes about: see `core.training.products.Products`.

    `inputs` and `weights` are (rows, columns, channels) float32.
    """

    layer: LayerSummary
    rule: str
    place: tuple[int, ...]
    value: float
    inputs: Numbers
    weights: Numbers
    is_inside: NDArray[np.bool_]
    corner: tuple[int, ...]
    dilation: tuple[int, ...]
    sources: tuple[str, ...]
    bias: float
    before: float
    others: float | None
    precision: str
    step_sums: Numbers
    step_weights: Numbers

    @classmethod
    def of_row(cls, layer: LayerSummary, row: Mapping[str, Any], arrays: Arrays) -> "Calculation":
        """From a row as it crosses the pipe, and the arrays beside it."""
        listed = {name: tuple(row[name]) for name in ("place", "corner", "dilation", "sources")}
        values: dict[str, Any] = {**row, **listed, **arrays}
        return cls(layer, **values)

    @property
    def products(self) -> Numbers:
        """(rows, columns, channels) what each input adds."""
        return self.inputs * self.weights

    @property
    def of_channels(self) -> NDArray[np.float64]:
        """(channels,) the sum of the products of each input channel."""
        summed: NDArray[np.float64] = self.products.sum(axis=(0, 1), dtype=np.float64)
        return summed

    @property
    def num_products(self) -> int:
        """How many there are, without those of the zeros around what is read."""
        return int(self.is_inside.sum()) * int(self.inputs.shape[-1])

    def largest(self, most: int | None = None) -> list[Product]:
        """The products inside of what is read, the largest first; unless it is a maximum, whatever their signs."""
        sizes = self.products if self.rule == MAXIMUM else np.abs(self.products)
        size = np.where(self.is_inside[..., None], sizes, -np.inf)
        size = np.where(np.isnan(size), np.inf, size)
        order = np.argsort(-size, axis=None, kind="stable")[: self.num_products][:most]
        return [
            self._product(*(int(each) for each in np.unravel_index(at, self.inputs.shape))) for at in order
        ]

    def _product(self, row: int, column: int, channel: int) -> Product:
        first_row, first_column, first_channel = self.corner
        adds = len(self.sources) > 1
        return Product(
            self.sources[channel] if adds else self.sources[0],
            first_row + self.dilation[0] * row, first_column + self.dilation[1] * column,
            first_channel + (0 if adds else channel),
            float(self.inputs[row, column, channel]), float(self.weights[row, column, channel]),
        )  # fmt: skip

    @property
    def sentence(self) -> str:
        """How the number comes about, in words."""
        return f"{self._begin()} {self._end()}".strip()

    def _begin(self) -> str:
        kind, count, source = self.layer.kind, self.num_products, self.sources[0]
        match kind:
            case "max_pool":
                first = self.largest(1)[0]
                return (
                    f"It is the largest of {count_of(count, 'number')} of {source}, the one at row {first.row}, column "
                    f"{first.column}. Pooling has no weights."
                )
            case "average_pool" | "global_average_pool":
                return f"It is the mean of {count_of(count, 'number')} of {source}. Pooling has no weights."
            case "add":
                return f"It is the sum of the numbers at this place in {' and '.join(self.sources)}."
            case "batch_norm":
                return (
                    f"It is the number at this place in {source}, {self._scaled()}. The factor and the shift of each "
                    "channel follow from its mean and variance in training, and from the scale and the offset that "
                    "were learned."
                )
            case "rescaling":
                return f"It is the pixel's value, {self._scaled()}."
            case "flatten":
                first = self.largest(1)[0]
                return (
                    f"Flatten calculates nothing: it lines the numbers of {source} up. This one is at row {first.row}, "
                    f"column {first.column} of map {first.channel}."
                )
            case "dropout":
                return f"Dropout passes the numbers of {source} on as they are. It sets some to 0 in training alone."
            case "concatenate":
                first = self.largest(1)[0]
                return f"Concatenate calculates nothing: this is the number of {source}, map {first.channel}."
            case "activation":
                return f"It is calculated from the one number at this place in {source}."
        return (
            f"{count_of(count, 'product')} of what {source} gives and a weight add up to "
            f"{digits(self.before - self.bias)}. With the bias {digits(self.bias)} that is {digits(self.before)}."
        )

    def _scaled(self) -> str:
        number, factor = float(self.inputs[0, 0, 0]), float(self.weights[0, 0, 0])
        shift = f", {'minus' if self.bias < 0 else 'plus'} {digits(abs(self.bias))}" if self.bias else ""
        return f"{digits(number)}, times {digits(factor)}{shift}: {digits(self.value)}"

    def _end(self) -> str:
        activation, said = self.layer.activation, ""
        if activation == "softmax" and self.others is not None:
            said = (
                f"Softmax divides e to the power of {digits(self.before)} by the sum of that for all classes, e to the "
                f"power of {digits(self.others)}: {digits(self.value)}."
            )
        elif activation is not None:
            name = ACTIVATIONS.get(activation, activation)
            same = math.isclose(self.value, self.before, rel_tol=1e-3)
            said = f"{name} leaves it as it is." if same else f"{name} makes {digits(self.value)} of it."
        if self.layer.kind == "separable_conv":
            said += (
                " A separable convolution works in two steps: first the kernel of each input channel gives one sum, "
                "then the weighted sums are added. The weights here are those of both steps, multiplied."
            )
        if self.precision != "float32":
            said += f" The network calculates in {self.precision}, so its own number is rounded: {digits(self.value)}."
        for follower in self.layer.followers:
            if follower.startswith("batch_norm"):
                said += f" {follower} then normalises it."
        return said

    def to_json(self, most: int = MOST_LISTED) -> dict[str, Any]:
        """As the command line and REST give it, with the largest products alone."""
        return {
            "layer": self.layer.name, "kind": self.layer.kind, "place": list(self.place), "value": finite(self.value),
            "rule": self.rule, "num_products": self.num_products, "bias": finite(self.bias),
            "before_activation": finite(self.before), "activation": self.layer.activation,
            "products": [each.to_json() for each in self.largest(most)],
            "channels": [finite(float(each)) for each in self.of_channels], "sentence": self.sentence,
        }  # fmt: skip


def calculation_of(
    engine: Engine, run_id: str, which: str, pixels: Pixels, layer: LayerSummary, place: tuple[int, ...]
) -> Calculation:
    """How the number at `place` of what `layer` gives for `pixels` (height, width, channels) comes about.

    `place` is (row, column, channel), or (unit,), counted from 0.

    Raises:
        UserError: there are no such weights or no such place, or the layer is the input, which calculates nothing.
        EngineError: the engine crashed or overran its deadline.
    """
    document = {
        "method": "products", "run_id": run_id, "which": which, "layer": layer.name, "place": list(place),
    }  # fmt: skip
    return Calculation.of_row(layer, *engine.ask(document, {"pixels": pixels}))


def digits(value: float) -> str:
    """`0.1234`, `−12.3`, `1.2e−05`: four digits of a number."""  # noqa: RUF002
    return with_minus(f"{value:.4g}")
