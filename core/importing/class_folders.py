"""Pictures in one folder per class, or with a table of labels: read with care, because files are untrusted."""

import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.datasets.rows import PictureFile
from core.datasets.storage import MAX_ARRAY_BYTES, Progress, Report
from core.errors import DatasetError, PictureError
from core.formatting import listed, reason
from core.images import FORMATS_IN_WORDS, PIXELS_AVERAGED, decode_picture, fit_picture, shorten
from core.importing.csv_labels import Labels, differ_from_folders, read_labels
from core.importing.entries import Entry, Listing
from core.importing.folder_layout import IN_NO_CLASS, Layout, class_name, find_layout, name_classes
from core.importing.parts import PART_NAMES, Collected
from core.importing.reading import Reading
from core.importing.report import DARK, DamagedPictures, LeftOut, dark_note
from core.importing.zip_guard import UNREADABLE, Folders

TELL_SECONDS = 0.2


@dataclass(frozen=True)
class _Placed:
    entry: Entry
    part: str
    name: str  # of its class


def read_class_folders(
    listing: Listing, reading: Reading, pictures: PictureFile, report: Report
) -> Collected:
    """All pictures of `listing`, decoded into `pictures`.

    One folder per class; or the parts `train`, `validation` and `test`, in each one folder per class; or pictures
    anywhere with a table that has their classes.

    Raises:
        DamagedPictures: some cannot be read, and are not to be left out.
        DatasetError: there are no classes, too few of them, or a class without a picture.
    """
    placed, notes = _place(listing)
    placed.sort(key=lambda each: (PART_NAMES.index(each.part), each.entry.folders, each.entry.name))
    needed = len(placed) * reading.size**2 * 3
    if needed > MAX_ARRAY_BYTES:
        raise DatasetError(
            f"{len(placed):,} pictures of {reading.size}×{reading.size} pixels take {needed:,} bytes; at most "
            f"{MAX_ARRAY_BYTES:,} are allowed. Choose a smaller image size."
        )
    pictures.check_space(len(placed))
    whole, damaged, said = _decode_all(placed, reading, pictures, report)
    if damaged and not reading.skip_damaged:
        raise DamagedPictures(damaged, len(whole))
    class_names = tuple(sorted({each.name for each in placed}))
    emptied = sorted(set(class_names) - {each.name for each in whole if each.part == "train"})
    if emptied:
        raise DatasetError(
            f"No training picture of {listed(emptied, 5)} can be read. Replace the damaged ones, or remove the class."
        )
    label_of = {name: label for label, name in enumerate(class_names)}
    return Collected(
        class_names,
        pictures,
        np.array([label_of[each.name] for each in whole], np.int64),
        np.array([PART_NAMES.index(each.part) for each in whole], np.int8),
        [each.entry.path for each in whole],
        [*listing.left_out, *damaged],
        [*notes, *listing.notes, *said],
    )


def _place(listing: Listing) -> tuple[list[_Placed], list[str]]:
    """Part and class of each picture, by folders or, where these are no classes, by a table. The rest is left out."""
    try:
        placed, outside, notes = _place_by_folders(listing)
    except DatasetError:
        labels = read_labels(listing.tables, listing.pictures)
        if labels is None:
            raise
        return _place_by_table(listing, labels), list(labels.notes)
    _check_tables_agree(listing, placed)
    listing.left_out += outside
    for table in listing.tables:
        listing.leave_out(table.path, "is a table; the folders have the classes")
    return placed, notes


def _place_by_folders(listing: Listing) -> tuple[list[_Placed], list[LeftOut], list[str]]:
    layout = find_layout({entry.folders for entry in listing.pictures})
    placed, outside = [], []
    inner: dict[str, set[str]] = {}
    for entry in listing.pictures:
        place = layout.place(entry.folders)
        if place is None:
            outside.append(LeftOut(entry.path, layout.reason_outside(entry.folders)))
        else:
            placed.append(_Placed(entry, place[0], class_name(place[1])))
            within = entry.folders[entry.folders.index(place[1]) + 1 :]
            inner.setdefault(class_name(place[1]), set()).update(within[:1])
    if not placed or sum(each.reason == IN_NO_CLASS for each in outside) > len(placed):
        raise DatasetError(
            f"Most pictures are in no class folder, such as {outside[0].file}. Put each class into its own folder, or "
            "add a table (.csv) with the columns file and label."
        )
    folders = {place[1] for each in placed if (place := layout.place(each.entry.folders))}
    name_classes(folders)
    trained = {each.name for each in placed if each.part == "train"}
    for part in ("validation", "test"):
        names = {each.name for each in placed if each.part == part}
        if names and not names & trained:
            outside += [
                LeftOut(
                    each.entry.path,
                    f"is in {listed(sorted(names), 3)}, which is no class of the training part",
                )
                for each in placed
                if each.part == part
            ]
            placed = [each for each in placed if each.part != part]
    _check_none_is_empty(
        {each.name for each in placed if each.part == "train"}, listing.folders, layout, outside
    )
    notes = [
        f"All pictures in the folders {listed(sorted(within), 4)} are of the class {name}. If these folders are the "
        "classes, move them up by one level."
        for name, within in inner.items()
        if len(within) > 1
    ]
    return placed, outside, notes[:5]


