"""What a sweep asks: the config it starts from, what it searches, how, and for what. A sweep's file, JSON and back."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.config import ExperimentConfig
from core.config.refusals import LARGEST_WHOLE, describe, unknown_key, whole_number
from core.errors import ConfigError, UserError
from core.sweeps.objective import DEFAULT, Objective, parse_objective
from core.sweeps.places import parse_place, put
from core.sweeps.space import Space, parse_space

GRID = "grid"
METHODS = (GRID, "random", "tpe", "cmaes", "qmc")
PRUNINGS = ("none", "median", "hyperband", "patience")
DEFAULT_TRIALS = 20
MAX_RUNS = 500
# Of one setting in a grid: Optuna lists them all for each trial, a million in 5 s and 130 MiB.
MAX_GRID_VALUES = 10_000
MAX_SEEDS = 20
MAX_CONCURRENCY = 64
LAST_SEED = 2**31 - 1
# Whole numbers of a sweep's file: from, to. How many runs all its trials may have, `check_size` knows.
NUMBERS: dict[str, tuple[int, float]] = {
    "seeds": (1, MAX_SEEDS), "trials": (1, math.inf), "seed": (0, LAST_SEED), "concurrency": (1, MAX_CONCURRENCY),
}  # fmt: skip

SOURCES = ("preset", "config", "run")
KEYS = (
    "name", *SOURCES, "dataset", "set", "space", "method", "trials", "seed", "pruning", "objective", "seeds",
    "concurrency", "reuse",
)  # fmt: skip


@dataclass(frozen=True)
class SweepSource:
    """The config that a sweep starts from, what it is called, and the preset or run that it comes from, if any."""

    name: str
    config: ExperimentConfig
    preset: str | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class SweepSpec:
    """What is asked. `trials` is how many were asked for at first; the sweep itself says how many are planned.

    Each trial is trained with `num_seeds` seeds, counted up from the base's own. `seed` is that of the search.
    `concurrency` is how many trials are trained at once at first (None: as many as there are devices). `reuse`:
    runs that are there already count.
    """

    source: SweepSource
    space: Space
    method: str
    trials: int
    seed: int
    pruning: str
    objective: Objective
    num_seeds: int
    concurrency: int | None
    reuse: bool

    @property
    def base(self) -> ExperimentConfig:
        return self.source.config

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that the search trains each trial with."""
        return self.seeds_after(0, self.num_seeds)

    def seeds_after(self, first: int, count: int) -> tuple[int, ...]:
        """`count` seeds, counted up from the base's own and the `first` after it."""
        return tuple((self.base.seed + first + index) % (LAST_SEED + 1) for index in range(count))

    def to_dict(self) -> dict[str, Any]:
        """A sweep's file that asks for the same, with the whole config in it."""
        return {
            "config": self.base.to_dict(),
            "space": self.space.to_dict(),
            "method": self.method,
            "trials": self.trials,
            "seed": self.seed,
            "pruning": self.pruning,
            "objective": self.objective.to_asked(),
            "seeds": self.num_seeds,
            "concurrency": self.concurrency,
            "reuse": self.reuse,
        }

    def to_json(self) -> str:
        """For the store."""
        source = {"name": self.source.name, "preset": self.source.preset, "run": self.source.run_id}
        return json.dumps({**self.to_dict(), "source": source})


def parse_spec(asked: Mapping[str, Any], source: SweepSource, *, is_stored: bool = False) -> SweepSpec:
    """A spec of a sweep's file, whose config has been found already. Raises ConfigError with the path of the fault.

    Of one that `is_stored`, the combinations were counted before it was.
    """
    for key in asked:
        if key not in KEYS:
            raise unknown_key(str(key)[:60], KEYS)
    asked = {key: value for key, value in asked.items() if value is not None}
    if "space" not in asked:
        raise ConfigError("space", "is missing: it says which settings are searched.")
    space = parse_space(asked["space"], source.config, is_known=is_stored)
    method = _choice(asked, "method", METHODS, "tpe")
    pruning = _choice(asked, "pruning", PRUNINGS, "none")
    objective = parse_objective(asked.get("objective", DEFAULT))
    _check_together(space, method, pruning, objective)
    num_seeds = check_count(asked, "seeds") or 1
    wanted = check_count(asked, "trials")
    trials = wanted if is_stored and wanted is not None else num_trials(space, method, wanted)
    check_size(trials, num_seeds)
    reuse = asked.get("reuse", True)
    if not isinstance(reuse, bool):
        raise ConfigError("reuse", f"must be true or false, not {describe(reuse)}.")
    return SweepSpec(
        source, space, method, trials, check_count(asked, "seed") or 0, pruning, objective,
        num_seeds, check_count(asked, "concurrency"), reuse,
    )  # fmt: skip


