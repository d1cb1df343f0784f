"""A sweep's file: what it may hold, what it means, and back again."""

import json

import pytest

from core.design.presets import PRESETS
from core.errors import ConfigError, RunNotFound, UserError
from core.store.records import RunRequest
from core.sweeps.configs import (
    choices_in_words,
    choices_of,
    config_of,
    configs_for,
    run_name,
)
from core.sweeps.objective import best_of, front_of, parse_objective, rank
from core.sweeps.space import Space
from core.sweeps.spec import changed, read_spec
from core.sweeps.start import parse_sweep, sweep_name
from tests.core.sweeps.trials import BASE, FILTERS

TINY = PRESETS["tiny"].config
RATE = {"optimizer.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}


def parse(store, **asked):
    return parse_sweep(store.workspace, store, {**BASE, "space": FILTERS, **asked})


def test_the_contract_s_keys_and_their_defaults(store):
    spec = parse(store)
    assert (spec.method, spec.trials, spec.seed, spec.pruning, spec.num_seeds, spec.concurrency, spec.reuse) == (
        "tpe", 4, 0, "none", 1, None, True,
    )  # fmt: skip
    assert spec.objective == parse_objective("val_accuracy")
    assert (spec.base.dataset.id, spec.base.dataset.num_train, spec.base.training.epochs) == ("shapes", 60, 2)
    full = parse(
        store, name="A name", space=RATE, method="cmaes", trials=30, seed=7, pruning="hyperband",
        objective={"val_accuracy": 1, "gap": -0.5}, seeds=3, concurrency=2, reuse=False,
    )  # fmt: skip
    assert (full.method, full.trials, full.seed, full.pruning, full.seeds, full.concurrency, full.reuse) == (
        "cmaes", 30, 7, "hyperband", (0, 1, 2), 2, False,
    )  # fmt: skip
    # What a program did not set, it may send as null.
    assert parse(store, trials=None, concurrency=None, name=None) == spec
    assert sweep_name(spec) == "tiny: Filters of block 1"


def test_a_spec_is_read_back_as_it_was_and_is_a_file_itself(store):
    spec = parse(
        store,
        space={
            **FILTERS,
            **RATE,
            "optimizer.name": {"values": ["adam", "sgd"]},
            "optimizer.momentum": {"low": 0.5, "high": 0.9, "step": 0.2, "when": {"optimizer.name": "sgd"}},
            "training.epochs": {"low": 1, "high": 9, "step": 2},
            "model.blocks[*].kernel_sizes": {"values": [[3], [1, 3]]},
        },
        objective=["val_accuracy", "parameters"],
        method="random",
    )
    assert read_spec(spec.to_json()) == spec
    again = parse_sweep(store.workspace, store, json.loads(json.dumps(spec.to_dict())))
    assert again.to_dict() == spec.to_dict()
    with pytest.raises(UserError, match="cannot be read"):
        read_spec(spec.to_json().replace('"random"', '"annealing"'))
    with pytest.raises(UserError, match="cannot be read"):
        read_spec("[]")


def test_reading_a_stored_spec_does_not_count_its_combinations_again(store, monkeypatch):
    text = parse(store, seed=77).to_json()
    monkeypatch.setattr(Space, "_branches", lambda *_: pytest.fail("It was gone through again."))
    assert read_spec(text).trials == 4


def test_the_config_comes_from_a_preset_a_run_or_itself(store):
    run = store.queue_run(RunRequest(TINY.with_values({"dataset.id": "shapes", "seed": 5}), "Mine", "tiny"))
    of_run = parse_sweep(store.workspace, store, {"run": run.id, "space": FILTERS, "seeds": 2})
    assert (of_run.source.run_id, of_run.source.name, of_run.seeds) == (run.id, "Mine", (5, 6))
    of_config = parse_sweep(store.workspace, store, {"config": run.config.to_dict(), "space": FILTERS})
    assert of_config.base == run.config and of_config.source.run_id is None
    # A preset's number of pictures becomes all where there are fewer.
    assert (
        parse_sweep(
            store.workspace, store, {"preset": "overfit", "dataset": "shapes", "space": FILTERS}
        ).base.dataset.num_train
        == 2_000
    )
    with pytest.raises(RunNotFound):
        parse_sweep(store.workspace, store, {"run": "abcdefghjk", "space": FILTERS})


def test_set_takes_wildcards_and_numbers_of_blocks():
    config = changed(TINY, {"model.blocks[*].filters": 5, "model.blocks": 3, "model.dense": 2, "seed": 3})
    assert [block.filters for block in config.model.blocks] == [5, 5, 5]
    assert (len(config.model.dense), config.seed) == (2, 3)
    for values, field in (
        ({"model.blocks[5].filters": 5}, "set.model.blocks[5].filters"),
        ({"model.blocks[0].filters": "a"}, "set.model.blocks[0].filters"),
        ({"modell": 1}, "set.modell"),
    ):
        with pytest.raises(ConfigError) as refused:
            changed(TINY, values)
        assert refused.value.field == field


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"space": None}, "space"),
        ({"preset": None}, "preset"),
        ({"preset": 3}, "preset"),
        ({"run": "abcdefghjk"}, "run"),
        ({"preset": None, "config": {"model": {"head": "x"}}}, "config.model.head"),
        ({"trails": 3}, "trails"),
        ({"method": "anneal"}, "method"),
        ({"method": ["grid"]}, "method"),
        ({"method": "grid", "space": RATE}, "space.optimizer.learning_rate"),
        ({"method": "cmaes"}, "method"),
        ({"method": "cmaes", "space": RATE, "objective": ["val_accuracy", "gap"]}, "method"),
        ({"trials": 0}, "trials"),
        ({"trials": True}, "trials"),
        ({"trials": 501, "space": RATE}, "trials"),
        ({"trials": 251, "space": RATE, "seeds": 2}, "trials"),
        ({"method": "grid", "space": {"training.epochs": {"low": 1, "high": 501}}}, "trials"),
        # Also with few trials: a grid is listed as a whole to choose one.
        (
            {"method": "grid", "trials": 5, "space": {"training.epochs": {"low": 1, "high": 10_001}}},
            "space.training.epochs",
        ),
        ({"seeds": 21}, "seeds"),
        ({"seed": -1}, "seed"),
        ({"concurrency": 0}, "concurrency"),
        ({"reuse": 1}, "reuse"),
        ({"pruning": "always"}, "pruning"),
        ({"pruning": "median", "objective": "gap"}, "pruning"),
        ({"pruning": "median", "objective": ["val_accuracy", "gap"]}, "pruning"),
        ({"pruning": "median", "objective": {"val_accuracy": -1, "gap": -1}}, "pruning"),
        ({"objective": "accuracy"}, "objective"),
        ({"objective": {"val_accuracy": 1, "size": 2}}, "objective.size"),
        ({"objective": {"val_accuracy": 0}}, "objective.val_accuracy"),
        ({"objective": {"val_accuracy": "1"}}, "objective.val_accuracy"),
        ({"objective": ["val_accuracy", "val_accuracy"]}, "objective"),
        ({"objective": ["val_accuracy", "x"]}, "objective[1]"),
        ({"objective": []}, "objective"),
        ({"objective": None, "set": [1]}, "set"),
    ],
)
def test_a_fault_is_refused_with_its_place(store, asked, field):
    values = {key: value for key, value in {**BASE, "space": FILTERS, **asked}.items() if value is not None}
    with pytest.raises(ConfigError) as refused:
        parse_sweep(store.workspace, store, values)
    assert refused.value.field == field
    with pytest.raises(ConfigError):
        parse_sweep(store.workspace, store, [values])


