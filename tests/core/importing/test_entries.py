"""A zip that lists far too many files is refused before its list is read, whatever stands at its end."""

import io
import zipfile

import pytest

from core.errors import DatasetError
from core.importing.entries import open_zip


def zip_of(count: int, comment: bytes = b"") -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.comment = comment
        for number in range(count):
            archive.writestr(f"cats/{number}.png", b"")
    return made


@pytest.mark.parametrize("comment", [b"", b"a comment"])
def test_few_files_are_listed(comment: bytes, tmp_path) -> None:
    made = zip_of(20, comment)
    with open_zip(made, "x.zip", 20) as listing:
        assert len(listing.pictures) == 20
    path = tmp_path / "x.zip"
    path.write_bytes(made.getvalue())
    with open_zip(path, "x.zip", 20) as listing:
        assert len(listing.pictures) == 20


@pytest.mark.parametrize("comment", [b"", b"a comment"])
def test_a_long_list_is_never_read(comment: bytes, monkeypatch) -> None:
    made = zip_of(200, comment)

    def read(*arguments: object) -> None:
        raise AssertionError("It was read.")

    monkeypatch.setattr(zipfile, "ZipFile", read)
    with (
        pytest.raises(DatasetError, match=r"x\.zip lists far more than 20 files\. Pack fewer\."),
        open_zip(made, "x.zip", 20),
    ):
        pass


def test_neither_is_that_of_a_zip64(monkeypatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    made = zip_of(3)
    assert b"PK\6\7" in made.getvalue()
    with open_zip(made, "x.zip") as listing:
        assert len(listing.pictures) == 3
    with pytest.raises(DatasetError, match=r"x\.zip is a ZIP64"), open_zip(made, "x.zip", 20):
        pass


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\5\6"])
def test_what_is_no_zip_is_said(data: bytes) -> None:
    with (
        pytest.raises(DatasetError, match=r"x\.zip cannot be read as \.zip"),
        open_zip(io.BytesIO(data), "x.zip", 20),
    ):
        pass
