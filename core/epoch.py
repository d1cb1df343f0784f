"""What training reports of an epoch and the store keeps: said once for both."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

Curves = dict[str, list[Any]]  # equal-length lists under CURVE_KEYS, in the order of the epochs


@dataclass(frozen=True)
class Outcome:
    """How a training ended: `finished` (all epochs, or early stopping) or `stopped` (asked to).

    `epoch` counts the finished epochs; what a stop in mid-epoch had learned of the next one is not kept.
    """

    reason: str
    epoch: int
    best_epoch: int | None


@dataclass(frozen=True)
class EpochRow:
    """One finished epoch, counted from 1. `clean` is the training data without augmentation and dropout.

    What is not known or not finite is None. Accuracies are fractions of 1; `seconds` is the epoch's duration;
    `details` is what `core.store.breakdowns` reads again, None where it was not measured.
    """

    epoch: int
    train_loss: float | None = None
    train_accuracy: float | None = None
    clean_train_loss: float | None = None
    clean_train_accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None
    learning_rate: float | None = None
    seconds: float | None = None
    images_per_second: float | None = None
    details: Mapping[str, Any] | None = None


CURVE_KEYS = tuple(field.name for field in fields(EpochRow) if field.name != "details")
