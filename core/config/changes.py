"""What differs between two configs, as values and in words."""

from typing import Any

from core.config.experiment import ExperimentConfig


def differences(first: ExperimentConfig, second: ExperimentConfig) -> list[tuple[str, Any, Any]]:
    """(path, value in first, value in second) of each leaf that differs; None where one of them has no such leaf."""
    left, right = _leaves(first.to_dict(), ""), _leaves(second.to_dict(), "")
    paths = list(dict.fromkeys([*left, *right]))
    return [(p, left.get(p), right.get(p)) for p in paths if left.get(p) != right.get(p)]


def describe_changes(before: ExperimentConfig, after: ExperimentConfig, most: int = 3) -> str:
    """A label for a fork, such as `augmentation.rotation_degrees 0 → 20, seed 0 → 1, … and 3 more`.

    Blocks and dense layers that were added or removed are counted: `model.blocks 2 → 3`.
    """
    parts, shorter = [], {}
    for path, old, new in (
        ("model.blocks", before.model.blocks, after.model.blocks),
        ("model.dense", before.model.dense, after.model.dense),
    ):
        shorter[path] = min(len(old), len(new))
        if len(old) != len(new):
            parts.append(f"{path} {len(old)} → {len(new)}")
    for path, was, now in differences(before, after):
        layers, _, index = path.partition("[")
        # Where there are no layers at all, their list itself is the leaf that differs.
        if layers not in shorter or (index and int(index.partition("]")[0]) < shorter[layers]):
            parts.append(f"{path} {_value(was)} → {_value(now)}")
    rest = len(parts) - most
    return (", ".join(parts[:most]) + (f", … and {rest} more" if rest > 0 else "")) or "same settings"


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return f"{value:.6g}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 30 else text[:29] + "…"


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
