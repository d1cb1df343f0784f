"""Pictures to classify: single files, and those in folders and zips. They are read when their turn comes."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from core.errors import UserError
from core.formatting import reason
from core.images import MAX_FILE_BYTES, Box
from core.importing.entries import Entry, list_folder, open_zip
from core.importing.zip_guard import UNREADABLE


@dataclass(frozen=True)
class PictureFile:
    """A picture: its `path`, which two of them may not share, its `name`, how to get its bytes, and the part of it that
    is looked at, None: all of it. `read` raises UserError where it cannot be read.
    """

    path: str
    name: str
    read: Callable[[], bytes]
    box: Box | None = None


def picture_on_disk(path: Path) -> PictureFile:
    """One that is named by itself."""
    return PictureFile(str(path), path.name, partial(read_picture, path))


def open_pictures(
    opened: ExitStack, source: Path | BinaryIO, shown: str, most: int | None = None
) -> tuple[list[PictureFile], str]:
    """The pictures in a folder or a zip, called `shown`, by folder and name, with their paths within it; and in words
    what is left out. They can be read for as long as `opened` is.

    Raises DatasetError as `list_folder` and `open_zip` do; `most` is as in the latter.
    """
    if isinstance(source, Path) and source.is_dir():
        listing = list_folder(source)
    else:
        listing = opened.enter_context(open_zip(source, shown, most))
    pictures = [PictureFile(entry.path, entry.name, partial(_read, entry)) for entry in listing.pictures]
    return pictures, listing.others_in_words()


def read_picture(path: Path) -> bytes:
    """At most as much of the file as is taken. Raises UserError when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)  # one that is larger the engine refuses, in words
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}.") from error


def _read(entry: Entry) -> bytes:
    try:
        return entry.content()
    except UNREADABLE as error:
        raise UserError(f"{entry.path} cannot be read ({reason(error)}).") from error
