"""What is measured in an epoch beyond its curves: accuracy by class, by corrupted label, by followed picture.

Stored as one JSON document per epoch, which `core.training.breakdown` describes; read as columns over the epochs.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.store import run_tables
from core.store.class_accuracy import ClassCounts, Counts, Fractions, class_counts
from core.store.database import Database, reading


@dataclass(frozen=True)
class CorruptedLabels:
    """How many of `count` pictures with a wrong label were in each epoch (epochs,) taken for it (`memorised`) or for
    what they are (`resisted`), and how many of `intact` pictures with a right label for that (`intact_right`).
    """

    count: int
    memorised: Counts
    resisted: Counts
    intact: int
    intact_right: Counts


@dataclass(frozen=True)
class Followed:
    """Single pictures. `labels` (pictures,) is what each was given, `true_labels` what it is; in each epoch `answers`
    (epochs, pictures) is the class it was taken for, `probabilities` (epochs, pictures) what its label got.
    """

    labels: Counts
    true_labels: Counts
    answers: Counts
    probabilities: Fractions

    @property
    def right(self) -> NDArray[np.bool_]:
        """(epochs, pictures): taken for its label."""
        right: NDArray[np.bool_] = self.answers == self.labels
        return right

    @property
    def learned(self) -> Counts:
        """(pictures,) epochs in which it was right and had not been in the one before: learning events.

        After Toneva et al., An Empirical Study of Example Forgetting (arXiv 1812.05159), section 3, with epochs in
        the place of steps; being right in the first epoch is one too.
        """
        before = np.vstack([np.zeros((1, len(self.labels)), np.bool_), self.right[:-1]])
        learned: Counts = (self.right & ~before).sum(axis=0, dtype=np.int64)
        return learned

    @property
    def forgotten(self) -> Counts:
        """(pictures,) epochs in which it was wrong and had been right in the one before: forgetting events."""
        forgotten: Counts = (self.right[:-1] & ~self.right[1:]).sum(axis=0, dtype=np.int64)
        return forgotten

    @property
    def most_forgotten_first(self) -> Counts:
        """(pictures,) their positions, the most often forgotten first; of equals the least often right first."""
        return np.lexsort((self.right.sum(axis=0), -self.forgotten)).astype(np.int64)

    @property
    def confidence(self) -> Fractions:
        """(pictures,) the mean over the epochs of the probability of its label.

        After Swayamdipta et al., Dataset Cartography (arXiv 2009.10795), section 2.1, as is `variability`.
        """
        mean: Fractions = self.probabilities.mean(axis=0)
        return mean

    @property
    def variability(self) -> Fractions:
        """(pictures,) the standard deviation over the epochs of the probability of its label."""
        deviation: Fractions = self.probabilities.std(axis=0)
        return deviation


@dataclass(frozen=True)
class RunBreakdown:
    """The breakdowns of those epochs (epochs,) of a run that have one, in order; at least one."""

    epochs: Counts
    clean: ClassCounts
    validation: ClassCounts
    corrupted: CorruptedLabels | None
    training_pictures: Followed
    validation_pictures: Followed

    @property
    def num_classes(self) -> int:
        return len(self.clean.count)

    @property
    def gap(self) -> Fractions:
        """(epochs, classes) clean training minus validation accuracy."""
        gap: Fractions = self.clean.accuracy - self.validation.accuracy
        return gap


@dataclass(frozen=True)
class Confusions:
    """How many validation pictures of a class were taken for which, in each of `epochs` (epochs,).

    `cells` are (places, counts) of each epoch's matrix that are not 0; the place of a cell is row · classes + column.
    """

    epochs: Counts
    num_classes: int
    cells: tuple[tuple[Counts, Counts], ...]

    def matrix(self, at: int) -> Counts:
        """(classes, classes) of the epoch at this place; a row per true class, a column per answer."""
        matrix = np.zeros(self.num_classes**2, np.int64)
        places, counts = self.cells[at]
        matrix[places] = counts
        return matrix.reshape(self.num_classes, self.num_classes)


class Breakdowns:
    """The part of the store that reads breakdowns. They are written and deleted with the rows of their epochs."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def read(self, run_id: str) -> RunBreakdown | None:
        """None where no epoch has one: before the first epoch has ended, and for runs from before they were measured.

        Raises RunNotFound.
        """
        with self._database.reading() as connection:
            number, _ = run_tables.get(connection, run_id)
            # Confusions are by far the longest part with many classes, and have readers of their own.
            parts = "epoch, json_remove(details, '$.confusion')"
            query = f"SELECT {parts} FROM epoch_details WHERE run_number = ? ORDER BY epoch"
            rows = connection.execute(query, (number,)).fetchall()
            with reading("what was measured in an epoch"):
                return _columns([(epoch, json.loads(text)) for epoch, text in rows])

    def details(self, run_id: str) -> dict[int, dict[str, Any]]:
        """As they were reported, by epoch: `core.epoch.EpochRow.details`. Raises RunNotFound."""
        with self._database.reading() as connection:
            number, _ = run_tables.get(connection, run_id)
            query = "SELECT epoch, details FROM epoch_details WHERE run_number = ? ORDER BY epoch"
            rows = connection.execute(query, (number,)).fetchall()
            with reading("what was measured in an epoch"):
                return {epoch: json.loads(text) for epoch, text in rows}

    def confusions(self, run_id: str) -> Confusions | None:
        """The confusion matrix of each epoch that has one, in order; None where none has. Raises RunNotFound."""
        with self._database.reading() as connection:
            number, _ = run_tables.get(connection, run_id)
            query = (
                "SELECT epoch, json_extract(details, '$.validation'), json_extract(details, '$.confusion') "
                "FROM epoch_details WHERE run_number = ? AND json_extract(details, '$.confusion') IS NOT NULL "
                "ORDER BY epoch"
            )
            rows = connection.execute(query, (number,)).fetchall()
            with reading("what was measured in an epoch"):
                return _confusions([(epoch, *(json.loads(text) for text in texts)) for epoch, *texts in rows])

    def last_validation(self, run_id: str, most: int = 3) -> ClassCounts | None:
        """Validation by class in the last `most` epochs that have a breakdown; None where there is none.

        Raises RunNotFound.
        """
        return self._validation(run_id, "ORDER BY epoch DESC LIMIT ?", most)

    def validation_at(self, run_id: str, epoch: int) -> ClassCounts | None:
        """Validation by class in one epoch; None where it was not measured. Raises RunNotFound."""
        return self._validation(run_id, "AND epoch = ?", epoch)

    def _validation(self, run_id: str, which: str, value: int) -> ClassCounts | None:
        with self._database.reading() as connection:
            number, _ = run_tables.get(connection, run_id)
            query = f"SELECT json_extract(details, '$.validation') FROM epoch_details WHERE run_number = ? {which}"
            parts = [json.loads(text) for (text,) in connection.execute(query, (number, value))]
        # As in `_columns`: epochs on the pictures of another data set do not count.
        parts = [part for part in parts if part["count"] == parts[0]["count"]]
        return class_counts(parts[::-1]) if parts else None


