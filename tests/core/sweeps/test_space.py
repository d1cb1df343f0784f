"""What a sweep searches: parsing, conditions, blocks that may not be there, counting, and configs of choices."""

import itertools
import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import ExperimentConfig
from core.design.presets import PRESETS
from core.errors import ConfigError
from core.sweeps.space import parse_space

TINY = PRESETS["tiny"].config  # two blocks, no dense layers
SGD = {"optimizer.name": "sgd"}
NAMES = {"values": ["adam", "sgd"]}


def space_of(**asked):
    return parse_space({path.replace("__", "."): entry for path, entry in asked.items()}, TINY)


def parsed(asked):
    return parse_space(asked, TINY)


def test_a_grid_has_every_combination_once_and_none_that_a_condition_excludes():
    space = parsed(
        {
            "optimizer.momentum": {"low": 0.8, "high": 0.95, "step": 0.05, "when": SGD},
            "optimizer.name": NAMES,
            "training.batch_size": {"values": [16, 32]},
        }
    )
    # By hand: adam once, sgd with 0.8, 0.85, 0.9 and 0.95; each with two batch sizes.
    wanted = [("adam", None), *(("sgd", momentum) for momentum in (0.8, 0.85, 0.9, 0.95))]
    found = [
        (each["optimizer.name"], each.get("optimizer.momentum"), each["training.batch_size"])
        for each in space.combinations()
    ]
    assert sorted(found, key=str) == sorted(
        ((name, momentum, size) for (name, momentum), size in itertools.product(wanted, (16, 32))), key=str
    )
    assert space.num_combinations == 10
    # Each comes after those that it waits for, otherwise as in the file.
    assert [each.path for each in space.dimensions] == [
        "optimizer.name", "optimizer.momentum", "training.batch_size",
    ]  # fmt: skip


def test_a_setting_of_a_block_is_searched_only_where_there_is_the_block():
    space = parsed(
        {
            "model.blocks[2].filters": {"values": [8, 16]},
            "model.blocks": {"low": 1, "high": 3},
            "model.dense": {"values": [0, 1]},
            "model.dense[*].units": {"values": [32, 64], "when": {"model.blocks": 1}},
        }
    )
    found = list(space.combinations())
    # Blocks 1: dense 0, or 1 with two widths. Blocks 2: dense 0 or 1. Blocks 3: two widths of the third, dense 0 or 1.
    assert len(found) == space.num_combinations == 3 + 2 + 4
    for choices in found:
        config = ExperimentConfig.from_dict(space.applied(choices))
        assert len(config.model.blocks) == choices["model.blocks"]
        assert len(config.model.dense) == choices["model.dense"]
        assert ("model.blocks[2].filters" in choices) == (choices["model.blocks"] == 3)
        if choices["model.blocks"] == 3:
            # The last block of the base, repeated, and then changed.
            assert config.model.blocks[2].filters == choices["model.blocks[2].filters"]
            assert config.model.blocks[2].padding == TINY.model.blocks[1].padding
        if "model.dense[*].units" in choices:
            assert config.model.dense[0].units == choices["model.dense[*].units"]


def test_a_wildcard_is_every_block():
    space = parsed(
        {"model.blocks[*].kernel_sizes": {"values": [[1], [3], [1, 3, 5]]}, "model.blocks": {"values": [3]}}
    )
    (_, _, mixed) = space.combinations()
    config = ExperimentConfig.from_dict(space.applied(mixed))
    assert [block.kernel_sizes for block in config.model.blocks] == [(1, 3, 5)] * 3


def test_a_condition_may_be_on_what_is_not_searched():
    always = parsed({"optimizer.momentum": {"values": [0.1], "when": {"optimizer.name": "adam"}}})
    assert list(always.combinations()) == [{"optimizer.momentum": 0.1}]
    # The kernel sizes of the second block are what the wildcard makes them.
    space = parsed(
        {
            "model.blocks[*].pool": {"values": ["max", "none"]},
            "model.blocks[0].pool_size": {"values": [2, 3], "when": {"model.blocks[1].pool": "max"}},
        }
    )
    assert space.num_combinations == len(list(space.combinations())) == 3