def test_too_many_runs_are_refused_with_their_count(store):
    with pytest.raises(ConfigError, match="at most 500 runs; 126 trials with 4 seeds each would be 504"):
        parse(store, space=RATE, trials=126, seeds=4)
    with pytest.raises(ConfigError, match="must be at most 500, not a whole number of more than 21 digits"):
        parse(store, space=RATE, trials=10**400)


def test_choices_make_configs_and_configs_tell_their_choices(store):
    spec = parse(
        store,
        space={
            "model.blocks": {"values": [1, 3]},
            "model.blocks[*].kernel_sizes": {"values": [[3], [1, 3]]},
            "optimizer.name": {"values": ["adam", "sgd"]},
            "optimizer.momentum": {"values": [0.5, 0.7], "when": {"optimizer.name": "sgd"}},
        },
        seeds=2,
        method="grid",
    )
    made = set()
    for choices in spec.space.combinations():
        first, second = configs_for(spec, choices)
        assert (first.seed, second.seed) == (0, 1) and second.with_values({"seed": 0}) == first
        assert choices_of(spec, second) == choices
        made.add(first.config_id)
    assert len(made) == spec.trials == 12
    # Another config, or one with a value that is not searched, is none of them.
    assert choices_of(spec, config_of(spec, choices).with_values({"training.epochs": 9})) is None
    assert choices_of(spec, spec.base) is None  # two blocks
    assert choices_in_words(
        {"model.blocks": 3, "optimizer.momentum": 0.5, "model.blocks[*].pool": "none"}
    ) == ("Convolution blocks 3, Momentum 0.5, Pooling none in every block")
    assert run_name("x" * 200, 12, 3) == "x" * 101 + "…: trial 12, seed 3"


