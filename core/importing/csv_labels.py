"""Labels of pictures that lie in tables beside them, such as `labels.csv` with the columns `id` and `label`."""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import DatasetError
from core.formatting import count_of, listed, printable, reason
from core.images import MAX_FILE_BYTES
from core.importing.entries import Entry
from core.importing.folder_layout import PARTS, hinted_parts
from core.importing.zip_guard import UNREADABLE

LABEL_COLUMNS = (
    "label", "labels", "class", "class_name", "classname", "classes", "category", "target", "species", "breed",
    "diagnosis", "dx",
)  # fmt: skip
PART_COLUMNS = ("split", "part", "set", "subset", "partition", "dataset")
MAX_TABLE_ROWS = 1_000_000
# Competitions give one to fill in: its classes are no truth.
_EXAMPLE = re.compile("submission", re.IGNORECASE)

Rows = list[list[str]]


@dataclass(frozen=True)
class Labels:
    """What tables say: (part, class) of each picture that they name, by its place in the list of pictures.

    `unused` are tables and why they were not read, `notes` sentences on those that were. `is_sure`: the column with the
    classes has a usual name.
    """

    of_picture: Mapping[int, tuple[str, str]]
    unused: Mapping[str, str]
    notes: tuple[str, ...]
    is_sure: bool


@dataclass(frozen=True)
class _Table:
    """A table that names pictures and their classes: place, class and part (None: it does not say) of each row."""

    entry: Entry
    header: tuple[str, ...]
    rows: tuple[tuple[int, str, str | None], ...]
    note: str
    is_sure: bool


def read_labels(tables: Sequence[Entry], pictures: Sequence[Entry]) -> Labels | None:
    """The labels in those of `tables` that name pictures and their classes; None where none of them does.

    A column names pictures by path, by file name, or by file name without its ending. The classes are in a column
    with a usual name, in the only other one, or in one column per class that has 1 for the class and 0 for the others.
    The part is in a column such as `split`, or in the name of the table or the folders of the picture.

    Raises:
        DatasetError: a table names pictures, and it is not clear what it says of them, or two say different things.
    """
    unused: dict[str, str] = {}
    found: list[_Table] = []
    unclear: DatasetError | None = None
    for entry in tables:
        if _EXAMPLE.search(entry.name):
            unused[entry.path] = "is a table for a submission, not of labels"
            continue
        try:
            table = _understand(entry, pictures)
        except _NoClasses as error:
            unused[entry.path], unclear = "is a table without a clear column of classes", error
            continue
        if table is None:
            unused[entry.path] = "is a table that names no pictures"
        else:
            found.append(table)
    if not found:
        if unclear is not None:
            raise unclear
        return None
    if len({table.header for table in found}) > 1:
        raise DatasetError(
            f"Several tables name the pictures and have different columns: "
            f"{listed([table.entry.path for table in found], 4)}. Keep the one with the classes, and remove the others."
        )
    return Labels(
        _join(found, pictures),
        unused,
        tuple(table.note for table in found),
        all(table.is_sure for table in found),
    )


class _NoClasses(DatasetError):
    """A table names pictures, but not clearly their classes."""


def _join(tables: Sequence[_Table], pictures: Sequence[Entry]) -> dict[int, tuple[str, str]]:
    """Part and class of each picture. Raises DatasetError where a picture has two classes."""
    by_table = [hinted_parts(table.entry.name) for table in tables]
    names_tell = len(tables) > 1 and all(len(hints) == 1 for hints in by_table)
    of_picture: dict[int, tuple[str | None, str]] = {}
    for table, hints in zip(tables, by_table, strict=True):
        for place, label, part in table.rows:
            told = next(iter(hints)) if part is None and names_tell else part
            if of_picture.setdefault(place, (told, label)) != (told, label):
                one, two = of_picture[place][1], label
                raise DatasetError(
                    f"{pictures[place].path} has more than one row, and they differ ({printable(one, 40)}, "
                    f"{printable(two, 40)}). Each picture can be of one class and in one part."
                )
    if all(part is None for part, _ in of_picture.values()):
        return {
            place: (part, of_picture[place][1])
            for place, part in _parts_by_folder(list(of_picture), pictures).items()
        }
    return {place: (part or "train", label) for place, (part, label) in of_picture.items()}


def _parts_by_folder(places: Sequence[int], pictures: Sequence[Entry]) -> dict[int, str]:
    """The part that the folders of each picture name; `train` for all where they do not tell train from another."""
    parts = {}
    for place in places:
        hints = [hinted_parts(folder) for folder in pictures[place].folders]
        parts[place] = next((next(iter(each)) for each in hints if len(each) == 1), "")
    told = set(parts.values())
    return parts if "train" in told and len(told) > 1 and "" not in told else dict.fromkeys(places, "train")


