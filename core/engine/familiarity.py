"""Whether a run knows what it is shown: its training pictures in its feature space, measured in portions and kept."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.analysis.neighbours import Features, KnownRange, TrainingFeatures, unit_length
from core.datasets.splits import TrainingArrays
from core.system.files import write_bytes

MOST_PICTURES = 10_000
MOST_NUMBERS = 4_000_000  # of all features together, 8 MB on the disk
FEWEST_PICTURES = 500
AT_ONCE = 500  # per request: others are answered in between, and none overruns its deadline
NEIGHBOURS = 5
FOLDER = "known"


@dataclass(frozen=True, eq=False)
class Familiarity:
    """What a run was trained on, and how far from it held-out pictures lie."""

    training: TrainingFeatures
    known: KnownRange

    def describe(self, features: Features, class_names: Sequence[str]) -> list[dict[str, Any]]:
        """For pictures with these features (pictures, units), as `core.engine.answers.Knowledge` reads it."""
        places, near = self.training.nearest(features, NEIGHBOURS)
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
            for at, distance in enumerate(self.training.distances(features))
        ]


def most_pictures(units: int) -> int:
    """How many training pictures are kept with features of so many units."""
    return max(FEWEST_PICTURES, min(MOST_PICTURES, MOST_NUMBERS // units))


@dataclass(eq=False)
class FamiliarityTaker:
    """Measures the training pictures, then the validation and the test pictures, a portion per call."""

    scorer: Any
    split: TrainingArrays
    _parts: list[Features] = field(default_factory=list)
    done: int = 0

    @property
    def num_train(self) -> int:
        return min(len(self.split.train_indices), most_pictures(self.scorer.units))

    @property
    def total(self) -> int:
        return self.num_train + len(self.split.y_validation) + len(self.split.y_test)

    def advance(self) -> Familiarity | None:
        """Measure the next portion. None until all are measured."""
        pictures = self._pictures(self.done, min(self.done + AT_ONCE, self.total))
        self._parts.append(unit_length(self.scorer.score(pictures)[0]))
        self.done += len(pictures)
        if self.done < self.total:
            return None
        features = np.concatenate(self._parts)
        # As it is read again, so that a first answer is the same as a later one.
        kept = _as_kept(features[: self.num_train].astype(np.float16))
        rows, labels = self.split.train_rows[: self.num_train], self.split.y_train_true[: self.num_train]
        training = TrainingFeatures(kept, rows, labels)
        validation, test = np.split(features[self.num_train :], [len(self.split.y_validation)])
        return Familiarity(
            training, KnownRange.measured(training.distances(validation), training.distances(test))
        )

    def _pictures(self, start: int, stop: int) -> NDArray[np.uint8]:
        """From `start` to `stop` of all three parts in a row, at least one."""
        offset, parts = 0, []
        for part, count in enumerate((self.num_train, len(self.split.y_validation), len(self.split.y_test))):
            own = slice(max(0, start - offset), min(count, stop - offset))
            if own.start < own.stop:
                parts.append(self._of_part(part, own))
            offset += count
        return np.concatenate(parts)

    def _of_part(self, part: int, own: slice) -> NDArray[np.uint8]:
        match part:
            case 0:
                return np.asarray(self.split.x_train[self.split.train_indices[: self.num_train][own]])
            case 1:
                return self.split.x_validation[own]
        return self.split.x_test[own]


def read_familiarity(folder: Path, epoch: int) -> Familiarity | None:
    """As it was kept in a run's folder; None where it was not, or cannot be read."""
    try:
        with np.load(io.BytesIO(_path(folder, epoch).read_bytes()), allow_pickle=False) as stored:
            training = TrainingFeatures(_as_kept(stored["features"]), stored["rows"], stored["labels"])
            alarms = float(stored["false_alarms"])
            return Familiarity(
                training, KnownRange(stored["validation"], None if np.isnan(alarms) else alarms)
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def keep_familiarity(folder: Path, epoch: int, found: Familiarity) -> None:
    """In a run's folder, in the place of that of an earlier epoch. What cannot be written is measured again."""
    alarms = found.known.false_alarms
    buffer = io.BytesIO()
    np.savez(
        buffer, features=found.training.features.astype(np.float16), rows=found.training.rows,
        labels=found.training.labels, validation=found.known.validation,
        false_alarms=np.nan if alarms is None else alarms,
    )  # fmt: skip
    path = _path(folder, epoch)
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


def _path(folder: Path, epoch: int) -> Path:
    return folder / FOLDER / f"{epoch:06d}.npz"
