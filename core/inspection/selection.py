"""Some of the pictures of a part, by what they are and what they were taken for, and as a table for spreadsheets."""

import csv
import io
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from core.datasets.file_names import file_of
from core.inspection.answers import Numbers, SplitAnswers
from core.inspection.mistakes import ordered
from core.runs.documents import escape_cell

# Wrong ones by their loss or by how sure they are, all by their doubt, and right ones, the surest first.
KINDS = ("loss", "confidence", "doubt", "right")
COLUMNS = ("index", "label", "predicted", "probability", "loss", "right", "tags", "file")


def select(
    answers: SplitAnswers, kind: str, truth: int | None = None, answer: int | None = None,
    rows: Collection[int] | None = None,
) -> Numbers:  # fmt: skip
    """The places along the answers of the pictures of a kind in KINDS, of the class `truth` and with this answer;
    with `rows`, of these rows of the stored test arrays alone.

    Raises UserError on another kind.
    """
    fits = np.ones(len(answers), bool) if kind == "doubt" else answers.right == (kind == "right")
    if truth is not None:
        fits &= answers.labels == truth
    if answer is not None:
        fits &= answers.predicted == answer
    if rows is not None:
        fits &= np.isin(answers.rows, np.fromiter(rows, np.int64, len(rows)))
    return ordered(answers, "confidence" if kind == "right" else kind, np.flatnonzero(fits))


def answers_csv(
    answers: SplitAnswers,
    places: Numbers,
    tags: Mapping[int, Sequence[str]] | None = None,
    files: Sequence[str] = (),
) -> str:
    """A row for each of the `places` along the answers, in their order.

    `index` is the picture's row in the stored test arrays, `probability` that of `predicted`, `loss` the cross-entropy
    of `label`, `right` 1 or 0, `tags` those of the row, with semicolons between, `file` that of the row in `files`.
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
                escape_cell("; ".join((tags or {}).get(int(answers.rows[place]), ()))),
                escape_cell(file_of(files, int(answers.rows[place])) or ""),
            )
        )  # fmt: skip
    return out.getvalue()
