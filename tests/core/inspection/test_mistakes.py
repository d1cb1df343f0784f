"""The order of wrong answers, by hand."""

import numpy as np
import pytest

from core.errors import UserError
from core.inspection.mistakes import mistakes_of, ordered
from tests.core.inspection.made import answers_with, made_answers

PROBABILITIES = np.array(
    [
        [0.10, 0.90, 0.00001],  # is 0: sure of 1
        [0.01, 0.50, 0.49],  # is 0: the largest loss, hardly surer of 1 than of 2
        [0.80, 0.10, 0.10],  # is 0: right
        [0.40, 0.30, 0.30],  # is 2
    ]
)
ANSWERS = answers_with(np.log(PROBABILITIES), np.array([0, 0, 0, 2]))


@pytest.mark.parametrize(
    ("by", "expected"), [("loss", [1, 0, 3]), ("confidence", [0, 1, 3]), ("doubt", [1, 3, 0])]
)
def test_each_order(by: str, expected: list[int]) -> None:
    assert [each.index for each in mistakes_of(ANSWERS, by)] == [
        int(ANSWERS.rows[place]) for place in expected
    ]
    assert mistakes_of(ANSWERS, by, 1) == mistakes_of(ANSWERS, by)[:1]


def test_what_is_said_of_each() -> None:
    first = mistakes_of(ANSWERS, "loss")[0]
    assert (first.label, first.predicted) == ("class 0", "class 1")
    assert (first.probability, first.loss) == pytest.approx((0.5, -np.log(0.01)), rel=1e-5)
    assert first.to_json() == {
        "index": 3, "label": "class 0", "predicted": "class 1", "probability": first.probability, "loss": first.loss,
        "file": None,
    }  # fmt: skip


def test_a_mistake_names_its_file_where_it_is_known() -> None:
    files = [f"{row}.png" for row in range(6)]
    assert {each.index: each.file for each in mistakes_of(ANSWERS, files=files)} == {
        int(row): f"{row}.png" if row < 6 else None for row in ANSWERS.rows[[0, 1, 3]]
    }


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(UserError, match="by must be one of loss, confidence, doubt, not 'size'"):
        mistakes_of(ANSWERS, "size")


def test_right_answers_can_be_ordered_too() -> None:
    answers = made_answers(100)
    places = np.arange(100)
    in_order = ordered(answers, "loss", places)
    assert sorted(in_order) == list(places)
    assert np.all(np.diff(answers.losses[in_order]) <= 0)
