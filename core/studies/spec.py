"""What a study asks: its kind, the configs it starts from, and what it varies. JSON and back."""

import dataclasses
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.config import ExperimentConfig
from core.config.refusals import describe, whole_number
from core.errors import ConfigError, UserError

SEEDS, ABLATION, VOLUME, NOISE = "seeds", "ablation", "volume", "noise"
WITHOUT, ONLY = "without", "only"
MODES = (WITHOUT, ONLY)
# How many seeds each kind may have, and has unless told otherwise.
SEEDS_OF = {SEEDS: (2, 20, 3), ABLATION: (1, 5, 1), VOLUME: (1, 5, 1), NOISE: (1, 5, 1)}

# What the kinds are called, and which question each answers.
TITLES = {
    SEEDS: "Signal or noise?",
    ABLATION: "Augmentation ablation",
    VOLUME: "Data volume",
    NOISE: "Label noise",
}
QUESTIONS = {
    SEEDS: "Is one better than the other, or was it luck? Trains each with several seeds to see how far chance alone "
    "moves the result.",
    ABLATION: "Which part of the augmentation helps? Trains without each part, or with each part alone.",
    VOLUME: "How much would more pictures help? Trains on larger and larger subsets of the training set.",
    NOISE: "What do wrong labels do, and does the network learn them by heart? Trains with more and more wrong labels.",
}
KINDS = tuple(SEEDS_OF)
# The same of a study that adds seeds until it is decided, which begins with as many as the first interval needs; and
# how many it may have in all, at most and unless told otherwise.
SEEDS_AT_FIRST = (2, 20, 4)
MOST_SEEDS, DEFAULT_MAX_SEEDS = 100, 20
DEFAULT_FRACTIONS = (0.0, 0.1, 0.2, 0.4)
DEFAULT_NUM_SIZES = 5
SMALLEST_SIZE = 500
# What can be asked of a comparison by seeds beside their number.
UNTIL_DECIDED = ("until_decided", "max_seeds", "smallest_difference")
MAX_VALUES = 12  # sizes or fractions
MAX_RUNS = 200  # beyond it a study would hold the queue for days
LAST_SEED = 2**31 - 1
LARGEST = 10**15  # no setting needs more, and a float may not hold it


@dataclass(frozen=True)
class StudySource:
    """A config that a study starts from, what it is called, and the preset or the run that it comes from, if any.

    `is_seed_given`: a person has asked for its seed, rather than taking that of the preset or run. `is_chosen`: a
    search has chosen its run by results of seeds that the study therefore leaves out.
    """

    name: str
    config: ExperimentConfig
    preset: str | None = None
    run_id: str | None = None
    is_seed_given: bool = field(default=False, compare=False)
    is_chosen: bool = False


