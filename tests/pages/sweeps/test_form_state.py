"""The form of a sweep as values: what is typed, what is suggested, and the file both ways."""

import json

import pytest

from core.config import ExperimentConfig
from core.design.presets import PRESETS
from core.errors import ConfigError
from core.sweeps.dimension import parse_dimension
from core.sweeps.places import parse_place
from core.sweeps.spec import SweepSource, changed, parse_spec
from pages.components.sweeps.form_state import SweepForm, from_file, to_file
from pages.components.sweeps.plan import place_of
from pages.components.sweeps.settings import (
    choices_in_words,
    in_words,
    is_without_effect,
    searchable,
    suggested,
)
from pages.components.sweeps.typed import TypedError, parse_values, typed

ARTICLE = PRESETS["article"].config
SIZES = "model.blocks[*].kernel_sizes"


@pytest.mark.parametrize(
    ("path", "text", "values"),
    [
        (SIZES, "1, 3; 1+3+5", [[1], [3], [1, 3, 5]]),
        (SIZES, "3×3", [[3]]),
        (SIZES, "3x3, 1×1 + 5 X 5, 7", [[3], [1, 5], [7]]),
        ("model.blocks", "1, 2, 3", [1, 2, 3]),
        ("optimizer.learning_rate", "1e-3, 0.01", [0.001, 0.01]),
        ("optimizer.learning_rate", "0.0123456789012345, 2", [0.0123456789012345, 2.0]),
        ("dataset.label_noise", "29 %, 0", [0.29, 0.0]),
        ("optimizer.gradient_clip_norm", "off, 1", [None, 1.0]),
        ("dataset.num_train", "500, all", [500, None]),
        ("optimizer.name", "adam, sgd", ["adam", "sgd"]),
        ("training.test_time_flip", "on, off", [True, False]),
    ],
)
def test_values_are_read_as_they_are_typed_and_typed_as_they_are_read(path, text, values):
    assert parse_values(path, text) == values
    assert parse_values(path, typed(path, values)) == values


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("training.batch_size", "16, many", "'many' is not a whole number."),
        ("training.batch_size", "16.5", "'16.5' is not a whole number."),
        ("training.batch_size", " , ", "Type at least one value"),
        ("training.batch_size", "16, 32, 16", "16 is there twice."),
        ("optimizer.learning_rate", "0.1, nan", "'nan' is not a number that a setting can have."),
        ("optimizer.learning_rate", "1e999", "is not a number that a setting can have"),
        ("optimizer.name", "adam, ada", "'ada' is none of adam, adamw"),
        (SIZES, "3+x", "'x' is not a kernel size. Type 3 or 3×3, or 1+3+5 for several side by side."),
        (
            SIZES,
            "3, 1+",
            "'1+' lacks a kernel size beside the +. Type 3 or 3×3, or 1+3+5 for several side by side.",
        ),
        (
            SIZES,
            "+3",
            "'+3' lacks a kernel size beside the +. Type 3 or 3×3, or 1+3+5 for several side by side.",
        ),
        (SIZES, "3×5", "'3×5' is not square. Type 3 or 3×3, or 1+3+5 for several side by side."),
        (SIZES, "3×", "'3×' is not a kernel size. Type 3 or 3×3, or 1+3+5 for several side by side."),
        (SIZES, "3, 3x3", "3x3 is there twice."),
        ("training.batch_size", "16×16", "'16×16' is not a whole number."),
        ("training.batch_size", ", ".join(map(str, range(1, 203))), "At most 200 values."),
    ],
)
def test_what_cannot_be_read_is_said_with_its_part(path, text, said):
    with pytest.raises(TypedError, match=said.replace("+", r"\+")):
        parse_values(path, text)


def test_every_setting_that_is_offered_has_values_that_a_sweep_takes():
    paths = searchable(ARTICLE)
    assert paths[:2] == ["optimizer.learning_rate", SIZES]
    assert "model.blocks[1].filters" in paths and "model.blocks[2].filters" not in paths
    assert not {"seed", "dataset.id"} & set(paths)
    for path in paths:
        form = SweepForm()
        form.add(path, ARTICLE)
        (row,) = form.rows
        parse_place(path, path)
        dimension = parse_dimension(path, {**row.entry(), "when": None})
        assert dimension.num_options is None or dimension.num_options >= 2


def test_a_setting_of_an_optimizer_waits_for_it():
    form = SweepForm()
    form.add("optimizer.name", ARTICLE)
    form.add("optimizer.momentum", ARTICLE)
    assert form.rows[1].entry() == {"low": 0.8, "high": 0.99, "when": {"optimizer.name": "sgd"}}
    assert ("optimizer.name", "sgd") in form.conditions("optimizer.momentum")
    form.remove("optimizer.name")
    assert form.paths == ["optimizer.momentum"] and form.rows[0].when == {}
    assert is_without_effect("optimizer.momentum", ARTICLE, []) == (
        "It has no effect here: it belongs to SGD, and optimizer is Adam."
    )
    assert is_without_effect("optimizer.momentum", ARTICLE, ["optimizer.name"]) is None


