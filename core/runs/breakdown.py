"""A run's breakdown by class, corrupted label and followed picture, with the names of its classes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.class_counts import ROUGH_POINTS, half_width_points
from core.datasets.storage import describe_dataset
from core.errors import UserError
from core.formatting import count_of, listed, percent
from core.store.breakdowns import Confusions, CorruptedLabels, Followed, RunBreakdown
from core.store.class_accuracy import ClassCounts
from core.store.records import Run
from core.workspace import Workspace

NONE_YET = "Classes and pictures are measured once the first epoch has ended."
MOST_NAMES = 5
MOST_CONFUSION_NUMBERS = 2_000_000
TOO_OLD = "This run was trained before ConvDeck measured classes and followed pictures. New runs have both."


def caution_in_words(run: Run, classes: ClassCounts | None) -> str | None:
    """What the accuracy of a run's best weights does not tell: on how few pictures it rests, and what it hides.

    `classes` are the validation pictures of the best epoch by class, None where they are not known. None where there
    is nothing to say.
    """
    sentences = []
    num_validation = run.data.num_validation if run.data else 0
    if num_validation and (points := half_width_points(num_validation)) >= ROUGH_POINTS:
        sentences.append(
            f"That was measured on {count_of(num_validation, 'picture')} alone, so it is known to about ± {points:.0f} "
            "points."
        )
    if classes is not None and classes.is_uneven:
        sentences.append(
            f"Its classes are uneven: with each class counted the same, "
            f"{percent(float(classes.balanced_accuracy[-1]))} are right."
        )
        missed = np.flatnonzero((classes.count > 0) & (classes.right[-1] == 0)).tolist()
        names = run.class_names or ()
        if missed and max(missed) < len(names):
            sentences.append(
                f"No validation picture of {listed([f'“{names[place]}”' for place in missed], 3)} was right."
            )
    return " ".join(sentences) or None


def why_no_breakdown(run: Run) -> str:
    """Why a run has none, in a sentence."""
    if (tool := run.recorded_by) is not None:
        return (
            f"{tool} has recorded curves alone: neither accuracy per class nor followed pictures are known."
        )
    return TOO_OLD if run.epoch else NONE_YET


def class_names_of(workspace: Workspace, run: Run, num_classes: int) -> tuple[str, ...]:
    """The names of the run's classes: its own, or of a run that has none, those of the data set with this name.

    Numbers where neither is known, or they are the names of other classes.
    """
    names = run.class_names
    if names is None:
        info = describe_dataset(workspace, run.dataset)
        names = () if info is None else info.class_names
    return names if len(names) == num_classes else tuple(f"class {index}" for index in range(num_classes))


def balanced_in_words(run: Run) -> str:
    """` (balanced 51.2 %)`, to stand behind the best accuracy; nothing where that says enough by itself."""
    balanced = run.balanced_where_uneven
    return "" if balanced is None else f" (balanced {percent(balanced)})"


def smallest_class_in_words(validation: ClassCounts, names: Sequence[str]) -> str:
    """How far chance alone moves the accuracy of the smallest class, and which classes have no validation pictures.

    Two standard errors of an accuracy on n pictures are at most 2 · 0.5 / √n.
    """
    counts = validation.count
    known = np.flatnonzero(counts)
    if not len(known):
        return "No class has validation pictures."
    smallest = int(known[counts[known].argmin()])
    few = int(counts[smallest])
    whose = "Each class has" if (counts == few).all() else f"The smallest class, {names[smallest]}, has"
    text = (
        f"{whose} {few:,} validation picture{'' if few == 1 else 's'}, so a difference of {100 / math.sqrt(few):.0f} "
        "points can be chance."
    )
    if missing := [names[index] for index in np.flatnonzero(counts == 0).tolist()]:
        shown = missing[:MOST_NAMES] + [f"{len(missing) - MOST_NAMES:,} more"] * (len(missing) > MOST_NAMES)
        text += f" No validation pictures: {', '.join(shown)}."
    return text


def memorised_in_words(epoch: int, corrupted: CorruptedLabels) -> str:
    """What the network has made of the wrong labels by its last epoch."""
    memorised = corrupted.memorised[-1] / corrupted.count
    resisted = corrupted.resisted[-1] / corrupted.count
    intact = corrupted.intact_right[-1] / corrupted.intact if corrupted.intact else None
    sentence = (
        f"By epoch {epoch} the network had learned {memorised:.0%} of {corrupted.count:,} wrong labels by heart; "
        f"{resisted:.0%} of these pictures it classified correctly, against their label."
    )
    if intact is not None:
        sentence += (
            f" Of {corrupted.intact:,} pictures with a correct label it classified {intact:.0%} correctly."
        )
    return sentence.replace("%", "\u00a0%")


def breakdown_document(workspace: Workspace, run: Run, breakdown: RunBreakdown | None) -> dict[str, Any]:
    """As JSON: lists over `epoch`, and null for what was not measured. Accuracies are fractions of 1."""
    document: dict[str, Any] = {"id": run.id, "name": run.name, "epoch": [], "note": None}
    if breakdown is None:
        note = why_no_breakdown(run)
        return {
            **document,
            "note": note,
            "classes": [],
            "balanced_val_accuracy": [],
            "corrupted_labels": None,
            "followed": None,
        }
    names = class_names_of(workspace, run, breakdown.num_classes)
    clean, validation, gap = breakdown.clean.accuracy, breakdown.validation.accuracy, breakdown.gap
    classes = [
        {
            "class": name,
            "num_clean_train": int(breakdown.clean.count[index]),
            "num_validation": int(breakdown.validation.count[index]),
            "clean_train_accuracy": _listed(clean[:, index]),
            "val_accuracy": _listed(validation[:, index]),
            "gap": _listed(gap[:, index]),
        }
        for index, name in enumerate(names)
    ]
    return {
        **document,
        "epoch": breakdown.epochs.tolist(),
        "classes": classes,
        "balanced_val_accuracy": _listed(breakdown.validation.balanced_accuracy),
        "corrupted_labels": _corrupted(breakdown.corrupted) if breakdown.corrupted else None,
        "followed": {
            "training": _followed(breakdown.training_pictures, names),
            "validation": _followed(breakdown.validation_pictures, names),
        },
    }


def why_no_confusions(run: Run) -> str:
    """Why a run has none, in a sentence."""
    if (tool := run.recorded_by) is not None:
        return f"{tool} has recorded curves alone: which classes the network confuses is not known."
    if run.epoch:
        return "This run was trained before ConvDeck kept confusions. New runs have them."
    return "Confusions are counted once the first epoch has ended."


def confusions_document(
    workspace: Workspace, run: Run, confusions: Confusions | None, epoch: int | None = None
) -> dict[str, Any]:
    """As JSON: `confusion` over `epoch`, each with a row per true class; and why there are none.

    Of every epoch, or of one. Raises UserError where that one was not measured, or all together are too many numbers.
    """
    document: dict[str, Any] = {
        "run": run.id, "split": "validation", "note": None, "class_names": [], "epoch": [], "confusion": [],
    }  # fmt: skip
    if confusions is None:
        return document | {"note": why_no_confusions(run)}
    epochs = confusions.epochs.tolist()
    shown = [at for at, each in enumerate(epochs) if epoch in (None, each)]
    if not shown:
        raise UserError(f"Epoch {epoch} was not measured. There are epochs {epochs[0]} to {epochs[-1]}.")
    if len(shown) * confusions.num_classes**2 > MOST_CONFUSION_NUMBERS:
        raise UserError(
            f"The matrices of {len(shown):,} epochs and {confusions.num_classes:,} classes are more than "
            f"{MOST_CONFUSION_NUMBERS:,} numbers. Ask for one epoch."
        )
    return document | {
        "class_names": list(class_names_of(workspace, run, confusions.num_classes)),
        "epoch": [epochs[at] for at in shown],
        "confusion": [confusions.matrix(at).tolist() for at in shown],
    }


def _corrupted(corrupted: CorruptedLabels) -> dict[str, Any]:
    other = corrupted.count - corrupted.memorised - corrupted.resisted
    return {
        "num_corrupted": corrupted.count,
        "num_intact": corrupted.intact,
        "memorised": _listed(corrupted.memorised / corrupted.count),
        "resisted": _listed(corrupted.resisted / corrupted.count),
        "other": _listed(other / corrupted.count),
        "intact_accuracy": _listed(corrupted.intact_right / (corrupted.intact or np.nan)),
    }


def _followed(followed: Followed, names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "label": names[followed.labels[index]],
            "true_label": names[followed.true_labels[index]],
            "answer": [names[answer] for answer in followed.answers[:, index]],
            "probability": followed.probabilities[:, index].tolist(),
            "learned": int(followed.learned[index]),
            "forgotten": int(followed.forgotten[index]),
            "confidence": round(float(followed.confidence[index]), 4),
            "variability": round(float(followed.variability[index]), 4),
        }
        for index in range(len(followed.labels))
    ]


def _listed(values: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 6) for value in values]
