"""How many pictures of each class the parts of a data set have, and what is worth knowing about that."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.formatting import count_of, listed

FEW_TRAINING, FEW_JUDGED = 20, 5  # pictures of a class
UNEVEN = 5  # times as many pictures in the largest class as in the smallest
ROUGH_POINTS = 20  # an accuracy that is known to this many percentage points or worse


@dataclass(frozen=True)
class ClassCount:
    """How many pictures of a class each part has."""

    name: str
    train: int
    validation: int
    test: int


def class_counts(class_names: Sequence[str], parts: Mapping[str, Iterable[int]]) -> tuple[ClassCount, ...]:
    """`parts` has for `train`, `validation` and `test` the number of pictures of each class, in order."""
    return tuple(
        ClassCount(name, int(train), int(validation), int(test))
        for name, train, validation, test in zip(
            class_names, parts["train"], parts["validation"], parts["test"], strict=True
        )
    )


def count_notes(classes: Sequence[ClassCount]) -> list[str]:
    """What is worth knowing about how many pictures the classes have: none, few, uneven, too few to judge by."""
    train, validation, test = (
        {each.name: int(getattr(each, part)) for each in classes} for part in ("train", "validation", "test")
    )
    notes = _few("training", train, FEW_TRAINING)
    if validation == test:
        notes += _judged("validation and test", validation, "each of the validation and test parts")
    else:
        notes += _judged("validation", validation, "the validation part")
        notes += _judged("test", test, "the test part")
    trained = {name: count for name, count in train.items() if count}
    if trained and (most := max(trained.values())) >= UNEVEN * (least := min(trained.values())):
        largest, smallest = (
            next(name for name in trained if trained[name] == count) for count in (most, least)
        )
        notes.append(
            f"The classes are uneven: {largest} has {most:,} training pictures, {smallest} {least:,}. Look at the "
            "balanced accuracy: it counts every class the same."
        )
    return notes


def _few(words: str, counts: Mapping[str, int], few: int) -> list[str]:
    named = [f"{name} ({count})" for name, count in counts.items() if 0 < count < few]
    return [f"Few {words} pictures: {listed(named, 5)}."] if named else []


def _judged(words: str, counts: Mapping[str, int], part: str) -> list[str]:
    notes = []
    without = [name for name, count in counts.items() if count == 0]
    if without:
        one = len(without) == 1
        notes.append(
            f"{listed(without, 5)} {'has' if one else 'have'} no {words} pictures, so the accuracy on them says "
            f"nothing about {'it' if one else 'them'}."
        )
    total = sum(counts.values())
    if total > 0 and (points := half_width_points(total)) >= ROUGH_POINTS:
        # Every class is small then.
        notes.append(
            f"There {'is' if total == 1 else 'are'} only {count_of(total, 'picture')} in {part}: an accuracy measured "
            f"on so few is known to about ± {points:.0f} points."
        )
    else:
        notes += _few(words, counts, FEW_JUDGED)
    return notes


def half_width_points(count: int) -> float:
    """Half of a 95 % interval of an accuracy near 50 % on so many pictures, in percentage points (normal
    approximation, 1.96 · √(0.25 / count)).
    """
    return 100 * 1.96 * math.sqrt(0.25 / count)
