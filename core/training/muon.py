"""Muon for convolutions: Keras's own class takes AdamW for whatever is no matrix, and so for every convolution."""

from typing import Any

import keras
from keras import ops

# (height, width, inputs, outputs). A depthwise kernel has as many axes, but each of its filters sees one channel: it
# is no map from all inputs to all outputs, and AdamW trains it.
KERNEL_AXES = 4
DEPTHWISE = "depthwise_kernel"


class ConvolutionalMuon(keras.optimizers.Muon):  # type: ignore[misc]
    """Keras's Muon that takes a kernel of (height, width, inputs, outputs) as a matrix.

    As its author does (github.com/KellerJordan/Muon), the axes of a kernel that belong to one output are joined: the
    gradient's momentum becomes a matrix of (height · width · inputs, outputs), and five Newton-Schulz iterations bring
    its singular values near 1. The step is scaled as Keras scales that of any matrix, by 0.2 · √max(rows, columns) (Liu
    et al., arXiv 2502.16982). So its size is about that of AdamW, which trains the rest at the same learning rate.
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        if len(variable.shape) != KERNEL_AXES:
            return bool(super()._should_use_adamw(variable))
        *layers, name = variable.path.split("/")
        return name == DEPTHWISE or not set(self.exclude_layers).isdisjoint(layers)

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """`x` with its singular values near 1, as a matrix with a column for each output."""
        return ops.reshape(super().zeropower_via_newtonschulz5(_as_matrix(x), steps), x.shape)

    def lr_adjust(self, x: Any) -> Any:
        """`x` scaled as a matrix with a column for each output."""
        return ops.reshape(super().lr_adjust(_as_matrix(x)), x.shape)


def _as_matrix(x: Any) -> Any:
    return ops.reshape(x, (-1, x.shape[-1]))
