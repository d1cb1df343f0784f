"""Every setting by path, and the JSON Schema: what they say is what a config holds to."""

import json
import math
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from core.config import DenseConfig, ExperimentConfig, ModelConfig
from core.config import schema as schema_module
from core.config.fields import Setting, fields_of
from core.config.schema import json_schema
from core.design.presets import PRESETS
from core.errors import ConfigError
from core.workspace import PROJECT_ROOT
from tests.core.conftest import run_command
from tests.core.strategies import experiments

SETTINGS = {each.path: each for each in schema_module.settings()}
VALIDATOR = Draft202012Validator(json_schema())
# One block and one dense layer, so that every path leads somewhere; both may be anything, as padding is 'same'.
CONFIG = ExperimentConfig(model=ModelConfig(dense=(DenseConfig(),))).with_values(
    {"model.blocks[0].padding": "same"}
)
WRONG = [
    None, True, False, "", "x", "relu", -1, 0, 1, 2, 3, 1.5, -0.5, 1e9, 1e31, 10**30, [], [0], ["x"], {}, {"x": 1},
    [1] * 7, [{}] * 41, [{"bogus": 1}],
]  # fmt: skip


def leaves(values: object, path: str = "") -> dict[str, object]:
    if isinstance(values, dict):
        items = [(f"{path}.{key}" if path else key, value) for key, value in values.items()]
    elif isinstance(values, list) and values and isinstance(values[0], dict):
        items = [(f"{path}[]", value) for value in values]
    else:
        return {path: values}
    return {key: value for inner, value in items for key, value in leaves(value, inner).items()}


def place(setting: Setting) -> str:
    return setting.path.replace("[]", "[0]")


def replaced(setting: Setting, value: object) -> dict[str, object]:
    """The config as plain values, with this value at its place, checked by nothing."""
    values = CONFIG.to_dict()
    *parents, name = place(setting).replace("[0]", ".0").split(".")
    inner = values
    for step in parents:
        inner = inner[int(step) if step.isdigit() else step]
    inner[name] = value
    return values


def test_the_walk_meets_every_leaf_of_a_config_in_its_order() -> None:
    assert [path for path in SETTINGS if path not in ("model.blocks", "model.dense")] == list(
        leaves(CONFIG.to_dict())
    )


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=list(SETTINGS))
def test_a_setting_says_what_the_config_holds_to(setting: Setting) -> None:
    path = place(setting)
    default = ExperimentConfig(model=ModelConfig(dense=(DenseConfig(),))).value(path)
    if setting.path == "model.dense":
        assert setting.default == ()
    elif setting.path == "model.blocks":
        assert ModelConfig(blocks=setting.default) == ModelConfig()
    else:
        assert list(setting.default) == default if setting.kind == "list" else setting.default == default
    taken: list[object] = [None] if setting.is_optional else []
    refused: list[object] = [] if setting.is_optional else [None]
    if setting.kind in ("whole", "number"):
        assert setting.limits == CONFIG.limits(path)
        assert setting.limits.whole == (setting.kind == "whole")
        low, high = setting.limits.low, setting.limits.high
        taken += [math.nextafter(low, high) if setting.limits.above else low]
        # 64 do not divide a batch of 32, and there are no 40 blocks to be frozen.
        taken += [] if path in ("training.num_gpus", "model.frozen_blocks") else [high]
        refused += [low - 1, high * 2, "1", True, *([low] if setting.limits.above else [])]
    elif setting.kind == "switch":
        taken += [] if path == "optimizer.nesterov" else [True, False]
        refused += [0, 1, "true"]
    elif setting.kind == "choice":
        taken += setting.choices
        refused += ["", "x", setting.choices[0].upper()]
    elif setting.kind == "list":
        entry = CONFIG.value(path)[0]
        least, most = int(setting.count.low), int(setting.count.high)
        # Each kernel size may be there once.
        taken += [list(range(1, most + 1)) if setting.limits else [entry] * most, [entry]]
        refused += [[entry] * (most + 1), "x", [0], {}, *([[]] if least else [])]
    elif setting.path == "model.start_from":
        taken += ["abcdefghij", "z234567899"]
        refused += ["", "abcdefghi", "abcdefghijk", "Abcdefghij", "2bcdefghij", "abcdefghij\n", 1, True, []]
    else:
        assert (setting.kind, setting.path) == ("text", "dataset.id")
    for value in taken:
        assert CONFIG.with_values({path: value}).value(path) == value
    for value in refused:
        with pytest.raises(ConfigError) as caught:
            CONFIG.with_values({path: value})
        assert caught.value.field.startswith(path)


