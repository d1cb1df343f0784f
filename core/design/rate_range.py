"""The learning-rate range test (Smith, "Cyclical Learning Rates", arXiv 1506.01186): rates, smoothing, suggestion.

The rate rises exponentially from step to step while the network trains. At first the loss hardly moves, then it falls,
and beyond some rate it rises until training diverges. For gradient descent on a quadratic loss of curvature L that rate
is 2 / L. Where the loss is lowest is often a matter of noise: from some rate on it stays at one height until it rises.
So what counts is the last rate at which it is near its lowest; a tenth of that leaves a margin, and is suggested.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from core.config import ExperimentConfig
from core.formatting import rate_in_words

LOW, HIGH, STEPS = 1e-6, 10.0, 200
# A smoothed loss is the mean of this many steps before it, of itself, and of as many after it.
REACH = 5
# Training has diverged if the mean of the last REACH losses is more than 4 times the lowest such mean. It must also be
# above the first mean: a few pictures that are learned by heart have a loss near 0 that varies by many times its size.
DIVERGED = 4.0
MARGIN = 10.0
# Near the lowest: within this share of the whole fall.
NEAR = 0.1
# Less of a fall than this share of the first loss is no sign that anything was learned.
LEAST_FALL = 0.05


@dataclass(frozen=True)
class RateRange:
    """What the test found. `rates` and `losses` are those of its steps, `smoothed` the losses without their noise.

    `lowest_at` is the rate at which the smoothed loss is lowest, `steepest_at` that at which it falls most per step,
    `limit_at` the last one at which it is near its lowest; `diverged` says whether the test ended early. `suggestion`
    is None where the loss never fell, and `sentence` says how it comes about.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    lowest_at: float
    steepest_at: float
    limit_at: float
    diverged: bool
    suggestion: float | None
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def rate_of_step(step: int, steps: int = STEPS, low: float = LOW, high: float = HIGH) -> float:
    """The rate of a step, counted from 0: `low` at the first, `high` at the last, by the same factor each time."""
    return low * math.exp(math.log(high / low) * step / (steps - 1))


def without_rate(config: ExperimentConfig) -> ExperimentConfig:
    """The config without what the test says nothing of: the same for designs that differ in their rate alone."""
    values = {"optimizer.learning_rate": 0.001, "optimizer.schedule": "constant", "training.epochs": 1}
    return config.with_values(values)


def has_diverged(losses: Sequence[float]) -> bool:
    """Whether to stop after these losses: the last is no number, or the mean of the last few is far above the best."""
    if not math.isfinite(losses[-1]):
        return True
    means = [_mean(losses[max(0, end - REACH) : end]) for end in range(1, len(losses) + 1)]
    is_far_above = len(losses) > REACH and means[-1] > DIVERGED * min(means[REACH - 1 :])
    return is_far_above and means[-1] > means[REACH - 1]


def smooth(losses: Sequence[float]) -> tuple[float, ...]:
    """Each loss as the mean of those from REACH steps before to REACH after it, of fewer at both ends."""
    return tuple(
        _mean(losses[max(0, place - reach) : place + reach + 1])
        for place in range(len(losses))
        for reach in [min(REACH, place, len(losses) - 1 - place)]
    )


def find_rate(rates: Sequence[float], losses: Sequence[float], *, diverged: bool) -> RateRange:
    """What these steps say. Losses that are no numbers, at the end, are left out; at least one is a number."""
    known = [each for each in zip(rates, losses, strict=True) if math.isfinite(each[1])]
    rates, losses = zip(*known, strict=True)
    smoothed = smooth(losses)
    lowest = min(range(len(smoothed)), key=smoothed.__getitem__)
    falls = [before - after for before, after in pairwise(smoothed)] or [0.0]
    steepest = max(range(len(falls)), key=falls.__getitem__)
    first = _mean(losses[:REACH])
    fall = first - smoothed[lowest]
    near = smoothed[lowest] + NEAR * max(0.0, fall)
    limit = max(place for place, loss in enumerate(smoothed) if loss <= near)
    suggestion = float(f"{rates[limit] / MARGIN:.2g}") if fall > LEAST_FALL * abs(first) else None
    return RateRange(
        tuple(rates), tuple(losses), smoothed, rates[lowest], rates[steepest], rates[limit], diverged,
        suggestion, _sentence(rates, limit, suggestion, diverged=diverged),
    )  # fmt: skip


def _sentence(rates: Sequence[float], limit: int, suggestion: float | None, *, diverged: bool) -> str:
    end = rate_in_words(rates[-1])
    if suggestion is None:
        return (
            f"The loss did not fall at any rate up to {end}, so no rate can be suggested. Check the data and the "
            "network."
        )
    ends = f"training diverged at {end}" if diverged else f"the test ended at {end}"
    return (
        f"The smoothed loss stays near its lowest up to a rate of {rate_in_words(rates[limit])}, and {ends}. Suggested "
        f"is a tenth of the former: {rate_in_words(suggestion)}."
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
