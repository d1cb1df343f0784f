"""What a sweep searches, as a whole: which settings together, in which order, and how many combinations there are.

A setting is searched when its place is in the config with what has been chosen so far (the third block only where
there are three), and when that config has the values of its `when`. So settings depend on each other, and are chosen in
an order in which each comes after those that it depends on.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from core.config import ExperimentConfig
from core.config.refusals import describe, unknown_key
from core.errors import ConfigError
from core.sweeps.dimension import MAX_VALUES, Condition, Dimension, parse_dimension, paths_of
from core.sweeps.places import Place, expand, is_within, put, read

MAX_DIMENSIONS = 50
# The number of combinations that are tried of settings that depend on each other.
MAX_BRANCHES = 2_000

Choices = dict[str, Any]


@dataclass(frozen=True)
class Space:
    """`dimensions` in the order in which they are chosen; `base` is the config that they change, as plain values."""

    base: dict[str, Any]
    dimensions: tuple[Dimension, ...]

    def next_dimension(self, choices: Mapping[str, Any]) -> Dimension | None:
        """The first that is searched, with the choices so far, and has no choice yet; None when all have.

        `while (dimension := space.next_dimension(choices)): choices[dimension.path] = …` makes a whole choice.
        """
        for dimension in self.dimensions:
            if dimension.path not in choices and self.is_active(dimension, choices):
                return dimension
        return None

    def is_active(self, dimension: Dimension, choices: Mapping[str, Any]) -> bool:
        """Whether it is searched, once those that it depends on are chosen."""
        values = self.applied(
            {path: choices[path] for path in self._depends[dimension.path] if path in choices}
        )
        return bool(expand(values, dimension.place.steps)) and all(
            _holds(values, each) for each in dimension.when
        )

    def applied(self, choices: Mapping[str, Any]) -> dict[str, Any]:
        """The base with the choices, as plain values of a config. Blocks are counted before they are changed."""
        values: Any = self.base
        for dimension in sorted(self.dimensions, key=lambda each: len(each.place.steps)):
            if dimension.path in choices:
                values = put(values, dimension.place, choices[dimension.path])
        return dict(values)

    def check(self, choices: Mapping[str, Any]) -> Choices:
        """Choices that a person has made, in the order of the dimensions; what is left out is as in the base.

        Raises ConfigError for a place or a value that is not searched, and for one that is left out where the base has
        a value that is not searched and there is more than one that is.
        """
        known = {dimension.path: dimension for dimension in self.dimensions}
        for path in choices:
            if path not in known:
                raise unknown_key(str(path)[:60], known)
        found: Choices = {}
        while dimension := self.next_dimension(found):
            if dimension.path in choices:
                found[dimension.path] = dimension.settle(choices[dimension.path])
            else:
                found[dimension.path] = self._usual(dimension, self.applied(found))
        for path in choices:
            if path not in found:
                raise ConfigError(path, f"is not searched with these choices: {_why_not(known[path])}.")
        return found

    def _usual(self, dimension: Dimension, values: dict[str, Any]) -> Any:
        """The value of the base, or the only one there is."""
        if dimension.num_options == 1:
            return dimension.options()[0]
        try:
            return dimension.settle(self.value_at(dimension.place, values))
        except ConfigError:
            raise ConfigError(
                dimension.path, "needs a value: that of the base is not among those that are searched."
            ) from None

    def value_at(self, place: Place, values: dict[str, Any]) -> Any:
        """What a config in plain values has at a place, of `[*]` where all entries are the same; else None."""
        found = [read(values, steps) for steps in expand(values, place.steps)]
        value = found[0] if found and all(each == found[0] for each in found) else None
        return len(value) if place.counts_parts and isinstance(value, list) and self._counts(place) else value

    def _counts(self, place: Place) -> bool:
        return any(each.path == place.path and not _holds_lists(each) for each in self.dimensions)

    def combinations(self) -> Iterator[Choices]:
        """Every choice once, the last dimension changing fastest. Raises ConfigError where there is no end of them."""
        yield from self._extend({})

    def _extend(self, choices: Choices) -> Iterator[Choices]:
        dimension = self.next_dimension(choices)
        if dimension is None:
            yield choices
            return
        for value in dimension.options():
            yield from self._extend({**choices, dimension.path: value})

    def sample(self, random: Random) -> Choices:
        """A random choice, each setting by itself."""
        choices: Choices = {}
        while dimension := self.next_dimension(choices):
            choices[dimension.path] = dimension.sample(random)
        return choices

    @cached_property
    def num_combinations(self) -> int | None:
        """How many choices there are; None where a setting takes any number between two."""
        if any(each.num_options is None for each in self.dimensions):
            return None
        total = 1
        for group in self._groups():
            total *= sum(count for count, _ in self._branches(group))
        return total

    def check_reachable(self) -> None:
        """Raise ConfigError for a dimension that no choice of the others makes active."""
        for group in self._groups():
            seen: set[str] = set()
            for index, (_, chosen) in enumerate(self._branches(group)):
                seen |= chosen
                if index > MAX_BRANCHES:
                    raise ConfigError("space", f"{paths_of(group)} depend on each other in too many ways.")
            for dimension in group:
                if dimension.path not in seen:
                    raise ConfigError(f"space.{dimension.path}", f"is never searched: {_why_not(dimension)}.")

    def _groups(self) -> list[list[Dimension]]:
        """Those that depend on each other, together: the others multiply the number of combinations."""
        groups: list[list[Dimension]] = []
        for dimension in self.dimensions:
            depends = self._depends[dimension.path]
            mine = [group for group in groups if any(each.path in depends for each in group)]
            groups = [group for group in groups if group not in mine]
            groups.append([*(each for group in mine for each in group), dimension])
        return groups

    def _branches(
        self, group: list[Dimension], index: int = 0, choices: Choices | None = None
    ) -> Iterator[tuple[int, set[str]]]:
        """(how many combinations, the dimensions that they have) of each way in which conditions turn out."""
        choices = choices or {}
        if index == len(group):
            yield 1, set(choices)
            return
        dimension = group[index]
        if not self.is_active(dimension, choices):
            yield from self._branches(group, index + 1, choices)
            return
        for value, count in self._kinds_of_value(dimension):
            for found, chosen in self._branches(group, index + 1, {**choices, dimension.path: value}):
                yield count * found, chosen

    def _kinds_of_value(self, dimension: Dimension) -> list[tuple[Any, int]]:
        """One value for all those that change nothing for other dimensions, with how many they are."""
        others = [each for each in self.dimensions if dimension.path in self._depends[each.path]]
        if not others:
            return [(None, dimension.num_options or 1)]
        return [(value, 1) for value in dimension.options()]

    @cached_property
    def _depends(self) -> dict[str, tuple[str, ...]]:
        return {
            each.path: tuple(other.path for other in _dependencies(each, self.dimensions))
            for each in self.dimensions
        }

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a sweep's file."""
        return {each.path: each.to_dict() for each in self.dimensions}


