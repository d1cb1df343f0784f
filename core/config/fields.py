"""What is said of a field once, at the field: which numbers it takes, and that it is newer than stored configs.

Checks refuse other numbers, and forms offer no others. Each check raises ConfigError with one sentence.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar

from core.errors import ConfigError

_KEY = "limits"
_LATER = "later"
Whole = TypeVar("Whole", int, int | None)
Number = TypeVar("Number", float, float | None)


@dataclass(frozen=True)
class Limits:
    """From `low` to `high`, both allowed; with `above`, `low` itself is not. `whole`: no fractions."""

    low: float
    high: float
    above: bool = False
    whole: bool = False


def whole(default: Whole, low: int, high: int) -> Whole:
    """A dataclass field for a whole number from `low` to `high`, or for nothing where None is the default."""
    return field(default=default, metadata={_KEY: Limits(low, high, whole=True)})


def number(default: Number, low: float, high: float, *, above: bool = False) -> Number:
    """A dataclass field for a number from `low` to `high`, or for nothing where None is the default."""
    return field(default=default, metadata={_KEY: Limits(low, high, above)})


def later_switch() -> bool:
    """A dataclass field for a setting, off by default, that configs stored before it came know nothing of.

    `stored_form` leaves it out while it is off, so that they keep their ids.
    """
    return field(default=False, metadata={_LATER: True})


def stored_form(value: Any) -> Any:
    """A config as plain dicts, lists and values, without the settings that came later and are off."""
    if is_dataclass(value):
        return {
            entry.name: stored_form(getattr(value, entry.name))
            for entry in fields(value)
            if not (_LATER in entry.metadata and getattr(value, entry.name) == entry.default)
        }
    return [stored_form(each) for each in value] if isinstance(value, tuple) else value


def limits_of(config: Any) -> dict[str, Limits]:
    """The limits of each field of a config (an instance or its class) that has any, by the field's name."""
    return {entry.name: entry.metadata[_KEY] for entry in fields(config) if _KEY in entry.metadata}


def check_limits(config: Any, prefix: str = "") -> None:
    """Raise ConfigError for the first field that is outside its limits. Its path begins with `prefix`.

    Numbers with a fraction become floats: see `settle_number`.
    """
    optional = {entry.name for entry in fields(config) if entry.default is None}
    for name, limits in limits_of(config).items():
        value = getattr(config, name)
        if value is None and name in optional:
            continue
        if limits.whole:
            check_integer(f"{prefix}{name}", value, int(limits.low), int(limits.high))
        else:
            settle_number(config, f"{prefix}{name}", limits.low, limits.high, above=limits.above)


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
