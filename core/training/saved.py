"""The models that a run leaves behind for everybody else: its best and its last, each named by a small JSON.

`best.json` and `last.json` name a file, its SHA-256 and what it is. The model is written first and the JSON
replaced after it, so that a reader finds an old pair or a new pair, never a mixture.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from core.errors import UserError
from core.files import replacing, sha256_of, write_bytes
from core.training.draws import ImageShape

WHICH = ("best", "last")


@dataclass(frozen=True)
class SavedModel:
    """A model with the names of its classes, the shape it reads, and the epoch it is from."""

    model: keras.Model
    class_names: tuple[str, ...]
    image_shape: ImageShape
    epoch: int


def save_run_model(
    folder: Path,
    which: str,
    model: keras.Model,
    class_names: tuple[str, ...],
    image_shape: ImageShape,
    epoch: int,
) -> None:
    """Write `model` as the run's `best` or `last`, without its optimizer."""
    path = folder / f"{which}-{epoch:06d}.keras"
    with replacing(path) as aside:
        # The same layers in a model that was never compiled: a third of the size.
        keras.Model(model.input, model.output, name=model.name).save(aside)
    described = {
        "file": path.name,
        "sha256": sha256_of(path),
        "class_names": list(class_names),
        "image_shape": list(image_shape),
        "epoch": epoch,
    }
    write_bytes(folder / f"{which}.json", json.dumps(described).encode())
    for old in folder.glob(f"{which}-*.keras"):
        if old != path:
            old.unlink(missing_ok=True)


def read_description(folder: Path, which: str = "best") -> dict[str, Any]:
    """What `best.json` or `last.json` says. Raises UserError when the run has no such model yet."""
    try:
        described: dict[str, Any] = json.loads((folder / f"{which}.json").read_bytes())
    except (OSError, ValueError):
        raise UserError("This run has no weights yet: it has to finish its first epoch.") from None
    return described


def load_run_model(folder: Path, which: str = "best") -> SavedModel:
    """Load the run's model once its file passes its hash.

    Raises:
        UserError: there is no model yet, or its file is damaged.
    """
    described = read_description(folder, which)
    path = folder / Path(described["file"]).name
    if not path.is_file() or sha256_of(path) != described["sha256"]:
        raise UserError("This run's saved weights are damaged and are not used. Resume or train it again.")
    model = keras.models.load_model(path, compile=False, safe_mode=True)
    height, width, channels = described["image_shape"]
    return SavedModel(model, tuple(described["class_names"]), (height, width, channels), described["epoch"])
