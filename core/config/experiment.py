"""The one currency: everything that decides a run, as one frozen value with a stable JSON form."""

import dataclasses
import functools
import hashlib
import json
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.config.augmentation import AugmentationConfig
from core.config.dataset import DatasetConfig
from core.config.fields import Limits, check_limits, describe, limits_of, stored_form, whole
from core.config.model import ModelConfig
from core.config.optimizer import OptimizerConfig
from core.config.paths import parse_path, read_path, replace_at
from core.config.training import TrainingConfig
from core.errors import ConfigError

MAX_JSON_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class ExperimentConfig:
    """What is trained, on what, and how. Equal configs have equal `config_id`s."""

    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    seed: int = whole(0, 0, 2**31 - 1)

    def __post_init__(self) -> None:
        check_limits(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings, numbers, booleans and None."""
        plain: dict[str, Any] = _plain(self)
        return plain

    def to_json(self, indent: int | None = None) -> str:
        """JSON with sorted keys; without `indent`, the canonical form that `config_id` is the hash of.

        The canonical form leaves out settings that came later and are off: see `core.config.fields.later_switch`.
        """
        if indent is None:
            return json.dumps(stored_form(self), sort_keys=True, separators=(",", ":"))
        return json.dumps(dataclasses.asdict(self), sort_keys=True, indent=indent)

    @property
    def config_id(self) -> str:
        """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @classmethod
    def from_dict(cls, values: object) -> "ExperimentConfig":
        """Build from plain values. Raises ConfigError on an unknown key or a wrong value, with its path."""
        config: ExperimentConfig = _build(cls, values, "")
        return config

    @classmethod
    def from_json(cls, text: str) -> "ExperimentConfig":
        """Build from JSON text. Raises ConfigError on NaN, Infinity, duplicate keys and text that is no JSON."""
        if len(text) > MAX_JSON_CHARACTERS:
            raise ConfigError("", f"The config is larger than {MAX_JSON_CHARACTERS:,} characters.")
        return cls.from_dict(parse_json(text))

    def with_values(self, values: Mapping[str, Any]) -> "ExperimentConfig":
        """A copy with values replaced by path, such as `{"model.blocks[0].filters": 16}`. Raises ConfigError."""
        plain: Any = self.to_dict()
        for path, value in values.items():
            plain = replace_at(plain, parse_path(path), value, path)
        return ExperimentConfig.from_dict(plain)

    def value(self, path: str) -> Any:
        """The value at a path, such as `optimizer.learning_rate`. Raises ConfigError when there is none."""
        return read_path(self.to_dict(), parse_path(path), path)

    def limits(self, path: str) -> Limits:
        """Which numbers are taken at the path of a number, such as `optimizer.learning_rate`."""
        *parents, name = parse_path(path)
        place: Any = self
        for step in parents:
            place = place[step] if isinstance(step, int) else getattr(place, step)
        return limits_of(place)[str(name)]


def parse_json(text: str) -> Any:
    """JSON as the standard has it: no NaN, no Infinity, no key twice, no half of a character. Raises ConfigError."""

    def refuse_constant(name: str) -> None:
        raise ConfigError("", f"The config holds {name}, which is not a number that JSON knows.")

    def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ConfigError("", f"The config holds the key {describe(key)} twice.")
            found[key] = value
        return found

    try:
        values = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=refuse_duplicates)
        # "\ud800" is well-formed JSON, but a name or an error that holds it can be neither stored nor sent as UTF-8.
        json.dumps(values, ensure_ascii=False).encode()
        return values
    except RecursionError:
        raise ConfigError("", "The config is nested too deeply.") from None
    except UnicodeEncodeError:
        raise ConfigError(
            "", "The config holds half of a character, such as \\ud800, which is no text."
        ) from None
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError("", f"The config is not valid JSON: {error}.") from None


def _plain(value: Any) -> Any:
    # dataclasses.asdict copies every number and string deeply: three times as long.
    if dataclasses.is_dataclass(value):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _build(cls: Any, values: object, path: str) -> Any:
    if not isinstance(values, Mapping):
        raise ConfigError(path, f"must be an object with named values, not {describe(values)}.")
    hints = _hints(cls)
    unknown = [key for key in values if key not in hints]
    if unknown:
        known = ", ".join(hints)
        raise ConfigError(_join(path, str(unknown[0])[:60]), f"is not known here. Known are: {known}.")
    required = [f.name for f in dataclasses.fields(cls) if _is_required(f) and f.name not in values]
    if required:
        raise ConfigError(_join(path, required[0]), "is missing.")
    arguments = {key: _convert(hints[key], value, _join(path, key)) for key, value in values.items()}
    try:
        return cls(**arguments)
    except ConfigError as error:
        # A block does not know its place in the network: its own paths are completed here.
        if path and not error.field.startswith(path):
            raise ConfigError(_join(path, error.field), error.message) from None
        raise


def _convert(hint: Any, value: object, path: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, path)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(path, f"must be a list, not {describe(value)}.")
        if len(value) > 1000:
            raise ConfigError(path, f"holds {len(value):,} entries; that is too many.")
        item = typing.get_args(hint)[0]
        return tuple(_convert(item, entry, f"{path}[{index}]") for index, entry in enumerate(value))
    return value


def _is_required(entry: "dataclasses.Field[Any]") -> bool:
    return entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
