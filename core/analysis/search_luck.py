"""What was skill and what was luck in a search: its curve beside that of a random order, and whether ranks hold.

Values are the trials' objectives in the order in which trials were chosen; one without (failed, pruned) is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.formatting import count_of, percent, points

Values = NDArray[np.float64]

BAND = 0.9  # of random orders lie within it
HOLDS = 0.9  # a first rank that more of the resamples have is called steady
LUCK = 0.05  # above it, importances are called chance


@dataclass(frozen=True)
class SearchCurve:
    """The best value after 1, 2, … trials, as found and as a random order of the same trials would have found it.

    `low` and `high` hold 90 % of random orders. `best_at`: after how many trials the best was found, `expected_best_at`
    after how many on average in a random order.
    """

    trials: tuple[int, ...]
    found: tuple[float, ...]
    expected: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    best_at: int
    expected_best_at: float
    sentence: str


@dataclass(frozen=True)
class RankedImportance:
    """A setting's importance. 90 % of resamples lie in `low` to `high`; the share `holds` of them gives the same rank.
    None where nothing was resampled.
    """

    name: str
    importance: float
    low: float | None
    high: float | None
    holds: float | None


@dataclass(frozen=True)
class ImportanceStability:
    """Settings by importance, the largest first; `top_holds` is the share of resamples that rank the first first.

    `chance` is how likely chance alone makes a setting matter as much; None where that was not looked at.
    """

    ranks: tuple[RankedImportance, ...]
    num_trials: int
    top_holds: float | None
    chance: float | None
    sentence: str


def search_curve(
    values: Sequence[float | None],
    *,
    maximise: bool = True,
    in_points: bool = True,
    names: Sequence[str] = (),
) -> SearchCurve | None:
    """The search beside a random order of the same trials; None without a value.

    The best of k trials drawn of N without replacement is at most the j-th smallest with probability C(j, k) / C(N, k),
    so mean and band are exact (order statistics of a finite population; Arnold, Balakrishnan and Nagaraja, A First
    Course in Order Statistics, 1992, section 3.7). `in_points`: values are fractions of 1, such as accuracies. `names`
    has one for each value, or is empty; the sentence calls the best by it.
    """
    sign = 1.0 if maximise else -1.0
    known = sign * np.array([value for value in values if value is not None], np.float64)
    n = len(known)
    if not n:
        return None
    found = np.maximum.accumulate(known)
    ordered = np.sort(known)
    expected, low, high = np.empty(n), np.empty(n), np.empty(n)
    at_most = np.ones(n)  # P(best of k ≤ ordered[j]), of k = 0
    ranks = np.arange(1, n + 1)
    for k in range(n):
        at_most = at_most * np.clip(ranks - k, 0, None) / (n - k)
        expected[k] = np.diff(at_most, prepend=0.0) @ ordered
        # Products of fractions are off by a few units in the last place.
        low[k], high[k] = ordered[np.searchsorted(at_most, [(1 - BAND) / 2 - 1e-12, (1 + BAND) / 2 - 1e-12])]
    best_at = int(found.searchsorted(found[-1])) + 1
    # The first of m equal ones among n is on average at place (n + 1) / (m + 1).
    expected_best_at = (n + 1) / (int((known == found[-1]).sum()) + 1)
    if not maximise:
        low, high = high, low
    curves = [tuple((sign * curve).tolist()) for curve in (found, expected, low, high)]
    named = [name for name, value in zip(names, values, strict=True) if value is not None] if names else []
    best = f" ({named[best_at - 1]})" if named else ""
    sentence = _curve_sentence(curves, best, best_at, expected_best_at, in_points)
    return SearchCurve(
        tuple(ranks.tolist()), curves[0], curves[1], curves[2], curves[3], best_at, expected_best_at, sentence
    )


def chance_of_more(reached: float | None, shuffled: Sequence[float]) -> float | None:
    """How likely chance alone reaches as much: the p value of a permutation test, (1 + as much) / (1 + shuffles).

    `reached` is the largest importance of the trials as they are, `shuffled` those with their results shuffled (Phipson
    and Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010, doi 10.2202/1544-6115.1585). None
    without a shuffle.
    """
    if reached is None or not shuffled:
        return None
    return (1 + sum(value >= reached for value in shuffled)) / (1 + len(shuffled))


def importance_stability(
    importance: Mapping[str, float],
    resamples: Sequence[Mapping[str, float]],
    num_trials: int,
    chance: float | None = None,
) -> ImportanceStability | None:
    """How steady the ranks are over bootstrap resamples of the trials; None without a setting.

    A setting that a resample does not know has importance 0 there. Equal importances are ranked by name. `chance` is
    that of `chance_of_more`: where it is above 5 %, steady ranks mean nothing, and the sentence says so.
    """
    names = sorted(importance, key=lambda name: (-importance[name], name))
    if not names:
        return None
    if not resamples:
        ranks = tuple(RankedImportance(name, importance[name], None, None, None) for name in names)
        sentence = f"Based on {count_of(num_trials, 'trial')}."
        return ImportanceStability(ranks, num_trials, None, chance, sentence)
    drawn = np.array([[each.get(name, 0.0) for name in names] for each in resamples], np.float64)
    # (resamples, names): the rank of each. Names are in the order of their own ranks, so each tie is held.
    order = np.argsort(-drawn, axis=1, kind="stable")
    place = np.argsort(order, axis=1)
    holds = (place == np.arange(len(names))).mean(axis=0)
    low, high = np.quantile(drawn, [(1 - BAND) / 2, (1 + BAND) / 2], axis=0)
    ranks = tuple(
        RankedImportance(name, importance[name], float(low[at]), float(high[at]), float(holds[at]))
        for at, name in enumerate(names)
    )
    based = f"Based on {count_of(num_trials, 'trial')}."
    first = f"“{names[0]}” comes first in {100 * holds[0]:.0f} % of {len(drawn)} resamples."
    if chance is not None and chance > LUCK:
        sentence = (
            f"{based} This may be chance. Where the results are shuffled among the trials, some setting matters this "
            f"much in {100 * chance:.0f} % of cases."
        )
    elif len(names) == 1:
        sentence = based
    elif bool((holds >= HOLDS).all()):
        sentence = f"{based} {first} The order is stable."
    elif holds[0] >= HOLDS:
        sentence = f"{based} {first} The order of the others may change."
    else:
        sentence = f"{based} {first} The order may change."
    return ImportanceStability(ranks, num_trials, float(holds[0]), chance, sentence)


def shown(value: float, in_points: bool) -> str:
    """`71.3 %` where values are fractions of 1, else three digits."""
    return percent(value) if in_points else f"{value:.4g}"


def shown_difference(value: float, in_points: bool) -> str:
    """`0.8 points` where values are fractions of 1, else three digits; without its sign."""
    return points(abs(value)) if in_points else f"{abs(value):.3g}"


def _curve_sentence(
    curves: Sequence[Sequence[float]], best: str, best_at: int, expected_best_at: float, in_points: bool
) -> str:
    n = len(curves[0])
    if n == 1:
        return f"One trial: {shown(curves[0][0], in_points)}."
    half = (n + 1) // 2 - 1
    found, expected, low, high = (shown(curve[half], in_points) for curve in curves)
    band = "" if low == high else f", and {low} to {high} in 9 of 10 cases"
    after = count_of(half + 1, "result")
    # How many came before, and not which one it was: trials are numbered from 0, so a place would look like a number.
    return (
        f"{best_at - 1} of the search's {n} results came before the best one{best}. In random order it would be "
        f"{expected_best_at - 1:.1f} on average. After {after}, the best was {found}. In random order it "
        f"would be {expected} on average{band}."
    )
