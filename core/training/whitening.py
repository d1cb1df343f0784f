"""The first layer that whitens: a 2×2 convolution computed from the training pictures and then left as it is.

After Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv 2404.00498, section 3.2): its filters are the
eigenvectors of the covariance of all 2×2 patches, each over the square root of its eigenvalue, and their negatives,
because of the activation that follows. What it gives is not correlated and has a mean of 0 and a variance of nearly 1:
of λ / (λ + EPSILON) for an eigenvalue λ, which is less where patches hardly vary.
"""

from collections.abc import Iterator

import keras
import numpy as np
from numpy.typing import NDArray

from core.design.architecture import WHITENING, WHITENING_SIZE
from core.training.arrays import TrainingSet

MOST_PICTURES = 5_000  # as in the paper
MOST_PATCHES = 5_000_000  # of 5,000 pictures of 32×32 pixels; of larger ones fewer pictures say as much
PORTION_PATCHES = 250_000
# Added to the eigenvalues: on pictures of one colour some are 0. Jordan adds 5e-4 where pixels have a variance of 1;
# from 0 to 1, as here, those of CIFAR-10 have one of about 0.06.
EPSILON = 3e-5


def set_whitening(model: keras.Model, data: TrainingSet) -> None:
    """Give the model's whitening layer the filters that belong to the first training pictures."""
    mean, covariance = patch_statistics(data)
    kernel, bias = whitening_filters(mean, covariance)
    height = width = WHITENING_SIZE
    model.get_layer(WHITENING).set_weights([kernel.reshape(height, width, -1, kernel.shape[-1]), bias])


def whitening_filters(
    mean: NDArray[np.float64], covariance: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(values, 2 · values) filters and (2 · values,) biases for patches of `values` numbers, largest variance first."""
    variances, directions = np.linalg.eigh(covariance)
    # An eigenvector is one with its negative: here the first number that is not small is positive, on every machine.
    largest = np.abs(directions).max(axis=0)
    first = np.argmax(np.abs(directions) > 0.5 * largest, axis=0)
    directions = directions * np.sign(directions[first, np.arange(len(variances))])
    filters = (directions / np.sqrt(np.maximum(variances, 0.0) + EPSILON))[:, ::-1]
    both = np.concatenate([filters, -filters], axis=1)
    return both.astype(np.float32), (-mean @ both).astype(np.float32)


def patch_statistics(data: TrainingSet) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (values,) and covariance (values, values) of the patches, with pixels from 0 to 1.

    The numbers of a patch are in the order of a convolution's kernel: row, column, channel.
    """
    count, total, products = 0, np.zeros(()), np.zeros(())
    for patches in _patches(data):
        count += len(patches)
        total = total + patches.sum(axis=0)
        products = products + patches.T @ patches
    mean = total / count
    return mean, products / count - np.outer(mean, mean)


def _patches(data: TrainingSet) -> Iterator[NDArray[np.float64]]:
    """(patches, values) of the first training pictures, in portions."""
    height, width, channels = data.image_shape
    rows, columns = height - WHITENING_SIZE + 1, width - WHITENING_SIZE + 1
    pictures = min(data.num_train, MOST_PICTURES, max(1, MOST_PATCHES // (rows * columns)))
    portion = max(1, PORTION_PATCHES // (rows * columns))
    for start in range(0, pictures, portion):
        x = data.x[data.rows[start : min(start + portion, pictures)]] / 255.0
        shifted = [
            x[:, top : top + rows, left : left + columns]
            for top in range(WHITENING_SIZE)
            for left in range(WHITENING_SIZE)
        ]
        yield np.concatenate(shifted, axis=-1).reshape(-1, WHITENING_SIZE**2 * channels)
