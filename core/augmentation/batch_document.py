"""A batch of training, and the same as JSON for the command line and REST."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import ExperimentConfig
from core.system.frames import Pixels

# What is less than this of a mixed label is a rounding error.
SMALLEST_SHARE = 1e-6


@dataclass(frozen=True)
class Batch:
    """A batch as training makes it, or the first of its pictures.

    `images` (shown, height, width, channels) uint8 and `labels` (shown, classes) float32 are what the network gets;
    `rows` (shown,) are the rows of the data set's training pictures that they were made of, `captions` what was
    drawn for each, `corrupted` whose own label is wrong on purpose. The whole batch has `pictures`, its epoch
    `steps`.
    """

    images: Pixels
    labels: NDArray[np.float32]
    rows: list[int]
    captions: list[dict[str, str]]
    corrupted: list[bool]
    class_names: tuple[str, ...]
    pictures: int
    steps: int


def batch_document(batch: Batch, config: ExperimentConfig, epoch: int, step: int) -> dict[str, Any]:
    """`epoch` and `step` counted from 1. `shown` has an entry for each picture that there is.

    An entry: `row` (of the data set's training pictures), `label` (class → share, the largest first), `corrupted`
    (its own label is wrong on purpose) and `drawn` (knob → what was drawn, in words).
    """
    return {
        "seed": config.seed,
        "epoch": epoch,
        "epochs": config.training.epochs,
        "step": step,
        "steps": batch.steps,
        "pictures": batch.pictures,
        "shown": [
            {
                "row": row,
                "label": label_shares(label, batch.class_names),
                "corrupted": corrupted,
                "drawn": drawn,
            }
            for row, label, corrupted, drawn in zip(
                batch.rows, batch.labels, batch.corrupted, batch.captions, strict=True
            )
        ],
    }


def label_shares(label: NDArray[np.float32], class_names: tuple[str, ...]) -> dict[str, float]:
    """The classes of a label that is mixed or not, with their shares, the largest first."""
    places = [int(place) for place in np.argsort(-label, kind="stable") if label[place] >= SMALLEST_SHARE]
    return {class_names[place]: float(label[place]) for place in places}


def png_base64(pixels: NDArray[np.uint8]) -> str:
    """(height, width, 1 or 3) pixels as a PNG file in Base64."""
    from PIL import (
        Image,
    )  # late: the server imports this module before it answers, and needs no picture for that

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
