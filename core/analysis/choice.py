"""Which one to take: what fresh seeds say of the first few of a search.

A confirmation is looked at once, when all of its runs have ended, with a t interval that is wrong in at most
AT_ONE_LOOK of confirmations. Seeds that are added afterwards are judged by intervals that hold at all looks at once
(`core.analysis.anytime`) and are wrong, at any of them, in at most AT_LATER_LOOKS. Together that is 5 %.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.analysis.anytime import anytime_difference
from core.analysis.search_luck import shown_difference
from core.analysis.significance import (
    ACCURACY,
    Difference,
    Interval,
    Limits,
    mean_and_interval,
    paired_difference,
)
from core.formatting import count_of, with_minus

AT_ONE_LOOK, AT_LATER_LOOKS = 0.04, 0.01


@dataclass(frozen=True)
class Candidate:
    """One that is confirmed: its result by fresh seed, and what it costs, in any unit (parameters, FLOPs, seconds)."""

    name: str
    values: Mapping[int, float]
    cost: float | None = None


@dataclass(frozen=True)
class ConfirmedDifference:
    """The leader minus the candidate `other`, over the `n` seeds of both. `clear` when the interval leaves out zero."""

    other: int
    mean: float
    low: float | None
    high: float | None
    n: int
    clear: bool


@dataclass(frozen=True)
class Confirmation:
    """What the fresh seeds say. Candidates are named by their index.

    `order` has the best mean first; `means` are by candidate, with plain intervals. `differences` are the first of
    `order` minus each other, with simultaneous intervals. `winner` is None where one of them spans zero. `take` is the
    cheapest of those that cannot be told from the first. Candidates without a result are in none of these.
    """

    order: tuple[int, ...]
    means: tuple[Interval | None, ...]
    differences: tuple[ConfirmedDifference, ...]
    winner: int | None
    take: int
    sentence: str
    take_sentence: str


def judge_confirmation(
    candidates: Sequence[Candidate],
    *,
    at_one_look: bool,
    rounding: float | None = None,
    limits: Limits = ACCURACY,
    maximise: bool = True,
    in_points: bool = True,
) -> Confirmation | None:
    """Is the one with the best mean over fresh seeds better than each other? None below two with a result.

    Each pair is held against the other seed by seed (`paired_difference`, with its `rounding` and `limits`).
    `at_one_look`: this is the only time that it is asked, with a number of seeds that was fixed beforehand. Which one
    leads is chosen after looking, so the intervals hold for all pairs of candidates at once (Bonferroni; Dunn, JASA 56,
    1961, doi 10.1080/01621459.1961.10482090): with three of them each is at 1 - 0.04/3. A candidate without a seed in
    common with the leader cannot be told from it.
    """
    sign = 1.0 if maximise else -1.0
    known = [index for index, candidate in enumerate(candidates) if candidate.values]
    if len(known) < 2:
        return None
    means = tuple(
        mean_and_interval(list(each.values.values()), rounding=rounding, limits=limits)
        if each.values
        else None
        for each in candidates
    )
    order = sorted(known, key=lambda index: -sign * _mean(means[index]))
    error = AT_ONE_LOOK if at_one_look else AT_LATER_LOOKS
    # Of all pairs, those without a result yet too: how many there are does not depend on what came out.
    leader, each_confidence = order[0], 1 - error / math.comb(len(candidates), 2)
    compare = paired_difference if at_one_look else anytime_difference
    differences = []
    for other in order[1:]:
        found = _difference(compare, candidates[leader], candidates[other], each_confidence, rounding, limits)
        if found is not None:
            differences.append(
                ConfirmedDifference(other, found.mean, found.low, found.high, found.n, found.clear)
            )
    ahead = {each.other for each in differences if each.clear and sign * each.mean > 0}
    winner = leader if ahead == set(order[1:]) else None
    equals = [index for index in order if index not in ahead]
    take = min(equals, key=lambda index: _cost(candidates[index]))  # the first of equals leads
    return Confirmation(
        tuple(order), means, tuple(differences), winner, take,
        _sentence(candidates, leader, differences, winner, in_points),
        _take_sentence(candidates, leader, equals, take),
    )  # fmt: skip


def _difference(
    compare: Callable[..., Difference],
    first: Candidate,
    second: Candidate,
    confidence: float,
    rounding: float | None,
    limits: Limits,
) -> Difference | None:
    seeds = sorted(set(first.values) & set(second.values))
    if not seeds:
        return None
    one, other = ([each.values[seed] for seed in seeds] for each in (first, second))
    return compare(one, other, confidence, rounding=rounding, limits=limits)


def _mean(interval: Interval | None) -> float:
    assert interval is not None
    return interval.mean


def _cost(candidate: Candidate) -> float:
    return float("inf") if candidate.cost is None else candidate.cost


def _sentence(
    candidates: Sequence[Candidate],
    leader: int,
    differences: Sequence[ConfirmedDifference],
    winner: int | None,
    in_points: bool,
) -> str:
    if not differences:
        return f"No clear winner: no seed has finished for {candidates[leader].name} and another one."
    # The one that comes nearest is the one that decides.
    least = min(differences, key=lambda each: (each.clear, abs(each.mean)))
    lead = shown_difference(least.mean, in_points)
    if least.low is None or least.high is None:
        span = "one pair of runs cannot tell a difference from chance"
        if least.n > 1:
            span = f"too few to tell: {least.n} pairs of runs"
    else:
        turn = 1.0 if least.mean >= 0 else -1.0
        low, high = sorted((turn * least.low, turn * least.high))
        span = f"{100 * low:+.1f} to {100 * high:+.1f}" if in_points else f"{low:+.3g} to {high:+.3g}"
        span = with_minus(span)
    next_best = f"{candidates[least.other].name} by {lead} ({span}) over {count_of(least.n, 'fresh seed')}"
    leads = f"{candidates[leader].name} beats"
    if winner is None:
        return f"No clear winner: {candidates[leader].name} leads {next_best}."
    each_other = "each other one, " if len(differences) > 1 else ""
    return f"{leads} {each_other}{next_best}: a clear winner."


def _take_sentence(candidates: Sequence[Candidate], leader: int, equals: Sequence[int], take: int) -> str:
    name = candidates[take].name
    if len(equals) == 1:
        return f"Take {name}."
    if take == leader:
        costs = {_cost(candidates[each]) for each in equals}
        best = "on average the best" if len(costs) == 1 else "the cheapest"
        return f"Take {name}: {best} of the {len(equals)} that cannot be told apart."
    return f"Take {name}: it cannot be told from {candidates[leader].name} and is the cheapest of those."
