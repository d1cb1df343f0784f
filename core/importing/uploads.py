"""Files on their way from a browser, in portions, to be imported: appended to a file in the workspace.

A portion names the place where it begins, which must be the place where the last one ended. So a portion that was cut
off is sent again from where it was cut off, and none is stored twice. Nothing is held in memory.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from filelock import FileLock

from core.config.dataset import DATASET_ID
from core.errors import UploadError, UploadNotFound
from core.formatting import printable
from core.workspace import Workspace

ENDINGS = (".zip", ".npz")
MAX_FILE_BYTES = 2_000_000_000
MAX_ALL_BYTES = 8_000_000_000  # of all uploads, each with the size that it was announced with
MAX_UPLOADS = 100
KEPT_FREE_BYTES = 1_000_000_000  # on the disk, for runs that train meanwhile
# An upload that is left alone is removed after them: announced without a byte, partial, whole.
EMPTY_SECONDS, PARTIAL_SECONDS, WHOLE_SECONDS = 300.0, 3600.0, 24 * 3600.0
MOST_NAME = 120

MOST_CHARACTERS = 40  # of a data set's name
DEFAULT_NAME = "my-pictures"
_FILE_ENDINGS = re.compile(r"(\.zip|\.npz|\.tar|\.tar\.gz|\.tgz)$", re.IGNORECASE)
_OTHER_CHARACTERS = re.compile(r"[^a-z0-9_]+")
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
_DESCRIPTION = "upload.json"
_busy: set[tuple[Path, str]] = set()
_busy_lock = threading.Lock()


@dataclass(frozen=True)
class Upload:
    """A file that is announced: its id, what its sender called it, its size, and how many bytes are stored.

    `path` is where it lies, with an ending of `ENDINGS`; the name is only shown.
    """

    id: str
    name: str
    size: int
    received: int
    path: Path

    @property
    def is_whole(self) -> bool:
        return self.received == self.size


def begin_upload(workspace: Workspace, name: str, size: int) -> Upload:
    """Make room for a file of `size` bytes.

    Raises:
        UploadError: it is empty, too large, or no file that can be imported; or there is no room for it.
    """
    shown = printable(name.replace("\\", "/").rpartition("/")[2], MOST_NAME) or "file"
    ending = next((ending for ending in ENDINGS if shown.lower().endswith(ending)), None)
    if ending is None:
        raise UploadError(f"{shown} is neither .zip nor .npz. Pack the class folders as a .zip.")
    if size <= 0:
        raise UploadError(f"{shown} is empty.")
    if size > MAX_FILE_BYTES:
        raise UploadError(
            f"{shown} has {_megabytes(size)}; at most {_megabytes(MAX_FILE_BYTES)} are allowed here. Import it from "
            "the command line: python -m core datasets add NAME PATH",
            413,
        )
    upload_id = secrets.token_hex(16)
    folder = workspace.uploads / upload_id
    path = folder / f"file{ending}"
    try:
        workspace.uploads.mkdir(parents=True, exist_ok=True)
        with FileLock(workspace.uploads / ".lock"):
            remove_old_uploads(workspace)
            _check_room(workspace, shown, size)
            folder.mkdir()
            path.touch()
            described = json.dumps({"name": shown, "size": size, "file": path.name})
            (folder / _DESCRIPTION).write_text(described, encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _not_stored(shown, error) from error
    return Upload(upload_id, shown, size, 0, path)


def find_upload(workspace: Workspace, upload_id: str) -> Upload:
    """What is stored of an upload. Raises UploadNotFound."""
    if not _UPLOAD_ID.fullmatch(upload_id):
        raise UploadNotFound
    folder = workspace.uploads / upload_id
    try:
        described = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        path = folder / described["file"]
        return Upload(upload_id, described["name"], described["size"], path.stat().st_size, path)
    except (OSError, ValueError, KeyError, TypeError):
        raise UploadNotFound from None


class Portion:
    """The file of an upload, open to have a portion appended."""

    def __init__(self, upload: Upload, file: BinaryIO) -> None:
        self._upload = upload
        self._file = file
        self.received = upload.received

    def write(self, data: bytes) -> None:
        """Append. Raises UploadError when it is more than was announced, or the disk is full."""
        if self.received + len(data) > self._upload.size:
            raise UploadError(
                f"{self._upload.name} was announced with {self._upload.size:,} bytes; this portion goes beyond.",
                413,
            )
        rest = memoryview(data)
        try:
            while rest:
                written = self._file.write(rest)
                self.received += written
                rest = rest[written:]
        except OSError as error:
            raise _not_stored(self._upload.name, error) from error


@contextlib.contextmanager
def open_portion(workspace: Workspace, upload_id: str, offset: int) -> Iterator[Portion]:
    """Append to an upload from byte `offset` on. What was written stays, also when the portion is cut off.

    Raises:
        UploadNotFound: there is no such upload.
        UploadError: the portion begins elsewhere than the last one ended, or another one is being received.
    """
    key = workspace.uploads, upload_id
    with _busy_lock:
        if key in _busy:
            raise UploadError("Another portion of this upload is being received. Try again in a second.", 409)
        _busy.add(key)
    try:
        upload = find_upload(workspace, upload_id)
        if offset != upload.received:
            raise UploadError(
                f"The portion begins at byte {offset:,}; {upload.received:,} bytes are stored. Continue from there.",
                409,
                upload.received,
            )
        # Without a buffer of its own: after a portion that was cut off, the file is as long as what was counted.
        try:
            file = upload.path.open("ab", buffering=0)
        except FileNotFoundError:
            raise UploadNotFound from None  # removed at this moment
        except OSError as error:
            raise _not_stored(upload.name, error) from error
        with file:
            yield Portion(upload, file)
    finally:
        with _busy_lock:
            _busy.discard(key)


def remove_upload(workspace: Workspace, upload_id: str) -> None:
    """Delete an upload; nothing happens where there is none."""
    if _UPLOAD_ID.fullmatch(upload_id):
        shutil.rmtree(workspace.uploads / upload_id, ignore_errors=True)


def remove_old_uploads(workspace: Workspace, now: float | None = None) -> None:
    """Delete those that were left alone: without a byte after 5 minutes, partial ones after an hour, whole ones after
    a day. What no upload can be read from is like a partial one.
    """
    now = time.time() if now is None else now
    for folder in _folders(workspace):
        kept_seconds, used = PARTIAL_SECONDS, folder
        with contextlib.suppress(UploadNotFound):
            upload = find_upload(workspace, folder.name)
            used = upload.path
            if upload.is_whole:
                kept_seconds = WHOLE_SECONDS
            elif upload.received == 0:
                kept_seconds = EMPTY_SECONDS
        with _busy_lock:
            is_busy = (workspace.uploads, folder.name) in _busy
        with contextlib.suppress(OSError):  # another visitor's page removes it at this moment
            if now - used.stat().st_mtime > kept_seconds and not is_busy:
                remove_upload(workspace, folder.name)


def keep_upload(upload: Upload) -> None:
    """Count it as used now, so that it is not removed as an old one while a person decides."""
    with contextlib.suppress(OSError):
        os.utime(upload.path)


def propose_name(file_name: str, taken: Collection[str]) -> str:
    """`flowers (1).zip` → `flowers-1`: a name that a data set may have and that is not in `taken`.

    Accents are dropped; where nothing is left, it is called `my-pictures`. A name that is taken gets a number.
    """
    plain = PurePosixPath(file_name.replace("\\", "/")).name
    letters = (
        unicodedata.normalize("NFKD", _FILE_ENDINGS.sub("", plain)).encode("ascii", "ignore").decode().lower()
    )
    name = _shorten(_OTHER_CHARACTERS.sub("-", letters).strip("-_"), MOST_CHARACTERS)
    if not DATASET_ID.fullmatch(name):
        name = DEFAULT_NAME
    proposed, number = name, 2
    while proposed in taken:
        ending = f"-{number}"
        proposed = _shorten(name, MOST_CHARACTERS - len(ending)) + ending
        number += 1
    return proposed


def _folders(workspace: Workspace) -> list[Path]:
    """Those of uploads, also of such that cannot be read."""
    if not workspace.uploads.is_dir():
        return []
    return sorted(path for path in workspace.uploads.iterdir() if _UPLOAD_ID.fullmatch(path.name))


def _stray(folder: Path) -> Upload:
    """What lies in a folder that no upload can be read from: it takes room until it is removed as an old one."""
    num_bytes = 0
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):
            num_bytes += path.stat().st_size
    return Upload(folder.name, folder.name, num_bytes, num_bytes, folder)


def _check_room(workspace: Workspace, shown: str, size: int) -> None:
    others = []
    for folder in _folders(workspace):
        try:
            others.append(find_upload(workspace, folder.name))
        except UploadNotFound:
            others.append(_stray(folder))
    taken = sum(upload.size for upload in others)
    if len(others) >= MAX_UPLOADS or taken + size > MAX_ALL_BYTES:
        raise UploadError(
            f"There is no room for {shown} now: {len(others)} uploads with {_megabytes(taken)} are under way or not "
            f"imported yet, and {_megabytes(MAX_ALL_BYTES)} are allowed in all. Import or remove them first.",
            507,
        )
    missing = sum(upload.size - upload.received for upload in others)
    free = shutil.disk_usage(workspace.uploads).free - missing - KEPT_FREE_BYTES
    if size > free:
        raise UploadError(
            f"There is no room for {shown} on the disk: it has {_megabytes(size)}, and {_megabytes(max(free, 0))} are "
            "free for uploads. Free some space.",
            507,
        )


def _not_stored(shown: str, error: OSError) -> UploadError:
    reason = error.strerror or "the disk does not answer"
    return UploadError(f"{shown} cannot be stored: {reason}. Free some space and send it again.", 507)


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:,.0f} MB" if num_bytes >= 1e6 else f"{num_bytes / 1e6:,.1f} MB"


def _shorten(name: str, most: int) -> str:
    return name[:most].rstrip("-_")
