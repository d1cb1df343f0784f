"""What every part of a config is: frozen, and checked wherever it is made."""

import functools
import math
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from core.config.fields import fields_of
from core.config.refusals import check_fields

# Given names of fields, raises ConfigError for the first that is wrong by itself; NUMBERS stands for all numbers.
Check = Callable[..., None]


class ConfigPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Named values that hold to the types and limits at their fields, also where code makes or replaces them.

    Equal parts have one JSON form: a number with a fraction is always a float, and never -0.0.
    """

    # What the paths of its fields begin with, where there is one such part in a config.
    place: ClassVar[str] = ""

    def __post_init__(self) -> None:
        numbers, declaration = _declared(type(self))
        is_right = True
        negative_zeros = []
        for name in numbers:
            value = getattr(self, name)
            if type(value) is not float:
                is_right = is_right and value is None
            elif value == 0 and math.copysign(1, value) < 0:
                negative_zeros.append(name)
        if is_right:
            try:
                # msgspec checks what it decodes, not what code makes. A class without this method ends the circle.
                msgspec.convert(self, declaration, from_attributes=True)
            except Exception:  # a fault, or what msgspec itself fails at: `check` decides
                is_right = False
            else:
                for name in negative_zeros:
                    msgspec.structs.force_setattr(self, name, 0.0)
        self.check(_pass if is_right else functools.partial(check_fields, self, self.place))

    def check(self, fields: Check) -> None:
        """Raise ConfigError for the first fault: `fields` looks at single ones, rules that join several stand between.

        Where msgspec has found no fault in single ones, `fields` does nothing.
        """

    def left_out(self) -> tuple[str, ...]:
        """The settings that the canonical form leaves out: those that came later and are off, none or 0."""
        return tuple(name for name in _later(type(self)) if not getattr(self, name))

    @classmethod
    def as_stored(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Plain values with what was left out of the canonical form where that is not the default."""
        return values


def plain_form(part: ConfigPart, *, all_settings: bool = True, recording: bool = True) -> dict[str, Any]:
    """A config as plain dicts, lists and values; without `all_settings`, without those that are `left_out`; without
    `recording`, without those that decide nothing of what a run learns.
    """
    form: dict[str, Any] = {}
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if isinstance(value, ConfigPart):
            value = plain_form(value, all_settings=all_settings, recording=recording)
        elif isinstance(value, tuple | list):
            value = [
                plain_form(each, all_settings=all_settings, recording=recording)
                if isinstance(each, ConfigPart)
                else each
                for each in value
            ]
        form[name] = value
    if not all_settings:
        for name in part.left_out():
            del form[name]
    if not recording:
        for name in _recording(type(part)):
            form.pop(name, None)
    return form


@functools.cache
def _later(part_class: type[msgspec.Struct]) -> tuple[str, ...]:
    fields = fields_of(part_class).values()
    return tuple(each.name for each in fields if each.setting and each.setting.came_later)


@functools.cache
def _recording(part_class: type[msgspec.Struct]) -> tuple[str, ...]:
    fields = fields_of(part_class).values()
    return tuple(each.name for each in fields if each.setting and each.setting.is_recording)


def _pass(*names: str) -> None:
    pass


@functools.cache
def _declared(part_class: type[msgspec.Struct]) -> tuple[tuple[str, ...], type[msgspec.Struct]]:
    """The fields that hold a number with a fraction, and a class with the same fields that does nothing when made."""
    fields = fields_of(part_class).values()
    numbers = tuple(each.name for each in fields if each.setting and each.setting.kind == "number")
    return numbers, msgspec.defstruct(part_class.__name__, [(each.name, each.hint) for each in fields])
