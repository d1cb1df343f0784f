"""Two runs on the same pictures: which pictures only one of them gets right, and whether that is more than chance.

McNemar, Psychometrika 12, 1947, doi 10.1007/BF02295996: pictures that both get right, or both wrong, say nothing.
"""

import math
from dataclasses import dataclass

import numpy as np

from core.errors import UserError
from core.inspection.answers import Numbers, SplitAnswers

_Z = 1.959964  # of 95 %


@dataclass(frozen=True, eq=False)
class Pair:
    """`difference` is the first accuracy minus the second, with its 95 % interval; `p` that of McNemar's exact test.

    `only_first` and `only_second` are the places, along the answers, of the pictures that only that run gets right;
    `disagree` those of all pictures that get different answers.
    """

    count: int
    both: int
    neither: int
    only_first: Numbers
    only_second: Numbers
    disagree: Numbers
    difference: float
    low: float
    high: float
    p: float


def pair_of(first: SplitAnswers, second: SplitAnswers) -> Pair:
    """Both on the same pictures of the same classes; raises UserError where they are not.

    The interval is that of Agresti and Min, Statistics in Medicine 24, 2005, page 729: half a picture is added to each
    of the four counts.
    """
    if first.class_names != second.class_names or not np.array_equal(first.rows, second.rows):
        raise UserError("The two runs were not measured on the same pictures of the same classes.")
    only_first = np.flatnonzero(first.right & ~second.right)
    only_second = np.flatnonzero(second.right & ~first.right)
    count, one, other = len(first), len(only_first), len(only_second)
    total, lead = count + 2, one - other
    half = _Z * math.sqrt(one + other + 1 - lead * lead / total) / total
    return Pair(
        count=count,
        both=int((first.right & second.right).sum()),
        neither=int((~first.right & ~second.right).sum()),
        only_first=only_first,
        only_second=only_second,
        disagree=np.flatnonzero(first.predicted != second.predicted),
        difference=lead / count if count else 0.0,
        low=max(-1.0, lead / total - half),
        high=min(1.0, lead / total + half),
        p=exact_p(one, other),
    )


def exact_p(one: int, other: int) -> float:
    """Two-sided: how often a fair coin, thrown `one + other` times, falls at least as unevenly as `one` to `other`."""
    throws, fewer = one + other, min(one, other)
    ways, sides, all_ways = 1, 0, 1 << throws
    for place in range(fewer + 1):
        sides += ways
        ways = ways * (throws - place) // (place + 1)
    return min(1.0, 2 * sides / all_ways)
