"""Which pictures are selected, and as CSV: numbers as they are, names that a spreadsheet cannot run."""

import csv
import io

import numpy as np
import pytest

from core.inspection.answers import SplitAnswers
from core.inspection.selection import answers_csv, select

PROBABILITIES = np.array(
    [[0.7, 0.2, 0.1], [0.4, 0.35, 0.25], [0.05, 0.9, 0.05], [0.3, 0.1, 0.6], [0.5, 0.3, 0.2]]
)
FIVE = SplitAnswers(
    "test", 2, ("a", "b", "c"), np.arange(5), np.array([0, 1, 0, 2, 2]), np.log(PROBABILITIES).astype(np.float32)
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "truth", "answer", "places"),
    [
        ("loss", None, None, [2, 4, 1]),  # the label has 0.05, 0.2 and 0.35
        ("confidence", None, None, [2, 4, 1]),
        ("loss", None, 0, [4, 1]),
        ("loss", 2, 0, [4]),
        ("right", None, None, [0, 3]),
        ("right", 2, None, [3]),
        ("right", 0, 1, []),
        ("doubt", None, None, [1, 4, 3, 0, 2]),  # leads of 0.05, 0.2, 0.3, 0.5 and 0.85
        ("doubt", 0, None, [0, 2]),
    ],
)
def test_what_fits_is_selected_in_its_order(
    kind: str, truth: int | None, answer: int | None, places: list[int]
) -> None:
    assert select(FIVE, kind, truth, answer).tolist() == places


def test_each_row_is_a_picture_in_the_order_that_was_asked_for() -> None:
    probabilities = np.array([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]])
    answers = SplitAnswers(
        "test", 2, ("=cmd", "dog"), np.array([7, 8, 9]), np.array([1, 0, 1]), np.log(probabilities).astype(np.float32)
    )  # fmt: skip
    tags = {7: ("=first", "odd"), 8: ("of another",)}
    files = [*(f"{row}.png" for row in range(9)), "=nine.png"]
    rows = list(csv.DictReader(io.StringIO(answers_csv(answers, np.array([2, 0]), tags, files))))
    assert [row["file"] for row in rows] == ["'=nine.png", "7.png"]
    assert [row["file"] for row in csv.DictReader(io.StringIO(answers_csv(answers, np.array([2]))))] == [""]
    assert [row["tags"] for row in rows] == ["", "'=first; odd"]
    assert [(row["index"], row["label"], row["predicted"], row["right"]) for row in rows] == [
        ("9", "dog", "dog", "1"),
        ("7", "dog", "'=cmd", "0"),
    ]
    assert [float(row["probability"]) for row in rows] == [0.875, 0.75]
    assert [float(row["loss"]) for row in rows] == [0.133531, 1.38629]


def test_those_of_given_rows_alone_are_selected_in_the_same_order() -> None:
    rows = FIVE.rows.tolist()
    assert select(FIVE, "doubt", rows=[rows[0], rows[4], rows[1], 99]).tolist() == [1, 4, 0]
    assert select(FIVE, "doubt", rows=[]).tolist() == []