@pytest.mark.parametrize(
    ("asked", "value", "kind"),
    [
        ({"low": 1, "high": 4}, 4, int),
        ({"low": 1, "high": 9, "step": 4}, 9, int),
    ],
)
def test_a_whole_setting_gets_whole_numbers(asked, value, kind):
    (dimension,) = space_of(model__blocks=asked).dimensions
    assert dimension.options()[-1] == value and all(type(each) is kind for each in dimension.options())


def test_the_type_of_a_number_is_that_of_its_setting():
    (rate,) = space_of(optimizer__learning_rate={"values": [1, 0.5]}).dimensions
    assert [type(each) for each in rate.options()] == [float, float]
    (steps,) = space_of(optimizer__momentum={"low": 0, "high": 0.5, "step": 0.1}).dimensions
    assert steps.options() == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert steps.settle(0.30000000000000004) == 0.3
    (epochs,) = space_of(training__epochs={"low": 1, "high": 100, "log": True}).dimensions
    assert (epochs.log, epochs.num_options, epochs.settle(7)) == (True, 100, 7)
    (free,) = space_of(optimizer__momentum={"low": 0.1, "high": 0.5}).dimensions
    assert (
        free.num_options is None
        and space_of(optimizer__momentum={"low": 0.1, "high": 0.5}).num_combinations is None
    )
    # A step that does not reach the end stops before it.
    (short,) = space_of(training__epochs={"low": 1, "high": 6, "step": 2}).dimensions
    assert (short.options(), short.high) == ([1, 3, 5], 5)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "space"),
        ([], "space"),
        ({"optimizer.nam": NAMES}, "space.optimizer.nam"),
        ({"optimizer.name": {"values": ["adam"], "whn": {}}}, "space.optimizer.name.whn"),
        ({"optimizer.name": ["adam"]}, "space.optimizer.name"),
        ({"optimizer.name": {}}, "space.optimizer.name.low"),
        ({"optimizer.name": {"values": []}}, "space.optimizer.name.values"),
        ({"optimizer.name": {"values": ["adam", "adm"]}}, "space.optimizer.name.values[1]"),
        ({"optimizer.name": {"values": ["adam", "adam"]}}, "space.optimizer.name.values[1]"),
        ({"optimizer.name": {"low": 1, "high": 2}}, "space.optimizer.name.low"),
        ({"optimizer.name": {"values": ["adam"], "low": 1}}, "space.optimizer.name.low"),
        ({"optimizer.momentum": {"low": 0.1}}, "space.optimizer.momentum.high"),
        ({"optimizer.momentum": {"low": 0.5, "high": 0.1}}, "space.optimizer.momentum.high"),
        ({"optimizer.momentum": {"low": 0.1, "high": 2}}, "space.optimizer.momentum.high"),
        ({"optimizer.momentum": {"low": 0, "high": 0.5, "log": True}}, "space.optimizer.momentum.low"),
        ({"optimizer.momentum": {"low": 0.1, "high": 0.5, "log": 1}}, "space.optimizer.momentum.log"),
        ({"optimizer.momentum": {"low": 0.1, "high": 0.5, "step": 0}}, "space.optimizer.momentum.step"),
        ({"optimizer.momentum": {"low": 0.1, "high": 0.5, "step": 1}}, "space.optimizer.momentum.step"),
        ({"optimizer.momentum": {"low": 0.1, "high": 0.5, "step": 1e-9}}, "space.optimizer.momentum.step"),
        ({"optimizer.momentum": {"low": 0.1, "high": 0.5, "step": 5e-324}}, "space.optimizer.momentum.step"),
        ({"training.epochs": {"low": 1, "high": 5, "step": 0.5}}, "space.training.epochs.step"),
        ({"training.epochs": {"low": 1.5, "high": 5}}, "space.training.epochs.low"),
        ({"optimizer.gradient_clip_norm": {"low": None, "high": 5}}, "space.optimizer.gradient_clip_norm.low"),
        ({"training.epochs": {"low": 1, "high": 5, "log": True, "step": 2}}, "space.training.epochs.step"),
        ({"model.blocks[0].filters": {"low": 0, "high": 3}}, "space.model.blocks[0].filters.low"),
        ({"model.blocks[0].kernel_sizes": {"values": [[3], []]}}, "space.model.blocks[0].kernel_sizes.values[1]"),
        ({"model.blocks[0].kernel_sizes": {"values": [[3.5]]}}, "space.model.blocks[0].kernel_sizes.values[0][0]"),
        ({"model.blocks[0].kernel_sizes[0].x": {"values": [1]}}, "space.model.blocks[0].kernel_sizes[0].x"),
        ({"model.blocks[0].batch_norm": {"values": [1]}}, "space.model.blocks[0].batch_norm.values[0]"),
        ({"model.blocks": {"values": [41]}}, "space.model.blocks.values[0]"),
        ({"model.blocks": {"values": [[{"filters": 0}]]}}, "space.model.blocks.values[0][0].filters"),
        ({"model.blocks[7].filters": {"values": [8]}}, "space.model.blocks[7].filters"),
        ({"model.dense[*].units": {"values": [8]}}, "space.model.dense[*].units"),
        ({"seed": {"values": [1]}}, "space.seed"),
        ({"dataset.id": {"values": ["shapes"]}}, "space.dataset.id"),
        ({"model..head": {"values": ["flatten"]}}, "space.model..head"),
        ({"model.blocks[*].pool": {"values": ["max"]}, "model.blocks[0].pool": {"values": ["none"]}},
         "space.model.blocks[0].pool"),
        ({"model.blocks[0].pool": {"values": ["max"]}, "model.blocks[00].pool": {"values": ["none"]}},
         "space.model.blocks[0].pool"),
        ({"optimizer.momentum": {"values": [0.1], "when": {}}}, "space.optimizer.momentum.when"),
        ({"optimizer.momentum": {"values": [0.1], "when": {"optimizer.nam": 1}}},
         "space.optimizer.momentum.when.optimizer.nam"),
        ({"optimizer.momentum": {"values": [0.1], "when": {"optimizer.name": "sdg"}}},
         "space.optimizer.momentum.when.optimizer.name"),
        ({"optimizer.momentum": {"values": [0.1], "when": SGD}}, "space.optimizer.momentum"),
        ({"optimizer.momentum": {"values": [0.1], "when": {"model.dense[0].units": 8}}},
         "space.optimizer.momentum.when.model.dense[0].units"),
        ({"optimizer.name": {**NAMES, "when": {"optimizer.momentum": 0.9}},
          "optimizer.momentum": {"values": [0.9], "when": SGD}}, "space.optimizer.name.when"),
        ({"optimizer.name": {**NAMES, "when": SGD}}, "space.optimizer.name.when"),
        ({"optimizer.momentum": {"low": 0.1, "high": 0.5},
          "training.epochs": {"values": [1], "when": {"optimizer.momentum": 0.3}}}, "space.training.epochs.when"),
    ],
)  # fmt: skip
def test_a_fault_is_refused_with_its_place(asked, field):
    with pytest.raises(ConfigError) as refused:
        parsed(asked)
    assert refused.value.field == field
    assert len(str(refused.value)) < 400


