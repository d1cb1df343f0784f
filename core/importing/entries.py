"""The files of a folder or zip, sorted into pictures, tables and what is left out. They are untrusted."""

import contextlib
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from core.errors import DatasetError
from core.formatting import count_of, listed, printable, reason
from core.images import HEAD_BYTES, MAX_FILE_BYTES, PICTURE_ENDINGS, picture_kind
from core.importing.report import LeftOut

MAX_PICTURES = 300_000
MAX_ARCHIVE_BYTES = 8_000_000_000
# What systems and programs leave beside pictures.
_SYSTEM_FILES = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX")
# What unpacking damaged bytes raises, by the zip's method, and what a file without read permission raises.
UNREADABLE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)

Folders = tuple[str, ...]  # from the outermost inwards


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
            raise DatasetError(f"There are no pictures in it.{self._instead()}")
        if len(self.pictures) > MAX_PICTURES:
            raise DatasetError(
                f"There are {len(self.pictures):,} pictures; at most {MAX_PICTURES:,} are allowed."
            )
        # Sorted, so that what is held out does not depend on the order in which a zip was packed.
        self.pictures.sort(key=lambda entry: (entry.folders, entry.name))
        if self.system_files:
            files = count_of(sum(self.system_files.values()), "system file")
            self.notes.append(f"Left out {files} ({listed(sorted(self.system_files), 3)}).")

    def _instead(self) -> str:
        others = [*self.left_out, *(LeftOut(entry.path, "is a table") for entry in self.tables)]
        return f" {listed([f'{each.file} {each.reason}' for each in others], 3, '; ')}." if others else ""


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
def open_zip(path: Path, shown: str) -> Iterator[Listing]:
    """The files in a zip, called `shown`, readable while it is open. Nothing is unpacked to disk.

    Raises:
        DatasetError: it is damaged, encrypted or too large, or its entries overlap or lead out of it.
    """
    with contextlib.ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
            listing = _list_zip(archive, shown)
        except DatasetError:
            raise
        except (*UNREADABLE, zipfile.LargeZipFile, NotImplementedError, ValueError) as error:
            raise DatasetError(f"{shown} cannot be read as .zip: {reason(error)}.") from error
        yield listing


def _list_zip(archive: zipfile.ZipFile, shown: str) -> Listing:
    infos = archive.infolist()
    _check_archive(infos, shown)
    listing = Listing()
    # Of entries with the same name, the last counts, as when it is unpacked.
    last = {name: info for info in infos if (name := _file_name(info))}
    unclear = False
    for info in infos:
        name = _file_name(info)
        unclear |= not name.isascii() and not info.flag_bits & _UTF8 and name == info.filename
        parts = _parts(name)
        if not parts:
            continue
        listing.folders.add(parts if info.is_dir() else parts[:-1])
        if info.is_dir():
            continue
        if last[name] is not info:
            listing.leave_out(name, "is in the zip twice; the last one is used")
        elif stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
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


_UTF8 = 0x800  # the flag that says so (APPNOTE.TXT, 4.4.4)


def _file_name(info: zipfile.ZipInfo) -> str:
    """Its name. Without the flag for UTF-8 the standard has code page 437; macOS writes UTF-8 all the same."""
    if info.flag_bits & _UTF8 or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


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
        # What the others unfold to is not limited while it is read: 89 KB of bzip2 take gigabytes for a first byte.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DatasetError(
                f"{shown} is packed by a method that is not read (number {info.compress_type}). Pack it again by "
                "Deflate, the usual one."
            )
        # Entries that share bytes are how 100 KB become 20 GB.
        if info.header_offset < end:
            raise DatasetError(f"{shown} holds overlapping entries: it is damaged or malicious.")
        end = info.header_offset + info.compress_size
        _parts(_file_name(info))


def _parts(name: str) -> Folders:
    """The folders and the name of a zip's entry. Raises DatasetError when it would leave the folder."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", name):
        raise DatasetError(f"An entry of the archive is named {name[:60]!r}, which points outside of it.")
    return parts


def _system_file(entry: Entry) -> str | None:
    """The kind of leftover that a file is."""
    if entry.name.startswith("._"):
        return "._ files of macOS"
    return next((part for part in (*entry.folders, entry.name) if part in _SYSTEM_FILES), None)