def _place_by_table(listing: Listing, labels: Labels) -> list[_Placed]:
    if not labels.of_picture:
        raise DatasetError("The table gives no picture a class.")
    name_classes({label for _, label in labels.of_picture.values()})
    placed = []
    for place, entry in enumerate(listing.pictures):
        if place in labels.of_picture:
            part, label = labels.of_picture[place]
            placed.append(_Placed(entry, part, class_name(label)))
        else:
            listing.leave_out(entry.path, "has no label in a table")
    for path, why in labels.unused.items():
        listing.leave_out(path, why)
    missing = {each.name for each in placed} - {each.name for each in placed if each.part == "train"}
    if missing:
        raise DatasetError(f"The table has no training picture of {listed(sorted(missing), 5)}.")
    return placed


def _check_tables_agree(listing: Listing, placed: list[_Placed]) -> None:
    """Raise DatasetError where a table tells other classes than the folders: either may be meant."""
    try:
        labels = read_labels(listing.tables, listing.pictures)
    except DatasetError:
        return  # it is not clear, and the folders are
    if labels is None:
        return
    folder_of = {id(each.entry): each.name for each in placed}
    of_folder = {
        place: folder_of[id(entry)] for place, entry in enumerate(listing.pictures) if id(entry) in folder_of
    }
    if differ_from_folders(labels, of_folder):
        raise DatasetError(
            f"The folders ({listed(sorted(set(of_folder.values())), 3)}) and a table give the pictures different "
            f"classes. {labels.notes[0]} To use the table, put all pictures into one folder; to use the folders, "
            "remove the table."
        )


def _check_none_is_empty(
    filled: set[str], seen: set[Folders], layout: Layout, outside: list[LeftOut]
) -> None:
    """A folder beside the classes without a picture is a forgotten class, or one in an unsupported format."""
    explained = {
        tuple(each.file.split("/")[:-1]) for each in outside
    }  # that their pictures are left out is said
    for folders in sorted(seen - explained):
        if any(part == "__MACOSX" or part.startswith(".") for part in folders):
            continue
        place = layout.place(folders)
        if place is not None and class_name(place[1]) not in filled:
            raise DatasetError(
                f"The class folder {class_name(place[1])!r} holds no picture to train on ({FORMATS_IN_WORDS}). Add "
                "some, or remove the folder."
            )


def _decode_all(
    placed: list[_Placed], reading: Reading, pictures: PictureFile, report: Report
) -> tuple[list[_Placed], list[LeftOut], list[str]]:
    """Those that were decoded, in the order of the rows of `pictures`, the damaged ones, and notes."""
    whole: list[_Placed] = []
    damaged: list[LeftOut] = []
    said: Counter[str] = Counter()
    brightest, told = 0, 0.0
    for done, each in enumerate(placed):
        if time.monotonic() - told > TELL_SECONDS:
            report(Progress("Reading pictures", done, len(placed)))
            told = time.monotonic()
        try:
            pixels, notes = _decode(each.entry, reading)
        except PictureError as error:
            damaged.append(LeftOut(each.entry.path, _without_name(str(error), each.entry.name)))
            continue
        said.update(notes)
        if any(note.startswith("16 bits") for note in notes):
            brightest = max(brightest, int(pixels.max()))
        pictures.append(pixels)
        whole.append(each)
    told_notes = [f"{note} ({count:,} of {len(whole):,} pictures)" for note, count in said.items()]
    if 0 < brightest < DARK and any(note.startswith("16 bits") for note in said):
        told_notes.append(dark_note(brightest))
    return whole, damaged, told_notes


def _decode(entry: Entry, reading: Reading) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    try:
        picture = decode_picture(entry.content(), entry.name, PIXELS_AVERAGED * reading.size)
    except UNREADABLE as error:
        raise PictureError(f"{shorten(entry.name)} cannot be read: {reason(error)}.") from error
    return fit_picture(picture.pixels, (reading.size, reading.size, 3), reading.crop), picture.notes


def _without_name(sentence: str, name: str) -> str:
    """`x.png is empty.` → `is empty`: the report has the file's path."""
    return sentence.removeprefix(shorten(name)).strip().rstrip(".")
