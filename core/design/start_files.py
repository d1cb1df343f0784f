"""The files of a run that another run starts from: where they lie, what they are of, and that they stay."""

import json
import os
import shutil
from pathlib import Path

from core.design.architecture import Shape
from core.workspace import Workspace

# In a run's folder, where the weights that it starts from are kept once their own run is deleted for good.
FOLDER = "start"
_BEST = "best-*"


def start_folder(workspace: Workspace, run_id: str, source_id: str) -> Path:
    """Where the weights lie that the run starts from: its own folder, or that of their run, in the trash or not."""
    own = workspace.run_folder(run_id) / FOLDER
    return own if own.is_dir() else workspace.run_folder(source_id)


def keep_start(workspace: Workspace, run_id: str, source_id: str) -> None:
    """Give the best model of the run `source_id` to the run `run_id` too. Raises OSError.

    On one file system this takes no space and no time, as both folders then have the same file.
    """
    target = workspace.run_folder(run_id) / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for path in workspace.run_folder(source_id).glob(_BEST):
        new = target / path.name
        if new.exists():
            continue
        try:
            os.link(path, new)
        except OSError:  # a file system without links
            shutil.copy2(path, new)


def forget_start(workspace: Workspace, run_id: str) -> None:
    """Remove what `keep_start` gave, once the run needs it no more."""
    shutil.rmtree(workspace.run_folder(run_id) / FOLDER, ignore_errors=True)


def saved_shape(workspace: Workspace, run_id: str) -> tuple[Shape, int] | None:
    """((height, width, channels), number of classes) of a run's best model, by the description beside it; None without.

    `core.training.saved_models`, which writes them, loads Keras.
    """
    for path in sorted(workspace.run_folder(run_id).glob(f"{_BEST}.json"), reverse=True):
        try:
            values = json.loads(path.read_bytes())
            if path.with_suffix(".keras").exists():
                return tuple(values["image_shape"]), len(values["class_names"])
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return None
