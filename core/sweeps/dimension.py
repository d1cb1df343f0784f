"""One thing that a sweep searches: a place in the config with the values it may have, and when it is searched."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from core.config.refusals import describe, unknown_key
from core.errors import ConfigError
from core.sweeps.places import Place, is_number, parse_place

MAX_VALUES = 200
# Beyond it, floats and `_NEAR` do not tell one step from the next.
MAX_STEPS = 1_000_000
# A value is on a step if it is this near to it, in steps: the same as in Optuna.
_NEAR = 1e-8


@dataclass(frozen=True)
class Condition:
    """A setting, and the value that it must have."""

    place: Place
    value: Any


@dataclass(frozen=True)
class Dimension:
    """What is searched at `place`: one of `values`, or with `values` None a number from `low` to `high`, both allowed.

    `log`: evenly on a logarithmic scale. `step` is None for any number between; `whole` numbers have a step. `when`
    holds all conditions; without one, it is always searched.
    """

    place: Place
    values: tuple[Any, ...] | None = None
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None
    whole: bool = False
    when: tuple[Condition, ...] = ()

    @property
    def path(self) -> str:
        return self.place.path

    @property
    def num_options(self) -> int | None:
        """How many values there are; None where any number between two is one."""
        if self.values is not None:
            return len(self.values)
        return None if self.step is None else _num_steps(self.low, self.high, self.step) + 1

    def options(self) -> list[Any]:
        """The values in their order. Raises ConfigError where any number between two is one."""
        if self.values is not None:
            return list(self.values)
        count = self.num_options
        if count is None:
            raise ConfigError(f"space.{self.path}", "a grid needs values, or a step between low and high.")
        return [self._on_step(index) for index in range(count)]

    def settle(self, value: Any, field: str | None = None) -> Any:
        """The value as it is written in a config: one of `values`, on the step, whole or with a fraction.

        Raises ConfigError about `field` for a value that is not searched.
        """
        field = field or self.path
        if self.values is None and not (is_number(value) and self.low <= value <= self.high):
            # Before what the setting itself would take, which is more than is searched.
            a_number = "" if is_number(value) else "a number "
            raise ConfigError(
                field, f"must be {a_number}from {self.low:g} to {self.high:g}, not {describe(value)}."
            )
        value = self.place.check(value, field)
        if self.values is not None:
            if value not in self.values:
                shown = ", ".join(describe(each) for each in self.values)
                raise ConfigError(field, f"must be one of {shown}, not {describe(value)}.")
            return value
        if self.step is None:
            return value
        index = (value - self.low) / self.step
        if abs(index - round(index)) > _NEAR * max(1.0, abs(index)):
            raise ConfigError(
                field, f"must be {self.low:g} plus steps of {self.step:g}, not {describe(value)}."
            )
        return self._on_step(round(index))

    def sample(self, random: Random) -> Any:
        """A random value, on the dimension's own scale."""
        if self.values is not None:
            return random.choice(self.values)
        if self.log:
            value = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
            value = min(max(value, self.low), self.high)
            return round(value) if self.whole else value
        if self.step is None:
            return random.uniform(self.low, self.high)
        return self._on_step(random.randint(0, _num_steps(self.low, self.high, self.step)))

    def _on_step(self, index: int) -> Any:
        if self.whole:
            return int(self.low) + index * int(self.step or 1)
        # In decimals: 0.1 and two steps of 0.1 are 0.3, not 0.30000000000000004.
        return float(Decimal(repr(self.low)) + index * Decimal(repr(self.step)))

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a sweep's file."""
        found: dict[str, Any]
        if self.values is not None:
            found = {"values": list(self.values)}
        else:
            found = {"low": self.low, "high": self.high, "log": self.log}
            if self.step is not None and not (self.whole and self.step == 1):
                found["step"] = self.step
        if self.when:
            found["when"] = {each.place.path: each.value for each in self.when}
        return found


