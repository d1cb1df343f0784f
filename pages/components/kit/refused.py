"""Values that stand in their fields although the draft did not take them. No `st.*`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.config.labels import label_of
from core.errors import ConfigError


@dataclass(frozen=True)
class RefusedValue:
    """What the widget `key` showed when it was refused, and why, as a sentence that goes on from the field's name."""

    key: str
    value: Any
    reason: str


@dataclass
class RefusedValues:
    """The refused values of a draft, by the path of their setting.

    A value stands as long as its widget still shows it: a widget that comes back to a page shows the draft's value
    again. `shown` is what each widget shows, by its key.
    """

    _values: dict[str, RefusedValue] = field(default_factory=dict)
    _drawn: set[str] = field(default_factory=set)

    def refuse(self, path: str, key: str, value: Any, error: ConfigError) -> None:
        """Note why `value`, which the widget `key` shows, is not in the draft at `path`."""
        reason = error.message
        # One setting can be refused for another: “Momentum: Nesterov momentum needs a momentum above 0.”
        if error.field and label_of(error.field) != label_of(path):
            reason = f"{label_of(error.field)} {reason}"
        self._values[path] = RefusedValue(key, value, reason)

    def forget(self, path: str) -> None:
        """The field at `path` has another value now."""
        self._values.pop(path, None)

    def forget_all(self) -> None:
        """Every refused value was tried again."""
        self._values.clear()

    def standing(self, shown: Mapping[str, Any]) -> Iterator[tuple[str, RefusedValue]]:
        """The path and value of each that still stands in a field, whether drawn by now or not."""
        for path, refused in list(self._values.items()):
            if refused.key in shown and shown[refused.key] == refused.value:
                yield path, refused

    def begin_page(self) -> None:
        """Only fields that are drawn from here on count as drawn."""
        self._drawn.clear()

    def draw(self, path: str, key: str, shown: Mapping[str, Any]) -> str | None:
        """The reason to show below the field at `path`, which the widget `key` edits; None when its value was taken."""
        refused = dict(self.standing(shown)).get(path)
        if refused is None or refused.key != key:
            return None
        self._drawn.add(path)
        return refused.reason

    def in_words(self, shown: Mapping[str, Any]) -> list[str]:
        """For each field of the page drawn so far: its name and the reason, `Learning rate: must be above 0.`"""
        return [
            f"{label_of(path)}: {refused.reason}"
            for path, refused in self.standing(shown)
            if path in self._drawn
        ]
