"""Filters as text: `optimizer.learning_rate <= 0.01 and state = FINISHED and tags = good`.

A condition is a name, an operator and a value. Conditions are joined by `and`, which binds tighter, and `or`; brackets
group them. Names are those of `core.comparison.quantities`. Values are JSON, bare words, or numbers with a `%`,
also after a space. `in` is short for `one of`, which takes a list: `seed in (1, 2)`. Text is compared whatever its
case.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.comparison.facts import RunFacts
from core.comparison.quantities import check_name, is_text, show_value, title_of, value_of
from core.errors import UserError

EQUAL, UNEQUAL = "=", "!="
ORDERED = ("<=", "<", ">=", ">")
CONTAINS, ONE_OF, EMPTY, NOT_EMPTY = "contains", "one of", "is empty", "is not empty"
OPERATORS = (EQUAL, UNEQUAL, *ORDERED, CONTAINS, ONE_OF, EMPTY, NOT_EMPTY)
MAX_CONDITIONS = 50
MAX_DEPTH = 10  # of brackets within one another

Read = Callable[[str], Any]  # what a run, or a group, has under a name

IN_WORDS = {"<=": "≤", ">=": "≥", UNEQUAL: "≠"}


@dataclass(frozen=True)
class Condition:
    """`value` is a plain value; for `one of` a tuple of them; None for `is empty` and `is not empty`."""

    name: str
    operator: str
    value: Any = None

    def __str__(self) -> str:
        """As `parse_conditions` reads it."""
        if self.operator in (EMPTY, NOT_EMPTY):
            return f"{self.name} {self.operator}"
        if self.operator == ONE_OF:
            values = ", ".join(_written(value, self.name) for value in self.value)
            return f"{self.name} {ONE_OF} ({values})"
        return f"{self.name} {self.operator} {_written(self.value, self.name)}"

    @property
    def in_words(self) -> str:
        """For a person: `Learning rate ≤ 0.01`."""
        title, operator = title_of(self.name), IN_WORDS.get(self.operator, self.operator)
        if self.operator in (EMPTY, NOT_EMPTY):
            return f"{title} {operator}"
        values = self.value if self.operator == ONE_OF else (self.value,)
        return f"{title} {operator} {' or '.join(self._shown(value) for value in values)}"

    def _shown(self, value: Any) -> str:
        try:
            return show_value(self.name, value)
        except (TypeError, ValueError, AttributeError):
            return str(value)  # a value that this setting cannot have

    def holds(self, read: Read) -> bool:
        """Whether what has these values fulfils it."""
        return self.fits_value(read(self.name))

    def fits_value(self, value: Any) -> bool:
        """Whether what a run, or a group, has under the name fulfils it; None is only empty, or unequal."""
        if self.operator in (EMPTY, NOT_EMPTY):
            return (value is None or value == ()) == (self.operator == EMPTY)
        if self.operator in (EQUAL, UNEQUAL):
            return _is_equal(self.name, value, self.value) == (self.operator == EQUAL)
        if self.operator == ONE_OF:
            return any(_is_equal(self.name, value, each) for each in self.value)
        if self.operator == CONTAINS:
            return _contains(value, self.value)
        return _is_ordered(value, self.operator, self.value)


@dataclass(frozen=True)
class Either:
    """Two or more alternatives, of which at least one has to hold. Each is a tuple of clauses that all have to hold."""

    alternatives: tuple["Where", ...]

    def __str__(self) -> str:
        """As `parse_conditions` reads it, without brackets around it."""
        return " or ".join(map(conditions_text, self.alternatives))

    @property
    def in_words(self) -> str:
        """For a person: `Learning rate ≤ 0.01 and Seed = 1 or Preset = tiny`."""
        return " or ".join(
            " and ".join(
                f"({each.in_words})" if isinstance(each, Either) else each.in_words for each in where
            )
            for where in self.alternatives
        )

    def holds(self, read: Read) -> bool:
        """Whether what has these values fulfils one of the alternatives."""
        return any(all(each.holds(read) for each in where) for where in self.alternatives)


Clause = Condition | Either
Where = tuple[Clause, ...]  # all of them have to hold


def either(*alternatives: Where) -> Where:
    """What holds where one of these does, as `parse_conditions` would read it."""
    flat: list[Where] = []
    for where in alternatives:
        if len(where) == 1 and isinstance(where[0], Either):
            flat += where[0].alternatives
        else:
            flat.append(where)
    return flat[0] if len(flat) == 1 else (Either(tuple(flat)),)


def conditions_in(where: Iterable[Clause]) -> Iterator[Condition]:
    """Every single condition of it."""
    for clause in where:
        if isinstance(clause, Condition):
            yield clause
        else:
            for alternative in clause.alternatives:
                yield from conditions_in(alternative)


def parse_conditions(text: str) -> Where:
    """What a filter asks for; nothing for empty text. Raises UserError that names the place and what is allowed."""
    return _Reader(text).filter()


def conditions_text(where: Sequence[Clause]) -> str:
    """What `parse_conditions` reads back as the same conditions."""
    if len(where) == 1:
        return str(where[0])
    return " and ".join(f"({each})" if isinstance(each, Either) else str(each) for each in where)


def fit_all(where: Iterable[Clause], facts: RunFacts) -> bool:
    """Whether a run fulfils all of it."""
    return all(each.holds(partial(value_of, facts)) for each in where)


def is_writable(value: Any) -> bool:
    """Whether text can be in an address: an unpaired surrogate is no character."""
    return not isinstance(value, str) or not any("\ud800" <= each <= "\udfff" for each in value)


_NAME = re.compile(r"[A-Za-z_][\w.\[\]*]*")
_OPERATOR = re.compile(
    r"<=|>=|!=|<|>|==?|≤|≥|≠|(?:contains|one\s+of|in|is\s+not\s+empty|is\s+empty)\b", re.IGNORECASE
)
_AND = re.compile(r"and\b", re.IGNORECASE)
_OR = re.compile(r"or\b", re.IGNORECASE)
_OPEN, _CLOSE, _COMMA = re.compile(r"\("), re.compile(r"\)"), re.compile(",")
_WORD = re.compile(r"[^\s,()\"]+")
_BARE = re.compile(r"[^\W\d][\w.:-]*")
_SAME = {"==": EQUAL, "≤": "<=", "≥": ">=", "≠": UNEQUAL}
_IN = "in"  # the short name of ONE_OF
_OFFERED = (EQUAL, UNEQUAL, *ORDERED, CONTAINS, _IN, ONE_OF, EMPTY, NOT_EMPTY)
_SPACE = re.compile(r"\s*")
_DECODER = json.JSONDecoder(parse_constant=lambda name: name)
# As people write them, also without a digit before the point.
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_PERCENT = re.compile(rf"({_NUMBER.pattern})%", re.IGNORECASE)
_SIGN = re.compile("%")
_SWITCHES = {"on": True, "off": False, "yes": True, "no": False}


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._count = 0
        self._skip()

    def filter(self) -> Where:
        if self._is_at_end():
            return ()
        where = self._alternatives(0)
        if not self._is_at_end():
            raise self._refusal("“and” or “or” between two conditions")
        return where

    def _alternatives(self, depth: int) -> Where:
        found = [self._clauses(depth)]
        while self._take(_OR):
            found.append(self._clauses(depth))
        return either(*found)

    def _clauses(self, depth: int) -> Where:
        found = [*self._clause(depth)]
        while self._take(_AND):
            found += self._clause(depth)
        return tuple(found)

    def _clause(self, depth: int) -> Where:
        if not self._take(_OPEN):
            return (self._condition(),)
        if depth == MAX_DEPTH:
            raise UserError(f"A filter has at most {MAX_DEPTH} brackets within one another.")
        where = self._alternatives(depth + 1)
        if not self._take(_CLOSE):
            raise self._refusal("“and”, “or” or “)” after a condition in brackets")
        return where

    def _is_at_end(self) -> bool:
        return self._at == len(self._text)

    def _condition(self) -> Condition:
        self._count += 1
        if self._count > MAX_CONDITIONS:
            raise UserError(f"A filter has at most {MAX_CONDITIONS} conditions.")
        name = self._take(_NAME)
        if not name:
            raise self._refusal("a result or a setting, such as val_accuracy or optimizer.learning_rate")
        check_name(name)
        said = self._take(_OPERATOR)
        if not said:
            raise self._refusal(f"one of {', '.join(_OFFERED)}")
        operator = " ".join(_SAME.get(said, said).lower().split())
        operator = ONE_OF if operator == _IN else operator
        if operator in (EMPTY, NOT_EMPTY):
            return Condition(name, operator)
        if operator == ONE_OF:
            return Condition(name, operator, tuple(self._list(name)))
        return Condition(name, operator, self._value(name))

    def _list(self, name: str) -> Iterable[Any]:
        """`(a, b)`, or the same without brackets."""
        has_brackets = bool(self._take(_OPEN))
        yield self._value(name)
        while self._take(_COMMA):
            yield self._value(name)
        if has_brackets and not self._take(_CLOSE):
            raise self._refusal("“)” after the list")

    def _value(self, name: str) -> Any:
        if self._text[self._at : self._at + 1] in ('"', "[") and not self._is_at_end():
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                raise self._refusal("a value whose quotes or brackets are closed") from None
            if isinstance(value, list) and any(isinstance(each, list | dict) for each in value):
                raise self._refusal("a list of numbers or words, such as [3, 5], without lists in it")
            values = value if isinstance(value, list) else [value]
            if not all(map(_is_finite, values)):
                raise self._refusal("finite numbers")
            if not all(map(is_writable, values)):
                raise self._refusal("text without unpaired surrogates")
            self._at = end
            self._skip()
            return tuple(value) if isinstance(value, list) else value
        before = self._at
        word = self._take(_WORD)
        if not word:
            raise self._refusal("a value")
        if _NUMBER.fullmatch(word) and not is_text(name):
            word += self._take(_SIGN)  # “60 %”, as pages write it
        value = _read(word, name)
        if not _is_finite(value):
            self._at = before
            raise self._refusal("a finite number")
        if not is_writable(value):
            self._at = before
            raise self._refusal("text without unpaired surrogates")
        return value

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if not match:
            return ""
        self._at = match.end()
        self._skip()
        return match[0]

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _refusal(self, wanted: str) -> UserError:
        rest = self._text[self._at :][:40]
        return UserError(f"The filter needs {wanted}, not {f'“{rest}”' if rest else 'its end'}.")


def _read(word: str, name: str) -> Any:
    """A bare word as a value: a number, true, false, null, or text; where the name is of text, null or text."""
    if is_text(name):
        return None if word == "null" else word
    if percent := _PERCENT.fullmatch(word):
        return float(percent[1]) / 100
    try:
        value = json.loads(word, parse_constant=lambda name: name)
    except (ValueError, RecursionError):
        return float(word) if _NUMBER.fullmatch(word) else word
    return value if isinstance(value, int | float | bool | str | None) else word


def _is_finite(value: Any) -> bool:
    """Whether a number is one that a float can hold: a whole number of 400 digits is not."""
    try:
        return not isinstance(value, int | float) or math.isfinite(value)
    except OverflowError:
        return False


def _written(value: Any, name: str) -> str:
    if (
        isinstance(value, str)
        and _BARE.fullmatch(value)
        and _read(value, name) == value
        and value.lower() not in ("and", "or")
    ):
        return value
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _is_equal(name: str, value: Any, wanted: Any) -> bool:
    if isinstance(wanted, tuple) and len(wanted) == 1:
        wanted = wanted[0]  # as a run's own list of one number is
    if name == "tags":
        return any(_is_equal("", tag, wanted) for tag in value)
    if isinstance(value, bool) and isinstance(wanted, str):
        return value is _SWITCHES.get(wanted.casefold())
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, str):
        return value.casefold() == str(wanted).casefold() and wanted is not None
    return bool(value == wanted)


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, tuple):
        return any(_contains(each, wanted) if isinstance(each, str) else each == wanted for each in value)
    if isinstance(value, str):
        return str(wanted).casefold() in value.casefold()
    return value is not None and bool(value == wanted)


def _is_ordered(value: Any, operator: str, wanted: Any) -> bool:
    for each in (value, wanted):
        if isinstance(each, bool) or not isinstance(each, int | float):
            return False
    if operator == "<":
        return bool(value < wanted)
    if operator == "<=":
        return bool(value <= wanted)
    return bool(value > wanted) if operator == ">" else bool(value >= wanted)
