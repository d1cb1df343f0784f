"""Test-time flips: a network's answer to a picture and to its mirror image, as one.

After Jordan (arXiv 2404.00498, section 3.5), who takes the mean before the softmax; here it is that of the
probabilities, so that what is saved still gives probabilities.
"""

from typing import Any

import keras
from keras import layers, ops

NETWORK = "network"


def mirrored(pictures: Any) -> Any:
    """(batch, height, width, channels) with left and right swapped."""
    return ops.flip(pictures, axis=2)


def answering(model: keras.Model, *, test_time_flip: bool) -> keras.Model:
    """The model as others get it: with `test_time_flip` one that gives the mean of the network's two answers.

    The network itself is then its layer NETWORK, with the same weights as `model`.
    """
    if not test_time_flip:
        return model
    # The same layers in a model that was never compiled, so that no optimizer is saved with them.
    network = keras.Model(model.input, model.output, name=NETWORK)
    pictures = keras.Input(model.input.shape[1:], dtype="uint8", name="input")
    both = [network(pictures), network(mirrored(pictures))]
    return keras.Model(pictures, layers.Average(name="both_ways", dtype="float32")(both), name="both_ways")