def test_what_came_later_is_what_stored_configs_lack() -> None:
    stored = leaves(json.loads(CONFIG.with_values({"training.keep_epoch_weights": False}).to_json()))
    assert [path for path, each in SETTINGS.items() if each.came_later] == [
        path for path in leaves(CONFIG.to_dict()) if path not in stored
    ]


def test_the_schema_in_the_documents_is_the_one_that_is_printed() -> None:
    code, out, _ = run_command("presets", "--schema")
    assert code == 0
    printed = json.loads(out)
    assert printed == json_schema()
    assert printed == json.loads((PROJECT_ROOT / "docs" / "config-schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(printed)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_every_preset_fits_the_schema(preset) -> None:
    for form in (preset.config.to_dict(), json.loads(preset.config.to_json())):
        assert [error.message for error in VALIDATOR.iter_errors(form)] == []


@given(experiments)
def test_every_config_fits_the_schema(config: ExperimentConfig) -> None:
    assert VALIDATOR.is_valid(config.to_dict())


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=list(SETTINGS))
def test_what_the_schema_refuses_the_config_refuses_too(setting: Setting) -> None:
    values = list(WRONG)
    if setting.limits and setting.kind != "list":
        values += [
            setting.limits.low - 1e-9,
            setting.limits.low - 1,
            setting.limits.high + 1,
            setting.limits.high * 1.001,
        ]
        values += [setting.limits.low] if setting.limits.above else []
    refused = 0
    for value in values:
        changed = replaced(setting, value)
        if not VALIDATOR.is_valid(changed):
            refused += 1
            with pytest.raises(ConfigError):
                ExperimentConfig.from_dict(changed)
    assert refused >= 10


@settings(max_examples=300)
@given(
    st.sampled_from(list(SETTINGS.values())),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(-2, 2) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=4,
    ),
)
def test_what_a_config_takes_fits_the_schema(setting: Setting, value: object) -> None:
    changed = replaced(setting, value)
    try:
        ExperimentConfig.from_dict(changed)
    except ConfigError:
        return
    assert VALIDATOR.is_valid(changed)


def test_an_unknown_key_is_refused_by_both() -> None:
    for setting in SETTINGS.values():
        if setting.path.endswith(("seed", "id", "head", "filters", "units", "name", "fill_mode", "epochs")):
            changed = replaced(setting, setting.default)
            parent = changed
            for step in place(setting).replace("[0]", ".0").split(".")[:-1]:
                parent = parent[int(step) if step.isdigit() else step]
            parent["sead"] = 1
            assert not VALIDATOR.is_valid(changed)
            with pytest.raises(ConfigError, match="sead"):
                ExperimentConfig.from_dict(changed)


@pytest.mark.parametrize(
    "hint",
    [
        int,
        Annotated[int, msgspec.Meta(ge=1)],
        Annotated[float, msgspec.Meta(le=1)],
        Annotated[float, msgspec.Meta(gt=0, lt=1)],
        Annotated[int, msgspec.Meta(ge=0, le=8, multiple_of=2)],
    ],
    ids=str,
)
def test_a_limit_that_no_sentence_knows_is_refused_where_it_is_declared(hint: Any) -> None:
    with pytest.raises(TypeError):
        fields_of(msgspec.defstruct("Part", [("setting", hint)]))
