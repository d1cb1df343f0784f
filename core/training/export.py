"""A run's best model as a file for other programs."""

import shutil
from pathlib import Path

import keras
import numpy as np

from core.errors import TrainingError, UserError
from core.system.files import replacing, sha256_of
from core.training.saved import load_run_model

CHECKED_PICTURES = 32
TOLERANCE = 1e-6
SAVED_MEANWHILE = "The run saved another model while this one was copied. Export it once more."


def export_keras(folder: Path, out: Path) -> Path:
    """Write the best model of the run in `folder` to `out` (`.keras` is added) and compare its answers.

    The file takes uint8 pictures (batch, height, width, channels) and gives class probabilities.

    Raises:
        UserError: the run has no weights yet or just saved others, or `out` cannot be written.
        TrainingError: the file read back does not answer as the run's model does.
    """
    saved = load_run_model(folder)
    target = out if out.suffix == ".keras" else out.with_name(out.name + ".keras")
    try:
        with replacing(target) as aside:
            shutil.copyfile(saved.path, aside)
            if sha256_of(aside) != saved.sha256:
                raise UserError(SAVED_MEANWHILE)
    except OSError as error:
        if not saved.path.exists():
            raise UserError(SAVED_MEANWHILE) from None
        raise UserError(f"{target} cannot be written: {error.strerror}.") from error
    pictures = np.random.default_rng(0).integers(
        0, 256, (CHECKED_PICTURES, *saved.image_shape), dtype=np.uint8
    )
    again = keras.models.load_model(target, compile=False, safe_mode=True)
    difference = float(np.max(np.abs(np.asarray(again(pictures)) - np.asarray(saved.model(pictures)))))
    if not difference <= TOLERANCE:
        raise TrainingError(
            f"{target} was written, but answers differently by up to {difference:.2g}.",
            "Export it once more.",
        )
    return target
