"""Files that are replaced as a whole or not at all, their digests, and logs of a bounded size."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

MAX_LOG_BYTES = 1_000_000

_NUMPY_IS_FULL = "Not enough free space"
_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CANNOT_WRITE = _IS_FULL | {errno.EROFS, errno.EACCES, errno.EPERM}


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes `path`'s place, on an error it is removed."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that a killed process left in `folder`. No other process may be writing there."""
    for temporary in folder.glob(".*.*.*"):
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def is_write_refused(error: BaseException) -> bool:
    """Whether a write failed because the disk is full or the folder cannot be written, which a person can change."""
    return _has_number(error, _CANNOT_WRITE)


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed for want of space."""
    return _has_number(error, _IS_FULL)


def _has_number(error: BaseException | None, numbers: Collection[int]) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in numbers:
            return True
        # The errors of h5py have the number in their text, those of NumPy not even that.
        if any(f"errno = {number}," in str(error) for number in numbers) or _NUMPY_IS_FULL in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def sha256_of(path: Path) -> str:
    """64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Have the file's bytes on the disk before this returns."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Have the folder's entries on the disk. Windows cannot, and does not need it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_log(path: Path) -> BinaryIO:
    """Open for appending; a log above 1 MB is renamed first, to `NAME.old.log`. Raises OSError."""
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".old.log"))
    return path.open("ab")
