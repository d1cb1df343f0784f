"""How one number of a layer's output comes about: what the layer reads there, times its weights, summed."""

import math
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from core.design.layer_summary import COPY, MAXIMUM, SUM
from core.errors import UserError
from core.training.inspection import filters, network_of
from core.training.layers import as_numbers, find_layer, inputs_of, kind_of

Numbers = NDArray[np.float32]
Place = tuple[int, ...]
Corner = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Products:
    """One number of a layer's output, `value`, at `place`: (row, column, channel), or (unit,).

    `rule` is SUM: `inputs` times `weights`, summed, plus `bias`, is `before`, of which the activation makes the value;
    MAXIMUM: it is the largest of `inputs`; or COPY: it is the only one of `inputs`, to which an activation may apply.
    `inputs` and `weights` are (rows, columns, channels) float32. They begin at `corner` (row, column, channel) of what
    the layer reads, and are `dilation` rows and columns apart. What lies outside of it, by padding, is 0, and False in
    `is_inside` (rows, columns). The channels of a layer that adds are its inputs, one each; `sources` names them.

    A separable convolution is multiplied out. `step_sums` (channels,) is what its first, depthwise step gives, and
    `step_weights` (channels,) what the second, pointwise one multiplies it by; of other layers they are empty. Of a
    softmax, `others` is the logarithm of the sum of e to all its units. `precision` is what the layer calculates in;
    here the products are added in more, so that in half precision `value` is only nearly what follows from them.
    """

    rule: str
    place: Place
    value: float
    inputs: Numbers
    weights: Numbers
    is_inside: NDArray[np.bool_]
    corner: Corner
    sources: tuple[str, ...]
    dilation: tuple[int, int] = (1, 1)
    bias: float = 0.0
    before: float = 0.0
    others: float | None = None
    precision: str = "float32"
    step_sums: Numbers = field(default_factory=lambda: np.zeros(0, np.float32))
    step_weights: Numbers = field(default_factory=lambda: np.zeros(0, np.float32))


def products_at(model: keras.Model, picture: NDArray[Any], name: str, place: Place) -> Products:
    """Of the layer `name` for a `picture` (height, width, channels).

    Raises:
        UserError: there is no such layer or place, or it is the input, which calculates nothing.
    """
    layer, network = find_layer(model, name), network_of(model)
    tensors = inputs_of(layer)
    shape = tuple(layer.output.shape[1:])
    if len(place) != len(shape) or not all(0 <= at < size for at, size in zip(place, shape, strict=True)):
        raise UserError(
            f"{name} has no number at {', '.join(map(str, place))}: its output has the shape "
            f"{'×'.join(map(str, shape))}, counted from 0."
        )
    if not tensors:
        raise UserError("The input is the picture itself: nothing is calculated there.")
    inner = keras.Model(network.input, [*tensors, layer.output])
    *read, output = (as_numbers(each)[0] for each in inner(picture[None], training=False))
    return _calculate(model, layer, read, float(output[place]), place)


def _calculate(model: keras.Model, layer: Any, read: list[Numbers], value: float, place: Place) -> Products:
    kind = kind_of(layer)
    made = _Made(layer, tuple(each._keras_history.operation.name for each in inputs_of(layer)), place, value)
    match kind:
        case "conv" | "separable_conv" | "depthwise_conv":
            return _convolution(made, kind, _kernel(model, layer, kind, place[-1]), read[0])
        case "dense":
            return _dense(made, read[0])
        case "max_pool" | "average_pool":
            return _pool(made, kind, read[0])
        case "global_average_pool":
            patch = read[0][..., place[0] : place[0] + 1]
            weights = np.full(patch.shape, 1 / patch[..., 0].size, np.float32)
            return made.summed(patch, weights, (0, 0, place[0]))
        case "add":
            inputs = np.array([[[each[place] for each in read]]], np.float32)
            return made.summed(inputs, np.ones_like(inputs), _corner(place))
        case "batch_norm" | "rescaling":
            factor, shift = _scaling(layer, kind, place[-1])
            return made.summed(_one(read[0][place]), _one(factor), _corner(place), shift)
    return _copied(made, kind, read)


@dataclass(frozen=True)
class _Made:
    """What all `Products` of a number have."""

    layer: Any
    sources: tuple[str, ...]
    place: Place
    value: float

    def summed(
        self, inputs: Numbers, weights: Numbers, corner: Corner, bias: float = 0.0, **others: Any
    ) -> Products:
        """Adds the products up in double precision."""
        before = float((inputs.astype(np.float64) * weights).sum() + bias)
        others.setdefault("is_inside", np.ones(inputs.shape[:2], bool))
        return Products(
            SUM, self.place, self.value, inputs, weights, corner=corner, sources=self.sources, bias=bias,
            before=before, precision=str(self.layer.compute_dtype), **others,
        )  # fmt: skip

    def chosen(self, rule: str, inputs: Numbers, corner: Corner, **others: Any) -> Products:
        """One of the inputs."""
        others.setdefault("is_inside", np.ones(inputs.shape[:2], bool))
        others.setdefault("sources", self.sources)
        before = float(inputs[others["is_inside"]].max())
        return Products(
            rule, self.place, self.value, inputs, np.ones_like(inputs), corner=corner, before=before, **others
        )


def _kernel(model: keras.Model, layer: Any, kind: str, channel: int) -> Numbers:
    """(rows, columns, channels) of one filter."""
    if kind == "depthwise_conv":
        kernel = as_numbers(layer.kernel)
        source, which = divmod(channel, kernel.shape[-1])
        return kernel[:, :, source : source + 1, which]
    return filters(model, layer.name)[..., channel]