def key_of(choices: Mapping[str, Any]) -> str:
    """The same for choices that are the same, in whatever order: 1 and 1.0 are one value, 1 and true are not."""
    return json.dumps({path: text_of(choices[path]) for path in sorted(choices)})


def text_of(value: Any) -> str:
    """A value as text, the same for 1 and 1.0 (also for Optuna, whose choices may be no lists)."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)


def parse_space(asked: object, base: ExperimentConfig, *, is_known: bool = False) -> Space:
    """The space of a sweep's file. Raises ConfigError, with the path of what is wrong. One that `is_known` to be
    reachable is not gone through again.
    """
    if not isinstance(asked, Mapping) or not asked:
        raise ConfigError("space", f"must be an object with at least one setting, not {describe(asked)}.")
    if len(asked) > MAX_DIMENSIONS:
        raise ConfigError("space", f"holds {len(asked)} settings; {MAX_DIMENSIONS} are allowed.")
    dimensions = [parse_dimension(str(path), entry) for path, entry in asked.items()]
    _check_overlaps(dimensions)
    plain = base.to_dict()
    for dimension in dimensions:
        _check_endless(dimension, dimensions)
        for condition in dimension.when:
            _check_known(dimension, condition, dimensions, plain)
    space = Space(plain, tuple(_in_order(dimensions)))
    if not is_known:
        space.check_reachable()
    return space


def _check_overlaps(dimensions: list[Dimension]) -> None:
    for index, one in enumerate(dimensions):
        for other in dimensions[:index]:
            first, second = one.place.steps, other.place.steps
            if len(first) == len(second) and is_within(first, second):
                again = "a second time" if first == second else f"also by {other.path}"
                raise ConfigError(f"space.{one.path}", f"is searched {again}.")


def _check_endless(dimension: Dimension, dimensions: list[Dimension]) -> None:
    """No value of a continuous range comes up twice, so nothing can wait for one."""
    count = dimension.num_options
    if count is None or count > MAX_VALUES:
        many = "any number between two" if count is None else f"one of {count:,}"
        for other in dimensions:
            if other is not dimension and dimension in _dependencies(other, dimensions):
                raise ConfigError(
                    f"space.{other.path}.when",
                    f"cannot wait for a value of {dimension.path}, which is {many}.",
                )


def _check_known(
    dimension: Dimension, condition: Condition, dimensions: list[Dimension], plain: dict[str, Any]
) -> None:
    if not expand(plain, condition.place.steps) and not _related(condition.place, dimensions):
        raise ConfigError(
            f"space.{dimension.path}.when.{condition.place.path}",
            "is neither in the space nor in the config.",
        )


def _related(place: Place, dimensions: "list[Dimension] | tuple[Dimension, ...]") -> list[Dimension]:
    """Those that decide what is at a place."""
    return [
        each
        for each in dimensions
        if is_within(place.steps, each.place.steps) or is_within(each.place.steps, place.steps)
    ]


def _dependencies(
    dimension: Dimension, dimensions: "list[Dimension] | tuple[Dimension, ...]"
) -> list[Dimension]:
    steps = dimension.place.steps
    outer = [
        each
        for each in dimensions
        if len(each.place.steps) < len(steps) and is_within(steps, each.place.steps)
    ]
    wanted = [each for condition in dimension.when for each in _related(condition.place, dimensions)]
    return list({each.path: each for each in [*outer, *wanted]}.values())


def _in_order(dimensions: list[Dimension]) -> list[Dimension]:
    """Each after those that it depends on, otherwise as they stand in the file. Raises ConfigError on a circle."""
    left, placed = list(dimensions), []
    while left:
        free = [each for each in left if not any(other in left for other in _dependencies(each, dimensions))]
        if not free:
            raise ConfigError(f"space.{left[0].path}.when", f"waits in a circle: {paths_of(left)}.")
        placed.append(free[0])
        left.remove(free[0])
    return placed


def _holds(values: dict[str, Any], condition: Condition) -> bool:
    place, wanted = condition.place, condition.value
    found = [read(values, steps) for steps in expand(values, place.steps)]
    if place.counts_parts and not isinstance(wanted, list):
        found = [len(each) for each in found]
    return bool(found) and all(each == wanted for each in found)


def _holds_lists(dimension: Dimension) -> bool:
    return dimension.values is not None and any(isinstance(each, list) for each in dimension.values)


def _why_not(dimension: Dimension) -> str:
    if dimension.when:
        return "its condition does not hold, or there is no such place"
    return "there is no such place in the config"
