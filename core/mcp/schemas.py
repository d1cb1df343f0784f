"""JSON Schemas of the tools' arguments: every setting by its path, with the limits that a config itself has."""

import re
from collections.abc import Iterator
from typing import Any

from core.config.labels import LABELS
from core.config.schema import json_schema, settings
from core.design.presets import PRESETS
from core.mcp.tool import Schema
from core.store.records import MAX_NAME_CHARACTERS

# Of a setting's schema in a config, what does not hold for a change of it: what is left out stays as it is.
NOT_OF_CHANGES = ("default", "description", "title")
INDEX = r"\[(0|[1-9][0-9]?)\]"  # of an entry of a list

RUN: Schema = {"type": "string", "minLength": 1, "description": "A run's id, as list_runs has it."}
NAME: Schema = {
    "type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARACTERS, "description": "What to call the run.",
}  # fmt: skip
TRAIN_AGAIN: Schema = {
    "type": "boolean", "default": False,
    "description": "Train even if an identical run has finished or is under way. By default that run is the answer.",
}  # fmt: skip


def preset_schema() -> Schema:
    """The names of the presets; list_presets says what they are."""
    return {
        "type": "string", "enum": list(PRESETS),
        "description": "The config to start from (see list_presets). Without it: ConvDeck's defaults.",
    }  # fmt: skip


def dataset_schema() -> Schema:
    """A data set's id, by the pattern of `dataset.id`."""
    plain = json_schema()["$defs"]["DatasetConfig"]["properties"]["id"]
    return {
        **_of_change(plain),
        "description": "Train on this data set (see list_datasets); “shapes” is always available.",
    }


def settings_schema() -> Schema:
    """An object of settings by path, such as `{"model.blocks[0].filters": 16}`, each with its type and limits."""
    single, patterns = {}, {}
    for path, schema in _by_path("ExperimentConfig", ""):
        named = schema | {"description": LABELS[path].title} if path in LABELS else schema
        if "[]" in path:
            patterns["^" + re.escape(path).replace(re.escape("[]"), INDEX) + "$"] = named
        else:
            single[path] = named
    return {
        "type": "object",
        "description": "Settings by path; what is left out stays as it is. In a list, [0] is the first entry.",
        "properties": single,
        "patternProperties": patterns,
        "additionalProperties": False,
    }


def describe_settings(part: str | None) -> dict[str, Any]:
    """Every setting with name, unit, help, limits, choices and default, of one part of a config or of all."""
    schemas = dict(_by_path("ExperimentConfig", ""))
    rows = []
    for setting in settings():
        if part is not None and setting.path.partition(".")[0] != part:
            continue
        label = LABELS.get(setting.path)
        rows.append(
            {
                "path": setting.path,
                "name": label.name if label else setting.path,
                "unit": label.unit if label else "",
                "help": " ".join(filter(None, (label.help if label else "", setting.description))),
                "default": _default(setting.path),
                "schema": schemas[setting.path],
            }
        )
    return {"settings": rows}


def _by_path(definition: str, prefix: str) -> Iterator[tuple[str, Schema]]:
    """Each setting below a class of the config's schema; `[]` stands for any place in a list."""
    definitions = json_schema()["$defs"]
    for name, schema in definitions[definition]["properties"].items():
        path = f"{prefix}{name}"
        entry = schema.get("items", {}).get("$ref")
        if "$ref" in schema:
            yield from _by_path(_name_of(schema["$ref"]), f"{path}.")
        elif entry is None:
            yield path, _of_change(schema)
        else:
            whole = definitions[_name_of(entry)]
            parts = {key: _of_change(value) for key, value in whole["properties"].items()}
            items = {"type": "object", "properties": parts, "additionalProperties": False}
            yield path, _of_change(schema) | {"items": items}
            yield from _by_path(_name_of(entry), f"{path}[].")


def _of_change(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key not in NOT_OF_CHANGES}


def _name_of(reference: str) -> str:
    return reference.rpartition("/")[2]


def _default(path: str) -> Any:
    definitions: dict[str, Schema] = json_schema()["$defs"]
    schema: Schema = {"$ref": "ExperimentConfig"}
    for step in path.replace("[]", "").split("."):
        within = schema.get("$ref") or schema["items"]["$ref"]
        schema = definitions[_name_of(within)]["properties"][step]
    return schema.get("default")
