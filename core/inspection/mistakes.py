"""The pictures that a run gets wrong, in an order that is worth looking at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.datasets.file_names import file_of
from core.errors import UserError
from core.inspection.answers import Numbers, SplitAnswers

ORDERS = ("loss", "confidence", "doubt")


@dataclass(frozen=True)
class Mistake:
    """One wrong answer. `index` is the picture's row in the stored test arrays, `probability` that of the predicted
    class, `loss` the cross-entropy of the label, `file` what it was called in what was imported, if that is known.
    """

    index: int
    label: str
    predicted: str
    probability: float
    loss: float
    file: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As the command line and REST print it."""
        return {
            "index": self.index, "label": self.label, "predicted": self.predicted, "probability": self.probability,
            "loss": self.loss, "file": self.file,
        }  # fmt: skip


def ordered(answers: SplitAnswers, by: str, places: Numbers) -> Numbers:
    """`places` (pictures,) in the order `by`; of equals the first stays first.

    `loss`: the largest first. `confidence`: the surest first. `doubt`: the smallest lead of the most probable class
    over the next first. Raises UserError on another order.
    """
    match by:
        case "loss":
            keys = -answers.losses[places]
        case "confidence":
            keys = -answers.confidence[places]
        case "doubt":
            two = np.sort(answers.probabilities[places], axis=1)[:, -2:]
            keys = two[:, 1] - two[:, 0]
        case _:
            raise UserError(f"by must be one of {', '.join(ORDERS)}, not {by[:40]!r}.")
    return places[np.argsort(keys, kind="stable")]


def mistakes_of(
    answers: SplitAnswers, by: str = "loss", most: int | None = None, files: Sequence[str] = ()
) -> list[Mistake]:
    """The wrong answers, or the first `most` of them, in the order `by`; `files` are those of the rows, if known.

    Raises UserError on an unknown order.
    """
    names = answers.class_names
    return [
        Mistake(
            int(answers.rows[place]), names[answers.labels[place]], names[answers.predicted[place]],
            float(answers.confidence[place]), float(answers.losses[place]),
            file_of(files, int(answers.rows[place])),
        )
        for place in ordered(answers, by, np.flatnonzero(~answers.right))[:most]
    ]  # fmt: skip
