"""How far a picture lies from what a network was trained on, by its nearest neighbours among the training pictures.

Sun et al., Out-of-Distribution Detection with Deep Nearest Neighbors (arXiv 2204.06507): features of the last layer but
one, scaled to length 1; the score is the distance to the k-th nearest training picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
Fractions = NDArray[np.float64]
Numbers = NDArray[np.int64]

KNOWN_SHARE = 0.95  # of the validation pictures lie below the threshold
PICTURES_PER_NEIGHBOUR = (
    200  # of 10,000 training pictures the 50th nearest counts, as in the paper for CIFAR-10
)
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class TrainingFeatures:
    """Training pictures in a network's feature space.

    `features` (pictures, units) have length 1; `rows` (pictures,) are their rows in the stored training arrays,
    `labels` (pictures,) what they are.
    """

    features: Features
    rows: Numbers
    labels: Numbers

    @property
    def k(self) -> int:
        """Which neighbour's distance counts."""
        return max(1, round(len(self.rows) / PICTURES_PER_NEIGHBOUR))

    def distances(self, features: Features) -> Fractions:
        """(pictures,) from each of `features` (pictures, units) to its k-th nearest training picture, from 0 to 2."""
        parts = [
            np.partition(self._squared(features[start : start + _AT_ONCE]), self.k - 1, axis=1)[:, self.k - 1]
            for start in range(0, len(features), _AT_ONCE)
        ]
        return np.sqrt(np.concatenate(parts)) if parts else np.zeros(0)

    def nearest(self, features: Features, most: int) -> tuple[Numbers, Fractions, Fractions]:
        """(places, distances), each (pictures, most): the nearest training pictures of each, the nearest first; and
        what `distances` gives.
        """
        squared = self._squared(features)
        order = np.argsort(squared, axis=1, kind="stable")
        places = order[:, :most]
        near, far = (np.take_along_axis(squared, each, axis=1) for each in (places, order[:, [self.k - 1]]))
        return places, np.sqrt(near), np.sqrt(far[:, 0])

    def _squared(self, features: Features) -> Fractions:
        """(pictures, training pictures) squared distances: 2 - 2 cos, since both have length 1."""
        cosines = unit_length(features) @ self.features.T
        squared: Fractions = np.maximum(2 - 2 * cosines.astype(np.float64), 0)
        return squared


@dataclass(frozen=True, eq=False)
class KnownRange:
    """How far held-out pictures lie from the training pictures.

    `validation` (pictures,) are their distances, ascending; `false_alarms` is the share of the test pictures beyond the
    threshold, None where there are none.
    """

    validation: Fractions
    false_alarms: float | None

    @property
    def threshold(self) -> float:
        """Up to this distance a picture counts as known: at least KNOWN_SHARE of the validation pictures do."""
        return float(np.quantile(self.validation, KNOWN_SHARE, method="higher"))

    def percentile(self, distance: float) -> float:
        """How many percent of the validation pictures are nearer, from 0 to 100."""
        return 100 * float(np.searchsorted(self.validation, distance)) / len(self.validation)

    @classmethod
    def measured(cls, validation: Fractions, test: Fractions) -> "KnownRange":
        """From the distances of at least one validation picture and of the test pictures."""
        found = cls(np.sort(validation), None)
        return cls(found.validation, float((test > found.threshold).mean()) if len(test) else None)


def unit_length(features: Features) -> Features:
    """Each row scaled to length 1; one of zeros stays so."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    scaled: Features = features / np.maximum(lengths, 1e-12)
    return scaled
