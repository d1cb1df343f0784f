"""What every part of a config is: frozen, and checked wherever it is made."""

import functools
from typing import Any, ClassVar, Protocol

import msgspec

from core.config.fields import fields_of
from core.config.refusals import check_fields


class Check(Protocol):
    """Raises ConfigError for the first of the named fields that is wrong by itself; NUMBERS stands for all numbers."""

    def __call__(self, *names: str) -> None: ...


class ConfigPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Named values that hold to the types and limits at their fields, also where code makes or replaces them.

    Equal parts have one JSON form: a number with a fraction is always a float, and never -0.0.
    """

    # What the paths of its fields begin with, where there is one such part in a config.
    place: ClassVar[str] = ""

    def __post_init__(self) -> None:
        numbers = [(name, getattr(self, name)) for name in _numbers(type(self))]
        is_right = all(type(value) is float or value is None for _, value in numbers)
        if is_right:
            try:
                # msgspec checks what it decodes, not what code makes. A class without this method ends the circle.
                msgspec.convert(self, _declaration(type(self)), from_attributes=True)
            except Exception:  # a fault, or what msgspec itself fails at: `check` decides
                is_right = False
        if is_right:
            for name, value in numbers:
                if value == 0:
                    msgspec.structs.force_setattr(self, name, 0.0)
        self.check(_pass if is_right else functools.partial(check_fields, self, self.place))

    def check(self, fields: Check) -> None:
        """Raise ConfigError for the first fault: `fields` looks at single ones, rules that join several stand between.

        Where msgspec has found no fault in single ones, `fields` does nothing.
        """


def stored_form(part: ConfigPart) -> dict[str, Any]:
    """A config as plain dicts, lists and values, without the settings that came later and are off."""
    form: dict[str, Any] = {}
    for name, field in fields_of(type(part)).items():
        value = getattr(part, name)
        if field.setting and field.setting.came_later and value == field.setting.default:
            continue
        if isinstance(value, ConfigPart):
            value = stored_form(value)
        elif isinstance(value, tuple):
            value = [stored_form(each) if isinstance(each, ConfigPart) else each for each in value]
        form[name] = value
    return form


def _pass(*names: str) -> None:
    pass


@functools.cache
def _numbers(part_class: type[msgspec.Struct]) -> tuple[str, ...]:
    settings = {name: each.setting for name, each in fields_of(part_class).items()}
    return tuple(name for name, each in settings.items() if each and each.kind == "number")


@functools.cache
def _declaration(part_class: type[msgspec.Struct]) -> type[msgspec.Struct]:
    fields = [(each.name, each.type) for each in msgspec.structs.fields(part_class)]
    return msgspec.defstruct(part_class.__name__, fields)
