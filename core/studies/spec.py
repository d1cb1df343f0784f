"""What a study asks: its kind, the configs it starts from, and what it varies. JSON and back."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.config import ExperimentConfig
from core.config.refusals import describe
from core.errors import ConfigError, UserError

SEEDS, ABLATION, VOLUME, NOISE = "seeds", "ablation", "volume", "noise"
WITHOUT, ONLY = "without", "only"
MODES = (WITHOUT, ONLY)
# How many seeds each kind may have, and has unless told otherwise.
SEEDS_OF = {SEEDS: (2, 20, 3), ABLATION: (1, 5, 1), VOLUME: (1, 5, 1), NOISE: (1, 5, 1)}
KINDS = tuple(SEEDS_OF)
DEFAULT_FRACTIONS = (0.0, 0.1, 0.2, 0.4)
DEFAULT_NUM_SIZES = 5
SMALLEST_SIZE = 500
MAX_VALUES = 12  # sizes or fractions
MAX_RUNS = 200  # beyond it a study would hold the queue for days
LAST_SEED = 2**31 - 1
LARGEST = 10**15  # no setting needs more, and a float may not hold it


@dataclass(frozen=True)
class StudySource:
    """A config that a study starts from, what it is called, and the preset or the run that it comes from, if any."""

    name: str
    config: ExperimentConfig
    preset: str | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class StudySpec:
    """What is asked. `bases` holds one config, or two to be compared by seeds.

    Each condition is trained with each of `seeds`. `modes` are those of an ablation: `without` leaves one knob out
    of the policy, `only` has one knob alone. `sizes` are those of a data-volume ladder, in pictures, of which there
    are `num_available`; `fractions` those of wrong labels. What is no part of the kind is empty.
    """

    kind: str
    bases: tuple[StudySource, ...]
    seeds: tuple[int, ...]
    modes: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    num_available: int | None = None
    fractions: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError("kind", f"must be one of {', '.join(KINDS)}, not {describe(self.kind)}.")
        least, most, _ = SEEDS_OF[self.kind]
        if not least <= len(self.seeds) <= most:
            raise ConfigError("num_seeds", f"must lie between {least} and {most}, not {len(self.seeds)}.")
        if self.kind == VOLUME:
            self._check_sizes()
        elif self.kind == NOISE:
            self._check_fractions()
        elif self.kind == ABLATION and (not self.modes or set(self.modes) - set(MODES)):
            raise ConfigError("modes", f"must be one or both of {', '.join(MODES)}.")

    def _check_sizes(self) -> None:
        _check_distinct("sizes", self.sizes)
        for size in self.sizes:
            if size < 1 or (self.num_available is not None and size > self.num_available):
                there = "" if self.num_available is None else f"; there are {self.num_available:,} pictures"
                raise ConfigError("sizes", f"cannot hold {size:,}{there}.")

    def _check_fractions(self) -> None:
        _check_distinct("fractions", self.fractions)
        for fraction in self.fractions:
            if not 0 <= fraction <= 1:
                raise ConfigError("fractions", f"must lie between 0 and 1, not {fraction:g}.")

    def to_json(self) -> str:
        """For the store."""
        bases = [
            {"name": base.name, "config": base.config.to_dict(), "preset": base.preset, "run": base.run_id}
            for base in self.bases
        ]
        return json.dumps(
            {
                "kind": self.kind, "bases": bases, "seeds": self.seeds, "modes": self.modes, "sizes": self.sizes,
                "num_available": self.num_available, "fractions": self.fractions,
            }
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> "StudySpec":
        """What `to_json` wrote. Raises UserError where another version of ConvDeck wrote what this cannot read."""
        try:
            read = json.loads(text)
            bases = tuple(
                StudySource(
                    each["name"], ExperimentConfig.from_stored(each["config"]), each["preset"], each["run"]
                )
                for each in read["bases"]
            )
            return cls(
                read["kind"], bases, tuple(read["seeds"]), tuple(read["modes"]), tuple(read["sizes"]),
                read["num_available"], tuple(read["fractions"]),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UserError(
                f"This study's settings cannot be read: {error} Another version of ConvDeck may have written it."
            ) from None


def build_spec(
    kind: str, bases: Sequence[StudySource], asked: Mapping[str, Any], num_available: int
) -> StudySpec:
    """A spec from what was asked for; what is left out takes its default.

    `asked` may hold `num_seeds`, `modes`, `sizes`, `num_sizes` and `fractions`, of which each kind takes its own;
    `num_available` is how many training pictures the data set has. Seeds count up from the first config's own, so
    that a run of it that is there already is the first of them. Raises ConfigError.
    """
    if kind not in KINDS:
        raise ConfigError("kind", f"must be one of {', '.join(KINDS)}, not {describe(kind)}.")
    taken = {SEEDS: (), ABLATION: ("modes",), VOLUME: ("sizes", "num_sizes"), NOISE: ("fractions",)}[kind]
    for key in asked:
        if key not in ("num_seeds", *taken):
            raise ConfigError(key, f"is not an option of a study of kind {kind}.")
    least, most, usual = SEEDS_OF[kind]
    num_seeds = asked.get("num_seeds", usual)
    if isinstance(num_seeds, bool) or not isinstance(num_seeds, int) or not least <= num_seeds <= most:
        raise ConfigError(
            "num_seeds", f"must be a whole number from {least} to {most}, not {describe(num_seeds)}."
        )
    first = bases[0].config.seed
    seeds = tuple((first + index) % (LAST_SEED + 1) for index in range(num_seeds))
    if kind == ABLATION:
        modes = _texts("modes", asked.get("modes", [WITHOUT]))
        return StudySpec(kind, tuple(bases), seeds, modes=tuple(mode for mode in MODES if mode in modes))
    if kind == VOLUME:
        if "sizes" in asked:
            sizes = tuple(int(size) for size in _numbers("sizes", asked["sizes"], whole=True))
        else:
            sizes = ladder(num_available, asked.get("num_sizes", DEFAULT_NUM_SIZES))
        return StudySpec(
            kind, tuple(bases), seeds, sizes=tuple(sorted(set(sizes))), num_available=num_available
        )
    if kind == NOISE:
        fractions = _numbers("fractions", asked.get("fractions", DEFAULT_FRACTIONS))
        # -0.0 plus zero is 0.0: the same fraction under one name.
        return StudySpec(
            kind, tuple(bases), seeds, fractions=tuple(sorted({float(value) + 0.0 for value in fractions}))
        )
    return StudySpec(kind, tuple(bases), seeds)


def ladder(num_available: int, num_sizes: int = DEFAULT_NUM_SIZES) -> tuple[int, ...]:
    """Sizes from 500 pictures to all, each the same number of times the one before, to two digits.

    Where that is less than ten times, they begin at a tenth of all, so that the logarithm has a decade to go.
    """
    if isinstance(num_sizes, bool) or not isinstance(num_sizes, int) or not 2 <= num_sizes <= MAX_VALUES:
        raise ConfigError(
            "num_sizes", f"must be a whole number from 2 to {MAX_VALUES}, not {describe(num_sizes)}."
        )
    low = max(1, min(SMALLEST_SIZE, num_available // 10))
    ratio = (num_available / low) ** (1 / (num_sizes - 1))
    between = (_two_digits(low * ratio**step) for step in range(1, num_sizes - 1))
    return tuple(sorted({low, *(size for size in between if low < size < num_available), num_available}))


def _two_digits(value: float) -> int:
    digits = 1 - math.floor(math.log10(value))
    return round(round(value, digits))


def _check_distinct(field: str, values: Sequence[float]) -> None:
    if not 2 <= len(values) <= MAX_VALUES:
        raise ConfigError(field, f"must hold 2 to {MAX_VALUES} different values, not {len(values)}.")


def _numbers(field: str, values: object, *, whole: bool = False) -> list[float]:
    if not isinstance(values, list | tuple):
        raise ConfigError(field, f"must be a list of numbers, not {describe(values)}.")
    for value in values:
        # In this order: a whole number may be too large to be asked whether it is finite.
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise ConfigError(field, f"must be a list of numbers; {describe(value)} is not one.")
        if abs(value) > LARGEST:
            raise ConfigError(field, f"cannot hold {describe(value)}.")
        if whole and value != int(value):
            raise ConfigError(field, f"must be a list of whole numbers; {value:g} is not one.")
    return list(values)


def _texts(field: str, values: object) -> list[str]:
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise ConfigError(field, f"must be a list of texts, not {describe(values)}.")
    if unknown := [value for value in values if value not in MODES]:
        raise ConfigError(
            field, f"must be one or both of {', '.join(MODES)}; {describe(unknown[0])} is neither."
        )
    return list(values)
