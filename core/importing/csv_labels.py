"""Labels of pictures that lie in a table beside them, such as `labels.csv` with the columns `id` and `label`."""

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import DatasetError
from core.formatting import listed, printable
from core.importing.entries import UNREADABLE, Entry
from core.importing.folder_layout import PARTS, clean_class_name

LABEL_COLUMNS = (
    "label", "labels", "class", "class_name", "classname", "classes", "category", "target", "species", "breed",
    "diagnosis", "dx", "y", "tag",
)  # fmt: skip
PART_COLUMNS = ("split", "part", "set", "subset", "partition", "dataset")
MAX_TABLE_ROWS = 1_000_000

Rows = list[list[str]]


@dataclass(frozen=True)
class Labels:
    """What a table says: (part, class) of each picture that it names, by `Entry.path`, and a sentence on it."""

    of_picture: Mapping[str, tuple[str, str]]
    note: str


def read_labels(tables: Sequence[Entry], pictures: Sequence[Entry]) -> Labels | None:
    """The labels in the one of `tables` that names the most pictures; None where none of them names any.

    A column names pictures by path, by file name, or by file name without its ending. The classes are in a column
    with a usual name, in the only other one, or in one column per class that has 1 for the class and 0 for the others.

    Raises:
        DatasetError: a table names pictures, and it is not clear which of its columns has the classes.
    """
    known = _names_of(pictures)
    best: tuple[int, Entry, Rows, int] | None = None
    for table in tables:
        rows = _read_table(table)
        width = min(map(len, rows), default=0)
        for column in range(width):
            matches = sum(_key(row[column]) in known for row in rows)
            # Numbers in any column may happen to be a picture's name: half of the rows have to be.
            if 2 * matches >= len(rows) - 1 and matches > (best[0] if best else 0):
                best = matches, table, rows, column
    if best is None:
        return None
    _, table, rows, names = best
    header = [f"column {place + 1}" for place in range(len(rows[0]))]
    if _key(rows[0][names]) not in known:
        header, rows = [printable(cell, 40) for cell in rows[0]], rows[1:]
    parts = next((place for place, name in enumerate(header) if name.lower() in PART_COLUMNS), None)
    labels = _labels(header, rows, {names, parts}, table.name)
    of_picture = {}
    for row, label in zip(rows, labels, strict=True):
        entry = known.get(_key(row[names]))
        if entry is not None and label.strip():
            part = "train" if parts is None else PARTS.get(row[parts].strip().lower(), "train")
            of_picture[entry.path] = part, clean_class_name(label)
    return Labels(
        of_picture,
        f"The classes were read from {table.path}, by its column {printable(header[names], 40)!r}.",
    )


def _names_of(pictures: Sequence[Entry]) -> dict[str, Entry]:
    """Each way to name a picture that means exactly one."""
    ways = [
        (way, entry)
        for entry in pictures
        for way in {_key(entry.path), _key(entry.name), _key(re.sub(r"\.\w{3,4}$", "", entry.name))}
    ]
    counts = Counter(way for way, _ in ways)
    return {way: entry for way, entry in ways if counts[way] == 1}


def _key(name: str) -> str:
    return name.strip().replace("\\", "/").removeprefix("./").casefold()


def _read_table(table: Entry) -> Rows:
    """Its rows, without those that are shorter than the first."""
    try:
        data = table.content()
    except UNREADABLE:
        return []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    begin = text[: text.find("\n")]
    delimiter = max(",;\t", key=begin.count)
    rows: Rows = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            if row and len(row) >= len(rows[0] if rows else row):
                rows.append(row)
            if len(rows) > MAX_TABLE_ROWS:
                break
    except csv.Error:
        return []
    return rows


def _labels(header: Sequence[str], rows: Rows, others: set[int | None], shown: str) -> list[str]:
    """The class in each row. `others` are columns that have something else."""
    candidates = [place for place in range(len(header)) if place not in others]
    usual = [place for name in LABEL_COLUMNS for place in candidates if header[place].strip().lower() == name]
    if usual or len(candidates) == 1:
        chosen = usual[0] if usual else candidates[0]
        return [_without_zeros(row[chosen]) for row in rows]
    marks = [[_without_zeros(row[place]) for place in candidates] for row in rows]
    if candidates and all(sorted(row)[:-1] == ["0"] * (len(row) - 1) and max(row) == "1" for row in marks):
        return [header[candidates[row.index("1")]] for row in marks]
    raise DatasetError(
        f"{printable(shown, 60)} names the pictures, but not clearly their classes: its columns are "
        f"{listed(list(header), 8)}. Call the one with the classes 'label'."
    )


def _without_zeros(cell: str) -> str:
    """`1.0` is 1: what a table of numbers makes of a whole one."""
    return re.sub(r"^(\d+)\.0+$", r"\1", cell.strip())
