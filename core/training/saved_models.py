"""The models that a run leaves behind: its best and its last, each described by a small JSON; and their answers.

`best-000007.json` holds what `best-000007.keras` is, that file's SHA-256, and a SHA-256 of its own. The model is
written first and the JSON after it, and the pair before stays until the next save. So a reader finds a whole
pair while a run saves, and also when the newest one is damaged.
"""

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.formatting import reason
from core.model_description import Description
from core.system.files import replacing, sha256_of, write_bytes
from core.training.draws import ImageShape
from core.training.evaluation import pictures_at_once
from core.training.scores import Scorer

logger = logging.getLogger(__name__)
MOST_AT_ONCE = 256


@dataclass(frozen=True)
class SavedModel:
    """A model with the names of its classes, the shape it reads, the epoch it is from, and its file; `crop` is as in
    `Description`.
    """

    model: keras.Model
    class_names: tuple[str, ...]
    image_shape: ImageShape
    epoch: int
    path: Path
    sha256: str
    crop: str = "center"

    @cached_property
    def scorer(self) -> Scorer:
        """What gives its features and log-probabilities."""
        return Scorer(self.model)


def save_run_model(
    folder: Path,
    which: str,
    model: keras.Model,
    class_names: tuple[str, ...],
    image_shape: ImageShape,
    epoch: int,
    crop: str = "center",
) -> None:
    """Write `model` as the run's `best` or `last`, without its optimizer; of the earlier ones the newest stays."""
    path = folder / f"{which}-{epoch:06d}.keras"
    with replacing(path) as temporary:
        # The same layers in a model that was never compiled: a third of the size.
        keras.Model(model.input, model.output, name=model.name).save(temporary)
    description = Description(epoch, class_names, image_shape, sha256_of(path), crop)
    write_bytes(path.with_suffix(".json"), description.to_json().encode())
    earlier = [old for old in _descriptions(folder, which) if old.stem < path.stem]
    kept = {path.stem, *(old.stem for old in earlier[:1])}
    for old in folder.glob(f"{which}-*"):
        if old.stem not in kept:
            old.unlink(missing_ok=True)


def read_description(folder: Path, which: str = "best") -> Description:
    """Of the run's newest model, without a look at the model itself. Raises UserError when there is none."""
    for path in _descriptions(folder, which):
        description = _read(path)
        if description is not None:
            return description
    raise _nothing_to_load(folder, which)


def find_run_model(folder: Path, which: str = "best") -> tuple[Path, Description]:
    """The newest of the run's models whose file passes its hash.

    Raises:
        UserError: there is no model yet, or none is whole.
    """
    # A run that saved twice since the folder was listed has removed what was in it: look once more.
    for _ in range(2):
        for path in _descriptions(folder, which):
            description, model_path = _read(path), path.with_suffix(".keras")
            if description is not None and _passes(model_path, description.sha256):
                return model_path, description
            logger.warning("%s is not whole and not used.", model_path)
    raise _nothing_to_load(folder, which)


def load_run_model(folder: Path, which: str = "best") -> SavedModel:
    """Load the run's newest model that is whole. Nothing is loaded before it passed its hash.

    Raises:
        UserError: there is no model yet, or none is whole.
    """
    path, found = find_run_model(folder, which)
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError) as error:
        if path.exists():
            raise UserError(
                f"This run's saved weights cannot be loaded ({reason(error)}). Train it again."
            ) from error
        path, found = find_run_model(folder, which)  # removed since: by now there are newer ones
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    return SavedModel(
        model, found.class_names, found.image_shape, found.epoch, path, found.sha256, found.crop
    )


def _descriptions(folder: Path, which: str) -> list[Path]:
    """Newest first."""
    return sorted(folder.glob(f"{which}-*.json"), reverse=True)


def _read(path: Path) -> Description | None:
    try:
        return Description.from_json(path.read_bytes())
    except OSError:
        return None


def _passes(path: Path, sha256: str) -> bool:
    try:
        return sha256_of(path) == sha256
    except OSError:
        return False


def _nothing_to_load(folder: Path, which: str) -> UserError:
    if _descriptions(folder, which):
        return UserError("This run's saved weights are damaged and are not used. Resume or train it again.")
    return UserError("This run has no weights yet: it has to finish its first epoch.")


def model_version(folder: Path, which: str = "best") -> str:
    """Changes exactly when the run's saved model does. Raises UserError when there is none yet."""
    return read_description(folder, which).sha256


def predict(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(count, height, width, channels) uint8 → (count, classes) float32 probabilities."""
    size = pictures_at_once(model, MOST_AT_ONCE)
    parts: list[Any] = []
    for start in range(0, len(images), size):
        parts.append(np.asarray(model(images[start : start + size], training=False), np.float32))
    return np.concatenate(parts)
