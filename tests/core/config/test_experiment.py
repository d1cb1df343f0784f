"""ExperimentConfig: round trips, ids, paths, and refusals that name their place."""

import hashlib
import json
import math
import time
import typing
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.config import (
    AugmentationConfig,
    BlockConfig,
    DatasetConfig,
    DenseConfig,
    ExperimentConfig,
    ModelConfig,
    OptimizerConfig,
    TrainingConfig,
    differences,
    parse_json,
)
from core.design.presets import PRESETS
from core.errors import ConfigError
from tests.core.strategies import experiments

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(experiments)
def test_json_round_trip_keeps_the_config_and_its_id(config: ExperimentConfig) -> None:
    again = ExperimentConfig.from_json(config.to_json(indent=2))
    assert again == config
    assert again.config_id == config.config_id


@given(experiments)
def test_plain_values_are_those_of_json(config: ExperimentConfig) -> None:
    assert config.to_dict() == json.loads(config.to_json(indent=2))


# Settings that came after configs were stored, all off, none or 0 by default.
LATER = (
    ("model", "whitening"), ("model", "start_from"), ("model", "frozen_blocks"), ("augmentation", "alternating_flip"),
    ("training", "test_time_flip"), ("training", "precise_batch_norm"),
)  # fmt: skip


@given(experiments)
def test_config_id_is_the_sha256_of_canonical_json(config: ExperimentConfig) -> None:
    plain = config.to_dict()
    for part, name in LATER:
        if not plain[part][name]:
            del plain[part][name]
    # With Muon it was off before there was this switch, with others it is on by default.
    if plain["optimizer"]["muon_convolutions"] == (plain["optimizer"]["name"] != "muon"):
        del plain["optimizer"]["muon_convolutions"]
    if not plain["training"]["keep_epoch_weights"]:
        del plain["training"]["keep_epoch_weights"]
    assert config.to_json() == json.dumps(plain, sort_keys=True, separators=(",", ":"))
    # What a run leaves behind is stored, and makes it no other run.
    plain["training"].pop("keep_epoch_weights", None)
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    assert config.config_id == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    ("preset", "config_id"),
    # As they were before there were such settings.
    [
        ("article", "5816567a59d28a57903d48e66ee65105c51d647630b081999925338fdfaffe00"),
        ("article-augmented", "213128b96fa33381c6dc16e94bd9798956b0910027d08ad2555674087e983b24"),
        ("tiny", "870782023bafc34254dfdc13d32d72c5c0798a804bd79ec99720ca962c97c120"),
        ("overfit", "6989972b0d190b612862c960fac04e4115bdb86c00918b066fe6aa87005b0a89"),
        ("vgg", "59cd2a6cd363820c66df8f1620cf91d11733b6918f176f051a43b3ecb5c439eb"),
        ("inception", "6788e7dc40686854ec36259b3362a75c1f22efe151326357fde4c468814e50a2"),
        ("resnet", "b9bc9ce8fb9804c6de00b0dcd4b6b1e184ebae1567411d10645987c29f41b0fd"),
        ("too-big-shifts", "3dfdfb54b92534b71f7ce566bc4c588267668f312e4c030f517dce74e33baf87"),
        ("learning-rate-too-high", "cbec09a14b92f53edf7d4b4f6c758b26b553944d19f4182d98fd6b28d3cc5b7b"),
    ],
)
def test_settings_that_came_later_leave_the_ids_of_stored_configs(preset: str, config_id: str) -> None:
    config = PRESETS[preset].config
    assert config.config_id == config_id
    stored = config.to_dict()
    for part, name in LATER:
        del stored[part][name]
    again = ExperimentConfig.from_dict(stored)
    assert again == config
    assert again.config_id == config_id
    for part, name in LATER:
        if part == "model" and name != "whitening":
            continue
        changed = config.with_values({f"{part}.{name}": True})
        assert changed.config_id != config_id
        assert changed.with_values({f"{part}.{name}": False}).config_id == config_id
    started = config.with_values({"model.start_from": "abcdefghij"})
    frozen = started.with_values({"model.frozen_blocks": 1})
    assert len({config_id, started.config_id, frozen.config_id}) == 3
    assert frozen.with_values({"model.start_from": None, "model.frozen_blocks": 0}).config_id == config_id


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"model.start_from": "x"}, "model.start_from", "ten lowercase letters and digits"),
        ({"model.frozen_blocks": 1}, "model.frozen_blocks", "needs a run whose weights the network starts from"),
        (
            {"model.start_from": "abcdefghij", "model.frozen_blocks": 3}, "model.frozen_blocks",
            "at most 2, the number of convolution blocks, not 3",
        ),
    ],
)  # fmt: skip
def test_what_a_network_can_start_from(values: dict[str, object], field: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        PRESETS["tiny"].config.with_values(values)
    assert caught.value.field == field


def test_keeping_weights_makes_a_run_no_other_one() -> None:
    kept = PRESETS["tiny"].config
    without = kept.with_values({"training.keep_epoch_weights": False})
    assert kept.training.keep_epoch_weights and not without.training.keep_epoch_weights
    assert (kept, kept.config_id, hash(kept)) == (without, without.config_id, hash(without))
    assert kept != kept.with_values({"training.epochs": 3}) and kept.training != None  # noqa: E711
    assert differences(kept, without) == []
    assert differences(kept, without, recording=True) == [("training.keep_epoch_weights", True, False)]
    for config in (kept, without):
        again = ExperimentConfig.from_stored(json.loads(config.to_json()))
        assert again.training.keep_epoch_weights is config.training.keep_epoch_weights
    # What was stored before there was the switch kept none.
    former = kept.to_dict()
    del former["training"]["keep_epoch_weights"]
    assert not ExperimentConfig.from_stored(former).training.keep_epoch_weights


@given(experiments)
def test_what_is_stored_gives_the_config_again(config: ExperimentConfig) -> None:
    assert ExperimentConfig.from_stored(json.loads(config.to_json())) == config
    assert ExperimentConfig.from_stored(config.to_dict()) == config


def test_a_run_of_muon_that_was_stored_without_convolutions_stays_one() -> None:
    new = PRESETS["tiny"].config.with_values({"optimizer.name": "muon"})
    assert new.optimizer.muon_convolutions
    stored = new.to_dict()
    del stored["optimizer"]["muon_convolutions"]
    former = ExperimentConfig.from_stored(stored)
    assert not former.optimizer.muon_convolutions
    # As it was before there was the setting.
    assert former.config_id == "25665407d9d26c706479b4e42f1a2a613a2b31fc8c28ebe9273b67b223096e5d"
    assert new.config_id != former.config_id
    assert ExperimentConfig.from_json(former.to_json(indent=2)) == former
    # What a person writes without it means Muon.
    assert ExperimentConfig.from_dict(stored) == new
    with pytest.raises(ConfigError, match="object with named values"):
        ExperimentConfig.from_stored([])


PLAIN = ExperimentConfig()
NEGATIVE_ZERO = ExperimentConfig(
    dataset=DatasetConfig(label_noise=-0.0),
    model=ModelConfig(blocks=(BlockConfig(dropout=-0.0),)),
    augmentation=AugmentationConfig(rotation_degrees=-0.0),
    optimizer=OptimizerConfig(weight_decay=-0.0),
)
WHOLE_NUMBERS = ExperimentConfig(
    augmentation=AugmentationConfig(rotation_degrees=0),
    training=TrainingConfig(steps_per_epoch_multiple=1),
)


@given(experiments, experiments)
@example(PLAIN, NEGATIVE_ZERO)
@example(PLAIN, WHOLE_NUMBERS)
def test_ids_are_equal_exactly_when_configs_are(first: ExperimentConfig, second: ExperimentConfig) -> None:
    assert (first.config_id == second.config_id) == (first == second)


@given(experiments, experiments)
def test_setting_the_differences_turns_one_config_into_the_other(
    first: ExperimentConfig, second: ExperimentConfig
) -> None:
    changes = {path: value for path, _, value in differences(first, second) if "[" not in path}
    whole = {
        "model.blocks": second.to_dict()["model"]["blocks"],
        "model.dense": second.to_dict()["model"]["dense"],
    }
    changes = {path: value for path, value in changes.items() if path not in whole}
    assert first.with_values({**changes, **whole}) == second


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_has_the_id_of_its_own_json(preset) -> None:
    assert ExperimentConfig.from_json(preset.config.to_json()).config_id == preset.config.config_id


def test_twenty_and_twenty_point_zero_are_one_config() -> None:
    config = ExperimentConfig()
    whole = config.with_values({"augmentation.rotation_degrees": 20})
    assert whole.config_id == config.with_values({"augmentation.rotation_degrees": 20.0}).config_id


@pytest.mark.parametrize(
    "part",
    [
        AugmentationConfig,
        BlockConfig,
        DatasetConfig,
        DenseConfig,
        ModelConfig,
        OptimizerConfig,
        TrainingConfig,
    ],
)
def test_every_number_with_a_fraction_is_kept_as_one(part) -> None:
    hints = typing.get_type_hints(part)
    settled = 0
    for name in (entry.name for entry in msgspec.structs.fields(part)):
        if hints[name] is not float and float not in typing.get_args(hints[name]):
            continue
        for value in (0, -0.0, 1):
            try:
                kept = getattr(part(**{name: value}), name)
            except ConfigError:
                continue  # not allowed here, such as a learning rate of nothing
            assert type(kept) is float and math.copysign(1, kept) == 1
            settled += 1
    assert settled


def test_a_change_in_one_block_leaves_the_others() -> None:
    config = PRESETS["article"].config
    changed = config.with_values({"model.blocks[1].kernel_sizes": [5]})
    assert differences(config, changed) == [("model.blocks[1].kernel_sizes", [3], [5])]


@pytest.mark.parametrize(
    ("path", "value", "field", "words"),
    [
        ("model.blocks[0].filters", 0, "model.blocks[0].filters", "from 1 to 2,048"),
        ("model.blocks[0].filters", 10**9, "model.blocks[0].filters", "from 1 to 2,048"),
        ("model.blocks[0].filters", 10**400, "model.blocks[0].filters", "more than 21 digits"),
        ("model.blocks[1].kernel_sizes", [3, -3], "model.blocks[1].kernel_sizes[1]", "from 1 to 31"),
        ("model.blocks[1].kernel_sizes", [], "model.blocks[1].kernel_sizes", "at least one"),
        ("model.blocks[1].kernel_sizes", [3] * 7, "model.blocks[1].kernel_sizes", "1 to 6"),
        ("model.blocks[1].kernel_sizes", [3, 5], "model.blocks[1].padding", "'same'"),
        ("model.blocks[0].residual", True, "model.blocks[0].padding", "'same'"),
        ("model.dense[0].dropout", math.nan, "model.dense[0].dropout", "from 0 to 0.95"),
        ("model.dense[0].units", "many", "model.dense[0].units", "whole number"),
        ("model.dense[0].units", True, "model.dense[0].units", "whole number"),
        ("model.head", "tail", "model.head", "flatten, global_average"),
        ("model.blocks", [{"filters": 4}] * 400, "model.blocks", "at most 40"),
        ("model.blocks", "none", "model.blocks", "must be a list"),
        ("model.blocks[0]", {"fliters": 4}, "model.blocks[0].fliters", "not known"),
        ("model.blocks[7].filters", 4, "model.blocks[7].filters", "there are 2"),
        ("augmentation.rotation_degrees", math.inf, "augmentation.rotation_degrees", "from 0 to 180"),
        ("augmentation.fill_mode", "zeros", "augmentation.fill_mode", "nearest"),
        ("optimizer.learning_rate", 0, "optimizer.learning_rate", "above 0"),
        ("optimizer.speed", 1, "optimizer.speed", "names nothing"),
        ("training.num_gpus", 3, "training.num_gpus", "Use a batch size of 33"),
        ("training.num_gpus", 64, "training.num_gpus", "Use a batch size of 64"),
        ("training.epochs", 1.5, "training.epochs", "whole number"),
        ("training.test_time_flip", 1, "training.test_time_flip", "true or false"),
        ("training.precise_batch_norm", 1000, "training.precise_batch_norm", "true or false"),
        ("model.whitening", "yes", "model.whitening", "true or false"),
        ("augmentation.alternating_flip", None, "augmentation.alternating_flip", "true or false"),
        ("dataset.id", "../etc", "dataset.id", "lowercase letters"),
        ("dataset.id", None, "dataset.id", "lowercase letters"),
        # What msgspec by itself would take, or fail at.
        ("dataset.id", "cifar10\n", "dataset.id", "lowercase letters"),
        ("dataset.label_noise", Decimal("0.5"), "dataset.label_noise", "must be a number"),
        ("model.blocks[0].kernel_sizes", {3}, "model.blocks[0].kernel_sizes", "must be a list"),
        ("model.blocks", [BlockConfig()], "model.blocks[0]", "object with named values"),
        ("optimizer.learning_rate", 10**18 + 1, "optimizer.learning_rate", "at most 1e+30"),
        (
            "optimizer.learning_rate",
            1e31,
            "optimizer.learning_rate",
            "must be above 0 and at most 1e+30, not 1e+31.",
        ),
        # A limit that large helps nobody who is far below it.
        ("optimizer.learning_rate", 0, "optimizer.learning_rate", "must be above 0, not 0."),
        (
            "optimizer.learning_rate",
            "fast",
            "optimizer.learning_rate",
            "must be a number above 0, not 'fast'.",
        ),
        ("training.epochs", 3.0, "training.epochs", "whole number"),
        ("model.head", "\ud800", "model.head", "flatten, global_average"),
        ("seed", -1, "seed", "from 0"),
        ("model..blocks", 1, "model..blocks", "is not a path"),
        ("", 1, "", "is not a path"),
    ],
)
def test_a_wrong_value_is_refused_at_its_place(path: str, value: object, field: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PRESETS["article"].config.with_values({path: value})
    assert caught.value.field == field
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "object with named values"),
        ('{"seed": NaN}', "NaN"),
        ('{"seed": -Infinity}', "-Infinity"),
        ('{"seed": 1, "seed": 2}', "twice"),
        ("[" * 200_000, "nested too deeply"),
        ('{"sead": 1}', "sead"),
        ('{"model": {"dense": [{"units": 5, "unit": 3}]}}', "model.dense[0].unit"),
        (" " * 1_000_001, "larger than"),
        (r'{"seed": "\ud800"}', "half of a character"),
        (r'{"model": [{"\udfff": 1}]}', "half of a character"),
        ('{"seed": ' + "9" * 5000 + "}", "not valid JSON"),
    ],
)
def test_text_that_is_no_config_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ExperimentConfig.from_json(text)
    assert words in str(caught.value)


