"""The files of a folder or zip, sorted into pictures, tables and what is left out. They are untrusted."""

import contextlib
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from core.errors import DatasetError
from core.formatting import count_of, listed, printable, reason
from core.images import HEAD_BYTES, MAX_FILE_BYTES, PICTURE_ENDINGS, picture_kind
from core.importing.report import LeftOut
from core.importing.zip_guard import (
    UNREADABLE,
    UTF8,
    Folders,
    check_archive,
    check_directory,
    file_name,
    is_plain,
    parts_of,
)

MAX_PICTURES = 300_000
MAX_ARCHIVE_BYTES = 8_000_000_000
# What systems and programs leave beside pictures.
_SYSTEM_FILES = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX")


@dataclass(frozen=True)
class Entry:
    """A file: the folders it lies in, its name, and `read`, which gives at most that many of its first bytes."""

    folders: Folders
    name: str
    read: Callable[[int], bytes]

    @property
    def path(self) -> str:
        return printable("/".join((*self.folders, self.name)), 200)

    def content(self) -> bytes:
        """All of it; of a file that is too large to be a picture, one byte more than is allowed."""
        return self.read(MAX_FILE_BYTES + 1)


@dataclass
class Listing:
    """What a folder or zip holds. `pictures` are or claim to be pictures; `folders` are all, also empty ones."""

    pictures: list[Entry] = field(default_factory=list)
    tables: list[Entry] = field(default_factory=list)
    folders: set[Folders] = field(default_factory=set)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    system_files: Counter[str] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        """Sort a file in: by what it holds, and by its name where it is damaged."""
        if (system_file := _system_file(entry)) is not None:
            self.system_files[system_file] += 1
        elif any(part.startswith(".") for part in (*entry.folders, entry.name)):
            self.leave_out(entry.path, "is hidden")
        elif entry.name.lower().endswith(PICTURE_ENDINGS):
            self.pictures.append(entry)
        else:
            try:
                head = entry.read(HEAD_BYTES)
            except UNREADABLE as error:
                self.leave_out(entry.path, f"cannot be read ({reason(error)})")
                return
            if picture_kind(head) is not None:
                self.pictures.append(entry)
            elif entry.name.lower().endswith((".csv", ".tsv")):
                self.tables.append(entry)
            elif head.startswith(b"PK\x03\x04"):
                self.leave_out(entry.path, "is an archive within; unpack it and import what is in it")
            else:
                self.leave_out(entry.path, "is not a picture")

    def leave_out(self, file: str, why: str) -> None:
        """Note a file that is not imported."""
        self.left_out.append(LeftOut(printable(file, 200), why))

    def close(self) -> None:
        """Check and sort what was added. Raises DatasetError where there is no picture, or far too many."""
        if not self.pictures:
            raise DatasetError(f"There are no pictures in it. {self.others_in_words()}".rstrip())
        if len(self.pictures) > MAX_PICTURES:
            raise DatasetError(
                f"There are {len(self.pictures):,} pictures; at most {MAX_PICTURES:,} are allowed."
            )
        # Sorted, so that what is held out does not depend on the order in which a zip was packed.
        self.pictures.sort(key=lambda entry: (entry.folders, entry.name))
        if self.system_files:
            files = count_of(sum(self.system_files.values()), "system file")
            self.notes.append(f"Left out {files} ({listed(sorted(self.system_files), 3)}).")

    def others_in_words(self) -> str:
        """The files that are no pictures, and why, in one sentence of at most three of them; empty without any."""
        others = [*self.left_out, *(LeftOut(entry.path, "is a table") for entry in self.tables)]
        return f"{listed([f'{each.file} {each.reason}' for each in others], 3, '; ')}." if others else ""


def list_folder(path: Path) -> Listing:
    """The files beneath a folder. Links are not followed, so none leads out of it. Raises DatasetError."""
    listing = Listing()

    def unreadable(error: OSError) -> None:
        listing.leave_out(os.path.relpath(error.filename, path), f"cannot be read ({reason(error)})")

    for folder, folders, files in os.walk(path, onerror=unreadable):
        folders.sort()
        parts = Path(folder).relative_to(path).parts
        listing.folders.add(parts)
        for name in (*folders, *sorted(files)):
            file = Path(folder) / name
            if file.is_symlink():
                listing.leave_out("/".join((*parts, name)), "is a link, which is not followed")
            elif file.is_file():
                listing.add(Entry(parts, name, _file_reader(file)))
            elif not file.is_dir():
                listing.leave_out("/".join((*parts, name)), "is not a regular file")
    listing.close()
    return listing


@contextlib.contextmanager
def open_zip(path: Path | BinaryIO, shown: str, most: int | None = None) -> Iterator[Listing]:
    """The files in a zip, called `shown`, readable while it is open. Nothing is unpacked to disk.

    One that lists more than about `most` files is refused before its list is read, for a process that many share.

    Raises:
        DatasetError: it is damaged, encrypted or too large, or its entries overlap or lead out of it.
    """
    with contextlib.ExitStack() as stack:
        try:
            if most is not None:
                check_directory(path, shown, most)
            archive = stack.enter_context(zipfile.ZipFile(path))
            listing = _list_zip(archive, shown)
        except DatasetError:
            raise
        except (*UNREADABLE, zipfile.LargeZipFile, NotImplementedError, ValueError) as error:
            raise DatasetError(f"{shown} cannot be read as .zip: {reason(error)}.") from error
        yield listing


def _list_zip(archive: zipfile.ZipFile, shown: str) -> Listing:
    infos = archive.infolist()
    check_archive(infos, shown, 2 * MAX_PICTURES, MAX_ARCHIVE_BYTES)
    listing = Listing()
    # Of entries with the same name, the last counts, as when it is unpacked.
    last = {name: info for info in infos if (name := file_name(info))}
    unclear = False
    for info in infos:
        name = file_name(info)
        unclear |= not name.isascii() and not info.flag_bits & UTF8 and name == info.filename
        parts = parts_of(name)
        if not parts:
            continue
        listing.folders.add(parts if info.is_dir() else parts[:-1])
        if info.is_dir():
            continue
        if last[name] is not info:
            listing.leave_out(name, "is in the zip twice; the last one is used")
        elif not is_plain(info):
            listing.leave_out(name, "is a link or a device, which is not followed")
        else:
            listing.add(Entry(parts[:-1], parts[-1], _zip_reader(archive, info)))
    if unclear:
        listing.notes.append(
            "Names in the zip are in an old encoding that it does not state, so letters beyond a to z may be wrong. "
            "Rename the folders, or pack it again with UTF-8 names."
        )
    listing.close()
    return listing


def _file_reader(file: Path) -> Callable[[int], bytes]:
    def read(most: int) -> bytes:
        with file.open("rb") as stream:
            return stream.read(most)

    return read


def _zip_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(most: int) -> bytes:
        # Counted while reading: the header's size may be false.
        with archive.open(info) as stream:
            return stream.read(most)

    return read


def _system_file(entry: Entry) -> str | None:
    """The kind of leftover that a file is."""
    if entry.name.startswith("._"):
        return "._ files of macOS"
    return next((part for part in (*entry.folders, entry.name) if part in _SYSTEM_FILES), None)
