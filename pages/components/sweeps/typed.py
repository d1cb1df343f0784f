"""Values of a sweep as people type them: a list with commas. No `st.*`."""

import re
from typing import Any

from core.config.labels import label_at, setting_at
from pages.components.sweeps.settings import COUNTS

MOST_VALUES = 200
_SIZES_ARE = "Type 3 or 3×3, or 1+3+5 for several side by side."
_NOTHING = {"", "–", "none", "null"}


class TypedError(ValueError):
    """What was typed cannot be read; the sentence says which part, and how it is to be written."""


def parse_values(path: str, text: str) -> list[Any]:
    """`1, 3×3, 1+3+5` → `[[1], [3], [1, 3, 5]]`; `0.1, 20 %, off` → `[0.1, 0.2, None]`. Raises TypedError."""
    parts = [part.strip() for part in re.split(r"[,;\n]", text) if part.strip()]
    if not parts:
        raise TypedError("Type at least one value; separate several by commas.")
    if len(parts) > MOST_VALUES:
        raise TypedError(f"At most {MOST_VALUES} values.")
    values = [_parse(path, part) for part in parts]
    twice = [part for index, part in enumerate(parts) if values[index] in values[:index]]
    if twice:
        raise TypedError(f"{twice[0][:30]} is there twice.")
    return values


def typed(path: str, values: list[Any]) -> str:
    """The values as `parse_values` reads them."""
    return ", ".join(_typed(path, value) for value in values)


def _parse(path: str, part: str) -> Any:
    setting = setting_at(path)
    if path.endswith("kernel_sizes"):
        return _kernel_sizes(part)
    if path in COUNTS:
        return _whole(part)
    if setting.is_optional and part.lower() in _NOTHING | {label_at(path).empty.lower()}:
        return None
    if setting.kind == "whole":
        return _whole(part)
    if setting.kind == "number":
        return _number(part)
    if setting.kind == "switch":
        known = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
        if part.lower() not in known:
            raise TypedError(f"{part[:30]!r} is neither on nor off.")
        return known[part.lower()]
    if setting.kind == "choice" and part not in setting.choices:
        raise TypedError(f"{part[:30]!r} is none of {', '.join(setting.choices)}.")
    return part


def _typed(path: str, value: Any) -> str:
    if value is None:
        return label_at(path).empty if setting_at(path).is_optional else "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return "+".join(map(str, value))
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)


def _kernel_sizes(part: str) -> list[int]:
    """Windows side by side, each as a number or as Design shows it, `3×3`."""
    sizes = []
    for text in (each.strip() for each in part.split("+")):
        found = re.fullmatch(r"(-?\d{1,18})(?:\s*[x×]\s*(-?\d{1,18}))?", text, re.IGNORECASE)
        if not text:
            raise TypedError(f"{part[:30]!r} lacks a kernel size beside the +. {_SIZES_ARE}")
        if found is None:
            raise TypedError(f"{text[:30]!r} is not a kernel size. {_SIZES_ARE}")
        if found[2] and int(found[2]) != int(found[1]):
            raise TypedError(f"{text[:30]!r} is not square. {_SIZES_ARE}")
        sizes.append(int(found[1]))
    return sizes


def _whole(text: str) -> int:
    cleaned = text.strip()
    if not re.fullmatch(r"[+-]?\d{1,18}", cleaned):
        raise TypedError(f"{cleaned[:30]!r} is not a whole number.")
    return int(cleaned)


def _number(text: str) -> float:
    cleaned, is_percent = text.strip().removesuffix("%").strip(), text.strip().endswith("%")
    try:
        value = float(cleaned)
    except ValueError:
        raise TypedError(f"{text[:30]!r} is not a number.") from None
    if not abs(value) < 1e300:  # also not NaN
        raise TypedError(f"{text[:30]!r} is not a number that a setting can have.")
    # 29 / 100 is 0.29; 29 * 0.01 is not.
    return value / 100 if is_percent else value
