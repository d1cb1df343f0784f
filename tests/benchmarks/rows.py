"""What a benchmark says: a row with its goal, the figure, the spread of the rounds, and whether the goal is met."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True)
class Row:
    """One line of `docs/performance.md`. `met` is None where there is nothing to reach."""

    what: str
    against: str
    goal: str
    figure: str
    spread: str
    met: bool | None


@dataclass(frozen=True)
class Table:
    """What has no goal and other columns than `Row`: their heads, and lines of as many cells."""

    head: Sequence[str]
    lines: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Spread:
    """The median of some measurements, with the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))

    def figure(self, unit: str = "", digits: int = 1) -> str:
        return f"{self.median:,.{digits}f}{unit}"

    def range(self, unit: str = "", digits: int = 1) -> str:
        return f"{self.low:,.{digits}f} to {self.high:,.{digits}f}{unit}"


def alternate(
    candidates: Mapping[str, Callable[[], float]], rounds: int = ROUNDS, warm_up: bool = True
) -> dict[str, list[float]]:
    """Measure each candidate once a round, in turn, so that what disturbs the machine disturbs all of them.

    Every other round goes backwards: none of them always runs behind the same other one. With `warm_up` a first
    round is thrown away.
    """
    measured: dict[str, list[float]] = {name: [] for name in candidates}
    if warm_up:
        for measure in candidates.values():
            measure()
    for round_number in range(rounds):
        names = list(candidates) if round_number % 2 == 0 else list(reversed(candidates))
        for name in names:
            measured[name].append(candidates[name]())
    return measured


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """`ours` over `theirs`, round by round."""
    return [own / other for own, other in zip(ours, theirs, strict=True)]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all do not exceed."""
    ordered = sorted(values)
    place = max(0, -(-len(ordered) * percent // 100) - 1)
    return ordered[int(place)]
