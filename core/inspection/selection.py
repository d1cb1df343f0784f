"""Some of the pictures of a part, by what they are and what they were taken for, and as a table for spreadsheets."""

import csv
import io

import numpy as np

from core.inspection.answers import Numbers, SplitAnswers
from core.inspection.mistakes import ordered
from core.runs.documents import escape_cell

# Wrong ones by their loss or by how sure they are, all by their doubt, and right ones, the surest first.
KINDS = ("loss", "confidence", "doubt", "right")
COLUMNS = ("index", "label", "predicted", "probability", "loss", "right")


def select(answers: SplitAnswers, kind: str, truth: int | None = None, answer: int | None = None) -> Numbers:
    """The places along the answers of the pictures of a kind in KINDS, of the class `truth` and with this answer.

    Raises UserError on another kind.
    """
    fits = np.ones(len(answers), bool) if kind == "doubt" else answers.right == (kind == "right")
    if truth is not None:
        fits &= answers.labels == truth
    if answer is not None:
        fits &= answers.predicted == answer
    return ordered(answers, "confidence" if kind == "right" else kind, np.flatnonzero(fits))


def answers_csv(answers: SplitAnswers, places: Numbers) -> str:
    """A row for each of the `places` along the answers, in their order.

    `index` is the picture's row in the stored test arrays, `probability` that of `predicted`, `loss` the cross-entropy
    of `label`, `right` 1 or 0.
    """
    names = [escape_cell(name) for name in answers.class_names]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for place in places:
        writer.writerow(
            (
                int(answers.rows[place]), names[answers.labels[place]], names[answers.predicted[place]],
                f"{answers.confidence[place]:.6g}", f"{answers.losses[place]:.6g}", int(answers.right[place]),
            )
        )  # fmt: skip
    return out.getvalue()
