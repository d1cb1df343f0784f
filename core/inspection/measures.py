"""What is counted of a run's answers: accuracy with its interval, top-k, and for each class precision and recall."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from core.formatting import percent, points
from core.inspection.answers import Fractions, Numbers, SplitAnswers

TOP = 3
MORE = 5  # where there are more classes than this


@dataclass(frozen=True)
class Accuracy:
    """A fraction of right answers, with its Wilson interval; all from 0 to 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassMeasures:
    """Of one class, from 0 to 1; None where its denominator is 0. `support` counts the pictures that have its label."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def wilson_interval(right: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """(low, high) of the fraction `right` / `count`.

    Wilson, Journal of the American Statistical Association 22, 1927, doi 10.1080/01621459.1927.10502953. (0, 1) of no
    pictures at all.
    """
    if count == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = right / count, z * z / count
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    # By hand where rounding would leave the range.
    return (0.0 if right == 0 else middle - half), (1.0 if right == count else middle + half)


def accuracy_difference(first: Accuracy, second: Accuracy) -> Accuracy:
    """`first` minus `second`, on different pictures, with its 95 % interval; from -1 to 1.

    Newcombe's method 10, Statistics in Medicine 17, 1998, page 876: it joins the two Wilson intervals.
    """
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Accuracy(value, low, high)


def interval_in_words(accuracy: Accuracy) -> str:
    """`69.9 to 72.5 %`"""
    return f"{percent(accuracy.low).removesuffix(' %')} to {percent(accuracy.high)}"


def span_in_words(found: Accuracy) -> str:
    """A difference's interval: `−1.2 to 3.4 points`"""  # noqa: RUF002
    return f"{points(found.low).removesuffix(' points')} to {points(found.high)}"


def accuracy_of(answers: SplitAnswers) -> Accuracy:
    """The accuracy over all pictures, of which there is at least one."""
    right, count = int(answers.right.sum()), len(answers)
    return Accuracy(right / count, *wilson_interval(right, count))


def top_accuracy(answers: SplitAnswers, most: int = TOP) -> float:
    """How often the label is among the `most` most probable classes; of equals the first class counts as likelier."""
    own = answers.log_probabilities[np.arange(len(answers)), answers.labels][:, None]
    before = np.arange(answers.log_probabilities.shape[1]) < answers.labels[:, None]
    ahead = (answers.log_probabilities > own) | (before & (answers.log_probabilities == own))
    return float((ahead.sum(axis=1) < most).mean())


def more_top_accuracy(answers: SplitAnswers) -> float | None:
    """The same with MORE guesses; None where there are not more classes than that."""
    return top_accuracy(answers, MORE) if len(answers.class_names) > MORE else None


def confusion_of(answers: SplitAnswers) -> Numbers:
    """(classes, classes): how many pictures of the row's class were taken for the column's."""
    size = len(answers.class_names)
    places = answers.labels * size + answers.predicted
    return np.bincount(places, minlength=size * size).reshape(size, size).astype(np.int64)


def classes_of(confusion: Numbers, names: tuple[str, ...]) -> tuple[ClassMeasures, ...]:
    """Precision, recall and F1 of each class, in the order of the network's outputs."""
    hits, support, answered = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = _fraction(hits, answered), _fraction(hits, support)
    f1 = _fraction(2 * hits, support + answered)
    return tuple(
        ClassMeasures(name, _or_none(precision[at]), _or_none(recall[at]), _or_none(f1[at]), int(support[at]))
        for at, name in enumerate(names)
    )


def largest_confusions(confusion: Numbers, most: int) -> list[tuple[int, int, int]]:
    """(label, taken for, pictures), the most frequent first, of equals the first label; none that never happened."""
    wrong = confusion - np.diag(np.diag(confusion))
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    places = (np.unravel_index(place, wrong.shape) for place in order)
    return [(int(row), int(column), int(wrong[row, column])) for row, column in places if wrong[row, column]]


def most_confused(confusion: Numbers, most: int) -> list[int]:
    """The classes of the largest confusions, `most` at most, in the order of the network's outputs.

    Each with the class that it is taken for, or the confusion would not be seen. Fewer where fewer are confused.
    """
    found: set[int] = set()
    for label, answer, _ in largest_confusions(confusion, most * most):
        if len(both := found | {label, answer}) <= most:
            found = both
    return sorted(found)


def _fraction(count: Numbers, of: Numbers) -> Fractions:
    fraction: Fractions = np.divide(count, of, out=np.full(len(count), np.nan), where=of > 0)
    return fraction


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
