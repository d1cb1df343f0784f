"""What runs can be sorted, filtered, coloured and plotted by: results, settings, and what a run is called.

A result or a setting is named by its key or path. In a path, `[*]` stands for every block or layer:
`model.blocks[*].kernel_sizes`; `model.blocks` and `model.dense` are their number.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.comparison.facts import RunFacts
from core.comparison.run_fields import RUN_FIELDS
from core.config.labels import label_at, label_of, named_value, setting_at, shown_value
from core.config.paths import EVERY
from core.errors import UserError
from core.formatting import duration, percent, points

UNKNOWN = "–"
HIGHER, LOWER = 1, -1  # what is better
LISTS = ("model.blocks", "model.dense")


@dataclass(frozen=True)
class Quantity:
    """A number of a run. `direction`: 1 where higher is better, -1 where lower is, 0 where neither is said.

    `scale` and `unit` are for axes: the value times `scale` is in `unit`.
    """

    key: str
    label: str
    help: str
    direction: int
    show: Callable[[float | None], str]
    scale: float = 1.0
    unit: str = ""
    is_setting: bool = False

    @property
    def title(self) -> str:
        """For an axis: `Validation accuracy (%)`."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


def _whole(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}"


def _loss(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.4f}"


def _large(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.0f}"


def _time(value: float | None) -> str:
    return UNKNOWN if value is None else duration(value)


RESULTS: dict[str, Quantity] = {
    each.key: each
    for each in (
        Quantity("val_accuracy", "Validation accuracy", "The best epoch's.", HIGHER, percent, 100, "%"),
        Quantity(
            "balanced_accuracy", "Balanced accuracy",
            "The mean of the classes' validation accuracies at the best epoch.", HIGHER, percent, 100, "%",
        ),
        Quantity(
            "gap", "Gap", "Clean training minus validation accuracy, the median of the last three epochs.",
            LOWER, points, 100, "%",
        ),
        Quantity(
            "train_accuracy", "Clean training accuracy", "At the best epoch, without augmentation and dropout.", 0,
            percent, 100, "%",
        ),
        Quantity("val_loss", "Validation loss", "The lowest of all epochs.", LOWER, _loss),
        Quantity("parameters", "Parameters", "All weights, also those that are not trained.", LOWER, _large),
        Quantity("flops", "FLOPs per picture", "Of one forward pass; a multiply-add counts as two.", LOWER, _large),
        Quantity("seconds_per_epoch", "Seconds per epoch", "The mean over its epochs.", LOWER, _time, unit="s"),
        Quantity("seconds", "Training time", "The sum over its epochs.", LOWER, _time, unit="s"),
        Quantity("epochs", "Epochs trained", "How many have ended.", 0, _whole),
        Quantity("best_epoch", "Best epoch", "The first with the highest validation accuracy.", 0, _whole),
    )
}  # fmt: skip

# What else a run can be filtered and sorted by.
NAMES = {field.name: field for field in RUN_FIELDS if field.name is not None}
# What a name's value is one of.
CHOICES = {name: field.choices for name, field in NAMES.items() if field.choices}


def value_of(facts: RunFacts, name: str) -> Any:
    """What a run has under a name, a key of a result or a path; None where it has no such thing.

    Lists of one number are that number. Raises UserError for what no run has.
    """
    if name in RESULTS:
        return facts.results[name]
    if name in NAMES:
        return NAMES[name].read(facts)
    check_name(name)
    if name in LISTS:
        return _count(facts, name)
    if EVERY in name:
        return _of_all(facts, name)
    value = facts.settings.get(name)
    return _single(value)


def is_value_known(facts: RunFacts, name: str) -> bool:
    """Whether None under a name is a value, such as all pictures: not for settings of a run that another tool has
    recorded, of which none are known.
    """
    return bool(facts.settings) or name in RESULTS or name in NAMES


def words_of(facts: RunFacts, name: str) -> str:
    """What a run has under a name in words; a dash for settings that are not known."""
    return show_value(name, value_of(facts, name)) if is_value_known(facts, name) else UNKNOWN


