"""What is measured in an epoch beyond its row: for each class, for corrupted labels, for followed pictures."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.followed import followed_training, followed_validation
from core.datasets.splits import TrainingArrays
from core.training.evaluation import Evaluation

# A fraction of this many is known to 2 points (one standard error); more would cost time in every epoch.
ENOUGH_CORRUPTED = 500

Measure = Callable[[NDArray[np.uint8], NDArray[np.int64]], Evaluation | None]
Labels = NDArray[np.int64]


class BreakdownTaker:
    """Chooses at the start what is looked at, the same in every epoch, and counts it after each.

    Everything comes from the answers that loss and accuracy are computed from anyway, with one exception: where
    labels are corrupted, and fewer than ENOUGH_CORRUPTED of them are among the clean training pictures, further ones
    are measured for their own sake.
    """

    def __init__(self, arrays: TrainingArrays) -> None:
        self._arrays = arrays
        num_clean = len(arrays.x_clean)
        corrupted = np.flatnonzero(arrays.y_train != arrays.y_train_true)
        self._corrupted = corrupted[corrupted < num_clean]
        missing = max(0, ENOUGH_CORRUPTED - len(self._corrupted))
        self._further = corrupted[corrupted >= num_clean][:missing]
        intact = np.flatnonzero(arrays.y_clean == arrays.y_train_true[:num_clean])
        self._intact = intact[: len(self._corrupted) + len(self._further)]
        self._training = followed_training(num_clean)
        self._validation = followed_validation(arrays.y_validation)

    def take(self, clean: Evaluation, validation: Evaluation, measure: Measure) -> dict[str, Any] | None:
        """What `core.store.breakdowns` reads again, as JSON can hold it; None when `measure` was given up half-way.

        `clean` and `validation` are measured on the clean training and the validation pictures.
        """
        arrays, num_classes = self._arrays, len(self._arrays.class_names)
        corrupted = self._count_corrupted(clean, measure)
        if corrupted is None:
            return None
        true_labels = arrays.y_train_true[: len(arrays.y_clean)]
        return {
            "clean": _count_classes(clean.answers, arrays.y_clean, num_classes),
            "validation": _count_classes(validation.answers, arrays.y_validation, num_classes),
            "confusion": _count_wrong(validation.answers, arrays.y_validation, num_classes),
            "corrupted": corrupted or None,
            "followed": {
                "training": _follow(clean, self._training, arrays.y_clean, true_labels),
                "validation": _follow(validation, self._validation, arrays.y_validation, arrays.y_validation),
            },
        }

    def _count_corrupted(self, clean: Evaluation, measure: Measure) -> dict[str, int] | None:
        """Empty when no label is corrupted, None when it was given up half-way."""
        arrays = self._arrays
        rows, answers = self._corrupted, clean.answers[self._corrupted]
        if len(self._further):
            # Read again each time: kept, they would take as much memory as the clean ones.
            pictures = np.asarray(arrays.x_train[arrays.train_indices[self._further]])
            measured = measure(pictures, arrays.y_train[self._further])
            if measured is None:
                return None
            rows = np.concatenate([rows, self._further])
            answers = np.concatenate([answers, measured.answers])
        if not len(rows):
            return {}
        return {
            "count": len(rows),
            "memorised": int((answers == arrays.y_train[rows]).sum()),
            "resisted": int((answers == arrays.y_train_true[rows]).sum()),
            "intact": len(self._intact),
            "intact_right": int((clean.answers[self._intact] == arrays.y_clean[self._intact]).sum()),
        }


def _count_classes(answers: Labels, labels: Labels, num_classes: int) -> dict[str, list[int]]:
    """For each class, how many pictures have its label and how many of these were taken for it."""
    return {
        "count": np.bincount(labels, minlength=num_classes).tolist(),
        "right": np.bincount(labels[answers == labels], minlength=num_classes).tolist(),
    }


def _count_wrong(answers: Labels, labels: Labels, num_classes: int) -> dict[str, list[int]]:
    """The cells of the confusion matrix off its diagonal that are not 0: place (label · classes + answer) and count.

    With 100 classes the whole matrix would be 10,000 numbers per epoch, nearly all of them 0.
    """
    wrong = answers != labels
    places, counts = np.unique(labels[wrong] * num_classes + answers[wrong], return_counts=True)
    return {"place": places.tolist(), "count": counts.tolist()}


def _follow(measured: Evaluation, rows: Labels, labels: Labels, true_labels: Labels) -> dict[str, list[Any]]:
    probabilities = np.nan_to_num(measured.probabilities[rows], nan=0.0)
    return {
        "label": labels[rows].tolist(),
        "true_label": true_labels[rows].tolist(),
        "answer": measured.answers[rows].tolist(),
        "probability": [round(value, 4) for value in probabilities.tolist()],
    }
