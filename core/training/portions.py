"""How many pictures go through a network at once where the batch size is nobody's choice: measuring and predicting."""

from collections.abc import Iterator
from math import prod
from typing import Any

import keras

# The article's network on 32×32 pixels fills it with 1,165 pictures; on 256×256 it takes 16 at a time.
LARGEST_OUTPUT_BYTES = 256 * 2**20


def pictures_at_once(model: keras.Model, most: int) -> int:
    """At most `most`, and so few that the largest layer's output, in single precision, keeps to its budget."""
    largest: int = max(prod(layer.output.shape[1:]) for layer in _layers(model))
    return max(1, min(most, LARGEST_OUTPUT_BYTES // (4 * largest)))


def _layers(model: keras.Model) -> Iterator[Any]:
    """Also those of a network inside the model."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer
