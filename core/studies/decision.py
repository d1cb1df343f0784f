"""Is it decided? Where a comparison that adds seeds until it is stands, and how many more it would take.

The intervals hold at all looks at once (`core.analysis.anytime`), so looking after each seed and stopping at the first
that decides finds a difference between equal configs in at most 5 % of studies, whatever the budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.analysis.anytime import Forecast, forecast, looks, settled
from core.analysis.significance import Interval, differences_of
from core.formatting import count_of, points, within_sentence
from core.studies.run_results import Pictures, interval_dict
from core.studies.spec import StudySpec

# After this many seeds in a row without a pair of results no more are added: the next would most likely fail.
MOST_WITHOUT_A_PAIR = 2
# The spread of two pairs may be a hundredth of the true one, and with it the forecast.
ENOUGH_TO_FORECAST = 3


@dataclass(frozen=True)
class Decision:
    """`verdict` is `different`, `equal` (apart from what is of no interest) or None; `looks` is first minus second
    after each pair of runs. `forecast` says what it would take, where it is not decided and three pairs are there.
    """

    verdict: str | None
    num_pairs: int
    max_seeds: int
    looks: tuple[Interval, ...]
    forecast: Forecast | None
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        more = self.forecast
        return {
            "decided": self.verdict is not None,
            "verdict": self.verdict,
            "num_seeds": self.num_pairs,
            "max_seeds": self.max_seeds,
            "looks": [interval_dict(look) for look in self.looks],
            "forecast": None
            if more is None
            else {"difference": more.difference, "more_seeds": more.more, "low": more.low, "high": more.high},
        }


def decide(spec: StudySpec, pairs: Sequence[tuple[float, float]], pictures: Pictures) -> Decision:
    """From the accuracies of the pairs of runs that have finished, in the order of their seeds."""
    max_seeds = spec.max_seeds or len(spec.seeds)
    if not pairs:
        return Decision(None, 0, max_seeds, (), None, _open_sentence(0, max_seeds, None))
    first, second = zip(*pairs, strict=True)
    found = looks(first, second, rounding=pictures.accuracy_rounding)
    verdict = settled(found[-1], spec.smallest_difference)
    if verdict is not None:
        after = f"Decided after {count_of(len(pairs), 'seed')}"
        sentence = f"{after}: the interval leaves out zero."
        if verdict == "equal":
            sentence = f"{after}: the difference is smaller than {points(spec.smallest_difference)}."
        return Decision(verdict, len(pairs), max_seeds, found, None, sentence)
    more = None
    if len(pairs) >= ENOUGH_TO_FORECAST:
        differences, rounding = differences_of(first, second, pictures.accuracy_rounding)
        spread = float(differences.std(ddof=1))
        more = forecast(spread, differences.tolist(), difference=spec.smallest_difference, rounding=rounding)
    return Decision(None, len(pairs), max_seeds, found, more, _open_sentence(len(pairs), max_seeds, more))


def stalled_seeds(spec: StudySpec, seeds_with_a_pair: Sequence[int]) -> int:
    """How many of the last seeds, one after the other, have no pair of results."""
    known = np.isin(spec.seeds[::-1], list(seeds_with_a_pair))
    return int(known.argmax()) if known.any() else len(spec.seeds)


def _open_sentence(num_pairs: int, max_seeds: int, more: Forecast | None) -> str:
    seeds = count_of(num_pairs, "seed")
    until = (
        f"Not decided within {seeds}"
        if num_pairs >= max_seeds
        else f"Not decided after {seeds} of {max_seeds}"
    )
    if more is None:
        return f"{until}."
    return f"{until}; {within_sentence(more.sentence)}"
