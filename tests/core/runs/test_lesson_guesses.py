"""Whose guess counts, what may be guessed, and distances that are calculated by hand."""

import math

import pytest

from core.errors import UserError
from core.onboarding.lessons import LESSONS
from core.runs.lesson_guesses import Distance, current_guess, distance_between, keep_guess
from core.store.store import Store

GAP = LESSONS["overfitting"]
FLAT = [10.0] * GAP.num_epochs


@pytest.mark.parametrize(("drawn", "curve", "expected"), [
    # |12 - 10|, |20 - 20|, |24 - 30|: a mean of 8 / 3.
    ([10, 20, 30], [(1, 12.0), (2, 20.0), (3, 24.0)], Distance(pytest.approx(8 / 3), 3, -6.0)),
    # Equally far apart in two epochs: the first of them.
    ([0, 0, 0], [(1, 5.0), (2, -5.0)], Distance(5.0, 1, 5.0)),
    # An epoch without a value, and epochs that were added while it trained.
    ([50, 60, 70], [(1, 40.0), (3, 71.0), (4, 0.0)], Distance(5.5, 1, -10.0)),
    ([50], [(1, 50.0)], Distance(0.0, 1, 0.0)),
    ([50], [(2, 50.0)], None),
    ([50], [], None),
])  # fmt: skip
def test_how_far_a_drawn_curve_is_from_the_trained_one(drawn, curve, expected) -> None:
    assert distance_between(drawn, curve) == expected


def test_the_last_value_of_a_drawn_curve_is_the_number(workspace) -> None:
    store = Store(workspace)
    drawn = [*FLAT[:-1], 33.333]
    kept = keep_guess(store, GAP, None, None, drawn, None)
    assert (kept.value, kept.curve) == (33.3, (*FLAT[:-1], 33.3))
    # Moved with the slider after that, the curve is gone, and so is all where the drawing was cleared.
    assert keep_guess(store, GAP, None, 12.0, None, kept.id).curve is None
    assert keep_guess(store, GAP, None, None, None, kept.id).value is None


@pytest.mark.parametrize("curve", [
    [], FLAT[:-1], [*FLAT, 1.0], [*FLAT[:-1], -0.1], [*FLAT[:-1], 60.1], [*FLAT[:-1], math.nan], [*FLAT[:-1], math.inf],
])  # fmt: skip
def test_what_no_pad_sends_is_refused(workspace, curve) -> None:
    store = Store(workspace)
    with pytest.raises(UserError, match="a number from 0 to 60 for each of 25 epochs"):
        keep_guess(store, GAP, "ada", None, curve, None)
    assert store.lesson_guesses.of_lesson("overfitting") == []


@pytest.mark.parametrize("value", [-1, 60.5, math.nan, math.inf])
def test_a_number_outside_of_the_scale_is_refused(workspace, value) -> None:
    with pytest.raises(UserError, match="A guess is from 0 to 60 points, not"):
        keep_guess(Store(workspace), GAP, "ada", value, None, None)


def test_a_difference_of_two_curves_is_not_drawn(workspace) -> None:
    lesson = LESSONS["more-data"]
    with pytest.raises(UserError, match="A drawn curve"):
        keep_guess(Store(workspace), lesson, None, None, [0.0] * lesson.num_epochs, None)


def test_a_guess_counts_for_the_runs_that_answer_it(workspace) -> None:
    store = Store(workspace)
    kept = keep_guess(store, GAP, None, 20.0, None, None)
    assert current_guess(store, GAP, None, kept.id, []) == kept
    assert current_guess(store, GAP, None, kept.id, ["run"]) is None
    answered = store.lesson_guesses.answer(GAP.name, None, ["run"], guess_id=kept.id)
    assert current_guess(store, GAP, None, kept.id, ["run"]) == answered
    assert current_guess(store, GAP, None, kept.id, []) is None
    # Without a class, only the browser that knows it has it; and it is of no other lesson.
    assert current_guess(store, GAP, None, None, ["run"]) is None
    assert current_guess(store, LESSONS["wrong-labels"], None, kept.id, ["run"]) is None


def test_a_member_of_a_class_has_their_last_guess_anywhere(workspace) -> None:
    store = Store(workspace)
    first = keep_guess(store, GAP, "ada", 20.0, None, None)
    assert current_guess(store, GAP, "ada", None, []) == first
    store.lesson_guesses.answer(GAP.name, "ada", ["run"], guess_id=first.id)
    second = keep_guess(store, GAP, "ada", 30.0, None, None)
    assert current_guess(store, GAP, "ada", None, []) == second
    assert current_guess(store, GAP, "ada", second.id, ["run"]).id == first.id
    # A link that names the guess of another person.
    assert current_guess(store, GAP, "bob", first.id, ["run"]) is None
    assert current_guess(store, GAP, None, first.id, ["run"]) is None
