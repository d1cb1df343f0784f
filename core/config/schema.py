"""Every setting of a config by its path, and the JSON Schema that says the same to other programs."""

from collections.abc import Iterator
from typing import Any

import msgspec

from core.config.experiment import ExperimentConfig
from core.config.fields import Setting, settings_of

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def settings() -> Iterator[Setting]:
    """Every setting of a config, in the order of its JSON; a list of blocks or layers before what is set in each."""
    return settings_of(ExperimentConfig)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a whole config, as plain JSON values.

    It holds each setting's type, limits, choices and default. Rules that join several settings, such as a batch size
    that is a multiple of the number of GPUs, are no part of it.
    """
    schema = msgspec.json.schema(ExperimentConfig)
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode({"$schema": _DIALECT, **schema}))
    return plain
