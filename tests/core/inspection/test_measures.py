"""Measures of answers against scikit-learn and SciPy, and by hand where there are no pictures to divide by."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics

from core.inspection.measures import (
    accuracy_of,
    classes_of,
    confusion_of,
    largest_confusions,
    more_top_accuracy,
    most_confused,
    top_accuracy,
    wilson_interval,
)
from tests.core.inspection.made import answers_with, made_answers


@pytest.mark.parametrize(("right", "count"), [(0, 1), (1, 1), (0, 50), (50, 50), (37, 50), (4_123, 5_000)])
def test_the_interval_is_that_of_scipy(right: int, count: int) -> None:
    expected = binomtest(right, count).proportion_ci(method="wilson")
    assert wilson_interval(right, count) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_of_no_pictures_nothing_is_known() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("classes", [2, 5, 100])
def test_every_measure_is_that_of_scikit_learn(classes: int) -> None:
    answers = made_answers(400, classes)
    labels, predicted = answers.labels, answers.predicted
    everything = range(classes)
    assert accuracy_of(answers).value == pytest.approx(metrics.accuracy_score(labels, predicted))
    probabilities = answers.probabilities / answers.probabilities.sum(
        axis=1, keepdims=True
    )  # in single precision
    assert answers.losses.mean() == pytest.approx(
        metrics.log_loss(labels, probabilities, labels=everything), rel=1e-5
    )
    if classes > 3:
        expected = metrics.top_k_accuracy_score(labels, answers.log_probabilities, k=3, labels=everything)
        assert top_accuracy(answers) == pytest.approx(expected)
    if classes > 5:
        expected = metrics.top_k_accuracy_score(labels, answers.log_probabilities, k=5, labels=everything)
        assert more_top_accuracy(answers) == pytest.approx(expected)
    else:
        assert more_top_accuracy(answers) is None
    confusion = confusion_of(answers)
    assert np.array_equal(confusion, metrics.confusion_matrix(labels, predicted, labels=everything))
    of_classes = classes_of(confusion, answers.class_names)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predicted, labels=everything, zero_division=np.nan
    )
    for place, each in enumerate(of_classes):
        measured = [np.nan if value is None else value for value in (each.precision, each.recall, each.f1)]
        assert measured == pytest.approx([precision[place], recall[place], f1[place]], nan_ok=True)
        assert each.support == support[place]
    assert [each.name for each in of_classes] == list(answers.class_names)


def test_two_guesses_of_two_classes_are_always_right() -> None:
    assert top_accuracy(made_answers(50, 2)) == 1.0


def test_equal_probabilities_are_no_three_right_guesses_each() -> None:
    answers = answers_with(np.zeros((5, 5)), np.arange(5))
    assert top_accuracy(answers) == pytest.approx(3 / 5)
    assert accuracy_of(answers).value == pytest.approx(1 / 5)


def test_the_largest_confusions_come_first_and_right_answers_are_none() -> None:
    confusion = np.array([[9, 2, 0], [5, 9, 0], [2, 0, 9]])
    assert largest_confusions(confusion, 10) == [(1, 0, 5), (0, 1, 2), (2, 0, 2)]
    assert largest_confusions(confusion, 1) == [(1, 0, 5)]
    assert largest_confusions(np.diag([3, 4]), 10) == []


def test_a_class_that_is_never_answered_has_no_precision() -> None:
    never, absent = classes_of(np.array([[0, 3], [0, 0]]), ("never", "absent"))
    assert (never.precision, never.recall, never.f1, never.support) == (None, 0.0, 0.0, 3)
    assert (absent.precision, absent.recall, absent.f1, absent.support) == (0.0, None, 0.0, 0)


def test_the_most_confused_classes_come_in_pairs() -> None:
    confusion = np.array(
        [[5, 0, 0, 0, 9], [0, 5, 7, 0, 0], [0, 0, 5, 0, 0], [0, 0, 1, 5, 0], [0, 0, 0, 0, 5]]
    )
    assert most_confused(confusion, 2) == [0, 4]
    assert most_confused(confusion, 3) == [0, 4]  # of the next pair, only one class would have room
    assert most_confused(confusion, 4) == [0, 1, 2, 4]
    assert most_confused(confusion, 9) == [0, 1, 2, 3, 4]
    assert most_confused(np.diag([1, 2, 3]), 3) == []
