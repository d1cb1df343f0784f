"""What an import has read, and which pictures are for training, validation and test where the person did not say it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.datasets.rows import Rows
from core.datasets.splits import Indices, nested_order
from core.errors import DatasetError
from core.importing.report import LeftOut

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PART_NAMES = (TRAIN, VALIDATION, TEST)
HELD_OUT_SHARE = 0.2
CAME_WITHOUT = "It came without"  # a note on parts that were chosen here begins with it

Parts = NDArray[np.int8]  # (count,), places in PART_NAMES


@dataclass
class Collected:
    """Pictures and labels of all parts together, one row each.

    `parts` are those that the data set came with, as places in `PART_NAMES`. `names` say where
    each picture came from, for a person. `left_out` and `notes` become those of the report.
    """

    class_names: tuple[str, ...]
    pictures: Rows
    labels: Indices
    parts: Parts
    names: Sequence[str]
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def assign_parts(labels: Indices, given: Parts, num_classes: int) -> tuple[Parts, list[str]]:
    """The part of each picture, and sentences on what was chosen.

    Labels int64 (count,); `given` are the parts as the data set came. Where it came with training pictures alone, a
    fifth of each class is held out; where it came with one other part, half of each class in it becomes the other one.
    Of a class that has few, the pictures serve training first, then validation, then test: an accuracy by which
    networks are chosen matters more than one that is looked at once.

    Raises:
        DatasetError: there is no picture left for validation or for test.
    """
    has = {part: bool(np.any(given == part)) for part in range(len(PART_NAMES))}
    parts = given.copy()
    notes = []
    if not has[1] and not has[2]:
        for rows in _rows_by_class(labels, num_classes):
            held = _held_out(len(rows))
            parts[rows[:held]] = 1
            parts[rows[: held // 2]] = 2
        notes.append(
            f"{CAME_WITHOUT} validation and test pictures: about a fifth of each class was held out for them, half for "
            "each."
        )
    elif has[1] != has[2]:
        only = 1 if has[1] else 2
        for rows in _rows_by_class(np.where(given == only, labels, -1), num_classes):
            parts[rows] = 1
            parts[rows[: len(rows) // 2]] = 2
        if not np.any(parts == 2):
            raise DatasetError(
                f"The {PART_NAMES[only]} part is too small to be halved into validation and test: it needs at least 2 "
                "pictures of a class."
            )
        name, other = (PART_NAMES[1], PART_NAMES[2]) if has[1] else (PART_NAMES[2], PART_NAMES[1])
        notes.append(f"{CAME_WITHOUT} a {other} part: half of the {name} pictures of each class became one.")
    for part in (1, 2):
        if not np.any(parts == part):
            raise DatasetError(
                f"No picture is left for {PART_NAMES[part]}. Each class needs at least 5 pictures, since some are held "
                "out for validation and test."
            )
    return parts, notes


def _held_out(count: int) -> int:
    """How many of a class's pictures are held out: none of one, one of two to four, else a fifth, at least two."""
    if count < 5:
        return int(count > 1)
    return max(2, round(HELD_OUT_SHARE * count))


def _rows_by_class(labels: Indices, num_classes: int) -> list[Indices]:
    """The rows of each class, shuffled the same way each time. Label -1 is no class."""
    order = nested_order(labels)
    return [order[labels[order] == label] for label in range(num_classes)]