def number_of(facts: RunFacts, name: str) -> float | None:
    """`value_of` where that is a number, else None; switches are none."""
    value = value_of(facts, name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@lru_cache(maxsize=4096)
def check_name(name: str) -> str:
    """A name, key or path that runs can have. Raises UserError."""
    if name in RESULTS or name in NAMES:
        return name
    try:
        setting_at(pattern_of(name))
    except KeyError:
        close = ", ".join([*RESULTS][:4])
        raise UserError(
            f"“{name[:60]}” is neither a result nor a setting. Results are {close}, …; settings are paths such as "
            "optimizer.learning_rate or model.blocks[0].filters."
        ) from None
    return name


def is_text(name: str) -> bool:
    """Whether its values are words, also where they look like a number. Raises UserError for what no run has."""
    if check_name(name) in RESULTS or name in LISTS:
        return False
    if name in NAMES:
        return NAMES[name].kind in ("text", "texts") and not NAMES[name].choices
    return setting_at(pattern_of(name)).kind == "text"


def quantity(name: str) -> Quantity:
    """The number that a key or a path names. Raises UserError where it is none."""
    if name in RESULTS:
        return RESULTS[name]
    check_name(name)
    if name in NAMES:
        raise UserError(f"“{name}” is not a number, so it cannot be plotted.")
    setting, label = setting_at(pattern_of(name)), label_at(pattern_of(name))
    if setting.kind not in ("whole", "number", "list"):
        raise UserError(f"“{label.name}” is not a number, so it cannot be plotted.")
    is_percent = label.is_percent
    return Quantity(
        name, title_of(name), label.help, 0, lambda value: show_value(name, value), 100 if is_percent else 1,
        label.unit, is_setting=True,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def title_of(name: str) -> str:
    """The label of a name, key or path: `Validation accuracy`, `Learning rate`, `Filters of block 2`."""
    if name in RESULTS:
        return RESULTS[name].label
    if name in NAMES:
        return NAMES[name].label or name
    if name in LISTS:
        return "Convolution blocks" if name == LISTS[0] else "Dense layers"
    if EVERY in name:
        return f"{label_at(pattern_of(name)).name} of {_all_layers(name)}"
    return label_of(name)


def in_words(name: str, value: str) -> str:
    """A name with its value: `Learning rate 0.003`, `Filters 8 in block 2`, `Kernel sizes 3×3 in all blocks`."""
    if name in RESULTS or name in NAMES or name in LISTS:
        return f"{title_of(name)} {value}"
    if EVERY in name:
        return f"{label_at(pattern_of(name)).name} {value} in {_all_layers(name)}"
    return named_value(name, value)


def _all_layers(name: str) -> str:
    return "all blocks" if name.startswith(LISTS[0]) else "all dense layers"


def show_value(name: str, value: Any, *, exactly: bool = False) -> str:
    """A value under a name in words: `71.2 %`, `cosine`, `3×3 and 5×5`, `a, b` for tags. Of a setting with all digits
    where it is wanted `exactly`.
    """
    if name in RESULTS:
        return RESULTS[name].show(value)
    if name in NAMES:
        if isinstance(value, tuple):
            return ", ".join(value) or UNKNOWN
        return (
            UNKNOWN if value is None else "yes" if value is True else "no" if value is False else str(value)
        )
    if name in LISTS:
        return UNKNOWN if value is None else str(value)
    if EVERY in name and isinstance(value, tuple) and value and value[0] == ALL_OF:
        return ", ".join(show_value(pattern_of(name), each, exactly=exactly) for each in value[1:])
    if value is None and not setting_at(pattern_of(name)).is_optional:
        return UNKNOWN  # it has no such block or layer
    pattern = pattern_of(name)
    if setting_at(pattern).kind == "list" and isinstance(value, int):
        value = (value,)
    return shown_value(pattern, value, exactly=exactly)


def setting_names(facts: Iterable[RunFacts]) -> list[str]:
    """The paths of all settings that these runs have, in the order of the config."""
    return list(dict.fromkeys(path for each in facts for path in each.settings))


def varying_settings(facts: Sequence[RunFacts]) -> dict[str, int]:
    """The paths without one value in all of these runs, with the number of values, in the order of the config."""
    return dict(_varying(tuple(facts)))


@lru_cache(maxsize=8)
def _varying(facts: tuple[RunFacts, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for path in setting_names(facts):
        count = len({_hashable(each.settings.get(path)) for each in facts})
        if count > 1:
            found[path] = count
    return found


# The first entry of a value that stands for several blocks with different values.
ALL_OF = "…"
_PLACE = re.compile(r"\[(\d+)\]")


def pattern_of(name: str) -> str:
    """The path of the setting that a name is about: `model.blocks[].filters` for `model.blocks[*].filters`."""
    return name.replace(EVERY, "[]")


def _count(facts: RunFacts, name: str) -> int | None:
    if not facts.settings:
        return None
    places = {
        match[1] for path in facts.settings if path.startswith(f"{name}[") and (match := _PLACE.search(path))
    }
    return len(places)


def _of_all(facts: RunFacts, name: str) -> Any:
    before, _, after = name.partition(EVERY)
    values = [
        _single(value)
        for path, value in facts.settings.items()
        if path.startswith(f"{before}[") and path.endswith(f"]{after}")
    ]
    if not values:
        return None
    return values[0] if all(value == values[0] for value in values) else (ALL_OF, *values)


def _single(value: Any) -> Any:
    if isinstance(value, list):
        return value[0] if len(value) == 1 else tuple(value)
    return value


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
