"""A setting's name, place and value in words, for forms, cards, names of runs and refusals."""

import functools
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from core.config.fields import Setting
from core.config.labels import network, pictures, training
from core.config.labels.label import Label
from core.config.paths import EVERY, parse_path
from core.config.schema import settings
from core.formatting import as_sentence, rounded_long

_PLACE = re.compile(r"\[(?:\d+|\*)\]")  # [*] is every place in the list
# What stands in lists: one entry, counted from 1.
_LISTS = {"model.blocks": "block", "model.dense": "dense layer"}
_PARTS = {
    "dataset": "Data",
    "model": "Network",
    "augmentation": "Augmentation",
    "optimizer": "Optimizer",
    "training": "Training",
}

LABELS: dict[str, Label] = network.LABELS | pictures.LABELS | training.LABELS


def setting_at(path: str) -> Setting:
    """The setting at a path, such as `model.blocks[1].filters`. Raises KeyError when there is none."""
    return _settings()[_pattern(path)]


def label_at(path: str) -> Label:
    """The label of the setting at a path, the same at every place. Raises KeyError when there is none."""
    return LABELS[_pattern(path)]


def label_of(path: str) -> str:
    """The name at a path with its place: `Filters of block 2`, or of `every block` for `[*]`.

    A path that is not of a config stays as it is.
    """
    label, entry = LABELS.get(_pattern(path)), _entry(path)
    if entry and (label is None or _pattern(path) in _LISTS):
        return as_sentence(entry)
    if label is None:
        return _PARTS.get(path, path)
    return f"{label.name} of {entry}" if entry else label.name


def shown_value(path: str, value: Any, *, exactly: bool = False) -> str:
    """A setting's value in words: `none`, `on`, `20°`, `2 %`, `cosine`, `3×3 and 5×5`; the number of blocks.

    A fraction has six digits, or with `exactly` all of them.
    """
    label = label_at(path)
    if value is None:
        return label.empty
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return label.choices.get(value, value).partition(":")[0]
    if isinstance(value, list | tuple):
        if _pattern(path) in _LISTS:
            return str(len(value))
        sizes = [f"{size}×{size}" for size in value]
        return " and ".join([", ".join(sizes[:-1]), sizes[-1]] if len(sizes) > 1 else sizes)
    if label.is_percent:
        return f"{_exact(value, 2) if exactly else f'{100 * value:.6g}'} %"
    number = f"{value:,}" if isinstance(value, int) else _exact(value) if exactly else f"{value:.6g}"
    unit = label.unit.removesuffix("s") if value == 1 else label.unit
    return f"{number}{unit}" if unit == "°" else f"{number} {unit}".rstrip()


def shown_beside(path: str, values: Sequence[Any], show: Callable[..., str] = shown_value) -> list[str]:
    """Values of one setting that are to be compared, in words as `show` has them. A number that a search has drawn is
    rounded, unless two of them would look the same: then all are exact.
    """
    words = [show(path, _rounded(value)) for value in values]
    meant = dict(zip(words, values, strict=True))
    if all(meant[word] == value for word, value in zip(words, values, strict=True)):
        return words
    return [show(path, value, exactly=True) for value in values]


def named_value(path: str, value: str) -> str:
    """A setting with its value in words: `Rotation 20°`, `Filters 8 in block 1`: no two numbers side by side."""
    entry = _entry(path)
    inside = bool(entry) and _pattern(path) in LABELS and _pattern(path) not in _LISTS
    return f"{label_at(path).name} {value} in {entry}" if inside else f"{label_of(path)} {value}"


def change_in_words(path: str, was: str, now: str) -> str:
    """A change of one setting within a sentence: `rotation 0° → 20°`, `filters 64 → 8 in block 1`."""
    entry = _entry(path)
    return f"{label_at(path).within} {was} → {now}" + (f" in {entry}" if entry else "")


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_rounded, value))
    return rounded_long(value) if isinstance(value, float) else value


def _exact(value: float, shift: int = 0) -> str:
    """With all digits that the number has, times a power of ten, which floats would not keep."""
    return f"{Decimal(repr(value)).scaleb(shift).normalize():f}"


def _entry(path: str) -> str:
    """`block 2` for all that is in `model.blocks[1]`; empty elsewhere."""
    layers, is_inside, _ = path.partition("[")
    if not is_inside or layers not in _LISTS:
        return ""
    if path.startswith(EVERY, len(layers)):
        return f"every {_LISTS[layers]}"
    place = next(step for step in parse_path(path) if isinstance(step, int))
    return f"{_LISTS[layers]} {place + 1}"


def _pattern(path: str) -> str:
    """`model.blocks[1].kernel_sizes[0]` → `model.blocks[].kernel_sizes`."""
    return _PLACE.sub("[]", path).removesuffix("[]")


@functools.cache
def _settings() -> dict[str, Setting]:
    return {each.path: each for each in settings()}
