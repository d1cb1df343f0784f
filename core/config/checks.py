"""Checks that the config dataclasses share. Each raises ConfigError with one sentence."""

import math
from collections.abc import Sequence

from core.errors import ConfigError


def check_integer(field: str, value: object, low: int, high: int) -> None:
    """Refuse anything but a whole number from `low` to `high` (both allowed)."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(field, f"must be a whole number from {low:,} to {high:,}, not {describe(value)}.")
    if not low <= value <= high:
        raise ConfigError(field, f"must be from {low:,} to {high:,}, not {describe(value)}.")


def settle_number(config: object, path: str, low: float, high: float, *, above: bool = False) -> None:
    """Make the field of `config` that `path` ends in a float, or refuse it.

    Anything but a finite number from `low` to `high` is refused; with `above`, `low` itself is too. 20 becomes 20.0
    and -0.0 becomes 0.0: equal configs have one JSON form, from which their id is made.
    """
    name = path.rpartition(".")[2]
    value = getattr(config, name)
    allowed = f"above {low:g} and at most {high:g}" if above else f"from {low:g} to {high:g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(path, f"must be a number {allowed}, not {describe(value)}.")
    # An integer of hundreds of digits cannot become a float at all.
    if isinstance(value, int) and abs(value) > 10**18:
        raise ConfigError(path, f"must be {allowed}, not {describe(value)}.")
    if not math.isfinite(value) or value < low or value > high or (above and value == low):
        raise ConfigError(path, f"must be {allowed}, not {describe(value)}.")
    object.__setattr__(config, name, float(value) + 0.0)


def check_boolean(field: str, value: object) -> None:
    """Refuse anything but true or false."""
    if not isinstance(value, bool):
        raise ConfigError(field, f"must be true or false, not {describe(value)}.")


def check_choice(field: str, value: object, choices: Sequence[str]) -> None:
    """Refuse anything but one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(field, f"must be one of {', '.join(choices)}, not {describe(value)}.")


def describe(value: object) -> str:
    """A short form of any value for an error message, at most about 40 characters."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**21:
        return "a whole number of more than 21 digits"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"