def _columns(rows: list[tuple[int, dict[str, Any]]]) -> RunBreakdown | None:
    if not rows:
        return None
    # What is the same in every epoch is read from the last one. A data set that was replaced by another between two
    # attempts changes it: epochs before that belong to other pictures.
    last = _constants(rows[-1][1])
    rows = [row for row in rows if _constants(row[1]) == last]
    epochs = np.array([epoch for epoch, _ in rows], np.int64)
    parts = [each for _, each in rows]
    return RunBreakdown(
        epochs,
        class_counts([each["clean"] for each in parts]),
        class_counts([each["validation"] for each in parts]),
        _corrupted([each["corrupted"] for each in parts]),
        _followed([each["followed"]["training"] for each in parts]),
        _followed([each["followed"]["validation"] for each in parts]),
    )


def _confusions(rows: list[tuple[int, dict[str, Any], dict[str, Any]]]) -> Confusions | None:
    if not rows:
        return None
    # As in `_columns`: epochs on the pictures of another data set do not count.
    rows = [row for row in rows if row[1]["count"] == rows[-1][1]["count"]]
    size = len(rows[-1][1]["count"])
    diagonal = np.arange(size) * (size + 1)
    cells = tuple(
        (np.concatenate([diagonal, _array(wrong["place"])]), _array([*validation["right"], *wrong["count"]]))
        for _, validation, wrong in rows
    )
    return Confusions(_array([epoch for epoch, *_ in rows]), size, cells)


def _constants(breakdown: dict[str, Any]) -> list[Any]:
    corrupted, followed = breakdown["corrupted"] or {}, breakdown["followed"]
    return [
        [breakdown[part]["count"] for part in ("clean", "validation")],
        [corrupted.get(key) for key in ("count", "intact")],
        [[part[key] for key in ("label", "true_label")] for part in followed.values()],
    ]


def _corrupted(parts: list[dict[str, Any]]) -> CorruptedLabels | None:
    if not parts[0]:
        return None
    memorised, resisted, intact_right = (
        _array([part[key] for part in parts]) for key in ("memorised", "resisted", "intact_right")
    )
    return CorruptedLabels(parts[0]["count"], memorised, resisted, parts[0]["intact"], intact_right)


def _followed(parts: list[dict[str, Any]]) -> Followed:
    return Followed(
        _array(parts[0]["label"]),
        _array(parts[0]["true_label"]),
        _array([part["answer"] for part in parts]),
        np.array([part["probability"] for part in parts], np.float64),
    )


def _array(values: Any) -> Counts:
    return np.array(values, np.int64)
