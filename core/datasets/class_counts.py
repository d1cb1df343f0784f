"""How many pictures of each class the parts of a data set have, and what is worth knowing about that."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.classes import are_uneven
from core.formatting import count_of, listed

FEW_TRAINING, FEW_JUDGED = 20, 5  # pictures of a class
ENOUGH_JUDGED = 100  # of all classes, for an accuracy to about ± 10 points
ROUGH_POINTS = 12  # an accuracy that is known to this many percentage points or worse; 66 pictures


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
    train, judged = _parts(classes)
    notes = [*missing_notes(classes), *_few("training", train, FEW_TRAINING)]
    for words, counts in judged.items():
        notes += _too_few(words, counts)
    return notes + _uneven(train)


def missing_notes(classes: Sequence[ClassCount]) -> list[str]:
    """Of `count_notes`, those on classes that have no picture in a part at all."""
    train, judged = _parts(classes)
    notes = []
    if without := [name for name, count in train.items() if count == 0]:
        notes.append(
            f"{_named(without, 'has', 'have')} no training pictures, so the network cannot learn {_them(without)}."
        )
    for words, counts in judged.items():
        if without := [name for name, count in counts.items() if count == 0]:
            notes.append(
                f"{_named(without, 'has', 'have')} no {words} pictures, so the accuracy on them says nothing about "
                f"{_them(without)}."
            )
    return notes


def unevenness_in_words(classes: Sequence[ClassCount]) -> str | None:
    """That classes are uneven, or have no training or validation pictures, with the numbers; None where neither is."""
    notes = []
    for part, words in (("train", "training"), ("validation", "validation")):
        if without := [each.name for each in classes if not getattr(each, part)]:
            notes.append(f"{_named(without, 'has', 'have')} no {words} pictures.")
    notes += _uneven({each.name: each.train for each in classes})
    return " ".join(notes) or None


def _uneven(train: Mapping[str, int]) -> list[str]:
    trained = {name: count for name, count in train.items() if count}
    if not are_uneven(trained.values()):
        return []
    most, least = max(trained.values()), min(trained.values())
    largest, smallest = (next(name for name in trained if trained[name] == count) for count in (most, least))
    return [
        f"The classes are uneven: {largest} has {most:,} training pictures, {smallest} {least:,}. Look at the "
        "balanced accuracy: it counts every class the same."
    ]


def _named(names: Sequence[str], one: str, several: str) -> str:
    return f"{listed(names, 5)} {one if len(names) == 1 else several}"


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _parts(classes: Sequence[ClassCount]) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Training pictures by class, and those of each part that judges, by its name: of both where they are the same."""
    train, validation, test = (
        {each.name: int(getattr(each, part)) for each in classes} for part in ("train", "validation", "test")
    )
    if validation == test:
        return train, {"validation and test": validation}
    return train, {"validation": validation, "test": test}


def _few(words: str, counts: Mapping[str, int], few: int) -> list[str]:
    named = [f"{name} ({count})" for name, count in counts.items() if 0 < count < few]
    return [f"Few {words} pictures: {listed(named, 5)}. Better are {few} or more per class."] if named else []


def _too_few(words: str, counts: Mapping[str, int]) -> list[str]:
    total = sum(counts.values())
    if total == 0 or (points := half_width_points(total)) < ROUGH_POINTS:
        return _few(words, counts, FEW_JUDGED)
    # Every class is small then.
    part = "each of the validation and test parts" if " and " in words else f"the {words} part"
    return [
        f"There {'is' if total == 1 else 'are'} only {count_of(total, 'picture')} in {part}: an accuracy measured on "
        f"so few is known to about ± {points:.0f} points. With {ENOUGH_JUDGED}, it is ± "
        f"{half_width_points(ENOUGH_JUDGED):.0f}."
    ]


def half_width_points(count: int) -> float:
    """Half the width of the 95 % interval of an accuracy near 50 % on `count` pictures, in points (normal
    approximation, 1.96 · √(0.25 / count)).
    """
    return 100 * 1.96 * math.sqrt(0.25 / count)
