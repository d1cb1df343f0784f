"""The one currency: everything that decides a run, as one frozen value with a stable JSON form."""

import hashlib
import json
from collections.abc import Mapping
from types import NoneType
from typing import Annotated, Any

import msgspec
from msgspec import Meta, field

from core.config.augmentation import AugmentationConfig
from core.config.dataset import DatasetConfig
from core.config.fields import Limits, fields_of, limits_of
from core.config.model import ModelConfig
from core.config.optimizer import OptimizerConfig
from core.config.part import Check, ConfigPart, plain_form
from core.config.paths import parse_path, read_path, replace_at
from core.config.refusals import LARGEST_WHOLE, NUMBERS, build, describe
from core.config.training import TrainingConfig
from core.errors import ConfigError

MAX_JSON_CHARACTERS = 1_000_000

_NESTED = {dict, list, tuple}
_PLAIN = _NESTED | {str, int, float, bool, NoneType}


class ExperimentConfig(ConfigPart, frozen=True):
    """What is trained, on what, and how. Equal configs have equal `config_id`s.

    Equal are also those that differ in what a run leaves behind alone (`core.config.fields.RecordingSwitch`).
    """

    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0

    def check(self, fields: Check) -> None:
        fields(NUMBERS)

    @property
    def has_running_averages(self) -> bool:
        """Whether validation uses running averages of batch normalisation, which can lag behind the weights that train.

        Frozen blocks keep the statistics that they start with. Precise ones are measured, as are those of averaged
        weights.
        """
        is_measured = self.training.precise_batch_norm or self.optimizer.weight_averaging is not None
        trained = self.model.blocks[self.model.frozen_blocks :]
        return not is_measured and any(block.batch_norm for block in trained)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings, numbers, booleans and None."""
        return plain_form(self)

    def to_json(self, indent: int | None = None) -> str:
        """JSON with sorted keys; without `indent`, the canonical form, which is stored.

        The canonical form leaves out settings that came later and are as they were before: see
        `core.config.fields.LaterSwitch`. `from_stored` reads both forms.
        """
        if indent is None:
            return _canonical(plain_form(self, all_settings=False))
        return json.dumps(self.to_dict(), sort_keys=True, indent=indent)

    @property
    def config_id(self) -> str:
        """SHA-256 of the canonical JSON of what decides the run, 64 hexadecimal digits."""
        form = plain_form(self, all_settings=False, recording=False)
        return hashlib.sha256(_canonical(form).encode()).hexdigest()

    @classmethod
    def from_dict(cls, values: object) -> "ExperimentConfig":
        """Build from plain values. Raises ConfigError on an unknown key or a wrong value, with its path."""
        config = _convert(values)
        return build(cls, values) if config is None else config

    @classmethod
    def from_json(cls, text: str) -> "ExperimentConfig":
        """Build from JSON text. Raises ConfigError on NaN, Infinity, duplicate keys and text that is no JSON."""
        if len(text) > MAX_JSON_CHARACTERS:
            raise ConfigError("", f"The config is larger than {MAX_JSON_CHARACTERS:,} characters.")
        return cls.from_dict(parse_json(text))

    @classmethod
    def from_stored(cls, values: Any) -> "ExperimentConfig":
        """As `from_dict`, for what this or an earlier ConvDeck stored: what is missing there is as it was then."""
        if type(values) is dict:
            values = {key: _as_stored(key, value) for key, value in values.items()}
        return cls.from_dict(values)

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


def parse_json(text: str, what: str = "config") -> Any:
    """JSON as the standard has it: no NaN, no Infinity, no key twice, no half of a character. Raises ConfigError."""

    def refuse_constant(name: str) -> None:
        raise ConfigError("", f"The {what} holds {name}, which is not a number that JSON knows.")

    def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ConfigError("", f"The {what} holds the key {describe(key)} twice.")
            found[key] = value
        return found

    try:
        values = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=refuse_duplicates)
        # "\ud800" is well-formed JSON, but a name or an error that holds it can be neither stored nor sent as UTF-8.
        json.dumps(values, ensure_ascii=False).encode()
        return values
    except RecursionError:
        raise ConfigError("", f"The {what} is nested too deeply.") from None
    except UnicodeEncodeError:
        raise ConfigError(
            "", f"The {what} holds half of a character, such as \\ud800, which is no text."
        ) from None
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError("", f"The {what} is not valid JSON: {error}.") from None


def _canonical(form: dict[str, Any]) -> str:
    return json.dumps(form, sort_keys=True, separators=(",", ":"))


def _as_stored(name: str, values: Any) -> Any:
    field = fields_of(ExperimentConfig).get(name)
    if field and field.part and issubclass(field.part, ConfigPart) and type(values) is dict:
        return field.part.as_stored(values)
    return values


def _convert(values: Any) -> ExperimentConfig | None:
    """What msgspec makes of plain values; None where it refuses them, or takes what a config does not."""
    try:
        config = msgspec.convert(values, ExperimentConfig)
    except Exception:  # a fault, or what msgspec itself fails at, such as half of a character
        return None
    # It takes sets for lists, decimals for numbers, parts already made, and whole numbers of any size for a number
    # with a fraction, of which only a learning rate may be that large.
    if type(values) is not dict or not _is_plain(values) or config.optimizer.learning_rate >= LARGEST_WHOLE:
        return None
    return config


def _is_plain(values: Any) -> bool:
    """Whether an object of JSON values, or a list of them, is made of Python's own types alone."""
    entries = values.values() if type(values) is dict else values
    kinds = set(map(type, entries))
    if not kinds <= _PLAIN:
        return False
    return kinds.isdisjoint(_NESTED) or all(_is_plain(each) for each in entries if type(each) in _NESTED)
