"""The Pareto front against every pair compared."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.pareto import pareto_front
from core.errors import UserError

coordinates = st.integers(0, 4)


def beats(one, other, maximise):
    signed = [(a, b) if more else (-a, -b) for a, b, more in zip(one, other, maximise, strict=True)]
    return all(a >= b for a, b in signed) and any(a > b for a, b in signed)


@given(
    st.lists(st.tuples(coordinates, coordinates, coordinates), max_size=12), st.tuples(*[st.booleans()] * 3)
)
def test_the_front_is_what_no_other_point_beats(points, maximise):
    expected = tuple(
        at for at, point in enumerate(points) if not any(beats(other, point, maximise) for other in points)
    )
    assert pareto_front(points, maximise) == expected


def test_accuracy_against_parameters():
    points = [(0.7, 900), (0.8, 1_000), (0.8, 1_000), (0.75, 1_200), (0.9, None), (0.6, 100), (math.nan, 1)]
    assert pareto_front(points, (True, False)) == (0, 1, 2, 5)
    assert pareto_front([], (True, False)) == ()
    with pytest.raises(UserError, match="2 values"):
        pareto_front([(0.5,)], (True, False))
