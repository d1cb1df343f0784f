"""What a zip from outside has to be before a byte of it is unpacked: small, plain, and nothing in it leads out."""

import contextlib
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from core.errors import DatasetError

# What unpacking damaged bytes raises, by the zip's method, and what a file without read permission raises.
UNREADABLE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
UTF8 = 0x800  # the flag that says that a name is in it (APPNOTE.TXT, 4.4.4)

# The end of a zip, the comment after it, what stands before it in a ZIP64, and what a file takes in the list: 46 bytes
# and its path.
_END_BYTES, _MOST_COMMENT, _LOCATOR_BYTES, _BYTES_PER_FILE = 22, 65_535, 20, 300

Folders = tuple[str, ...]  # from the outermost inwards


def check_directory(path: Path | BinaryIO, shown: str, most: int) -> None:
    """Raises DatasetError where the list of files at the end of a zip is longer than `most` files need.

    Its end is looked for as `zipfile` does: APPNOTE.TXT, 4.3.14 to 4.3.16.
    """
    with path.open("rb") if isinstance(path, Path) else contextlib.nullcontext(path) as file:
        file.seek(0, os.SEEK_END)
        file.seek(-min(file.tell(), _END_BYTES + _MOST_COMMENT + _LOCATOR_BYTES), os.SEEK_CUR)
        tail = file.read()
        file.seek(0)
    at = len(tail) - _END_BYTES
    if tail[at : at + 4] != b"PK\5\6" or tail[-2:] != b"\0\0":
        at = tail.rfind(b"PK\5\6")
    if at < 0:
        return  # no zip, which `zipfile` says
    if tail[max(0, at - _LOCATOR_BYTES) :].startswith(b"PK\6\7"):
        raise DatasetError(
            f"{shown} is a ZIP64, made for far more files. Pack at most {most:,} files in a plain zip."
        )
    num_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    if num_bytes > most * _BYTES_PER_FILE:
        raise DatasetError(f"{shown} lists far more than {most:,} files. Pack fewer.")


def check_archive(infos: Sequence[zipfile.ZipInfo], shown: str, most_entries: int, most_bytes: int) -> None:
    """Raises DatasetError where a zip, called `shown`, holds too much, is encrypted or packed in a rare way, where its
    entries share bytes or lead out of it.
    """
    if len(infos) > most_entries:
        raise DatasetError(f"{shown} holds {len(infos):,} entries; that is too many.")
    total = sum(info.file_size for info in infos)
    if total > most_bytes:
        raise DatasetError(f"{shown} would take {total:,} bytes; at most {most_bytes:,} are allowed.")
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
        parts_of(file_name(info))


def file_name(info: zipfile.ZipInfo) -> str:
    """Its name. Without the flag for UTF-8 the standard has code page 437; macOS writes UTF-8 all the same."""
    if info.flag_bits & UTF8 or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def parts_of(name: str) -> Folders:
    """The folders and the name of a zip's entry. Raises DatasetError when it would leave the folder."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", name):
        raise DatasetError(f"An entry of the archive is named {name[:60]!r}, which points outside of it.")
    return parts


def is_plain(info: zipfile.ZipInfo) -> bool:
    """Whether an entry that is no folder is a regular file: no link, no device."""
    return stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG)
