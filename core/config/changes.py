"""What differs between two configs, as values and in words."""

from collections.abc import Sequence
from typing import Any

from core.config.experiment import ExperimentConfig
from core.config.labels import change_in_words, label_of, shown_beside, shown_value
from core.config.part import plain_form
from core.errors import ConfigError


def values_by_path(config: ExperimentConfig, *, recording: bool = True) -> dict[str, Any]:
    """Each leaf of a config by its path, such as `model.blocks[0].filters`, in the order of the config.

    Without `recording`, without what decides nothing of what a run learns.
    """
    return _leaves(plain_form(config, recording=recording), "")


def differences(
    first: ExperimentConfig, second: ExperimentConfig, *, recording: bool = False
) -> list[tuple[str, Any, Any]]:
    """(path, value in first, value in second) of each leaf that differs; None where one of them has no such leaf.

    With `recording`, also of those that decide nothing of what a run learns.
    """
    left, right = (values_by_path(each, recording=recording) for each in (first, second))
    paths = list(dict.fromkeys([*left, *right]))
    return [(p, left.get(p), right.get(p)) for p in paths if left.get(p) != right.get(p)]


def describe_changes(before: ExperimentConfig, after: ExperimentConfig, most: int = 3) -> str:
    """A label for a fork, such as `rotation 0° → 20°, seed 0 → 1, … and 3 more`.

    Blocks and dense layers that were added or removed are counted: `convolution blocks 2 → 3`.
    """
    parts, shorter = [], {}
    for path, old, new in (
        ("model.blocks", before.model.blocks, after.model.blocks),
        ("model.dense", before.model.dense, after.model.dense),
    ):
        shorter[path] = min(len(old), len(new))
        if len(old) != len(new):
            parts.append(change_in_words(path, shown_value(path, old), shown_value(path, new)))
    for path, was, now in differences(before, after):
        layers, _, index = path.partition("[")
        # Where there are no layers at all, their list itself is the leaf that differs.
        if layers not in shorter or (index and int(index.partition("]")[0]) < shorter[layers]):
            parts.append(change_in_words(path, *shown_beside(path, (was, now))))
    rest = len(parts) - most
    return (", ".join(parts[:most]) + (f", … and {rest} more" if rest > 0 else "")) or "same settings"


def setting_in_words(config: ExperimentConfig, path: str) -> str:
    """The value that a config has at a path, in words; a dash where it has no such block or layer."""
    return shown_value(path, _value(config, path))


def setting_of_each(configs: Sequence[ExperimentConfig], path: str) -> list[str]:
    """The same of configs that are compared: see `shown_beside`."""
    return shown_beside(path, [_value(config, path) for config in configs])


def settings_in_words(config: ExperimentConfig) -> list[tuple[str, str]]:
    """Each setting of a config by its name, with its value in words, in the order of the config."""
    return [(label_of(path), shown_value(path, value)) for path, value in values_by_path(config).items()]


def _value(config: ExperimentConfig, path: str) -> Any:
    try:
        return config.value(path)
    except ConfigError:
        return None


def _leaves(value: Any, path: str) -> dict[str, Any]:
    if isinstance(value, dict):
        items = [(f"{path}.{key}" if path else key, item) for key, item in value.items()]
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    else:
        return {path: value}
    found: dict[str, Any] = {}
    for item_path, item in items:
        found |= _leaves(item, item_path)
    return found
