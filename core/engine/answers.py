"""What the engine's client gives: a run's answer to one picture or to many."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.system.frames import Pixels


@dataclass(frozen=True)
class RankedClass:
    """A class and the probability that the network gives it, from 0 to 1."""

    name: str
    probability: float


@dataclass(frozen=True)
class Neighbour:
    """A training picture near another one: its row in the stored training arrays, its class, and the distance between
    both in the network's feature space, from 0 to 2.
    """

    row: int
    name: str
    distance: float


@dataclass(frozen=True)
class Knowledge:
    """Whether a picture is like those that a run was trained on (see `core.analysis.neighbours`).

    `percentile` is how many percent of the validation pictures are nearer to the training pictures, `false_alarms` the
    share of the test pictures, from 0 to 1, that count as not known; None where there are none.
    """

    is_known: bool
    percentile: float
    false_alarms: float | None
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a run says of a picture; or why the picture could not be read.

    `top` has the classes, most probable first, and is empty where no run was asked. `notes` say what was done to the
    picture. `seen` are the pixels that the network saw, uint8 (height, width, channels). `error` is one sentence; then
    there is nothing else. `knowledge` is None where it was not asked for. `temperature` is what the logits were divided
    by for `top`, None where the probabilities are those of the network itself.
    """

    image: str
    error: str | None = None
    top: tuple[RankedClass, ...] = ()
    notes: tuple[str, ...] = ()
    seen: Pixels | None = None
    knowledge: Knowledge | None = None
    temperature: float | None = None

    @classmethod
    def of_row(cls, row: Mapping[str, Any], seen: Pixels | None) -> "Answer":
        """From a row as it crosses the pipe, and the pixels beside it."""
        top = tuple(RankedClass(name, probability) for name, probability in row["top"])
        return cls(
            row["image"], row["error"], top, tuple(row["notes"]), seen, _knowledge_of(row.get("knowledge"))
        )

    @property
    def ok(self) -> bool:
        """Whether the picture could be read."""
        return self.error is None

    @property
    def best(self) -> str:
        """The name of the most probable class."""
        return self.top[0].name

    def to_json(self) -> dict[str, Any]:
        """As the command line and REST print it, without the pixels and the notes.

        What is not known of the picture's place among the training pictures is None.
        """
        found = self.knowledge
        neighbours = [
            {"index": each.row, "class": each.name, "distance": each.distance}
            for each in (found.neighbours if found else ())
        ]
        return {
            "image": self.image,
            "ok": self.ok,
            "error": self.error,
            "top": [{"class": each.name, "probability": each.probability} for each in self.top],
            "known": found.is_known if found else None,
            "distance_percentile": found.percentile if found else None,
            "neighbours": neighbours,
            "temperature": self.temperature,
        }


def _knowledge_of(row: Mapping[str, Any] | None) -> Knowledge | None:
    if row is None:
        return None
    neighbours = tuple(Neighbour(*each) for each in row["neighbours"])
    return Knowledge(row["is_known"], row["percentile"], row["false_alarms"], neighbours)


@dataclass(frozen=True, eq=False)
class Scores:
    """What weights of `epoch`, whose file has the digest `sha256`, say of some of a part's `of` pictures.

    `log_probabilities` is float32 (count, classes); `labels` int64 (count,) are indices into `class_names`, `rows`
    int64 (count,) the pictures' rows in the stored test arrays.
    """

    epoch: int
    sha256: str
    of: int
    class_names: tuple[str, ...]
    log_probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
