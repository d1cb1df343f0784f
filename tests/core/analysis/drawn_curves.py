"""Curves with a known answer, drawn in the manner of docs/results.md: saturating, noisy, with jumps in common."""

from dataclasses import dataclass

import numpy as np

from core.epoch import CURVE_KEYS


@dataclass(frozen=True)
class Shape:
    """Accuracies and `noise`, `jump_size` and `gap` as fractions of 1, times in epochs.

    Until `onset` (None: for ever) training and validation saturate at `top`, `gap` apart at the end. From it on,
    training goes on to 99 %, validation accuracy stands and its loss rises by `loss_rise` an epoch.
    """

    epochs: int = 30
    start: float = 0.35
    top: float = 0.75
    pace: float = 5.0
    gap: float = 0.03
    onset: int | None = None
    memorising_pace: float = 8.0
    loss_rise: float = 0.03
    noise: float = 0.01
    jump_rate: float = 0.0
    jump_size: float = 0.17
    num_validation: int = 5_000
    num_clean: int = 2_000


def draw(shape: Shape, seed: int, clean: bool = True) -> dict:
    """Curves as the store gives them. With `clean` False, the clean ones are unknown and training has no jumps."""
    rng = np.random.default_rng(seed)
    epochs = np.arange(1, shape.epochs + 1)
    grown = 1 - np.exp(-epochs / shape.pace)
    training = shape.start + (shape.top - shape.start) * grown
    validation = training - shape.gap * grown
    val_loss = 3 * (1 - validation)
    if shape.onset is not None:
        after = np.clip(epochs - shape.onset, 0, None)
        turn = min(shape.onset, shape.epochs) - 1
        training = np.where(
            after > 0,
            training[turn] + (0.99 - training[turn]) * (1 - np.exp(-after / shape.memorising_pace)),
            training,
        )
        validation = np.where(after > 0, validation[turn], validation)
        val_loss = 3 * (1 - validation) + shape.loss_rise * after
    train_loss = 3 * (1 - training)
    reported = training.copy()

    jumps = np.where(
        rng.random(shape.epochs) < shape.jump_rate, rng.uniform(0, shape.jump_size, shape.epochs), 0
    )
    shared = jumps * rng.uniform(0.8, 1.1, shape.epochs)
    clean_offset = rng.normal(0, np.sqrt(shape.top * (1 - shape.top) / shape.num_clean))
    offset = rng.normal(0, np.sqrt(shape.top * (1 - shape.top) / shape.num_validation))
    wobble = rng.normal(0, shape.noise, (2, shape.epochs))
    loss_wobble = rng.normal(0, 3 * shape.noise, (2, shape.epochs))
    clean_accuracy = training + clean_offset + wobble[0] - jumps
    val_accuracy = validation + offset + wobble[1] - shared
    columns = {
        "epoch": epochs,
        "train_loss": train_loss,
        "train_accuracy": reported,
        "val_loss": np.clip(val_loss - 3 * offset + loss_wobble[1] + 3 * shared, 0.001, None),
        "val_accuracy": np.clip(val_accuracy, 0, 1),
        "learning_rate": np.full(shape.epochs, 0.001),
        "seconds": np.full(shape.epochs, 60.0),
    }
    if clean:
        columns["clean_train_loss"] = np.clip(
            train_loss - 3 * clean_offset + loss_wobble[0] + 3 * jumps, 0.001, None
        )
        columns["clean_train_accuracy"] = np.clip(clean_accuracy, 0, 1)
    unknown = [None] * shape.epochs
    return {key: columns[key].tolist() if key in columns else unknown for key in CURVE_KEYS}


def prefix(curves: dict, epochs: int) -> dict:
    """The first epochs of curves: what a person sees while the run goes on."""
    return {key: values[:epochs] for key, values in curves.items()}
