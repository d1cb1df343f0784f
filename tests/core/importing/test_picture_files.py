"""Pictures of folders, zips and single files, read when their turn comes."""

import io
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.errors import DatasetError, UserError
from core.importing.picture_files import open_pictures, picture_on_disk

FILES = {"b/2.png": b"two", "b/1.png": b"one", "a.jpg": b"three", "notes.txt": b"hello"}


def packed() -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    return buffer


@pytest.mark.parametrize("kind", ["folder", "path of a zip", "open zip"])
def test_pictures_by_folder_and_name_and_what_is_left_out(tmp_path: Path, kind: str) -> None:
    source: Path | io.BytesIO = tmp_path / "mine"
    if kind == "folder":
        for name, data in FILES.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(data)
    elif kind == "open zip":
        source = packed()
    else:
        source.write_bytes(packed().getvalue())
    with ExitStack() as opened:
        pictures, others = open_pictures(opened, source, "mine.zip")
        assert [(each.path, each.name, each.read()) for each in pictures] == [
            ("a.jpg", "a.jpg", b"three"), ("b/1.png", "1.png", b"one"), ("b/2.png", "2.png", b"two"),
        ]  # fmt: skip
        assert others == "notes.txt is not a picture."


def test_a_damaged_entry_is_a_sentence_when_it_is_read(tmp_path: Path) -> None:
    data = packed().getvalue().replace(b"two", b"tow")  # its checksum is that of “two”
    with ExitStack() as opened:
        pictures, _ = open_pictures(opened, io.BytesIO(data), "mine.zip")
        with pytest.raises(UserError, match=r"b/2\.png cannot be read \("):
            pictures[2].read()


def test_what_is_not_there_or_no_zip(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.png cannot be read: No such file"):
        picture_on_disk(tmp_path / "gone.png").read()
    with ExitStack() as opened, pytest.raises(DatasetError, match=r"mine\.zip cannot be read as \.zip"):
        open_pictures(opened, io.BytesIO(b"hello"), "mine.zip")
