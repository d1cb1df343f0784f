"""Batch normalisation's statistics, measured over training pictures instead of followed by running averages."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from core.training.evaluation import pictures_at_once

MOST_AT_ONCE = 1000
# Wu and Johnson (arXiv 2105.07576, section 3.2): 1,000 to 10,000 samples, and beyond these nothing changes.
PRECISE_PICTURES = 1000


def batch_norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The layers of batch normalisation, in order, without frozen ones: these keep the statistics that they have."""
    return [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]


@contextlib.contextmanager
def precise_statistics(model: keras.Model, pictures: NDArray[np.uint8]) -> Iterator[None]:
    """Inside, batch normalisation has the statistics of the first of `pictures`; afterwards its own again.

    So what is measured and saved has them, while training and checkpoints are as they would be without.
    """
    variables = [each for norm in batch_norms(model) for each in (norm.moving_mean, norm.moving_variance)]
    own = [ops.convert_to_numpy(variable).copy() for variable in variables]
    try:
        take_statistics(model, pictures[:PRECISE_PICTURES])
        yield
    finally:
        for variable, value in zip(variables, own, strict=True):
            variable.assign(value)


def take_statistics(model: keras.Model, pictures: NDArray[np.uint8]) -> None:
    """Set batch normalisation's statistics to those of `pictures`, with dropout off.

    After Wu and Johnson (arXiv 2105.07576, section 3.1): each layer normalises a portion of the pictures by that
    portion's own mean and variance, and gets the mean and variance of its inputs over all portions. Most networks take
    all pictures as one portion; then these are exactly the statistics of what the layer gets when nothing trains.
    """
    norms = batch_norms(model)
    if not norms or not len(pictures):
        return
    dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    momenta, rates = [norm.momentum for norm in norms], [dropout.rate for dropout in dropouts]
    size, count = pictures_at_once(model, MOST_AT_ONCE), len(pictures)
    means = [np.zeros(norm.moving_mean.shape) for norm in norms]
    squares = [np.zeros(norm.moving_mean.shape) for norm in norms]
    try:
        for norm in norms:
            norm.momentum = 0.0  # after each portion its statistics are that portion's own
        for dropout in dropouts:
            dropout.rate = 0.0
        for start in range(0, count, size):
            portion = pictures[start : start + size]
            model(portion, training=True)
            for norm, mean, square in zip(norms, means, squares, strict=True):
                own = ops.convert_to_numpy(norm.moving_mean).astype(np.float64)
                variance = ops.convert_to_numpy(norm.moving_variance).astype(np.float64)
                mean += own * (len(portion) / count)
                square += (variance + own**2) * (len(portion) / count)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for dropout, rate in zip(dropouts, rates, strict=True):
            dropout.rate = rate
    if count > size:
        for norm, mean, square in zip(norms, means, squares, strict=True):
            norm.moving_mean.assign(mean)
            norm.moving_variance.assign(np.maximum(square - mean**2, 0.0))
