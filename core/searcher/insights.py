"""What only the searcher can work out of a sweep's trials, because it needs Optuna: the importance of each setting.

It is written into the store as plain values, and pages, command line and REST read it there.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from core.analysis.search_luck import chance_of_more, importance_stability
from core.config.labels import label_of
from core.sweeps.importance import (
    different,
    importances,
    resampled_importances,
    shuffled_strongest,
    strongest,
)
from core.sweeps.objective import digest_of
from core.sweeps.search import PastTrial
from core.sweeps.spec import SweepSpec

NUM_RESAMPLES = 100
NUM_SHUFFLES = 99
MAX_SECONDS = 0.7  # of computing, for the resamples of one state of the trials, and again for the shuffles
SLICE_SECONDS = 0.05
# Of the time of a core, at most this share goes into insights while the search goes on.
LARGEST_SHARE = 0.1


class Insights:
    """Works them out a little at a time, so that a trial that ends meanwhile does not wait."""

    def __init__(self, spec: SweepSpec, known: dict[str, Any] | None, clock: Callable[[], float]) -> None:
        """`known` are those in the store; `clock` gives monotonic seconds."""
        self._spec = spec
        self._clock = clock
        self._known = known or {}
        self._task: Iterator[dict[str, Any] | None] | None = None
        self._spent = 0.0
        self._due = float("-inf")

    def work(self, trials: Sequence[PastTrial], seconds: float = SLICE_SECONDS) -> dict[str, Any] | None:
        """Continue for about `seconds`. Returns what is to be recorded once it is complete, None before."""
        begun = self._clock()
        if self._task is None:
            if begun < self._due or _digest(trials) == self._known.get("of"):
                return None
            self._task, self._spent = self._work_out(tuple(trials)), 0.0
        found = None
        while found is None and self._task is not None:
            found = next(self._task, None)
            if self._clock() - begun >= seconds:
                break
        self._spent += self._clock() - begun
        if found is not None:
            self._task, self._known = None, found
            self._due = self._clock() + self._spent / LARGEST_SHARE
        return found

    def finish(self, trials: Sequence[PastTrial]) -> dict[str, Any] | None:
        """All of it now; None where nothing has changed."""
        self._task, self._due = None, float("-inf")
        return self.work(trials, float("inf"))

    def is_current(self, trials: Sequence[PastTrial]) -> bool:
        """Whether those in the store are of these results."""
        none = not any(trial.ended == "complete" for trial in trials)
        return none or _digest(trials) == self._known.get("of")

    def excuse(self, number: int) -> dict[str, Any]:
        """What is to be recorded so that the first `number` trials are no reason to give up once more."""
        self._known = {**self._known, "excused": number}
        return self._known

    @property
    def excused(self) -> int:
        """How many of the first trials are no reason to give up."""
        return int(self._known.get("excused", 0))

    def _work_out(self, trials: tuple[PastTrial, ...]) -> Iterator[dict[str, Any] | None]:
        """None each time there is more to do, and at last what is to be recorded."""
        space, directions, seed = self._spec.space, self._spec.objective.directions, self._spec.seed
        importance = importances(space, trials, directions)
        resamples, shuffles = list[dict[str, float]](), list[float]()
        yield from self._collect(
            resampled_importances(space, trials, directions, seed=seed), resamples, NUM_RESAMPLES
        )
        yield from self._collect(
            shuffled_strongest(space, trials, directions, seed=seed), shuffles, NUM_SHUFFLES
        )
        reached = strongest(space, trials, directions)
        num_complete = len(different(trials))
        yield {
            "of": _digest(trials),
            "excused": self.excused,
            "trials": num_complete,
            "importance": importance,
            "resamples": len(resamples),
            "stability": _stability(importance, resamples, num_complete, chance_of_more(reached, shuffles)),
        }

    def _collect(self, source: Iterator[Any], into: list[Any], most: int) -> Iterator[None]:
        spent = 0.0
        while len(into) < most and spent < MAX_SECONDS:
            yield None
            begun = self._clock()
            if (drawn := next(source, None)) is None:
                break
            into.append(drawn)
            spent += self._clock() - begun


def _stability(
    importance: dict[str, float],
    resamples: Sequence[dict[str, float]],
    num_trials: int,
    chance: float | None,
) -> dict[str, Any] | None:
    labels = {path: label_of(path) for path in importance}
    if len(set(labels.values())) < len(labels):
        labels = {path: path for path in importance}
    found = importance_stability(
        {labels[path]: value for path, value in importance.items()},
        [{labels[path]: value for path, value in each.items() if path in labels} for each in resamples],
        num_trials,
        chance,
    )
    if found is None:
        return None
    paths = {label: path for path, label in labels.items()}
    ranks = [
        {
            "path": paths[each.name],
            "importance": each.importance,
            "low": each.low,
            "high": each.high,
            "holds": each.holds,
        }
        for each in found.ranks
    ]
    return {"ranks": ranks, "top_holds": found.top_holds, "chance": found.chance, "sentence": found.sentence}


def _digest(trials: Sequence[PastTrial]) -> str:
    return digest_of({trial.number: trial.results for trial in trials if trial.ended == "complete"})