def _understand(entry: Entry, pictures: Sequence[Entry]) -> _Table | None:
    """What a table says; None where it names no pictures."""
    rows, num_short = _read_table(entry)
    width = min(map(len, rows), default=0)
    names = _Names(pictures, entry)
    places = [[names.place_of(row[column]) for row in rows] for column in range(width)]
    # Distinct ones: numbers of any kind may happen to be names of a few pictures.
    matches = [len(set(each) - {None}) for each in places]
    column = max(range(width), key=matches.__getitem__, default=0)
    if not matches or matches[column] == 0 or 2 * sum(p is not None for p in places[column]) < len(rows) - 1:
        return None
    header = tuple(f"column {place + 1}" for place in range(width))
    if places[column][0] is None:
        header, rows = tuple(printable(cell, 40) for cell in rows[0][:width]), rows[1:]
        places = [each[1:] for each in places]
    parts_in = next((place for place, name in enumerate(header) if name.lower() in PART_COLUMNS), None)
    labels, told_by, is_sure = _labels(header, rows, {column, parts_in}, entry.path)
    read = []
    for place, label, row in zip(places[column], labels, rows, strict=True):
        if place is not None and label:
            read.append((place, label, None if parts_in is None else _part(row[parts_in], entry.path)))
    note = f"The classes were read from {entry.path}: {told_by}, pictures named by its column {header[column]!r}."
    if missing := sum(place is None for place in places[column]):
        note += f" {count_of(missing, 'row')} {'names' if missing == 1 else 'name'} no picture in it."
    if num_short:
        note += f" {count_of(num_short, 'row')} with too few cells {'was' if num_short == 1 else 'were'} not read."
    return _Table(entry, header, tuple(read), note, is_sure)


class _Names:
    """Finds pictures by what a cell says: as it is written, or else whatever the capitals."""

    def __init__(self, pictures: Sequence[Entry], table: Entry) -> None:
        self._exact: dict[str, set[int]] = defaultdict(set)
        self._folded: dict[str, set[int]] = defaultdict(set)
        beside = "/".join(table.folders)
        for place, entry in enumerate(pictures):
            path = "/".join((*entry.folders, entry.name))
            ways = {path, entry.name, re.sub(r"\.\w{3,4}$", "", entry.name)}
            if beside and path.startswith(beside + "/"):
                ways.add(path[len(beside) + 1 :])
            for way in ways:
                self._exact[way].add(place)
                self._folded[way.casefold()].add(place)

    def place_of(self, cell: str) -> int | None:
        """The place of the one picture that the cell means."""
        way = cell.strip().replace("\\", "/").removeprefix("./")
        found = self._exact.get(way) or self._folded.get(way.casefold()) or set()
        return next(iter(found)) if len(found) == 1 else None


def _read_table(table: Entry) -> tuple[Rows, int]:
    """Its rows, and how many were left out because they are shorter than the first. Raises DatasetError."""
    try:
        data = table.content()
    except UNREADABLE as error:
        raise _NoClasses(f"{table.path} cannot be read: {reason(error)}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise DatasetError(f"{table.path} is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    begin = text[: text.find("\n")]
    delimiter = max(",;\t", key=begin.count)
    rows: Rows = []
    num_short = 0
    try:
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            if row and len(row) >= len(rows[0] if rows else row):
                rows.append(row)
            else:
                num_short += bool(row)
            if len(rows) > MAX_TABLE_ROWS:
                raise DatasetError(f"{table.path} has more than {MAX_TABLE_ROWS:,} rows.")
    except csv.Error:
        return [], 0
    return rows, num_short


def _labels(
    header: Sequence[str], rows: Rows, others: set[int | None], shown: str
) -> tuple[list[str], str, bool]:
    """The class in each row ("" where it has none), where it was found, and whether that column has a usual name.

    `others` are columns that have something else.
    """
    candidates = [place for place in range(len(header)) if place not in others]
    usual = [place for name in LABEL_COLUMNS for place in candidates if header[place].strip().lower() == name]
    if usual or len(candidates) == 1:
        chosen = usual[0] if usual else candidates[0]
        return [_whole(row[chosen]) for row in rows], f"column {header[chosen]!r}", bool(usual)
    marks = [[_whole(row[place]) for place in candidates] for row in rows]
    if candidates and all(sorted(row) == ["0"] * (len(row) - 1) + ["1"] for row in marks):
        return [header[candidates[row.index("1")]] for row in marks], "a column per class", True
    raise _NoClasses(
        f"{shown} names the pictures, but not clearly their classes: its columns are {listed(list(header), 8)}. Call "
        "the one with the classes 'label'."
    )


def _part(cell: str, shown: str) -> str:
    part = PARTS.get(cell.strip().lower())
    if part is None:
        raise DatasetError(
            f"{shown} says {printable(cell, 40)!r} in its column of parts; it must be one of {', '.join(PARTS)}."
        )
    return part


def _whole(cell: str) -> str:
    """`1.0` is 1: what a table of numbers makes of a whole one."""
    return re.sub(r"^(\d+)\.0+$", r"\1", cell.strip())


def differ_from_folders(labels: Labels, of_folder: Mapping[int, str]) -> bool:
    """Whether a table groups pictures in another way than their folders do: the class folder of each place.

    It has to name most of them, by a column with a usual name, and know at least two classes.
    """
    both = [
        (labels.of_picture[place][1], of_folder[place]) for place in labels.of_picture if place in of_folder
    ]
    if not labels.is_sure or 2 * len(both) < len(of_folder) or len({label for label, _ in both}) < 2:
        return False
    pairs = Counter(both)
    return len(pairs) > len({label for label, _ in pairs}) or len(pairs) > len(
        {folder for _, folder in pairs}
    )
