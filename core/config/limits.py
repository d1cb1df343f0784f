"""What is said of a field once, at the field: which numbers it takes, and that it is newer than stored configs.

Checks refuse other numbers, and forms offer no others.
"""

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar

from core.config.checks import check_integer, settle_number

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