def _convolution(made: _Made, kind: str, kernel: Numbers, read: Numbers) -> Products:
    layer, (row, column, channel) = made.layer, made.place
    size, dilation = layer.kernel_size, layer.dilation_rate
    top, left = (
        at * stride - before
        for at, stride, before in zip((row, column), layer.strides, _padding_before(layer, read.shape), strict=True)
    )  # fmt: skip
    patch, is_inside = _patch(read, (top, left), size, dilation)
    first, steps = 0, {}
    if kind == "separable_conv":
        depthwise, pointwise = (as_numbers(each) for each in (layer.depthwise_kernel, layer.pointwise_kernel))
        sums = np.einsum("hwc,hwcm->cm", patch.astype(np.float64), depthwise).ravel()
        steps = {"step_sums": sums.astype(np.float32), "step_weights": pointwise[0, 0, :, channel]}
    elif kind == "depthwise_conv":
        first = channel // layer.depth_multiplier
    elif layer.groups > 1:
        first = channel // (layer.filters // layer.groups) * kernel.shape[-1]
    bias = float(as_numbers(layer.bias)[channel]) if layer.use_bias else 0.0
    return made.summed(
        patch[..., first : first + kernel.shape[-1]], kernel, (top, left, first), bias, is_inside=is_inside,
        dilation=tuple(dilation), **steps,
    )  # fmt: skip


def _dense(made: _Made, read: Numbers) -> Products:
    layer, (unit,) = made.layer, made.place
    kernel = as_numbers(layer.kernel)
    biases = as_numbers(layer.bias) if layer.use_bias else np.zeros(kernel.shape[1], np.float32)
    others = None
    if layer.get_config()["activation"] == "softmax":
        logits = read.astype(np.float64) @ kernel + biases
        others = float(logits.max() + np.log(np.exp(logits - logits.max()).sum()))
    return made.summed(
        read[None, None], kernel[None, None, :, unit], (0, 0, 0), float(biases[unit]), others=others
    )


def _pool(made: _Made, kind: str, read: Numbers) -> Products:
    layer, (row, column, channel) = made.layer, made.place
    top, left = (
        at * stride - before
        for at, stride, before in zip((row, column), layer.strides, _padding_before(layer, read.shape), strict=True)
    )  # fmt: skip
    patch, is_inside = _patch(read[..., channel : channel + 1], (top, left), layer.pool_size, (1, 1))
    if kind == "max_pool":
        return made.chosen(MAXIMUM, patch, (top, left, channel), is_inside=is_inside)
    weights = (is_inside / is_inside.sum())[..., None].astype(np.float32)
    return made.summed(patch, weights, (top, left, channel), is_inside=is_inside)


def _copied(made: _Made, kind: str, read: list[Numbers]) -> Products:
    place = made.place
    if kind == "concatenate":
        channel = place[-1]
        for source, each in zip(made.sources, read, strict=True):
            if channel < each.shape[-1]:
                at = (*place[:-1], channel)
                return made.chosen(COPY, _one(each[at]), _corner(at), sources=(source,))
            channel -= each.shape[-1]
    if kind == "flatten":
        at = tuple(int(each) for each in np.unravel_index(place[0], read[0].shape))
        return made.chosen(COPY, _one(read[0][at]), _corner(at))
    if read[0].ndim != len(place):
        raise UserError(f"How {made.layer.name} calculates is not known here.")
    return made.chosen(COPY, _one(read[0][place]), _corner(place))


def _scaling(layer: Any, kind: str, channel: int) -> tuple[float, float]:
    """What a channel is multiplied by, and what is added then."""
    if kind == "rescaling":
        return float(layer.scale), float(layer.offset)
    mean, variance = (as_numbers(each)[channel] for each in (layer.moving_mean, layer.moving_variance))
    gamma = float(as_numbers(layer.gamma)[channel]) if layer.scale else 1.0
    beta = float(as_numbers(layer.beta)[channel]) if layer.center else 0.0
    factor = gamma / math.sqrt(float(variance) + layer.epsilon)
    return factor, beta - float(mean) * factor


def _padding_before(layer: Any, shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of zeros above and to the left. With “same” TensorFlow puts the odd one behind."""
    if layer.padding != "same":
        return 0, 0
    size = getattr(layer, "kernel_size", None) or layer.pool_size
    dilation = getattr(layer, "dilation_rate", (1, 1))
    top, left = (
        max((-(-length // stride) - 1) * stride + (each - 1) * step + 1 - length, 0) // 2
        for length, stride, each, step in zip(shape, layer.strides, size, dilation, strict=False)
    )
    return top, left


def _patch(
    read: Numbers, corner: tuple[int, int], size: tuple[int, int], dilation: tuple[int, int]
) -> tuple[Numbers, NDArray[np.bool_]]:
    """(rows, columns, channels), 0 outside of what is read, and (rows, columns) whether it is inside."""
    rows, columns = (
        start + step * np.arange(count) for start, step, count in zip(corner, dilation, size, strict=True)
    )
    is_inside = ((rows >= 0) & (rows < read.shape[0]))[:, None] & (
        (columns >= 0) & (columns < read.shape[1])
    )[None]
    own = read[np.clip(rows, 0, read.shape[0] - 1)][:, np.clip(columns, 0, read.shape[1] - 1)]
    return np.where(is_inside[..., None], own, np.float32(0)), is_inside


def _corner(place: Place) -> Corner:
    return (place[0], place[1], place[2]) if len(place) == 3 else (0, 0, place[0])


def _one(value: float) -> Numbers:
    return np.full((1, 1, 1), value, np.float32)
