"""Counts of numbers in bins whose range is a power of two, so that two histograms can be brought to the same bins."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BINS = 256
# Exponents of a range; the largest number of single precision is just below the last.
LOWEST, HIGHEST = -120, 128


@dataclass
class Histogram:
    """Counts of numbers in BINS equal bins from -2^exponent to 2^exponent, taken portion by portion.

    `exponent` is the smallest whole number with which all are inside. So two histograms can be brought to the same bins
    exactly, by adding up neighbours. A bin holds its lower end and not its upper one. What is not a
    number, or infinite, is counted in `strange` alone; `zeros` are exactly 0. `total` and `squares` are sums of the
    numbers and of their squares.
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    exponent: int = LOWEST
    count: int = 0
    zeros: int = 0
    strange: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, values: NDArray[np.floating]) -> None:
        """Count more numbers, of any shape."""
        flat = np.asarray(values, np.float64).ravel()
        finite = flat[np.isfinite(flat)]
        self.strange += len(flat) - len(finite)
        if not len(finite):
            return
        self.count += len(finite)
        self.zeros += int((finite == 0).sum())
        self.total += float(finite.sum())
        self.squares += float((finite**2).sum())
        needed = _exponent_of(float(np.abs(finite).max()))
        if needed > self.exponent:
            self.counts, self.exponent = widened(self.counts, needed - self.exponent), needed
        # A power of two: dividing by it is exact.
        places = np.floor(finite / 2.0**self.exponent * (BINS / 2)).astype(np.int64) + BINS // 2
        self.counts = self.counts + np.bincount(np.minimum(places, BINS - 1), minlength=BINS)


def widened(counts: NDArray[np.int64], doublings: int) -> NDArray[np.int64]:
    """The same counts in bins that are 2^doublings times as wide, as many of them."""
    size = len(counts)
    for _ in range(min(doublings, int(math.log2(size)))):
        pairs = counts.reshape(-1, 2).sum(axis=1)
        counts = np.zeros(size, np.int64)
        counts[size // 4 : size // 4 + size // 2] = pairs
    return counts


def _exponent_of(largest: float) -> int:
    """The smallest whose power of two is above it."""
    if largest == 0:
        return LOWEST
    # largest = mantissa · 2^exponent, the mantissa below 1
    return max(LOWEST, min(HIGHEST, math.frexp(largest)[1]))
