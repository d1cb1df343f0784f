"""What a sweep looks for: one measure, a weighted sum, or several at once; and what a trial reaches of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.analysis.pareto import pareto_front
from core.config import ExperimentConfig
from core.config.refusals import describe, unknown_key
from core.datasets.lookup import dataset_shape
from core.design.architecture import describe_network
from core.errors import ConfigError, UserError
from core.store.states import TrialState
from core.store.trials import Trial, TrialRun
from core.sweeps.places import is_number
from core.workspace import Workspace

Direction = Literal["maximize", "minimize"]

# What is measured of a run, and which way is better.
MEASURES: dict[str, Direction] = {
    "val_accuracy": "maximize",  # of its best epoch
    "gap": "minimize",
    "parameters": "minimize",
    "flops": "minimize",
    "seconds": "minimize",  # of training, all epochs together
}
DEFAULT = "val_accuracy"
MAX_OBJECTIVES = 3
MAX_WEIGHT = 1_000_000


@dataclass(frozen=True)
class Objective:
    """`terms` are measures with their weights. A weighted sum is maximised; `is_pareto`: each measure for itself."""

    terms: tuple[tuple[str, float], ...]
    is_weighted: bool = False
    is_pareto: bool = False

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.terms)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Which way each of the values is better."""
        return ("maximize",) if self.is_weighted else tuple(MEASURES[name] for name in self.measures)

    def values(self, measured: Mapping[str, float | None]) -> tuple[float, ...] | None:
        """Of one run, or of means; None where a measure that is asked for is not known."""
        found = [measured.get(name) for name in self.measures]
        known = [value for value in found if value is not None]
        if len(known) < len(found):
            return None
        if self.is_weighted:
            return (sum(weight * value for (_, weight), value in zip(self.terms, known, strict=True)),)
        return tuple(known)

    @property
    def is_in_points(self) -> bool:
        """Whether the first value is a fraction of 1, or a sum of such: it is shown in per cent then."""
        return set(self.measures if self.is_weighted else self.measures[:1]) <= {DEFAULT, "gap"}

    def to_asked(self) -> Any:
        """As it stands in a sweep's file."""
        if self.is_weighted:
            return dict(self.terms)
        return list(self.measures) if self.is_pareto else self.measures[0]


def parse_objective(asked: object) -> Objective:
    """The objective of a sweep's file. Raises ConfigError."""
    if isinstance(asked, str):
        return Objective(((_measure(asked, "objective"), 1.0),))
    if isinstance(asked, Mapping) and asked:
        terms = []
        for name, weight in asked.items():
            field = f"objective.{_measure(name, f'objective.{str(name)[:60]}')}"
            if not is_number(weight) or weight == 0 or abs(weight) > MAX_WEIGHT:
                raise ConfigError(
                    field,
                    f"must be a weight from -{MAX_WEIGHT:,} to {MAX_WEIGHT:,} other than 0, not {describe(weight)}.",
                )
            terms.append((name, float(weight)))
        return Objective(tuple(terms), is_weighted=True)
    if isinstance(asked, list | tuple) and asked:
        if len(asked) > MAX_OBJECTIVES:
            raise ConfigError("objective", f"holds {len(asked)} measures; {MAX_OBJECTIVES} are allowed.")
        names = [_measure(name, f"objective[{index}]") for index, name in enumerate(asked)]
        if len(set(names)) < len(names):
            raise ConfigError("objective", "holds a measure twice.")
        return Objective(tuple((name, 1.0) for name in names), is_pareto=len(names) > 1)
    raise ConfigError(
        "objective",
        "must be a measure, an object of measures and weights, or a list of measures, "
        f"not {describe(asked)}.",
    )


def _measure(name: object, field: str) -> str:
    if not isinstance(name, str) or name not in MEASURES:
        raise unknown_key(field, MEASURES)
    return name


class Measuring:
    """Measures the runs of a sweep's trials. Networks are described once each."""

    def __init__(self, workspace: Workspace, objective: Objective, seconds: Mapping[str, float]) -> None:
        """`seconds` are the seconds of training by run id, as `store.sweeps.training_seconds` has them."""
        self._workspace = workspace
        self._objective = objective
        self._seconds = seconds
        self._sizes: dict[object, tuple[int, int] | None] = {}

    def of_run(self, each: TrialRun) -> dict[str, float | None]:
        """Every measure of a run by name; None for what is not known (yet)."""
        run = each.run
        size = None
        if {"parameters", "flops"} & set(self._objective.measures):
            config = run.readable_config
            size = None if config is None else self.size_of(config)
        return {
            "val_accuracy": run.best_val_accuracy,
            "gap": run.gap,
            "parameters": None if size is None else size[0],
            "flops": None if size is None else size[1],
            "seconds": self._seconds.get(run.id),
        }

    def size_of(self, config: ExperimentConfig) -> tuple[int, int] | None:
        """(parameters, FLOPs per picture) of its network; None where it cannot be built or its data is unknown."""
        key = (config.model, config.dataset.id, config.dataset.image_size)
        if key not in self._sizes:
            try:
                shape, num_classes = dataset_shape(self._workspace, config.dataset)
                network = describe_network(config.model, shape, num_classes)
                self._sizes[key] = (network.parameters, network.flops)
            except UserError:
                self._sizes[key] = None
        return self._sizes[key]

    def of_trial(self, trial: Trial, num_seeds: int) -> tuple[float, ...] | None:
        """The mean over the seeds of each value; None until the runs of all seeds have finished."""
        if trial.state is not TrialState.FINISHED or len(trial.search_runs) < num_seeds:
            return None
        found = [self._objective.values(self.of_run(each)) for each in trial.search_runs]
        known = [values for values in found if values is not None]
        if len(known) < len(found):
            return None
        return tuple(sum(column) / len(column) for column in zip(*known, strict=True))


def best_of(objective: Objective, reached: Mapping[int, Sequence[float]]) -> int | None:
    """The number of the best trial, of equals the first; with several measures the most accurate of the front."""
    return next(iter(rank(objective, reached)), None)


def rank(objective: Objective, reached: Mapping[int, Sequence[float]]) -> list[int]:
    """The numbers of the trials, the best first; with several measures those of the front alone, by the first measure.

    Of equals the earlier comes first.
    """
    numbers = front_of(objective, reached) if objective.is_pareto else sorted(reached)
    sign = 1 if objective.directions[0] == "maximize" else -1
    return sorted(numbers, key=lambda number: -sign * reached[number][0])


def front_of(objective: Objective, reached: Mapping[int, Sequence[float]]) -> list[int]:
    """The numbers of the trials that no other trial is better than in one measure without being worse in another."""
    numbers = sorted(reached)
    maximise = [direction == "maximize" for direction in objective.directions]
    return [numbers[index] for index in pareto_front([reached[number] for number in numbers], maximise)]


def digest_of(reached: Mapping[int, Sequence[float]]) -> str:
    """A digest of the results by trial number. It changes whenever a result does."""
    complete = [[number, list(reached[number])] for number in sorted(reached)]
    return hashlib.sha256(json.dumps(complete).encode()).hexdigest()[:16]
