"""Counts against NumPy's, taken in portions, and in wider bins."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.histogram import BINS, LOWEST, Histogram, widened


@given(
    st.lists(
        arrays(
            np.float32,
            st.integers(0, 40),
            elements=st.floats(allow_nan=False, allow_infinity=False, width=32),
        ),
        max_size=4,
    )
)
def test_portions_add_up_to_numpy_s_histogram_of_all(portions) -> None:
    found = Histogram()
    for each in portions:
        found.add(each)
    values = np.concatenate([np.zeros(0, np.float64), *portions]).astype(np.float64)
    assert found.count == len(values) == found.counts.sum()
    assert found.zeros == (values == 0).sum()
    if len(values):
        limit = 2.0**found.exponent
        expected, _ = np.histogram(values, BINS, (-limit, limit))
        assert found.counts.tolist() == expected.tolist()
        most = np.abs(values).max()
        assert most < limit and (limit <= 2 * most or found.exponent == LOWEST)


def test_what_is_no_number_is_counted_apart() -> None:
    found = Histogram()
    found.add(np.array([np.nan, np.inf, -np.inf, 1.0, 0.0]))
    assert (found.strange, found.count, found.zeros, found.total, found.squares) == (3, 2, 1, 1.0, 1.0)


def test_wider_bins_are_those_of_numpy() -> None:
    values = np.random.default_rng(0).normal(0, 0.2, 1000).clip(-0.99, 0.99)
    counts, _ = np.histogram(values, 16, (-1, 1))
    assert widened(counts, 0).tolist() == counts.tolist()
    for doublings in (1, 2, 3):
        limit = 2.0**doublings
        assert widened(counts, doublings).tolist() == np.histogram(values, 16, (-limit, limit))[0].tolist()
