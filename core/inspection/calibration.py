"""How far probabilities can be believed: the calibration error, and the temperature that corrects it.

Guo et al., On Calibration of Modern Neural Networks (arXiv 1706.04599). Bins hold equally many pictures (Nguyen and
O'Connor, arXiv 1508.05154): bins of equal width would hold nearly all of a sure network's pictures in one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.inspection.answers import Fractions, Numbers

BINS = 15
RESAMPLES = 1000
_SEED = 20_170_614
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.05, 20.0
_HALVINGS = 30

Scores = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """Pictures with similar confidence: how many, their mean confidence, and the fraction right with its interval."""

    count: int
    confidence: float
    accuracy: float
    low: float
    high: float


def reliability(confidence: Fractions, right: NDArray[np.bool_], num_bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equally many pictures, the least confident first; fewer where there are fewer pictures.

    `low` and `high` are the middle 95 % of the bootstrap. If a bin's n pictures are drawn again, with replacement, the
    number of right ones is binomial, so that number is drawn.
    """
    generator = np.random.default_rng(_SEED)
    bins = []
    for places in np.array_split(np.argsort(confidence, kind="stable"), min(num_bins, len(confidence))):
        count, accuracy = len(places), float(right[places].mean())
        low, high = np.quantile(generator.binomial(count, accuracy, RESAMPLES) / count, [0.025, 0.975])
        bins.append(Bin(count, float(confidence[places].mean()), accuracy, float(low), float(high)))
    return tuple(bins)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """The expected calibration error (ECE): the mean over all pictures of |accuracy - confidence| of their bin."""
    total = sum(each.count for each in bins)
    return sum(each.count * abs(each.accuracy - each.confidence) for each in bins) / total


def with_temperature(log_probabilities: Scores, temperature: float) -> Fractions:
    """(pictures, classes) probabilities of the logits divided by `temperature`; above 1 they are less sure."""
    scaled = log_probabilities.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    probabilities: Fractions = np.exp(scaled)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities


def fit_temperature(log_probabilities: Scores, labels: Numbers) -> float:
    """The temperature with the least cross-entropy on these pictures, from LEAST_ to MOST_TEMPERATURE.

    The cross-entropy is convex in 1 / temperature, so the place where its derivative is 0 is found by halving.
    """
    scores = log_probabilities.astype(np.float64)
    if not np.ptp(scores, axis=1).any():
        return 1.0  # without a preference nothing changes
    own = scores[np.arange(len(labels)), labels]
    low, high = 1 / MOST_TEMPERATURE, 1 / LEAST_TEMPERATURE
    for _ in range(_HALVINGS):
        inverse = (low + high) / 2
        expected = (with_temperature(log_probabilities, 1 / inverse) * scores).sum(axis=1)
        # 0 also where all are right and too sure for the derivative to be told from it.
        if float((expected - own).mean()) <= 0:
            low = inverse
        else:
            high = inverse
    return 2 / (low + high)


def shown_range(bins: Sequence[Bin]) -> tuple[float, float]:
    """From where to where both axes go, so that all points have room, and no more than that where all are low."""
    low = min(min(each.confidence, each.low) for each in bins)
    high = max(max(each.confidence, each.high) for each in bins)
    margin = 0.05 * (high - low) + 0.005
    return max(0.0, low - margin), min(1.0, high + margin)
