"""How many pictures of each class were measured in an epoch and how many of them were right, and what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.classes import are_uneven

Counts = NDArray[np.int64]
Fractions = NDArray[np.float64]


@dataclass(frozen=True)
class ClassCounts:
    """Of each class (classes,) `count` pictures were measured; in each epoch (epochs, classes) `right` were so."""

    count: Counts
    right: Counts

    @property
    def accuracy(self) -> Fractions:
        """(epochs, classes), which is the recall of each class; NaN for a class without pictures."""
        count = np.where(self.count > 0, self.count, np.nan)
        accuracy: Fractions = self.right / count
        return accuracy

    @property
    def balanced_accuracy(self) -> Fractions:
        """(epochs,): the mean of the accuracies of the classes that have pictures, each class counting the same.

        Brodersen et al., "The balanced accuracy and its posterior distribution", ICPR 2010, doi 10.1109/ICPR.2010.764.
        """
        balanced: Fractions = self.accuracy[:, self.count > 0].mean(axis=1)
        return balanced

    @property
    def is_uneven(self) -> bool:
        """Whether the classes do not count the same in accuracy (see `core.classes`)."""
        return are_uneven(self.count.tolist())


def class_counts(parts: Sequence[Mapping[str, Any]]) -> ClassCounts:
    """From what each epoch's details say of a part, `count` and `right`, on the same pictures; at least one epoch."""
    right = np.array([part["right"] for part in parts], np.int64)
    return ClassCounts(np.array(parts[0]["count"], np.int64), right)
