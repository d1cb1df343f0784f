"""Every setting of a config, as it is declared at its field: its kind, its limits, its choices and its default."""

import functools
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

Kind = Literal["whole", "number", "switch", "choice", "text", "list"]

_KINDS: dict[Any, Kind] = {bool: "switch", int: "whole", float: "number", str: "text", tuple: "list"}
_NOTES = ("ge", "gt", "le", "min_length", "max_length", "description", "extra")
_LATER, _RECORDING = "later", "recording"

# What configs stored before it came know nothing of. The canonical JSON leaves it out while it is off, none or 0, so
# that they keep their ids. A switch that is on by default has a `left_out` and `as_stored` of its own class.
LATER = msgspec.Meta(extra={_LATER: True})
LaterSwitch = Annotated[bool, LATER]
# A later switch of what a run leaves behind, not of what it learns. Runs that differ in it alone are the same run, so
# it is no part of a config's id.
RecordingSwitch = Annotated[bool, msgspec.Meta(extra={_LATER: True, _RECORDING: True})]


class Limits(msgspec.Struct, frozen=True):
    """From `low` to `high`, both allowed; with `above`, `low` itself is not. `whole`: no fractions."""

    low: float
    high: float
    above: bool = False
    whole: bool = False


class Setting(msgspec.Struct, frozen=True):
    """One setting and what it takes.

    In the `path`, such as `model.blocks[].filters`, `[]` stands for any place in the list. `limits` are those of a
    number or of each number in a list, `count` says how many entries a list takes.
    """

    path: str
    kind: Kind
    default: Any
    is_optional: bool = False  # None is taken too
    limits: Limits | None = None
    choices: tuple[str, ...] = ()
    count: Limits | None = None
    came_later: bool = False
    is_recording: bool = False  # it decides what a run leaves behind, and nothing of what it learns
    description: str = ""


class Field(msgspec.Struct, frozen=True):
    """One field of a class: a setting, a part with settings of its own, or a list of either."""

    name: str
    hint: Any  # its type as declared, with limits and description
    setting: Setting | None  # None: the field is one part
    part: type[msgspec.Struct] | None = None


@functools.cache
def fields_of(config_class: type[msgspec.Struct]) -> dict[str, Field]:
    """The fields of a config's class by name, in their order. The path of each setting is its name alone."""
    return {each.name: _field(each) for each in msgspec.structs.fields(config_class)}


def limits_of(config: msgspec.Struct | type[msgspec.Struct]) -> Mapping[str, Limits]:
    """The limits of each number of a config (an instance or its class), by the field's name."""
    return _limits_by_name(config if isinstance(config, type) else type(config))


@functools.cache
def _limits_by_name(config_class: type[msgspec.Struct]) -> Mapping[str, Limits]:
    settings = {name: each.setting for name, each in fields_of(config_class).items()}
    return {
        name: each.limits for name, each in settings.items() if each and each.limits and each.kind != "list"
    }


def settings_of(config_class: type[msgspec.Struct], prefix: str = "") -> Iterator[Setting]:
    """Every setting of a class and of its parts. A list of parts is a setting itself, followed by those of a part."""
    for name, field in fields_of(config_class).items():
        path = f"{prefix}{name}"
        if field.setting:
            yield msgspec.structs.replace(field.setting, path=path)
        if field.part:
            yield from settings_of(field.part, f"{path}[]." if field.setting else f"{path}.")


def _field(declared: msgspec.structs.FieldInfo) -> Field:
    base, notes, is_optional = _unfold(declared.type)
    if isinstance(base, type) and issubclass(base, msgspec.Struct):
        return Field(declared.name, declared.type, None, base)
    part, limits, choices, count = None, None, (), None
    if get_origin(base) is Literal:
        kind: Kind = "choice"
        choices = get_args(base)
    else:
        origin = get_origin(base) or base
        kind = _KINDS[origin]
        limits = _limits(base, notes)
        if origin is tuple:
            entry, entry_notes, _ = _unfold(get_args(base)[0])
            part = entry if issubclass(entry, msgspec.Struct) else None
            limits = _limits(entry, entry_notes)
            count = Limits(notes.get("min_length", 0), notes["max_length"], whole=True)
    return Field(
        declared.name,
        declared.type,
        Setting(
            path=declared.name,
            kind=kind,
            default=declared.default,
            is_optional=is_optional,
            limits=limits,
            choices=choices,
            count=count,
            came_later=_LATER in notes.get("extra", {}),
            is_recording=_RECORDING in notes.get("extra", {}),
            description=notes.get("description", ""),
        ),
        part,
    )


def _unfold(hint: Any) -> tuple[Any, dict[str, Any], bool]:
    """A type without its notes, the notes by name, and whether None is taken besides."""
    notes: dict[str, Any] = {}
    is_optional = False
    while True:
        if get_origin(hint) is Annotated:
            for meta in hint.__metadata__:
                if any(getattr(meta, name) is not None for name in ("lt", "multiple_of")):
                    raise TypeError(f"No sentence says what {meta} refuses.")
                said = {name: getattr(meta, name) for name in _NOTES}
                notes |= {name: value for name, value in said.items() if value is not None}
            hint = hint.__origin__
        elif get_origin(hint) in (Union, UnionType):
            is_optional = True
            (hint,) = (each for each in get_args(hint) if each is not NoneType)
        else:
            return hint, notes, is_optional


def _limits(base: Any, notes: dict[str, Any]) -> Limits | None:
    if base not in (int, float):
        return None
    # The sentences of `refusals` know both ends; msgspec alone would refuse what they then let through.
    if "le" not in notes or not {"ge", "gt"} & notes.keys():
        raise TypeError("A number of a config needs a lower limit (ge or gt) and an upper one (le).")
    above = "gt" in notes
    return Limits(base(notes["gt" if above else "ge"]), base(notes["le"]), above=above, whole=base is int)
