"""Answers of a trained model."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from core.training.portions import pictures_at_once
from core.training.saved import SavedModel, load_run_model, read_description

__all__ = ["SavedModel", "load_run_model", "model_version", "predict"]

MOST_AT_ONCE = 256


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
