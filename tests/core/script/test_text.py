"""The text of a script: Python for whatever config, as people format it, that says what it leaves out."""

import ast
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from core.config import AugmentationConfig, ExperimentConfig, ModelConfig, TrainingConfig
from core.design.presets import PRESETS
from core.errors import ConfigError
from core.script.script import training_script
from core.workspace import PROJECT_ROOT
from tests.core.script.sources import NAME, source_of
from tests.core.strategies import experiments

PATHS = ("HERE", "SAVED_AS")  # calculated when the script runs


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(experiments)
def test_every_config_gives_a_script_that_python_takes(config: ExperimentConfig) -> None:
    try:
        script = training_script(source_of(config))
    except ConfigError:
        return  # a network that cannot be built for these pictures
    tree = ast.parse(script.text)
    assert NAME in ast.get_docstring(tree)
    constants = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if node.targets[0].id not in PATHS
    }
    assert constants["SEED"] == config.seed
    assert constants["LEARNING_RATE"] == config.optimizer.learning_rate
    assert (constants["EPOCHS"], constants["BATCH_SIZE"]) == (
        config.training.epochs,
        config.training.batch_size,
    )
    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in ([ast.alias(node.module)] if isinstance(node, ast.ImportFrom) else node.names)
    }
    own = {"argparse", "contextlib", "itertools", "zlib", "pathlib"}
    assert imported - own <= {"keras", "numpy", "PIL", "tensorflow"}
    assert ("tensorflow" in imported) == config.augmentation.is_active


@pytest.mark.parametrize("hostile", ['"' * 5 + ";print()#" + "y" * 60, "\\x" * 20])
def test_no_text_of_the_run_ends_the_docstring_wherever_it_is_wrapped(hostile: str) -> None:
    """A preset's name in a bundle from elsewhere is any text; one of 100 characters is broken between lines."""
    plain = source_of(PRESETS["tiny"].config)
    for before in range(60, 100):
        preset = "x" * before + hostile
        script = training_script(replace(plain, preset=preset)).text
        told = ast.get_docstring(ast.parse(script))
        assert "".join(preset.split()) in "".join(told.split())
        assert "Starting weights, split and order" in told


def test_ruff_finds_nothing_to_say_about_the_scripts_of_the_presets(tmp_path) -> None:
    for name, preset in PRESETS.items():
        (tmp_path / f"{name}.py").write_text(training_script(source_of(preset.config)).text)
    configured = ["--no-cache", "--config", str(PROJECT_ROOT / "pyproject.toml"), str(tmp_path)]
    for command in (["check", "--ignore", "D1,TID253"], ["format", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *configured], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"augmentation": AugmentationConfig(randaugment_operations=2)}, "RandAugment"),
        ({"augmentation": AugmentationConfig(mixup_alpha=0.2)}, "mixes pictures before it varies them"),
        ({"augmentation": AugmentationConfig(mixup_alpha=0.2)}, "ImageDataGenerator has no Mixup"),
        ({"augmentation": AugmentationConfig(horizontal_flip=True, alternating_flip=True)}, "every other epoch"),
        ({"training": TrainingConfig(batch_size=32, num_gpus=2)}, "up to 2 devices"),
        ({"model": ModelConfig(start_from="abcdefghij", frozen_blocks=1)}, "and froze 1 block. The script does not"),
    ],
)  # fmt: skip
def test_what_a_script_leaves_out_is_said_in_it_and_beside_it(changed, words: str) -> None:
    script = training_script(source_of(ExperimentConfig(**changed)))
    assert any(words in sentence for sentence in script.differences)
    assert ("Starting weights, split and order" in script.repeats) is ("model" not in changed)
    assert words in " ".join(ast.get_docstring(ast.parse(script.text)).split())


def test_a_plain_run_leaves_nothing_out() -> None:
    script = training_script(source_of(PRESETS["article"].config))
    assert script.differences == () and "leaves out" not in script.text and "--augment" not in script.text


def test_epochs_that_were_added_do_not_move_the_schedule() -> None:
    script = training_script(source_of(PRESETS["resnet"].config, added_epochs=3)).text
    assert "\nEPOCHS = 23\n" in script and "\nPLANNED_EPOCHS = 20 " in script
    assert "total = PLANNED_EPOCHS * steps_per_epoch" in script
