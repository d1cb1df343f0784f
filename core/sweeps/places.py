"""The places that a sweep changes: paths into a config, `[*]` for every entry of a list, and what may be set there."""

import math
from dataclasses import dataclass
from typing import Any

import msgspec

from core.config import ExperimentConfig
from core.config.fields import Limits, Setting, fields_of
from core.config.part import ConfigPart, plain_form
from core.config.paths import EVERY, parse_path, replace_at
from core.config.refusals import build, check_choice, check_number, check_whole, describe, unknown_key
from core.errors import ConfigError

Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """What is at a path of any config: a setting, an entry of a list of numbers (`entry`), or a part of a config."""

    path: str
    steps: Steps
    setting: Setting | None = None
    entry: Limits | None = None
    part: type[ConfigPart] | None = None

    @property
    def counts_parts(self) -> bool:
        """Whether it is a list of blocks or layers, for which a whole number is their number."""
        return self.part is not None and self.setting is not None

    @property
    def limits(self) -> Limits | None:
        """Those of a number; of their number where it counts parts; None for what has no range."""
        if self.setting is None:
            return self.entry
        if self.counts_parts:
            return self.setting.count
        return self.setting.limits if self.setting.kind in ("whole", "number") else None

    def check(self, value: Any, path: str) -> Any:
        """The value as a config holds it. Raises ConfigError with `path` for one that is never allowed here."""
        if self.entry is not None:
            check_whole(path, value, self.entry)
            return value
        setting, part = self.setting, self.part
        if setting is None:
            assert part is not None
            return plain_form(build(part, value, path))
        if value is None and setting.is_optional:
            return None
        if self.counts_parts:
            assert setting.count is not None and part is not None
            if isinstance(value, list):
                if not setting.count.low <= len(value) <= setting.count.high:
                    most = int(setting.count.high)
                    raise ConfigError(path, f"must hold at most {most} entries, not {len(value)}.")
                return [plain_form(build(part, each, f"{path}[{index}]")) for index, each in enumerate(value)]
            check_whole(path, value, setting.count)
        elif setting.kind == "list":
            return _check_list(setting, value, path)
        elif setting.kind == "switch" and not isinstance(value, bool):
            raise ConfigError(path, f"must be true or false, not {describe(value)}.")
        elif setting.kind == "choice":
            check_choice(path, value, setting.choices)
        elif setting.kind == "text" and not isinstance(value, str):
            raise ConfigError(path, f"must be text, not {describe(value)}.")
        elif setting.kind == "whole" and setting.limits:
            check_whole(path, value, setting.limits)
        elif setting.kind == "number" and setting.limits:
            return check_number(path, value, setting.limits)
        return value


def parse_place(path: str, field: str) -> Place:
    """What is at a path. Raises ConfigError about `field` where no config has anything there."""
    steps = tuple(parse_path(path, with_every=True, field=field))
    part: type[msgspec.Struct] | None = ExperimentConfig
    setting: Setting | None = None
    entry: Limits | None = None
    for step in steps:
        if isinstance(step, str) and step != EVERY:
            if part is None or setting is not None:
                raise ConfigError(field, "names nothing in a config: there is nothing inside a setting.")
            fields = fields_of(part)
            if step not in fields:
                raise unknown_key(field, fields)
            part, setting = fields[step].part, fields[step].setting
        elif setting is None or setting.kind != "list":
            raise ConfigError(field, "names nothing in a config: only a list has entries.")
        else:
            entry = None if part else setting.limits
            setting = None
    assert part is None or issubclass(part, ConfigPart)
    return Place(format_steps(steps), steps, setting, entry, part)


def format_steps(steps: Steps) -> str:
    """`("model", "blocks", 1, "filters")` → `model.blocks[1].filters`."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step == EVERY:
            text += step
        else:
            text += f".{step}" if text else step
    return text


def is_within(steps: Steps, outer: Steps) -> bool:
    """Whether what `steps` names lies in what `outer` names, or is the same; `[*]` is any entry in both."""
    return len(steps) >= len(outer) and all(
        one == other or (EVERY in (one, other) and (_is_entry(one) and _is_entry(other)))
        for one, other in zip(steps, outer, strict=False)
    )


def expand(values: Any, steps: Steps) -> list[Steps]:
    """The places in plain values that a path names, each without `[*]`; none where there is no such place."""
    found: list[tuple[Steps, Any]] = [((), values)]
    for step in steps:
        deeper: list[tuple[Steps, Any]] = []
        for path, inside in found:
            if isinstance(step, str) and step != EVERY:
                if isinstance(inside, dict) and step in inside:
                    deeper.append(((*path, step), inside[step]))
            elif isinstance(inside, list):
                indices = range(len(inside)) if step == EVERY else [int(step)]
                deeper += [((*path, index), inside[index]) for index in indices if index < len(inside)]
        found = deeper
    return [path for path, _ in found]


def read(values: Any, steps: Steps) -> Any:
    """The value at a place that `expand` has found."""
    for step in steps:
        values = values[step]
    return values


def put(values: Any, place: Place, value: Any) -> Any:
    """A copy of plain values with the value at every place that the path names; a number of parts repeats the last
    one or cuts the end off.
    """
    for steps in expand(values, place.steps):
        new = value
        if place.counts_parts and not isinstance(value, list):
            new = _as_many(read(values, steps), int(value), place)
        values = replace_at(values, list(steps), new, place.path)
    return values


def _as_many(entries: list[Any], count: int, place: Place) -> list[Any]:
    if not entries and count:
        assert place.part is not None
        entries = [plain_form(place.part())]
    return entries[:count] + entries[-1:] * (count - len(entries))


def _check_list(setting: Setting, value: Any, path: str) -> list[int]:
    assert setting.limits is not None and setting.count is not None
    low, high = int(setting.count.low), int(setting.count.high)
    if not isinstance(value, list | tuple) or not low <= len(value) <= high:
        raise ConfigError(path, f"must be a list of {low} to {high} whole numbers, not {describe(value)}.")
    for index, each in enumerate(value):
        check_whole(f"{path}[{index}]", each, setting.limits)
    return list(value)


def _is_entry(step: str | int) -> bool:
    return isinstance(step, int) or step == EVERY


def is_number(value: object) -> bool:
    """Whether it is a finite number, of a size that a setting can have."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= 10**30
        and math.isfinite(value)
    )