def num_trials(space: Space, method: str, asked: int | None) -> int:
    """How many trials there are to be: as many as asked for, and no more than there are combinations.

    Raises ConfigError for a grid without an end, and for one that is too fine to be listed.
    """
    count = space.num_combinations
    if method == GRID and count is None:
        endless = next(each for each in space.dimensions if each.num_options is None)
        endless.options()  # which says so
    for dimension in space.dimensions if method == GRID else ():
        if (options := dimension.num_options or 0) > MAX_GRID_VALUES:
            raise ConfigError(
                f"space.{dimension.path}",
                f"has {options:,} values; a grid can have {MAX_GRID_VALUES:,} of a setting. Choose a larger step, or "
                "another method.",
            )
    usual = count if method == GRID else DEFAULT_TRIALS
    wanted = usual if asked is None else asked
    assert wanted is not None
    return wanted if count is None else min(wanted, count)


def check_count(asked: Mapping[str, Any], key: str) -> int | None:
    """A number of NUMBERS in a sweep's file; None where it is not given. Raises ConfigError."""
    value = asked.get(key)
    return None if value is None else whole_number(key, value, *NUMBERS[key])


def check_size(trials: int, seeds: int) -> None:
    """Raise ConfigError where a sweep would have more runs than are allowed, with their count."""
    num_runs = trials * seeds
    if num_runs > MAX_RUNS:
        if trials > LARGEST_WHOLE:
            raise ConfigError("trials", f"must be at most {MAX_RUNS:,}, not {describe(trials)}.")
        each = "" if seeds == 1 else f" with {seeds} seeds each"
        raise ConfigError(
            "trials",
            f"A sweep has at most {MAX_RUNS} runs; {trials:,} trials{each} would be {num_runs:,}. Give fewer values, "
            "or a number of trials.",
        )


def changed(config: ExperimentConfig, values: Mapping[str, Any]) -> ExperimentConfig:
    """A config with values replaced by path, where `[*]` is every entry and a number of blocks is their number.

    This is the `set` of a sweep's file. Raises ConfigError.
    """
    plain: Any = config.to_dict()
    places = [(parse_place(str(path), f"set.{str(path)[:80]}"), value) for path, value in values.items()]
    for place, value in sorted(places, key=lambda each: len(each[0].steps)):
        before = plain
        plain = put(plain, place, place.check(value, f"set.{place.path}"))
        if plain is before:
            raise ConfigError(f"set.{place.path}", "names nothing in this config.")
    return ExperimentConfig.from_dict(plain)


@lru_cache(maxsize=64)
def read_spec(text: str) -> SweepSpec:
    """The spec in the store's JSON. Raises UserError where another version of ConvDeck wrote what this cannot read."""
    try:
        read = json.loads(text)
        found = read.pop("source")
        source = SweepSource(
            found["name"], ExperimentConfig.from_stored(read.pop("config")), found["preset"], found["run"]
        )
        return parse_spec(read, source, is_stored=True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"This sweep's settings cannot be read: {error} Another version of ConvDeck may have written it."
        ) from None


def _check_together(space: Space, method: str, pruning: str, objective: Objective) -> None:
    if method == "cmaes":
        if objective.is_pareto:
            raise ConfigError(
                "method", "cmaes searches for one measure; choose tpe, qmc or random for several."
            )
        if all(each.values is not None for each in space.dimensions):
            raise ConfigError(
                "method", "cmaes searches numbers between low and high, and this space has none."
            )
    if pruning != "none" and (objective.is_pareto or dict(objective.terms).get(DEFAULT, 0) <= 0):
        raise ConfigError(
            "pruning",
            f"gives up where {DEFAULT} is low, so the objective must be it, or a sum in which it counts for a trial.",
        )


def _choice(asked: Mapping[str, Any], key: str, allowed: tuple[str, ...], usual: str) -> str:
    value = asked.get(key, usual)
    if not isinstance(value, str) or value not in allowed:
        raise ConfigError(key, f"must be one of {', '.join(allowed)}, not {describe(value)}.")
    return value