@dataclass(frozen=True)
class StudySpec:
    """What is asked. `bases` holds one config, or two to be compared by seeds.

    Each condition is trained with each of `seeds`. `modes` are those of an ablation: `without` leaves one knob out
    of the policy, `only` has one knob alone. `sizes` are those of a data-volume ladder, in pictures, of which there
    are `num_available`; `fractions` those of wrong labels. What is no part of the kind is empty.

    With `max_seeds` a comparison by seeds adds seeds to the first `seeds` until it is decided, up to that number:
    until the interval leaves out zero, or lies within ±`smallest_difference`. `reuse` says whether those may be runs
    that exist.
    """

    kind: str
    bases: tuple[StudySource, ...]
    seeds: tuple[int, ...]
    modes: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    num_available: int | None = None
    fractions: tuple[float, ...] = ()
    max_seeds: int | None = None
    smallest_difference: float | None = None
    reuse: bool = True

    @property
    def until_decided(self) -> bool:
        """Whether it adds seeds until it is decided."""
        return self.max_seeds is not None

    @property
    def seeds_note(self) -> str | None:
        """Why it does not begin with the seed of its runs; None where it does."""
        chosen = sum(base.is_chosen for base in self.bases)
        if not chosen:
            return None
        which = "This run was"
        if len(self.bases) > 1:
            which = "One of these runs was" if chosen == 1 else "These runs were"
        return f"{which} chosen by a search, so the study begins with a seed that the search has not seen."

    def with_seeds(self, added: int, max_seeds: int | None) -> "StudySpec":
        """With seeds added, which count up from the last one, and with this number of seeds allowed."""
        following = ((self.seeds[-1] + 1 + index) % (LAST_SEED + 1) for index in range(added))
        return dataclasses.replace(self, seeds=(*self.seeds, *following), max_seeds=max_seeds)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError("kind", f"must be one of {', '.join(KINDS)}, not {describe(self.kind)}.")
        least, most, _ = SEEDS_OF[self.kind]
        if self.until_decided:
            least, most = SEEDS_AT_FIRST[0], MOST_SEEDS
            self._check_until_decided()
        if not least <= len(self.seeds) <= most:
            raise ConfigError("num_seeds", f"must lie between {least} and {most}, not {len(self.seeds)}.")
        if self.kind == VOLUME:
            self._check_sizes()
        elif self.kind == NOISE:
            self._check_fractions()
        elif self.kind == ABLATION and (not self.modes or set(self.modes) - set(MODES)):
            raise ConfigError("modes", f"must be one or both of {', '.join(MODES)}.")

    def _check_until_decided(self) -> None:
        if self.kind != SEEDS or len(self.bases) != 2:
            raise ConfigError("until_decided", "needs two configs to compare by seeds.")
        check_max_seeds(self.max_seeds, len(self.seeds))
        smallest = self.smallest_difference
        if smallest is not None and not 0 < smallest <= 1:
            raise ConfigError(
                "smallest_difference", f"must lie between 0 and 1, as a fraction, not {describe(smallest)}."
            )

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
            {
                "name": base.name, "config": base.config.to_dict(), "preset": base.preset, "run": base.run_id,
                # Left out elsewhere, so that the same question has the same text as in earlier versions.
                **({"chosen": True} if base.is_chosen else {}),
            }
            for base in self.bases
        ]  # fmt: skip
        written: dict[str, Any] = {
            "kind": self.kind, "bases": bases, "seeds": self.seeds, "modes": self.modes, "sizes": self.sizes,
            "num_available": self.num_available, "fractions": self.fractions,
        }  # fmt: skip
        if self.until_decided:
            written |= {  # left out elsewhere for the same reason
                "max_seeds": self.max_seeds, "smallest_difference": self.smallest_difference, "reuse": self.reuse,
            }  # fmt: skip
        return json.dumps(written)

    @classmethod
    def from_json(cls, text: str) -> "StudySpec":
        """What `to_json` wrote. Raises UserError where another version of ConvDeck wrote what this cannot read."""
        try:
            read = json.loads(text)
            bases = tuple(
                StudySource(
                    each["name"], ExperimentConfig.from_stored(each["config"]), each["preset"], each["run"],
                    is_chosen=each.get("chosen", False),
                )
                for each in read["bases"]
            )  # fmt: skip
            return cls(
                read["kind"], bases, tuple(read["seeds"]), tuple(read["modes"]), tuple(read["sizes"]),
                read["num_available"], tuple(read["fractions"]), read.get("max_seeds"),
                read.get("smallest_difference"), read.get("reuse", True),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UserError(
                f"This study's settings cannot be read: {error} Another version of ConvDeck may have written it."
            ) from None


def build_spec(
    kind: str,
    bases: Sequence[StudySource],
    asked: Mapping[str, Any],
    num_available: int,
    seen: Collection[int] = (),
) -> StudySpec:
    """A spec from what was asked for; what is left out takes its default.

    `asked` may hold `num_seeds`, `modes`, `sizes`, `num_sizes` and `fractions`, of which each kind takes its own, and
    for a comparison by seeds `until_decided`, `max_seeds` and `smallest_difference`;
    `num_available` is how many training pictures the data set has. Seeds count up from the first config's own, so
    that a run of it that is there already is the first of them, and so far on that none of `seen` is among them.
    Raises ConfigError.
    """
    if kind not in KINDS:
        raise ConfigError("kind", f"must be one of {', '.join(KINDS)}, not {describe(kind)}.")
    taken = {
        SEEDS: UNTIL_DECIDED,
        ABLATION: ("modes",),
        VOLUME: ("sizes", "num_sizes"),
        NOISE: ("fractions",),
    }[kind]
    for key in asked:
        if key not in ("num_seeds", *taken):
            raise ConfigError(key, f"is not an option of a study of kind {kind}.")
    until_decided = asked.get("until_decided", False)
    if not isinstance(until_decided, bool):
        raise ConfigError("until_decided", f"must be true or false, not {describe(until_decided)}.")
    least, most, usual = SEEDS_AT_FIRST if until_decided else SEEDS_OF[kind]
    num_seeds = whole_number("num_seeds", asked.get("num_seeds", usual), least, most)
    first = _first_seed(bases[0].config.seed, MOST_SEEDS if until_decided else num_seeds, seen)
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
    if until_decided:
        return _until_decided(tuple(bases), seeds, asked)
    if others := [key for key in UNTIL_DECIDED[1:] if asked.get(key) is not None]:
        raise ConfigError(others[0], "needs until_decided.")
    return StudySpec(kind, tuple(bases), seeds)


def _first_seed(own: int, count: int, seen: Collection[int]) -> int:
    """`own`, or the first after it from which on `count` seeds were not `seen`."""
    first = own
    while taken := [index for index in range(count) if (first + index) % (LAST_SEED + 1) in seen]:
        first = (first + taken[-1] + 1) % (LAST_SEED + 1)
    return first


def _until_decided(
    bases: tuple[StudySource, ...], seeds: tuple[int, ...], asked: Mapping[str, Any]
) -> StudySpec:
    max_seeds = asked.get("max_seeds")
    smallest = asked.get("smallest_difference")
    if smallest is not None:
        (smallest,) = _numbers("smallest_difference", [smallest])
    if max_seeds is None:
        max_seeds = max(DEFAULT_MAX_SEEDS, len(seeds))
    return StudySpec(SEEDS, bases, seeds, max_seeds=max_seeds, smallest_difference=smallest)


def check_max_seeds(max_seeds: object, num_seeds: int) -> int:
    """The number of seeds that a study which has `num_seeds` may have in all. Raises ConfigError."""
    return whole_number(
        "max_seeds", max_seeds, num_seeds, MOST_SEEDS, f"from {num_seeds}, which it has, to {MOST_SEEDS}"
    )


def ladder(num_available: int, num_sizes: int = DEFAULT_NUM_SIZES) -> tuple[int, ...]:
    """Sizes from 500 pictures to all, each the same number of times the one before, to two digits.

    Where that is less than ten times, they begin at a tenth of all, so that the logarithm has a decade to go.
    """
    whole_number("num_sizes", num_sizes, 2, MAX_VALUES)
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