def test_kernel_sizes_side_by_side_get_padding():
    assert any(block.padding == "valid" for block in ARTICLE.model.blocks)
    form = SweepForm()
    form.add(SIZES, ARTICLE)
    assert form.all_sets(ARTICLE) == {"model.blocks[*].padding": "same"}
    form.rows[0].text = "1, 3"
    assert form.all_sets(ARTICLE) == {}
    form.rows[0].text = "1, 3+"  # not readable: its own field says so
    assert form.all_sets(ARTICLE) == {}
    form.rows[0].path = "model.blocks[1].kernel_sizes"
    form.rows[0].text = "3+5"
    assert form.all_sets(ARTICLE) == {"model.blocks[1].padding": "same"}
    form.sets["model.blocks[*].padding"] = "valid"  # asked for
    assert form.all_sets(ARTICLE) == {"model.blocks[*].padding": "valid"}


TINY = PRESETS["tiny"].config


def loaded(values):
    source = SweepSource("tiny", changed(TINY, values.get("set") or {}))
    return from_file(values, parse_spec(values, source))


FILE = {
    "name": "A question", "preset": "tiny", "set": {"training.epochs": 2},
    "space": {
        "optimizer.name": {"values": ["adam", "sgd"]},
        "optimizer.momentum": {"low": 0.5, "high": 0.9, "step": 0.1, "when": {"optimizer.name": "sgd"}},
        "optimizer.learning_rate": {"low": 0.001, "high": 0.1, "log": True},
        SIZES: {"values": [[3], [5]]},
        "optimizer.gradient_clip_norm": {"values": [None, 1.0]},
    },
    "method": "random", "trials": 12, "seed": 3, "pruning": "median", "objective": {"val_accuracy": 1, "gap": -0.25},
    "seeds": 2, "concurrency": 4, "reuse": False,
}  # fmt: skip


def test_a_file_becomes_a_form_and_the_form_the_same_file():
    values, faults = to_file(loaded(json.loads(json.dumps(FILE))), {"preset": "tiny"}, TINY)
    assert (values, faults) == (FILE, {})
    # Side by side, these need padding: the form adds it to what is put together in it, not to what a file asks.
    sizes = {**FILE, "space": {SIZES: {"values": [[1, 3]]}}}
    assert to_file(loaded(sizes), {"preset": "tiny"}, ARTICLE)[0]["set"] == FILE["set"]
    # As the command line counts: every combination of a grid, and never more than there are.
    small = {**FILE, "space": {"optimizer.name": {"values": ["adam", "sgd", "adamw"]}}, "pruning": "none"}
    assert loaded({**small, "method": "grid", "trials": None}).trials == 3
    assert loaded({**small, "trials": 100_000}).trials == 3


@pytest.mark.parametrize(
    "objective", ["val_accuracy", ["val_accuracy", "flops"], {"val_accuracy": 2, "gap": -1}, ["gap", "seconds"],
     {"val_accuracy": 1, "gap": -0.001}]
)  # fmt: skip
def test_an_objective_keeps_its_form_also_where_no_field_shows_it(objective):
    asked = {**FILE, "objective": objective, "pruning": "none"}
    values, _ = to_file(loaded(asked), {"preset": "tiny"}, None)
    assert values["objective"] == objective


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"space": {"model.blocks": {"values": [[{"filters": 8}], 2]}}}, "space.model.blocks"),
        ({"space": {"model.blocks[*]": {"values": [{"filters": 8}]}}}, "space.model.blocks[*]"),
        ({"space": {f"{SIZES}[0]": {"low": 1, "high": 5}}}, f"space.{SIZES}[0]"),
        ({"space": {f"{SIZES}[0]": {"values": [1, 3]}}}, f"space.{SIZES}[0]"),
        ({"space": {"optimizer": {"values": [{"name": "sgd"}, {"name": "adam"}]}}}, "space.optimizer"),
        ({"space": FILE["space"], "name": "x" * 121}, "name"),
        ({"space": FILE["space"], "name": 7}, "name"),
    ],
)
def test_what_no_field_could_show_is_refused(values, field):
    with pytest.raises(ConfigError) as error:
        loaded(values)
    assert error.value.field == field
    assert field == "name" or "has no field in this form. Start this sweep from a terminal" in str(
        error.value
    )


@pytest.mark.parametrize(
    ("field", "place", "sentence"),
    [
        ("space.optimizer.name.values[1]", "optimizer.name", "Value 2 must be."),
        (f"space.{SIZES}.values[0][1]", SIZES, "Value 1 must be."),
        ("space.optimizer.name.low", "optimizer.name", "Lowest must be."),
        ("space.optimizer.name", "optimizer.name", "Must be."),
        ("trials", "trials", "Must be."),
        ("seed", "seed", "Must be."),
        ("objective.gap", "objective", "Must be."),
        ("set.training.epochs", None, "Epochs: must be."),
        ("space", None, "space: must be."),
        ("space.model.head", None, "space.model.head: must be."),
    ],
)
def test_an_error_stands_beside_its_field(field, place, sentence):
    assert place_of(ConfigError(field, "must be."), ["optimizer.name", SIZES]) == (place, sentence)


def test_values_in_words_are_short():
    assert in_words(SIZES, [1, 3, 5]) == "1+3+5"
    assert in_words("model.head", "global_average") == "global average"
    assert in_words("gone.setting", {"a": 1}) == "{'a': 1}"
    told = choices_in_words({"optimizer.name": "sgd", "model.blocks": 3})
    assert told == "Optimizer SGD, Convolution blocks 3"
    assert suggested("training.epochs", ExperimentConfig()).values == [5, 10, 20]
