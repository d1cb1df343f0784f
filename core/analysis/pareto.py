"""The Pareto front: what nothing else beats in one quantity without losing in another.

A point dominates another when it is at least as good in every quantity and better in one. The front is all points that
none dominates (Pareto, Cours d'économie politique, 1896; in this form Deb, Multi-Objective Optimization using
Evolutionary Algorithms, 2001, section 2.4).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError


def pareto_front(points: Sequence[Sequence[float | None]], maximise: Sequence[bool]) -> tuple[int, ...]:
    """The positions of the points that no other dominates, in the order of the input.

    `points` is (points, quantities); `maximise` says of each quantity whether more is better. Points that are equal in
    everything are on the front together or off it together. A point with a value that is not known or not finite is
    left out. Raises UserError where a point has not as many values as `maximise`.
    """
    if any(len(point) != len(maximise) for point in points):
        raise UserError(f"Each point needs {len(maximise)} values, one per objective.")
    values = np.array(points, np.float64).reshape(len(points), len(maximise))  # None becomes NaN
    values *= np.where(maximise, 1.0, -1.0)
    known = np.flatnonzero(np.isfinite(values).all(axis=1))
    # The first quantity decides, among equals the next one (lexsort takes the last key first): what dominates a point
    # comes before it, and what dominates that is on the front already.
    order = known[np.lexsort(tuple(-values[known, column] for column in reversed(range(len(maximise)))))]
    front: list[int] = []
    for position in order:
        if not _is_dominated(values[position], values[front]):
            front.append(int(position))
    return tuple(sorted(front))


def _is_dominated(point: NDArray[np.float64], values: NDArray[np.float64]) -> bool:
    """Whether one of `values` (points, quantities), where more is better, dominates the point."""
    is_at_least = (values >= point).all(axis=1)
    is_better = (values > point).any(axis=1)
    return bool((is_at_least & is_better).any())