def test_values_that_do_not_go_together_are_said(store):
    spec = parse(store, space={"model.blocks[0].padding": {"values": ["same", "valid"]},
                               "model.blocks[0].kernel_sizes": {"values": [[3], [1, 3]]}}, method="grid")  # fmt: skip
    with pytest.raises(ConfigError, match="must be 'same' with several kernel sizes"):
        config_of(spec, {"model.blocks[0].padding": "valid", "model.blocks[0].kernel_sizes": [1, 3]})


def test_a_weight_that_is_too_large_is_refused_with_what_is_allowed():
    for weight in (1e30, -1_000_001, 0, 10**400):
        with pytest.raises(
            ConfigError,
            match=r"val_accuracy: must be a weight from -1,000,000 to 1,000,000 other than 0, not",
        ):
            parse_objective({"val_accuracy": weight})


def test_objectives_are_values_directions_and_ranks():
    single = parse_objective("gap")
    assert (single.directions, single.values({"gap": 0.25}), single.is_in_points) == (
        ("minimize",),
        (0.25,),
        True,
    )
    assert single.values({"gap": None}) is None and single.to_asked() == "gap"
    weighted = parse_objective({"val_accuracy": 1, "gap": -0.5})
    assert weighted.directions == ("maximize",)
    assert weighted.values({"val_accuracy": 0.8, "gap": 0.2}) == pytest.approx((0.7,))
    assert weighted.to_asked() == {"val_accuracy": 1.0, "gap": -0.5}
    assert not parse_objective({"val_accuracy": 1, "parameters": -1e-6}).is_in_points
    several = parse_objective(["val_accuracy", "parameters"])
    assert (several.directions, several.is_pareto) == (("maximize", "minimize"), True)
    assert several.to_asked() == ["val_accuracy", "parameters"]
    assert parse_objective(["seconds"]) == parse_objective("seconds")

    # By hand: 1 is beaten by 0 in both, 3 is as accurate as 2 and larger.
    reached = {0: (0.7, 100.0), 1: (0.6, 200.0), 2: (0.8, 300.0), 3: (0.8, 400.0)}
    assert front_of(several, reached) == [0, 2]
    assert rank(several, reached) == [2, 0] and best_of(several, reached) == 2
    assert rank(single, {5: (0.3,), 6: (0.1,), 7: (0.1,)}) == [6, 7, 5]
    assert best_of(weighted, {}) is None