def parse_dimension(path: str, asked: object) -> Dimension:
    """A dimension of what stands in a sweep's file. Raises ConfigError, with `space.` before the path."""
    field = f"space.{path}"
    place = parse_place(path, field)
    if place.path == "seed":
        raise ConfigError(
            field, 'cannot be searched: it is luck. "seeds" says how many each trial is trained with.'
        )
    if place.path == "dataset.id":
        raise ConfigError(
            field,
            "cannot be searched: an accuracy says nothing beside that on other data. Start a sweep for each.",
        )
    if place.path == "training.keep_epoch_weights":
        raise ConfigError(field, "cannot be searched: it changes nothing of what a run learns.")
    if not isinstance(asked, Mapping):
        raise ConfigError(
            field, f'must be {{"values": […]}} or {{"low": …, "high": …}}, not {describe(asked)}.'
        )
    known = ("values", "low", "high", "log", "step", "when")
    for key in asked:
        if key not in known:
            raise unknown_key(f"{field}.{str(key)[:60]}", known)
    when = _parse_conditions(field, asked.get("when"))
    if "values" in asked:
        if others := [key for key in ("low", "high", "log", "step") if key in asked]:
            raise ConfigError(
                f"{field}.{others[0]}", "cannot be beside values: give values, or low and high."
            )
        return Dimension(place, values=_parse_values(place, field, asked["values"]), when=when)
    for key in ("low", "high"):
        if key not in asked:
            raise ConfigError(f"{field}.{key}", "is missing: give values, or low and high.")
    return _parse_range(place, field, asked, when)


def _parse_values(place: Place, field: str, values: object) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple) or not values:
        raise ConfigError(
            f"{field}.values", f"must be a list with at least one value, not {describe(values)}."
        )
    if len(values) > MAX_VALUES:
        raise ConfigError(f"{field}.values", f"holds {len(values):,} values; {MAX_VALUES} are allowed.")
    found: list[Any] = []
    for index, value in enumerate(values):
        checked = place.check(value, f"{field}.values[{index}]")
        if checked in found:
            raise ConfigError(f"{field}.values[{index}]", f"holds {describe(value)} a second time.")
        found.append(checked)
    return tuple(found)


def _parse_range(
    place: Place, field: str, asked: Mapping[str, Any], when: tuple[Condition, ...]
) -> Dimension:
    limits = place.limits
    if limits is None:
        raise ConfigError(f"{field}.low", "is for numbers, and this setting is none: give values.")
    ends = []
    for key in ("low", "high"):
        if asked[key] is None or isinstance(asked[key], list):  # which the setting itself may take
            raise ConfigError(f"{field}.{key}", f"must be a number, not {describe(asked[key])}.")
        ends.append(place.check(asked[key], f"{field}.{key}"))
    low, high = ends
    if high <= low:
        raise ConfigError(
            f"{field}.high", f"must be above the lowest value, {describe(low)}, not {describe(high)}."
        )
    log = asked.get("log", False)
    if not isinstance(log, bool):
        raise ConfigError(f"{field}.log", f"must be true or false, not {describe(log)}.")
    if log and low <= 0:
        raise ConfigError(f"{field}.low", "must be above 0 on a logarithmic scale.")
    step = asked.get("step")
    if step is not None:
        step = _parse_step(field, step, log=log, whole=limits.whole)
        if step > high - low:
            raise ConfigError(f"{field}.step", f"must be at most {high - low:g}, from low to high.")
        if not limits.whole and (high - low) / step > MAX_STEPS:
            raise ConfigError(
                f"{field}.step",
                f"makes more than {MAX_STEPS:,} values from low to high. Leave it out for any number between.",
            )
        # The highest value that a step reaches.
        bounds = Dimension(place, low=low, high=high, step=step, whole=limits.whole)
        high = bounds._on_step(_num_steps(low, high, step))
    elif limits.whole:
        step = 1
    return Dimension(place, low=low, high=high, log=log, step=step, whole=limits.whole, when=when)


def _parse_step(field: str, step: Any, *, log: bool, whole: bool) -> Any:
    if log:
        raise ConfigError(f"{field}.step", "cannot be beside a logarithmic scale: leave one of them out.")
    if not is_number(step) or step <= 0 or (whole and not isinstance(step, int)):
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"{field}.step", f"must be {kind} above 0, not {describe(step)}.")
    return step if whole else float(step)


def _parse_conditions(field: str, asked: object) -> tuple[Condition, ...]:
    if asked is None:
        return ()
    if not isinstance(asked, Mapping) or not asked:
        raise ConfigError(f"{field}.when", f"must be an object of paths and values, not {describe(asked)}.")
    found = []
    for path, value in asked.items():
        inside = f"{field}.when.{path}"
        place = parse_place(str(path), inside)
        found.append(Condition(place, place.check(value, inside)))
    return tuple(found)


def _num_steps(low: float, high: float, step: float) -> int:
    return math.floor((high - low) / step + _NEAR)


def paths_of(dimensions: Sequence[Dimension]) -> str:
    """For a sentence that lists them."""
    return ", ".join(each.path for each in dimensions)
