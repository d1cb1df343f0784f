"""What scripts are written from in these tests, and scripts as the functions that they define."""

from pathlib import Path
from typing import Any

from core.config import ExperimentConfig
from core.datasets.catalogue import SOURCES
from core.datasets.storage import load_dataset
from core.script.script import training_script
from core.script.source import ScriptSource, fingerprint_of
from core.workspace import Workspace

NAME = 'A "run" \\ """ with quotes'


def source_of(config: ExperimentConfig, **values: Any) -> ScriptSource:
    """Of a data set that need not be stored."""
    known = SOURCES.get(config.dataset.id, SOURCES["shapes"])
    place = None if config.dataset.id in ("cifar10", "mnist") else "/data/shapes"
    return ScriptSource(
        config, "abcdefghjk", NAME, None, "nothing yet", known.title, known.class_names, known.image_shape,
        known.num_train, None, "a-training.py", place, 1, **values,
    )  # fmt: skip


def stored_source(workspace: Workspace, config: ExperimentConfig) -> ScriptSource:
    """Of a data set that is stored."""
    stored = load_dataset(workspace, config.dataset.id)
    return ScriptSource(
        config, "abcdefghjk", NAME, None, "nothing yet", stored.title, stored.class_names, stored.image_shape,
        len(stored.y_train), stored.num_validation, "a-training.py", str(workspace.datasets / stored.id),
        fingerprint_of(stored, config.dataset.num_train),
    )  # fmt: skip


def defined(source: ScriptSource) -> dict[str, Any]:
    """The script's names, without its `main` having run."""
    found: dict[str, Any] = {"__name__": "script"}
    exec(compile(training_script(source).text, str(Path("a-training.py")), "exec"), found)
    return found
