"""What accuracy hides where classes are uneven: one answer for everything, nothing learned beyond the largest class."""

from collections.abc import Sequence

import numpy as np

from core.formatting import listed, percent
from core.store.class_accuracy import ClassCounts

MOST_NAME_CHARACTERS = 20
# A fresh network, or averages that lag behind, may give one answer for an epoch.
FEWEST_EPOCHS = 2
MOST_MISSED = 3  # classes that are named


def most_frequent_share(classes: ClassCounts) -> float:
    """The validation accuracy of who always answers with the most frequent class, a fraction of 1."""
    return float(classes.count.max() / max(1, classes.count.sum()))


def only_answer(classes: ClassCounts) -> int | None:
    """The class whose pictures alone are right, all of them, in every epoch; None where there is none such.

    What the others were taken for is not counted, so with more than two classes this is nearly certain and not quite.
    """
    known = classes.count > 0
    if known.sum() < 2 or len(classes.right) < FEWEST_EPOCHS:
        return None
    all_right = known & (classes.right == classes.count)
    is_one = (all_right.sum(axis=1) == 1) & (all_right | (classes.right == 0)).all(axis=1)
    return int(all_right[-1].argmax()) if is_one.all() else None


def one_answer_in_words(classes: ClassCounts, names: Sequence[str]) -> tuple[str, str] | None:
    """(headline, evidence) where a network gives one answer for everything."""
    if (answer := only_answer(classes)) is None:
        return None
    name, accuracy = _name(answer, names), float(classes.right[-1].sum() / classes.count.sum())
    others = int((classes.count > 0).sum()) - 1
    return (
        f"Always answers {name}",
        f"In each of the last {len(classes.right)} epochs all validation pictures of {name} were right and none of the "
        f"{f'{others:,} other classes' if others > 1 else 'other class'}: the network gives one answer for everything, "
        f"and an accuracy of {percent(accuracy)} is no more than the share of that class.",
    )


def one_answer_so_far(classes: ClassCounts, names: Sequence[str]) -> str | None:
    """That a network gives one answer for everything, in a sentence beside another cause; None where it does not."""
    answer = only_answer(classes)
    return (
        None if answer is None else f"So far it answers {_name(answer, names)} to every validation picture."
    )


def no_better_in_words(classes: ClassCounts, names: Sequence[str], accuracy: float) -> tuple[str, str] | None:
    """(headline, evidence) where always answering with the most frequent class reaches a validation `accuracy` too."""
    share = most_frequent_share(classes)
    # A ten-millionth: accuracies may have been kept in single precision.
    if accuracy > share + 1e-7 or (classes.count > 0).sum() < 2:
        return None
    told = f"Validation accuracy is {percent(accuracy)}, and"
    if not classes.is_uneven:
        return (
            "No better than guessing",
            f"{told} one answer for everything would be right in {percent(share)}.",
        )
    always = f"always answering {_name(int(classes.count.argmax()), names)}"
    return (
        f"No better than {always}",
        f"{told} {always} would be right in {percent(share)}; the mean of the classes' accuracies is "
        f"{percent(float(classes.balanced_accuracy[-1]))}.",
    )


def hidden_in_words(classes: ClassCounts, names: Sequence[str]) -> str | None:
    """What the last epoch's accuracy hides where classes are uneven, a sentence; None where they are even."""
    if not classes.is_uneven:
        return None
    text = (
        f"Classes are uneven: the last balanced accuracy is {percent(float(classes.balanced_accuracy[-1]))}"
    )
    missed = [int(index) for index in np.flatnonzero((classes.count > 0) & (classes.right[-1] == 0))]
    if not missed:
        return f"{text}."
    shown = listed([_name(index, names) for index in missed], MOST_MISSED)
    return f"{text}, and no validation picture of {shown} was right."


def _name(index: int, names: Sequence[str]) -> str:
    name = names[index] if index < len(names) else f"class {index}"
    return f"“{name}”" if len(name) <= MOST_NAME_CHARACTERS else f"“{name[: MOST_NAME_CHARACTERS - 1]}…”"
