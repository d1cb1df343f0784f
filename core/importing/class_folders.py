"""One folder per class, on disk or in a zip: read with care, because its files are untrusted."""

import lzma
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.datasets.folder_layout import Layout, class_name, find_layout, name_classes
from core.datasets.readers import Arrays
from core.datasets.splits import nested_order
from core.datasets.storage import MAX_ARRAY_BYTES, MAX_SIDE, Progress, Report
from core.errors import DatasetError, PictureError
from core.formatting import reason
from core.images import MAX_FILE_BYTES, decode_picture, fit_picture, shorten

DEFAULT_SIZE = 32
TEST_SHARE = 0.2
MAX_PICTURES = 300_000
MAX_ARCHIVE_BYTES = 8_000_000_000
IGNORED = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
# What unpacking damaged bytes raises, by the zip's method, and what a file without read permission raises.
_UNREADABLE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


@dataclass(frozen=True)
class Entry:
    """A picture file: the folders it lies in, its name, and how to read it."""

    folders: tuple[str, ...]
    name: str
    read: Callable[[], bytes]


class ClassFolders(NamedTuple):
    """What was read. `num_validation` is as in `core.datasets.storage.Dataset`."""

    class_names: tuple[str, ...]
    arrays: Arrays
    num_validation: int | None


def read_folder(path: Path, image_size: int | None, report: Report) -> ClassFolders:
    """A folder with one folder per class, or with `train`, `validation` and `test` that have one per class each.

    Links are not followed. With one part beside `train`, that is for validation and test; with none, a fifth of each
    class is held out for them.

    Raises:
        DatasetError: no or too few classes or pictures, or a picture that cannot be read.
    """
    entries, seen = [], set()
    for folder, folders, files in os.walk(path):
        folders.sort()
        parts = Path(folder).relative_to(path).parts
        seen.add(parts)
        for name in sorted(files):
            file = Path(folder) / name
            if file.is_file() and not file.is_symlink():
                entries.append(Entry(parts, name, _reader(file)))
    return _read(entries, seen, image_size, report)


def read_zip(path: Path, shown: str, image_size: int | None, report: Report) -> ClassFolders:
    """As `read_folder`, from a zip, called `shown`. Nothing is unpacked to disk, so names in it can lead nowhere.

    Raises:
        DatasetError: also for encrypted, overlapping or oversized entries, links, and names that leave the folder.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            _check_archive(infos, shown)
            entries = [
                Entry(parts[:-1], parts[-1], _zip_reader(archive, info))
                for info in infos
                if not info.is_dir() and (parts := _parts(info.filename))
            ]
            seen = {
                parts if info.is_dir() else parts[:-1] for info in infos if (parts := _parts(info.filename))
            }
            return _read(entries, seen, image_size, report)
    except DatasetError:
        raise
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
    ) as error:
        raise DatasetError(f"{shown} cannot be read as .zip: {reason(error)}.") from error


def _reader(file: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        with file.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)

    return read


def _zip_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        # Counted while reading: the header's size may be false.
        with archive.open(info) as stream:
            return stream.read(MAX_FILE_BYTES + 1)

    return read


def _check_archive(infos: list[zipfile.ZipInfo], shown: str) -> None:
    if len(infos) > 2 * MAX_PICTURES:
        raise DatasetError(f"{shown} holds {len(infos):,} entries; that is too many.")
    total = sum(info.file_size for info in infos)
    if total > MAX_ARCHIVE_BYTES:
        raise DatasetError(f"{shown} would take {total:,} bytes; at most {MAX_ARCHIVE_BYTES:,} are allowed.")
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.flag_bits & 1:
            raise DatasetError(f"{shown} is encrypted. Pack it again without a password.")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DatasetError(f"{shown} holds a link or a device, which is not allowed.")
        # Entries that share bytes are how 100 KB become 20 GB.
        if info.header_offset < end:
            raise DatasetError(f"{shown} holds overlapping entries: it is damaged or malicious.")
        end = info.header_offset + info.compress_size
        _parts(info.filename)


def _parts(name: str) -> tuple[str, ...]:
    """The folders and the name of a zip's entry. Raises DatasetError when it would leave the folder."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", name):
        raise DatasetError(f"An entry of the archive is named {name[:60]!r}, which points outside of it.")
    return parts


