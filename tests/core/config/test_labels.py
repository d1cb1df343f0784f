"""Each setting has one name, a help and words for its values, whatever shows it."""

import re
from collections import Counter
from typing import Any

import pytest

from core.config import ExperimentConfig
from core.config.changes import setting_in_words
from core.config.fields import Setting
from core.config.labels import (
    LABELS,
    change_in_words,
    label_at,
    label_of,
    named_value,
    setting_at,
    shown_beside,
    shown_value,
)
from core.config.schema import settings

SETTINGS = {each.path: each for each in settings()}
# A path, or a name as a program has it.
RAW = re.compile(r"[a-z]+_[a-z_]+|[a-z]+\[\]?|(model|augmentation|optimizer|training|dataset)\.[a-z]|`")


def test_every_setting_has_a_label_and_no_label_is_left_over() -> None:
    assert sorted(LABELS) == sorted(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_names_and_helps_are_sentences_for_people(setting: Setting) -> None:
    label = label_at(setting.path)
    assert label.name and label.name[0].isupper() and not RAW.search(label.name)
    assert label.help.endswith(".") and not RAW.search(label.help)
    assert tuple(label.choices) == setting.choices  # forms offer them in this order
    assert not any(RAW.search(words) for words in label.choices.values())
    short = [shown_value(setting.path, choice) for choice in setting.choices]
    assert len(set(short)) == len(short) and all(short)


def test_no_two_settings_of_one_section_share_a_name() -> None:
    names = Counter((path.rpartition(".")[0], label.name.lower()) for path, label in LABELS.items())
    assert max(names.values()) == 1


def test_what_may_be_left_out_says_what_that_means() -> None:
    for setting in SETTINGS.values():
        assert (label_at(setting.path).empty != "–") == setting.is_optional


def test_percent_is_for_fractions_of_one_alone() -> None:
    for setting in SETTINGS.values():
        if label_at(setting.path).is_percent:
            assert setting.limits is not None and (setting.limits.low, setting.limits.high <= 1) == (0, True)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("optimizer.learning_rate", "Learning rate"),
        ("model.blocks[1].filters", "Filters of block 2"),
        ("model.blocks[10].filters", "Filters of block 11"),
        ("model.blocks[0].kernel_sizes[1]", "Kernel sizes of block 1"),
        ("model.dense[0].dropout", "Dropout of dense layer 1"),
        ("model.blocks[1]", "Block 2"),
        ("model.dense[0]", "Dense layer 1"),
        ("model.blocks", "Convolution blocks"),
        ("augmentation", "Augmentation"),
        ("num_seeds", "num_seeds"),
        ("--set", "--set"),
        ("", ""),
    ],
)
def test_a_name_has_its_place(path: str, name: str) -> None:
    assert label_of(path) == name


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("augmentation.rotation_degrees", 12.5, "12.5°"),
        ("augmentation.width_shift_fraction", 0.07, "7 %"),
        ("augmentation.horizontal_flip", True, "on"),
        ("augmentation.horizontal_flip", False, "off"),
        ("augmentation.fill_mode", "wrap", "wrap around"),
        ("optimizer.schedule", "one_cycle", "one cycle"),
        ("optimizer.learning_rate", 1e-4, "0.0001"),
        ("training.early_stopping_patience", None, "off"),
        ("training.early_stopping_patience", 1, "1 epoch"),
        ("training.early_stopping_patience", 5, "5 epochs"),
        ("training.steps_per_epoch_multiple", 1.5, "1.5 × the data set"),
        ("dataset.num_train", None, "all"),
        ("dataset.num_train", 4000, "4,000"),
        ("dataset.image_size", 32, "32 pixels"),
        ("dataset.id", "my_pictures", "my_pictures"),
        ("model.blocks[0].kernel_sizes", [3], "3×3"),
        ("model.blocks[0].kernel_sizes", (1, 3, 5), "1×1, 3×3 and 5×5"),
        ("model.blocks[0].pool", None, "–"),
        ("model.blocks", [{}, {}], "2"),
        ("model.dense", (), "0"),
    ],
)
def test_values_in_words(path: str, value: object, words: str) -> None:
    assert shown_value(path, value) == words


@pytest.mark.parametrize(
    ("path", "values", "words"),
    [
        ("optimizer.learning_rate", (0.018225000000000001, 0.01648709122354), ["0.018225", "0.01649"]),
        ("optimizer.learning_rate", (0.01822512345678, 0.01648709122354), ["0.01823", "0.01649"]),
        # They would look the same.
        ("optimizer.learning_rate", (0.01648709122, 0.01649), ["0.01648709122", "0.01649"]),
        ("optimizer.learning_rate", (0.01648709122, 0.01648709121), ["0.01648709122", "0.01648709121"]),
        ("optimizer.learning_rate", (0.01648709122, 0.01648709122), ["0.01649", "0.01649"]),
        ("optimizer.learning_rate", (1e-07, 1.00000001e-07), ["0.0000001", "0.000000100000001"]),
        ("augmentation.rotation_degrees", (20.0, 12.345678901), ["20°", "12.35°"]),
        ("augmentation.width_shift_fraction", (0.123456789012, 0.29), ["12.35 %", "29 %"]),
        ("augmentation.width_shift_fraction", (0.12345678901, 0.12345678902), ["12.345678901 %", "12.345678902 %"]),
        ("augmentation.horizontal_flip", (False, True), ["off", "on"]),
        ("training.early_stopping_patience", (None, 5, 5), ["off", "5 epochs", "5 epochs"]),
    ],
)  # fmt: skip
def test_values_beside_each_other_are_short_and_told_apart(
    path: str, values: tuple[Any, ...], words: list[str]
):
    assert shown_beside(path, values) == words


def test_a_change_within_a_sentence() -> None:
    assert named_value("augmentation.rotation_degrees", "20°") == "Rotation 20°"
    assert named_value("model.blocks[1].filters", "8") == "Filters 8 in block 2"
    assert named_value("model.blocks[*].filters", "8") == "Filters 8 in every block"
    assert named_value("model.blocks", "3") == "Convolution blocks 3"
    assert change_in_words("augmentation.rotation_degrees", "0°", "20°") == "rotation 0° → 20°"
    assert change_in_words("model.blocks[1].filters", "64", "8") == "filters 64 → 8 in block 2"
    assert change_in_words("augmentation.cutmix_alpha", "0", "1") == "CutMix 0 → 1"


def test_every_setting_of_a_config_can_be_said() -> None:
    config = ExperimentConfig()
    for path in (each.replace("[]", "[0]") for each in SETTINGS):
        assert setting_at(path) is not None
        assert setting_in_words(config, path)
    assert setting_in_words(config, "model.blocks[9].filters") == "–"
