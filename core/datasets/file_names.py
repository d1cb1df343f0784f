"""What pictures were called where they came from: the path of each within the folder or zip that was imported."""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.workspace import Workspace

FILES = "files.json"


def files_document(train: Sequence[str], test: Sequence[str]) -> dict[str, Any]:
    """What FILES holds: a path for each row of the training and of the test arrays."""
    return {"x_train": list(train), "x_test": list(test)}


def file_names(workspace: Workspace, dataset_id: str) -> tuple[str, ...]:
    """A path for each row of the test arrays, then for each of the training arrays.

    Empty where they are not known: of data that came as arrays, or was imported before they were kept.
    """
    path = workspace.datasets / dataset_id / FILES
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def file_of(files: Sequence[str], row: int) -> str | None:
    """What the picture of a row was called; None where that is not known."""
    return files[row] if row < len(files) else None


@functools.lru_cache(maxsize=4)
def _read(path: Path, version: int) -> tuple[str, ...]:
    found: Mapping[str, Sequence[str]] = json.loads(path.read_text(encoding="utf-8"))
    return (*found["x_test"], *found["x_train"])
