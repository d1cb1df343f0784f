"""What training reports of an epoch and the store keeps, and how a training ended: one definition for both."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

Curves = dict[str, list[Any]]  # equal-length lists under CURVE_KEYS, in the order of the epochs


@dataclass(frozen=True)
class Outcome:
    """How a training ended: `finished` (all epochs, or early stopping) or `stopped` (asked to).

    `epoch` counts the finished epochs; what was learned in an epoch that was stopped half-way is not kept.
    """

    reason: str
    epoch: int
    best_epoch: int | None


@dataclass(frozen=True)
class EpochRow:
    """What was measured in one finished epoch, counted from 1. What is not known or not finite is None.

    `train_*` is what Keras reports: a mean over the epoch, with augmentation and dropout on, while the weights
    changed; its loss is the one that is optimised, so label smoothing raises it. `clean_train_*` is measured after
    it, on a fixed part of the training set with augmentation and dropout off, exactly as `val_*` is on the validation
    set; these losses are plain cross-entropy. Accuracies are fractions of 1. `learning_rate` is that of the epoch's
    last step; `seconds` is the epoch's duration. `details` is what `core.training.breakdown` makes of the same
    answers and `core.store.breakdowns` reads again; None where it was not measured.
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