def test_choices_of_a_person_are_checked_and_completed():
    space = parsed(
        {
            "optimizer.name": NAMES,
            "optimizer.momentum": {"values": [0.8, 0.9], "when": SGD},
            "model.blocks": {"low": 1, "high": 3},
        }
    )
    assert space.check({}) == {"optimizer.name": "adam", "model.blocks": 2}
    assert space.check({"optimizer.name": "sgd"}) == {
        "optimizer.name": "sgd",
        "optimizer.momentum": 0.9,
        "model.blocks": 2,
    }
    for values, field in (
        ({"optimizer.momentum": 0.8}, "optimizer.momentum"),  # not with adam
        ({"optimizer.name": "sgd", "optimizer.momentum": 0.7}, "optimizer.momentum"),
        ({"model.blocks": 4}, "model.blocks"),
        ({"training.epochs": 4}, "training.epochs"),
    ):
        with pytest.raises(ConfigError) as refused:
            space.check(values)
        assert refused.value.field == field
    with pytest.raises(ConfigError, match="needs a value"):
        parsed({"optimizer.learning_rate": {"values": [0.5, 0.6]}}).check({})


def test_what_depends_on_too_much_is_refused_rather_than_counted_forever():
    asked = {f"model.blocks[{index}].repeats": {"values": list(range(1, 21))} for index in range(6)}
    when = dict.fromkeys(asked, 1)
    with pytest.raises(ConfigError, match="too many ways"):
        parse_space(
            {**asked, "training.epochs": {"values": [1, 2], "when": when}},
            TINY.with_values({"model.blocks": [{}] * 6}),
        )
    # Alone, they are counted without being gone through.
    assert parse_space(asked, TINY.with_values({"model.blocks": [{}] * 6})).num_combinations == 20**6


