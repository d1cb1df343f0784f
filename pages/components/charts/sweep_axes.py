"""A setting or the result of a sweep's trials as an axis of a chart. No `st.*`.

Numbers lie on a linear or a logarithmic axis; everything else, such as kernel sizes, on one of words, each value in its
place. A value may be missing: a setting that says nothing, because another one switches it off.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.formatting import rate_in_words
from pages.components.charts.plotly_marks import plain

Kind = Literal["number", "log", "words"]
NOT_SET = "–"
MOST_TICKS = 6
# A range of numbers above 0 that spans more than this factor is drawn on a logarithmic axis where nothing else is said.
WIDE = 50


@dataclass(frozen=True)
class ShownTrials:
    """The trials of a chart: what each is called, and why it has no result (None where it has one).

    `best` is the index of the one that is marked.
    """

    names: tuple[str, ...]
    outcomes: tuple[str | None, ...]
    best: int | None = None

    @property
    def are_failed(self) -> list[bool]:
        """Whether each failed, which is shown in red."""
        return [outcome is not None and "fail" in outcome for outcome in self.outcomes]

    def told(self, index: int, axes: "Sequence[Axis]") -> str:
        """What a tooltip says of one: its name, its value on each axis, and its outcome where it has no result."""
        outcome = self.outcomes[index]
        values = [f"{axis.title}: {axis.text(index)}" for axis in axes]
        return "<br>".join(map(plain, [self.names[index], *values, *([outcome] if outcome else [])]))


@dataclass(frozen=True)
class Axis:
    """`values` has one entry for each trial: a number, or a word that is in `words`; None where it is missing.

    `words` are the places of an axis of words, in their order. `show` says a number in words.
    """

    title: str
    kind: Kind
    values: tuple[Any, ...]
    words: tuple[str, ...] = ()
    show: Callable[[float], str] = rate_in_words

    def text(self, index: int) -> str:
        """The value of one trial in words."""
        value = self.values[index]
        return NOT_SET if value is None else value if self.kind == "words" else self.show(value)

    def place(self, index: int) -> float | None:
        """Where it lies: the number, its logarithm to base 10, or the number of its word."""
        value = self.values[index]
        return None if value is None else self.place_of(value)

    def place_of(self, value: Any) -> float:
        """Where a value of this axis lies."""
        if self.kind == "words":
            return float(self.words.index(value))
        return math.log10(value) if self.kind == "log" else float(value)

    @property
    def places(self) -> list[float | None]:
        """Where each lies."""
        return [self.place(index) for index in range(len(self.values))]

    @property
    def span(self) -> tuple[float, float]:
        """The lowest and the highest place; never the same, so that a single value lies in the middle."""
        if self.kind == "words":
            return -0.5, max(1, len(self.words)) - 0.5
        known = [place for place in self.places if place is not None]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        room = 0.5 if self.kind == "log" else (abs(low) / 2 or 0.5)
        return (low, high) if high > low else (low - room, high + room)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Places with their words, at most about MOST_TICKS of them on an axis of numbers."""
        if self.kind == "words":
            return [(float(place), word) for place, word in enumerate(self.words)]
        low, high = self.span
        if self.kind == "log":
            return [(math.log10(value), self.show(value)) for value in _log_ticks(low, high)]
        distinct = sorted({float(value) for value in self.values if value is not None})
        if 0 < len(distinct) <= MOST_TICKS:
            return [(value, self.show(value)) for value in distinct]
        return [(value, self.show(value)) for value in _linear_ticks(low, high)]


def words_axis(title: str, values: Sequence[str | None], words: Sequence[str] = ()) -> Axis:
    """An axis of words, in the order of `words`; words that are not among them follow as they come."""
    found = dict.fromkeys([*words, *(value for value in values if value is not None)])
    return Axis(title, "words", tuple(values), tuple(found))


def number_axis(
    title: str, values: Sequence[float | None], *, log: bool | None = None,
    show: Callable[[float], str] = rate_in_words,
) -> Axis:  # fmt: skip
    """An axis of numbers. `log` None: logarithmic where they are above 0 and span a wide range."""
    known = [value for value in values if value is not None]
    is_positive = bool(known) and min(known) > 0
    wide = is_positive and max(known) / min(known) > WIDE
    return Axis(
        title, "log" if is_positive and (wide if log is None else log) else "number", tuple(values), (), show
    )


def plotly_axis(axis: Axis, *, title: bool = True) -> dict[str, Any]:
    """The same for a chart whose points lie at `axis.places`, with some room at both ends."""
    low, high = axis.span
    room = 0.0 if axis.kind == "words" else 0.06 * (high - low)
    ticks = axis.ticks
    return {
        "range": [low - room, high + room],
        "tickvals": [place for place, _ in ticks],
        "ticktext": [plain(text) for _, text in ticks],
        "title": {"text": plain(axis.title) if title else ""},
        "zeroline": False,
    }


def _linear_ticks(low: float, high: float) -> list[float]:
    """Round numbers between the two, 4 to MOST_TICKS of them."""
    step = 10.0 ** math.floor(math.log10((high - low) / MOST_TICKS))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10, 20) if (high - low) / (step * factor) <= MOST_TICKS)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """Numbers from 10^low to 10^high: powers of ten; also 2 and 5 times these where there are few; else the ends."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        found = [
            factor * 10.0**power
            for power in powers
            for factor in factors
            if low - 1e-9 <= math.log10(factor) + power <= high + 1e-9
        ]
        if len(found) >= 3:
            return found[:: max(1, -(-len(found) // MOST_TICKS))]
    return [10.0**low, 10.0**high]