def test_many_keys_are_read_in_one_pass() -> None:
    text = json.dumps(dict.fromkeys(map(str, range(70_000)), 0))
    assert len(text) < 1_000_000
    began = time.process_time()
    assert len(parse_json(text)) == 70_000
    assert time.process_time() - began < 5  # comparing each with each takes 40 s


def test_whole_characters_beyond_the_first_65_536_are_text() -> None:
    assert parse_json(r'"\ud83d\ude00"') == "😀"


@settings(max_examples=300)
@given(
    st.sampled_from(["model", "training", "model.blocks[0]", "optimizer.name", "seed", "dataset"]),
    JSON_VALUES,
)
def test_any_json_value_anywhere_gives_a_config_or_a_config_error(path: str, value: object) -> None:
    try:
        config = PRESETS["article"].config.with_values({path: value})
    except ConfigError as error:
        assert error.message
    else:
        assert ExperimentConfig.from_json(config.to_json()) == config


def test_a_block_made_in_code_is_checked_too() -> None:
    with pytest.raises(ConfigError):
        BlockConfig(kernel_sizes=(3, 3), padding="same")


def test_what_is_replaced_in_code_is_checked_too() -> None:
    with pytest.raises(ConfigError, match=r"training\.num_gpus: must divide the batch size"):
        msgspec.structs.replace(TrainingConfig(), num_gpus=3)
    replaced = msgspec.structs.replace(AugmentationConfig(), rotation_degrees=20, hue=-0.0)
    assert (repr(replaced.rotation_degrees), repr(replaced.hue)) == ("20.0", "0.0")


def test_of_several_faults_the_first_is_named() -> None:
    values = {"seed": -1, "model": {"blocks": [{"activation": "x", "kernel_sizes": [3, 5], "dropout": 2}]}}
    with pytest.raises(ConfigError) as caught:
        ExperimentConfig.from_dict(values)
    assert caught.value.field == "model.blocks[0].dropout"
    values["model"]["blocks"][0]["dropout"] = 0
    with pytest.raises(ConfigError) as caught:
        ExperimentConfig.from_dict(values)
    assert caught.value.field == "model.blocks[0].padding"