def _read(
    entries: list[Entry], seen: set[tuple[str, ...]], image_size: int | None, report: Report
) -> ClassFolders:
    """`seen` are all folders, also those without a picture."""
    size = image_size or DEFAULT_SIZE
    if not 8 <= size <= MAX_SIDE:
        raise DatasetError(f"The image size must be from 8 to {MAX_SIDE} pixels, not {size}.")
    # Sorted, so that what is held out does not depend on the order in which a zip was packed.
    entries = sorted(filter(_is_wanted, entries), key=lambda entry: (entry.folders, entry.name))
    if not entries:
        raise DatasetError("There are no pictures (PNG, JPEG, WebP, BMP or GIF) in its folders.")
    if len(entries) > MAX_PICTURES:
        raise DatasetError(f"There are {len(entries):,} pictures; at most {MAX_PICTURES:,} are allowed.")
    needed = len(entries) * size * size * 3
    if needed > MAX_ARRAY_BYTES:
        raise DatasetError(
            f"{len(entries):,} pictures of {size}×{size} pixels take {needed:,} bytes; at most {MAX_ARRAY_BYTES:,} are "
            "allowed. Choose a smaller image size."
        )
    layout = find_layout({entry.folders for entry in entries})
    placed = [(*_place(layout, entry), entry) for entry in entries]
    class_names = name_classes({folder for _, folder, _ in placed})
    _check_none_is_empty({folder for part, folder, _ in placed if part == "train"}, seen, layout)
    label_of = {folder: class_names.index(class_name(folder)) for _, folder, _ in placed}
    arrays: Arrays = {}
    done = 0
    for stored in (("train",), ("validation", "test")):
        chosen = [picture for part in stored for picture in placed if picture[0] == part]
        pictures = np.empty((len(chosen), size, size, 3), np.uint8)
        labels = np.empty(len(chosen), np.int64)
        for index, (_, folder, entry) in enumerate(chosen):
            pictures[index] = _decode(entry, size)
            labels[index] = label_of[folder]
            done += 1
            if done % 100 == 0:
                report(Progress("Reading pictures", done, len(entries)))
        arrays[f"x_{stored[-1]}"], arrays[f"y_{stored[-1]}"] = pictures, labels
    if len(arrays["x_test"]) == 0:
        arrays = _hold_out(arrays["x_train"], arrays["y_train"], class_names)
    num_validation = sum(part == "validation" for part, _, _ in placed)
    return ClassFolders(class_names, arrays, num_validation or None)


def _place(layout: Layout, entry: Entry) -> tuple[str, str]:
    place = layout.place(entry.folders)
    assert place is not None, "the layout was found from these very folders"
    return place


def _decode(entry: Entry, size: int) -> NDArray[np.uint8]:
    try:
        return fit_picture(decode_picture(entry.read(), entry.name).pixels, (size, size, 3))
    except PictureError as error:
        problem = str(error)
        cause: Exception = error
    except _UNREADABLE as error:
        problem = f"{shorten(entry.name)} cannot be read: {reason(error)}."
        cause = error
    raise DatasetError(
        f"{problem} Remove it from the folder {entry.folders[-1][:40]!r} and import again."
    ) from cause


def _is_wanted(entry: Entry) -> bool:
    if any(part in IGNORED or part.startswith(".") for part in (*entry.folders, entry.name)):
        return False
    return entry.name.lower().endswith(SUFFIXES)


def _check_none_is_empty(filled: set[str], seen: set[tuple[str, ...]], layout: Layout) -> None:
    """A folder beside the classes without a picture is a forgotten class, or one in an unsupported format."""
    names = {class_name(folder) for folder in filled}
    for folders in sorted(seen):
        if any(part in IGNORED or part.startswith(".") for part in folders):
            continue
        place = layout.place(folders)
        if place is not None and class_name(place[1]) not in names:
            raise DatasetError(
                f"The class folder {class_name(place[1])!r} holds no picture to train on (PNG, JPEG, WebP, BMP or "
                "GIF). Add some, or remove the folder."
            )


def _hold_out(x: np.ndarray, y: np.ndarray, class_names: tuple[str, ...]) -> Arrays:
    """A stratified fifth of the pictures becomes the test part; every class keeps at least one for training."""
    order = nested_order(y)
    count = round(TEST_SHARE * len(y))
    if min(np.bincount(y, minlength=len(class_names))) < 3 or count < len(class_names):
        raise DatasetError(
            "Each class needs at least 5 pictures, since some are held out for validation and test."
        )
    test, train = np.sort(order[:count]), np.sort(order[count:])
    return {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}
