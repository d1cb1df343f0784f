"""Paths such as `model.blocks[1].filters`, read and written in plain JSON values."""

import re
from typing import Any

from core.errors import ConfigError

EVERY = "[*]"  # a step: each entry of a list

_STEP = re.compile(r"([a-z_][a-z0-9_]*)|\[(\d{1,4}|\*)\]")


def parse_path(path: str, *, with_every: bool = False, field: str | None = None) -> list[str | int]:
    """`"model.blocks[1].filters"` → `["model", "blocks", 1, "filters"]`; `with_every`, `[*]` is a step too: EVERY.

    Raises ConfigError, at `field` (None: at the path itself).
    """
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        if path[position] == "." and steps:
            position += 1
        match = _STEP.match(path, position)
        if not match or (match[2] == "*" and not with_every):
            break
        index = match[2]
        steps.append(match[1] if index is None else EVERY if index == "*" else int(index))
        position = match.end()
    if not steps or position != len(path):
        or_every = " or model.blocks[*].filters" if with_every else ""
        raise ConfigError(
            path[:80] if field is None else field, f"is not a path such as model.blocks[0].filters{or_every}."
        )
    return steps


def read_path(values: Any, steps: list[str | int], path: str) -> Any:
    """The value at `steps` inside `values`. Raises ConfigError when there is none."""
    for step in steps:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            raise ConfigError(path, "names nothing in this config.") from None
    return values


def replace_at(values: Any, steps: list[str | int], value: Any, path: str) -> Any:
    """A copy of `values` with the value at `steps` replaced. Raises ConfigError when there is no such place."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(values, dict) and isinstance(step, str) and step in values:
        return {**values, step: replace_at(values[step], rest, value, path)}
    if isinstance(values, list) and isinstance(step, int) and step < len(values):
        return [replace_at(v, rest, value, path) if i == step else v for i, v in enumerate(values)]
    if isinstance(values, list) and isinstance(step, int):
        raise ConfigError(path, f"names entry {step}, but there are {len(values)} (counted from 0).")
    known = f" Known here are: {', '.join(values)}." if isinstance(values, dict) else ""
    raise ConfigError(path, f"names nothing in this config.{known}")
