"""Conditions that fit no run, or every run: `val_accuracy >= high`, and numbers that no share of 1 can be, mostly
written as percent: `val_accuracy >= 60` for `val_accuracy >= 60%`.

Such a condition is accepted. A sentence says what it fits, and offers the filter that was probably meant.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from core.analysis.significance import Limits
from core.comparison.conditions import (
    EQUAL,
    ONE_OF,
    ORDERED,
    UNEQUAL,
    Clause,
    Condition,
    Either,
    Where,
    conditions_in,
)
from core.comparison.groups import UNLIMITED, limits_of
from core.comparison.quantities import LISTS, NAMES, RESULTS, check_name, pattern_of, title_of
from core.config.labels import setting_at
from core.formatting import within_sentence


@dataclass(frozen=True)
class Slip:
    """`sentence` says what the condition fits, and why. `meant` is the condition with its numbers as percent, which
    `percents` names; None where they cannot be that either.
    """

    condition: Condition
    meant: Condition | None
    percents: str
    sentence: str


def slips_in(where: Iterable[Clause]) -> tuple[Slip, ...]:
    """A slip per condition with a value that no run can have: a number where they are shares, a word where they are
    numbers; each once.
    """
    found = (_slip_of(each) for each in dict.fromkeys(conditions_in(where)))
    return tuple(each for each in found if each is not None)


def without_slips(where: Where) -> Where:
    """The filter with percentages in place of numbers outside their limits; other conditions stay as they are."""
    return tuple(
        Either(tuple(map(without_slips, clause.alternatives)))
        if isinstance(clause, Either)
        else slip.meant
        if (slip := _slip_of(clause)) and slip.meant
        else clause
        for clause in where
    )


@lru_cache(maxsize=4096)
def share_limits(name: str) -> Limits | None:
    """Between which shares of 1 all values under a name lie; None where they are none. Raises UserError."""
    check_name(name)
    if name in NAMES or name in LISTS:
        return None
    if name in RESULTS:
        limits = limits_of(name)
        return None if limits == UNLIMITED else limits
    limit = setting_at(pattern_of(name)).limits
    return (limit.low, limit.high) if limit is not None and limit.low >= 0 and limit.high <= 1 else None


def _slip_of(condition: Condition) -> Slip | None:
    if _is_word_for_number(condition):
        sentence = f"“{condition}” fits no run: {within_sentence(title_of(condition.name))} needs a number."
        return Slip(condition, None, "", sentence)
    limits = share_limits(condition.name)
    values = condition.value if condition.operator == ONE_OF else (condition.value,)
    if limits is None or not any(_is_outside(value, limits) for value in values):
        return None
    percents = " or ".join(f"{value:.10g}%" for value in values if _is_percent(value, limits))
    meant = None
    if percents:
        shares = tuple(value / 100 if _is_percent(value, limits) else value for value in values)
        meant = replace(condition, value=shares if condition.operator == ONE_OF else shares[0])
    sentence = (
        f"{title_of(condition.name)} lies between {limits[0]:.10g} and {limits[1]:.10g}, so "
        f"{_outcome(condition, limits)}."
    )
    return Slip(condition, meant, percents, f"{sentence} Did you mean {percents}?" if percents else sentence)


def _is_word_for_number(condition: Condition) -> bool:
    name, value = condition.name, condition.value
    if isinstance(value, int | float) or condition.operator not in (*ORDERED, EQUAL):
        return False
    if name in RESULTS or name in LISTS:
        return value is not None
    # A setting that may be off has a word for that.
    is_number = name not in NAMES and setting_at(pattern_of(name)).kind in ("whole", "number")
    return is_number and condition.operator in ORDERED


def _is_outside(value: Any, limits: Limits) -> bool:
    """Whether a number is outside the limits. A gap of 1 counts as outside, because no network has it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not limits[0] <= value <= limits[1] or (limits[0] < 0 and abs(value) == 1)


def _is_percent(value: Any, limits: Limits) -> bool:
    """Whether a number is outside the limits, but inside them when it is read as percent: 60, not 0.6."""
    return _is_outside(value, limits) and abs(value) >= 1 and limits[0] <= value / 100 <= limits[1]


def _outcome(condition: Condition, limits: Limits) -> str:
    operator, value = condition.operator, condition.value
    if operator == ONE_OF:
        outside = [f"{each:.10g}" for each in value if _is_outside(each, limits)]
        if len(outside) == len(value) > 1:
            return f"none of the values of “{condition}” fits a run"
        verb = "fits" if len(outside) == 1 else "fit"
        return f"{' and '.join(outside)} in “{condition}” {verb} no run"
    if operator == UNEQUAL:
        return f"“{condition}” fits every run"  # those without a value too
    fits_all = operator in ORDERED and operator.startswith("<") == (value >= limits[1])
    return f"“{condition}” fits {'every run that has a value' if fits_all else 'no run'}"
