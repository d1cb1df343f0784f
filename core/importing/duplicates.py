"""Pictures with the same pixels, in two parts of a data set or under two of its classes."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from core.datasets.rows import Rows, Selection
from core.datasets.splits import Indices
from core.importing.parts import PART_NAMES, Parts
from core.importing.report import Duplicates

MOST_EXAMPLES = 5
_PAIRS = ((0, 1), (0, 2), (1, 2))


def find_duplicates(
    pictures: Rows, labels: Indices, parts: Parts, names: Sequence[str]
) -> tuple[Duplicates, ...]:
    """The kinds of duplicates that there are, as the network gets them: after resizing.

    Labels int64 (count,), `parts` as in `core.importing.parts`, `names` say where each picture came from.
    """
    same = [rows for rows in _same_pixels(pictures) if len(rows) > 1]
    counts: dict[str, int] = defaultdict(int)
    examples: dict[str, list[tuple[str, str]]] = defaultdict(list)

    def found(kind: str, count: int, one: int, two: int) -> None:
        counts[kind] += count
        if len(examples[kind]) < MOST_EXAMPLES:
            examples[kind].append((names[one], names[two]))

    for rows in same:
        by_part = [[row for row in rows if parts[row] == part] for part in range(len(PART_NAMES))]
        for before, after in _PAIRS:
            if by_part[before] and by_part[after]:
                kind = f"{PART_NAMES[before]}_{PART_NAMES[after]}"
                found(kind, len(by_part[after]), by_part[before][0], by_part[after][0])
        for own in by_part:
            for label in {labels[row] for row in own}:
                copies = [row for row in own if labels[row] == label]
                if len(copies) > 1:
                    found("within_part", len(copies) - 1, copies[0], copies[1])
        other = next((row for row in rows if labels[row] != labels[rows[0]]), None)
        if other is not None:
            found("two_labels", len(rows), rows[0], other)
    return tuple(Duplicates(kind, counts[kind], tuple(examples[kind])) for kind in sorted(counts))


def _same_pixels(pictures: Rows) -> list[list[int]]:
    """Rows with the same content, together."""
    rows: dict[bytes, list[int]] = defaultdict(list)
    place = 0
    for chunk in Selection(pictures, np.arange(len(pictures))).chunks():
        for picture in chunk:
            rows[hashlib.blake2b(picture.tobytes(), digest_size=16).digest()].append(place)
            place += 1
    return list(rows.values())
