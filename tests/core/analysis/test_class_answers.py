"""One answer for everything, and no better than the largest class: drawn counts with known answers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.class_answers import most_frequent_share, only_answer
from core.analysis.diagnosis import Verdict, diagnose
from core.epoch import CURVE_KEYS
from core.store.class_accuracy import ClassCounts

NAMES = ("healthy", "ill")


def counts(count, *right):
    return ClassCounts(np.array(count), np.array(right))


def judged(classes, accuracy, epochs=8, names=NAMES, clean=None, **columns):
    """Curves that stand at this validation accuracy."""
    clean = accuracy if clean is None else clean
    curves = {key: [None] * epochs for key in CURVE_KEYS} | {
        "epoch": list(range(1, epochs + 1)), "train_accuracy": [clean] * epochs,
        "clean_train_accuracy": [clean] * epochs, "val_accuracy": [accuracy] * epochs,
    } | columns  # fmt: skip
    known = {
        "num_classes": len(classes.count),
        "num_validation": int(classes.count.sum()),
        "class_names": names,
    }
    return diagnose(curves, **known, classes=classes)


def test_one_answer_for_everything_is_named():
    classes = counts([98, 2], [98, 0], [98, 0], [98, 0])
    found = judged(classes, 0.98)
    assert (found.verdict, found.headline) == (Verdict.GUESSING, "Always answers “healthy”")
    assert found.evidence == (
        "In each of the last 3 epochs all validation pictures of “healthy” were right and none of the other class: the "
        "network gives one answer for everything, and an accuracy of 98.0 % is no more than the share of that class."
    )
    without = judged(classes, 0.98, names=())
    assert without.headline == "Always answers “class 0”"
    long = judged(classes, 0.98, names=("x" * 60, "ill"))
    assert len(long.headline) <= 50


def test_no_better_than_the_most_frequent_class_is_named():
    # Two of four ill ones found, four healthy ones taken for ill: 96 + 2 of 104, where 100 of 104 are healthy.
    # Balanced, by hand: (96 / 100 + 2 / 4) / 2 = 73.0 %.
    classes = counts([100, 4], [96, 2], [96, 2])
    found = judged(classes, 98 / 104)
    assert (found.verdict, found.headline) == (Verdict.GUESSING, "No better than always answering “healthy”")
    assert found.evidence == (
        "Validation accuracy is 94.2 %, and always answering “healthy” would be right in 96.2 %; the mean of the "
        "classes' accuracies is 73.0 %."
    )
    better = judged(counts([100, 4], [99, 3], [99, 3]), 102 / 104)
    assert better.verdict is not Verdict.GUESSING


def test_guessing_is_the_largest_class_and_not_one_of_as_many():
    # 1,004 of 1,040 right where 1,000 are healthy: a tenth of the way from 96.2 % to all right, and not 93 %.
    found = judged(counts([1_000, 40], [999, 5], [999, 5]), 1_004 / 1_040, clean=0.967)
    assert found.headline == "Underfitting, clean training accuracy only 97 %" and found.hardly_learned
    assert "where guessing gives 96 %" in found.evidence


def test_even_classes_are_guessed():
    found = judged(counts([10] * 10, [1] * 10, [1] * 10), 0.10, names=())
    assert (found.verdict, found.headline) == (Verdict.GUESSING, "No better than guessing")
    assert (
        found.evidence
        == "Validation accuracy is 10.0 %, and one answer for everything would be right in 10.0 %."
    )


def test_a_network_that_knows_its_pictures_by_heart_overfits_and_is_no_better():
    epochs = 14
    clean = [min(0.99, 0.5 + 0.05 * epoch) for epoch in range(1, epochs + 1)]
    found = judged(
        counts([60, 30], [45, 8], [45, 8]), 0.58, epochs, clean_train_accuracy=clean, train_accuracy=clean
    )
    assert found.verdict is Verdict.OVERFITTING and found.onset_epoch is not None
    # By hand: (45 / 60 + 8 / 30) / 2.
    assert found.evidence.endswith(
        "; no better than always answering “healthy” on validation. Classes are uneven: the last balanced accuracy is "
        "50.8 %."
    )


def test_averages_that_lag_behind_are_the_nearer_cause():
    found = judged(counts([50, 50], [50, 0], [50, 0]), 0.5, train_accuracy=[0.9] * 8)
    assert found.verdict is Verdict.NOISY and "averages lag behind" in found.headline


@pytest.mark.parametrize(
    ("classes", "answer"),
    [
        (counts([5, 5], [5, 0]), None),  # an epoch alone is no habit
        (counts([5, 5], [5, 0], [0, 5]), 1),  # another answer each time, and still one
        (counts([5, 5], [5, 0], [4, 1]), None),
        (counts([5, 5], [0, 0], [0, 0]), None),
        (counts([5, 0], [5, 0], [5, 0]), None),  # one class alone says nothing of others
        (counts([5, 0, 3], [0, 0, 3], [0, 0, 3]), 2),
    ],
)
def test_which_answer_it_is(classes, answer):
    assert only_answer(classes) == answer


@given(
    st.lists(st.integers(0, 50), min_size=2, max_size=8).filter(any),
    st.lists(st.integers(0, 7), min_size=1, max_size=3),
)
def test_answers_that_do_not_look_at_the_picture_are_never_called_learned(count, answers):
    count = np.array(count)
    right = np.array([np.where(np.arange(len(count)) == answer, count, 0) for answer in answers])
    classes = ClassCounts(count, right)
    assert most_frequent_share(classes) == pytest.approx(count.max() / count.sum())
    found = judged(classes, float(right[-1].sum() / count.sum()), names=())
    if (count > 0).sum() > 1:
        assert found.verdict is Verdict.GUESSING
        known = count[count > 0]
        hits = 1 if count[min(answers[-1], len(count) - 1)] and answers[-1] < len(count) else 0
        assert classes.balanced_accuracy[-1] == pytest.approx(hits / len(known))
    assert len(found.headline) <= 50 and found.evidence.endswith(".")


def test_balanced_accuracy_and_unevenness_by_hand():
    classes = counts([8, 2, 0], [8, 1, 0], [4, 2, 0])
    assert classes.balanced_accuracy.tolist() == [pytest.approx(0.75), pytest.approx(0.75)]
    assert (
        classes.is_uneven and not counts([10, 7], [0, 0]).is_uneven and not counts([5, 0], [5, 0]).is_uneven
    )
    assert math.isclose(most_frequent_share(classes), 0.8)


def test_a_healthy_course_says_which_classes_its_accuracy_hides():
    epochs = 6
    rising = [0.7 + 0.02 * epoch for epoch in range(epochs)]
    found = judged(
        counts([60, 30, 10], [60, 20, 0], [60, 20, 0]), rising[-1], epochs, train_accuracy=rising,
        clean_train_accuracy=rising, val_accuracy=rising,
    )  # fmt: skip
    # By hand: (1 + 2 / 3 + 0) / 3.
    assert found.verdict is Verdict.HEALTHY
    assert (
        "Classes are uneven: the last balanced accuracy is 55.6 %, and no validation picture of "
        in found.evidence
    )
    even = judged(
        counts([60, 60], [56, 40], [56, 40]), rising[-1], epochs, train_accuracy=rising, clean_train_accuracy=rising,
        val_accuracy=rising,
    )  # fmt: skip
    assert even.verdict is Verdict.HEALTHY and "uneven" not in even.evidence


def test_one_answer_is_said_beside_averages_that_lag_behind():
    """The cause stays the headline; that every picture gets one answer is what a person sees."""
    lag = {"train_accuracy": [0.9] * 8, "clean_train_accuracy": [0.5] * 8}
    found = judged(counts([98, 2], [98, 0], [98, 0], [98, 0]), 0.98, **lag)
    assert found.verdict is Verdict.NOISY and "lag behind" in found.headline
    assert found.evidence.endswith("So far it answers “healthy” to every validation picture.")
    several = judged(counts([98, 2], [98, 0], [90, 1], [98, 0]), 0.98, **lag)
    assert "So far it answers" not in several.evidence