# Spaces as people write them: some settings, structural ones among them, with conditions on others.
_ENTRIES = {
    "model.blocks": st.sampled_from([{"values": [1, 2, 3]}, {"low": 1, "high": 4}]),
    "model.blocks[2].filters": st.just({"values": [4, 8]}),
    "model.blocks[*].kernel_sizes": st.just({"values": [[1], [3], [1, 3]]}),
    "model.blocks[0].residual": st.just({"values": [False, True]}),
    "model.blocks[1].pool": st.sampled_from([{"values": ["max", "none"]}]),
    "model.head": st.just({"values": ["flatten", "global_average"]}),
    "model.dense": st.just({"values": [0, 2]}),
    "model.dense[1].units": st.just({"values": [8, 16]}),
    "optimizer.name": st.just({"values": ["adam", "sgd", "muon"]}),
    "optimizer.momentum": st.sampled_from(
        [{"low": 0.5, "high": 0.9, "step": 0.2}, {"values": [0.0, 0.9], "when": {"optimizer.name": "sgd"}}]
    ),
    "optimizer.nesterov": st.sampled_from(
        [{"values": [True, False]}, {"values": [True], "when": {"optimizer.momentum": 0.9}}]
    ),
    "optimizer.learning_rate": st.just({"low": 1e-4, "high": 1e-1, "log": True}),
    "optimizer.gradient_clip_norm": st.just({"values": [None, 1]}),
}


@st.composite
def spaces(draw):
    paths = draw(st.lists(st.sampled_from(list(_ENTRIES)), min_size=1, max_size=6, unique=True))
    asked = {path: draw(_ENTRIES[path]) for path in paths}
    try:
        return parsed(asked)
    except ConfigError:
        return None  # such as the third block where there are never three


@settings(max_examples=150)
@given(spaces(), st.integers(0, 2**32))
def test_every_choice_is_a_config_or_a_sentence_and_holds_nothing_that_is_not_active(space, seed):
    if space is None:
        return
    choices = space.sample(Random(seed))
    assert choices == space.check(choices) == json.loads(json.dumps(choices))
    assert space.next_dimension(choices) is None
    for dimension in space.dimensions:
        # Whether it is there follows from what the config is, not from the order in which things were chosen.
        assert (dimension.path in choices) == space.is_active(dimension, choices)
        if dimension.path in choices:
            assert dimension.settle(choices[dimension.path]) == choices[dimension.path]
    try:
        config = ExperimentConfig.from_dict(space.applied(choices))
    except ConfigError as error:
        assert error.field and error.message
    else:
        for path, value in choices.items():
            if "[*]" not in path and path not in ("model.blocks", "model.dense"):
                assert config.value(path) == value


@settings(max_examples=60)
@given(spaces())
def test_the_count_is_that_of_the_combinations(space):
    if space is None or space.num_combinations is None or space.num_combinations > 400:
        return
    found = [json.dumps(each, sort_keys=True) for each in space.combinations()]
    assert len(found) == len(set(found)) == space.num_combinations


@given(st.dictionaries(st.text(max_size=30), st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["values", "low", "high", "log", "step", "when", "optimizer.name", "x"]), inner, max_size=3),
    max_leaves=8,
), max_size=3), st.sampled_from(list(_ENTRIES)))  # fmt: skip
def test_nonsense_is_refused_in_words(asked, path):
    for attempt in (asked, {path: next(iter(asked.values()), None)}):
        try:
            parsed(attempt)
        except ConfigError as error:
            assert error.field.startswith("space") and error.message
