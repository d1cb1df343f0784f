"""Why values are refused: the first fault in them, as a ConfigError with its place and one sentence.

msgspec checks faster, but says neither what is allowed here nor all that is checked. So it is asked first, and what
it refuses is gone through once more, in a fixed order.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from core.config.fields import Field, Limits, fields_of
from core.errors import ConfigError

MAX_ENTRIES = 1000
# A whole number beyond this is no useful setting, and one of hundreds of digits cannot become a float at all.
LARGEST_WHOLE = 10**18

NUMBERS = "numbers"
Part = TypeVar("Part", bound=msgspec.Struct)


def unknown_key(path: str, known: Iterable[str]) -> ConfigError:
    """What is said of a key that nothing reads."""
    return ConfigError(path, f"is not known here. Known are: {', '.join(known)}.")


def build(config_class: type[Part], values: object, path: str = "") -> Part:
    """A config of plain values, part for part. Raises ConfigError for the first fault, with its path."""
    if not isinstance(values, Mapping):
        raise ConfigError(path, f"must be an object with named values, not {describe(values)}.")
    fields = fields_of(config_class)
    unknown = [key for key in values if key not in fields]
    if unknown:
        raise unknown_key(_join(path, str(unknown[0])[:60]), fields)
    arguments = {key: _build_field(fields[key], value, _join(path, key)) for key, value in values.items()}
    try:
        return config_class(**arguments)
    except ConfigError as error:
        # A block does not know its place in the network: its own paths are completed here.
        if path and not error.field.startswith(path):
            raise ConfigError(_join(path, error.field), error.message) from None
        raise


def _build_field(field: Field, value: object, path: str) -> Any:
    if field.setting is None or field.setting.kind != "list":
        return build(field.part, value, path) if field.part else value
    if not isinstance(value, list | tuple):
        raise ConfigError(path, f"must be a list, not {describe(value)}.")
    if len(value) > MAX_ENTRIES:
        raise ConfigError(path, f"holds {len(value):,} entries; that is too many.")
    if field.part is None:
        return tuple(value)
    return tuple(build(field.part, entry, f"{path}[{index}]") for index, entry in enumerate(value))


def check_fields(config: msgspec.Struct, place: str, *names: str) -> None:
    """Raise ConfigError for the first of these fields that has a wrong value; NUMBERS stands for all with limits.

    `place` is what their paths begin with. Numbers with a fraction become floats: see `settle_number`.
    """
    fields = fields_of(type(config))
    numbers = [
        name for name, each in fields.items() if each.setting and each.setting.kind in ("whole", "number")
    ]
    for name in (each for listed in names for each in (numbers if listed == NUMBERS else [listed])):
        setting, value, path = fields[name].setting, getattr(config, name), f"{place}{name}"
        if setting is None or (value is None and setting.is_optional):
            continue
        if setting.kind == "whole" and setting.limits:
            check_whole(path, value, setting.limits)
        elif setting.kind == "number" and setting.limits:
            settle_number(config, path, setting.limits)
        elif setting.kind == "switch" and not isinstance(value, bool):
            raise ConfigError(path, f"must be true or false, not {describe(value)}.")
        elif setting.kind == "choice":
            check_choice(path, value, setting.choices)
        elif setting.kind == "list" and setting.limits:
            for index, entry in enumerate(value):
                check_whole(f"{path}[{index}]", entry, setting.limits)


def check_whole(path: str, value: object, limits: Limits) -> None:
    """Refuse anything but a whole number within its limits."""
    whole_number(path, value, int(limits.low), limits.high if limits.high == math.inf else int(limits.high))


def whole_number(field: str, value: object, low: int, high: float = math.inf, allowed: str = "") -> int:
    """The value, if it is a whole number from `low` to `high`; `allowed` says so where there is more to say.

    For numbers that are not settings, so the schema has no limits for them. Raises ConfigError.
    """
    allowed = allowed or (f"from {low:,} on" if high == math.inf else f"from {low:,} to {high:,}")
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(field, f"must be a whole number {allowed}, not {describe(value)}.")
    if not low <= value <= high:
        raise ConfigError(field, f"must be {allowed}, not {describe(value)}.")
    return value


def settle_number(config: msgspec.Struct, path: str, limits: Limits) -> None:
    """Make the field of `config` that `path` ends in a float, or refuse it, as `check_number` does."""
    name = path.rpartition(".")[2]
    msgspec.structs.force_setattr(config, name, check_number(path, getattr(config, name), limits))


def check_number(path: str, value: object, limits: Limits) -> float:
    """The value as a float. Anything but a finite number within its limits is refused.

    20 becomes 20.0 and -0.0 becomes 0.0: equal configs have one JSON form, from which their id is made.
    """
    low, high = limits.low, limits.high
    allowed = f"above {low:g} and at most {high:g}" if limits.above else f"from {low:g} to {high:g}"
    is_huge = isinstance(value, int | float) and value > LARGEST_WHOLE
    if high > LARGEST_WHOLE and not is_huge:
        # Only numbers near the upper limit need to hear of it: it is there to keep arithmetic finite.
        allowed = f"above {low:g}" if limits.above else f"from {low:g} on"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(path, f"must be a number {allowed}, not {describe(value)}.")
    if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
        raise ConfigError(path, f"must be {allowed}, not {describe(value)}.")
    if not math.isfinite(value) or value < low or value > high or (limits.above and value == low):
        raise ConfigError(path, f"must be {allowed}, not {describe(value)}.")
    return float(value) + 0.0


def check_choice(path: str, value: object, choices: Sequence[str]) -> None:
    """Refuse anything but one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(path, f"must be one of {', '.join(choices)}, not {describe(value)}.")


def describe(value: object) -> str:
    """A short form of any value for an error message, at most about 40 characters."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**21:
        return "a whole number of more than 21 digits"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
