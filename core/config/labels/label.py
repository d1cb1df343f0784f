"""The words for one setting."""

import msgspec

from core.formatting import within_sentence

PERCENT = "%"


class Label(msgspec.Struct, frozen=True):
    """The words for one setting.

    `unit` follows a value; with "%", fractions of 1 are shown as percent. `empty` says what no value means.
    `choices` has words for each choice: a short name, where needed with ": " and an explanation after it.
    """

    name: str
    help: str
    unit: str = ""
    empty: str = "–"
    choices: dict[str, str] = {}
    is_proper: bool = False  # the name keeps its capital within a sentence

    @property
    def is_percent(self) -> bool:
        """Whether a value is a fraction of 1 that is shown as percent."""
        return self.unit == PERCENT

    @property
    def title(self) -> str:
        """What stands above a field whose values have no unit of their own: `Image size (pixels)`."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def within(self) -> str:
        """The name within a sentence: `rotation`, but `RandAugment magnitude`."""
        return self.name if self.is_proper else within_sentence(self.name)
