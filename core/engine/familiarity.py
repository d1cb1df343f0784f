"""Whether a run knows what it is shown: its training pictures in its feature space, measured in portions and kept."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.analysis.neighbours import Features, Fractions, KnownRange, TrainingFeatures, unit_length
from core.datasets.splits import Indices, TrainingArrays, nested_order
from core.engine.portions import Portion
from core.system.files import write_bytes

MOST_PICTURES = 10_000
MOST_NUMBERS = 4_000_000  # of all features together, 8 MB on the disk
FEWEST_PICTURES = 200
MOST_HELD_OUT = 5_000  # validation pictures, and as many test pictures
NEIGHBOURS = 5
FOLDER = "known"


@dataclass(frozen=True, eq=False)
class Familiarity:
    """What a run was trained on, and how far from it held-out pictures lie."""

    training: TrainingFeatures
    known: KnownRange

    def describe(self, features: Features, class_names: Sequence[str]) -> list[dict[str, Any]]:
        """For pictures with these features (pictures, units), as `core.engine.answers.Knowledge` reads it."""
        places, near, distances = self.training.nearest(features, NEIGHBOURS)
        rows, labels = self.training.rows[places], self.training.labels[places]
        return [
            {
                "is_known": bool(distance <= self.known.threshold),
                "percentile": self.known.percentile(float(distance)),
                "false_alarms": self.known.false_alarms,
                "neighbours": [
                    (int(row), class_names[label], float(each))
                    for row, label, each in zip(rows[at], labels[at], near[at], strict=True)
                ],
            }
            for at, distance in enumerate(distances)
        ]


def most_pictures(units: int) -> int:
    """How many training pictures are kept where the features of each are `units` numbers."""
    return max(FEWEST_PICTURES, min(MOST_PICTURES, MOST_NUMBERS // units))


@dataclass(eq=False)
class FamiliarityTaker:
    """Measures the training pictures, then how far validation and test pictures lie from them, a portion per call.

    Of more than MOST_HELD_OUT held-out pictures of a part, a stratified beginning is measured.
    """

    scorer: Any
    split: TrainingArrays
    done: int = 0
    _features: list[NDArray[np.float16]] = field(default_factory=list)
    _training: TrainingFeatures | None = None
    _distances: tuple[list[Fractions], list[Fractions]] = field(default_factory=lambda: ([], []))
    _portion: Portion = field(default_factory=Portion)

    def __post_init__(self) -> None:
        num_train = min(len(self.split.train_indices), most_pictures(self.scorer.units))
        held_out = (
            nested_order(labels)[:MOST_HELD_OUT] for labels in (self.split.y_validation, self.split.y_test)
        )
        self._places = (np.arange(num_train), *held_out)

    @property
    def total(self) -> int:
        return sum(map(len, self._places))

    def advance(self) -> Familiarity | None:
        """Measure the next portion. None until all are measured."""
        part, own = self._next()
        with self._portion.timed():
            features = unit_length(self.scorer.score(self._pictures(part, own))[0])
            if self._training is None:
                self._features.append(features.astype(np.float16))
            else:
                self._distances[part - 1].append(self._training.distances(features))
        self.done += len(own)
        num_train = len(self._places[0])
        if self._training is None and self.done == num_train:
            # As it is read again, so that a first answer is the same as a later one.
            kept, self._features = _as_kept(np.concatenate(self._features)), []
            rows, labels = self.split.train_rows[:num_train], self.split.y_train_true[:num_train]
            self._training = TrainingFeatures(kept, rows, labels)
        if self.done < self.total or self._training is None:
            return None
        validation, test = (np.concatenate(each) if each else np.zeros(0) for each in self._distances)
        return Familiarity(self._training, KnownRange.measured(validation, test))

    def _next(self) -> tuple[int, Indices]:
        """Which part is next, and which of its pictures."""
        start = self.done
        for part, places in enumerate(self._places):
            if start < len(places):
                return part, places[start : start + self._portion.size]
            start -= len(places)
        raise ValueError("All pictures have been measured.")

    def _pictures(self, part: int, own: Indices) -> NDArray[np.uint8]:
        match part:
            case 0:
                return np.asarray(self.split.x_train[self.split.train_indices[own]])
            case 1:
                return self.split.x_validation[own]
        return self.split.read_test(own)


def read_familiarity(folder: Path, sha256: str) -> Familiarity | None:
    """As it was kept in a run's folder of the model with this digest; None where it was not, or cannot be read."""
    try:
        with np.load(io.BytesIO(_path(folder, sha256).read_bytes()), allow_pickle=False) as stored:
            training = TrainingFeatures(_as_kept(stored["features"]), stored["rows"], stored["labels"])
            alarms = float(stored["false_alarms"])
            return Familiarity(
                training, KnownRange(stored["validation"], None if np.isnan(alarms) else alarms)
            )
    except (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile):
        return None


def keep_familiarity(folder: Path, sha256: str, found: Familiarity) -> None:
    """In a run's folder, in the place of that of an earlier model. What cannot be written is measured again."""
    alarms = found.known.false_alarms
    buffer = io.BytesIO()
    np.savez(
        buffer, features=found.training.features.astype(np.float16), rows=found.training.rows,
        labels=found.training.labels, validation=found.known.validation,
        false_alarms=np.nan if alarms is None else alarms,
    )  # fmt: skip
    path = _path(folder, sha256)
    try:
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, buffer.getvalue())
        for old in path.parent.glob("*.npz"):
            if old != path:
                old.unlink(missing_ok=True)
    except OSError:
        return


def _as_kept(features: NDArray[np.float16]) -> Features:
    """In half precision their lengths are not quite 1."""
    return unit_length(features.astype(np.float32))


def _path(folder: Path, sha256: str) -> Path:
    return folder / FOLDER / f"{sha256[:16]}.npz"
