"""The table of pairs, read as SciPy and the page read it."""

import numpy as np
import pytest
from scipy import stats

from tests.benchmarks.augmentation_pairs import read_looks, read_pairs


def test_each_seed_has_one_pair_in_its_turn() -> None:
    pairs = read_pairs()
    assert [seed for seed, *_ in pairs] == list(range(1, len(pairs) + 1))
    assert all(0.6 < accuracy < 0.85 for _, *accuracies in pairs for accuracy in accuracies)


def test_an_interval_for_all_looks_is_wider_than_that_of_one_look() -> None:
    drawn = np.random.default_rng(1).normal(0.02, 0.01, 8)
    pairs = [(seed, 0.73, 0.73 + difference) for seed, difference in enumerate(drawn, start=1)]
    differences = np.array([augmented - without for _, without, augmented in pairs])
    for n, look in enumerate(read_looks(pairs), start=1):
        assert look.mean == pytest.approx(differences[:n].mean())
        if n < 4:
            assert look.low is None
        else:
            low, high = stats.t.interval(0.95, n - 1, differences[:n].mean(), stats.sem(differences[:n]))
            assert look.low < low and look.high > high
