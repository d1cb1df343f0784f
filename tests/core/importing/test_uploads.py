"""Uploads on disk: room, portions in order, and what is left alone goes."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.storage import check_id
from core.errors import UploadError, UploadNotFound
from core.importing import uploads
from core.importing.uploads import (
    Upload,
    begin_upload,
    find_upload,
    open_portion,
    propose_name,
    remove_old_uploads,
    remove_upload,
)


def send(workspace, upload: Upload, data: bytes, offset: int = 0) -> int:
    with open_portion(workspace, upload.id, offset) as portion:
        portion.write(data)
    return portion.received


def test_portions_become_the_file(workspace) -> None:
    upload = begin_upload(workspace, "pets.zip", 10)
    assert (upload.received, upload.is_whole) == (0, False)
    assert send(workspace, upload, b"01234") == 5
    assert not find_upload(workspace, upload.id).is_whole
    assert send(workspace, upload, b"56789", 5) == 10
    found = find_upload(workspace, upload.id)
    assert found.is_whole and found.path.read_bytes() == b"0123456789"
    assert found.path.parent.parent == workspace.uploads
    remove_upload(workspace, upload.id)
    with pytest.raises(UploadNotFound):
        find_upload(workspace, upload.id)
    assert not found.path.parent.exists()


def test_a_portion_that_was_cut_off_is_continued_where_it_was(workspace) -> None:
    upload = begin_upload(workspace, "pets.zip", 10)
    with pytest.raises(ConnectionError), open_portion(workspace, upload.id, 0) as portion:
        portion.write(b"012")
        raise ConnectionError
    with pytest.raises(UploadError, match=r"begins at byte 0; 3 bytes are stored") as refused:
        send(workspace, upload, b"0123456789")
    assert (refused.value.status, refused.value.received) == (409, 3)
    assert send(workspace, upload, b"3456789", 3) == 10
    assert find_upload(workspace, upload.id).path.read_bytes() == b"0123456789"


def test_two_portions_at_once_do_not_mix(workspace) -> None:
    upload = begin_upload(workspace, "pets.zip", 10)
    with (
        open_portion(workspace, upload.id, 0),
        pytest.raises(UploadError, match="Another portion") as refused,
    ):
        send(workspace, upload, b"01234")
    assert refused.value.status == 409
    assert send(workspace, upload, b"01234") == 5


def test_no_more_than_was_announced(workspace) -> None:
    upload = begin_upload(workspace, "pets.zip", 4)
    with pytest.raises(UploadError, match="was announced with 4 bytes") as refused:
        send(workspace, upload, b"01234")
    assert refused.value.status == 413
    assert find_upload(workspace, upload.id).received == 0


@pytest.mark.parametrize(
    ("name", "size", "words", "status"),
    [
        ("pets.rar", 10, "pets.rar is neither .zip nor .npz", 400),
        ("pets.zip.exe", 10, "neither", 400),
        ("pets.zip", 0, "is empty", 400),
        ("pets.zip", -1, "is empty", 400),
        ("pets.zip", 2_000_000_001, "has 2,000 MB; at most 2,000 MB", 413),
    ],
)
def test_what_cannot_be_imported_is_not_taken(workspace, name, size, words, status) -> None:
    with pytest.raises(UploadError, match=words) as refused:
        begin_upload(workspace, name, size)
    assert refused.value.status == status
    assert not list(workspace.uploads.glob("*/*"))


@pytest.mark.parametrize(
    "name", ["../../x.zip", "/etc/x.zip", "..\\..\\x.zip", "x\0y.zip", "\u202egnp.zip", "a" * 500 + ".zip"]
)
def test_a_hostile_name_leads_nowhere(workspace, name: str) -> None:
    """The name is only shown, without what cannot be printed; the file has one of ours."""
    before = set(workspace.root.parent.rglob("*"))
    try:
        upload = begin_upload(workspace, name, 10)
    except UploadError:
        return  # so long that its ending was cut off
    assert "/" not in upload.name and "\\" not in upload.name and upload.name.isprintable()
    assert upload.path == workspace.uploads / upload.id / "file.zip"
    new = set(workspace.root.parent.rglob("*")) - before
    assert all(path == workspace.uploads or path.is_relative_to(workspace.uploads) for path in new)


@pytest.mark.parametrize(
    "upload_id", ["", ".", "..", "../datasets", "0" * 31, "0" * 32, "A" * 32, "0" * 32 + "\n"]
)
def test_an_id_that_is_none_is_not_found(workspace, upload_id: str) -> None:
    (workspace.datasets / "upload.json").write_text('{"name": "x", "size": 1, "file": "upload.json"}')
    with pytest.raises(UploadNotFound):
        find_upload(workspace, upload_id)
    with pytest.raises(UploadNotFound), open_portion(workspace, upload_id, 0):
        pass
    remove_upload(workspace, upload_id)
    assert workspace.datasets.is_dir()


def test_all_uploads_together_have_a_limit(workspace, monkeypatch) -> None:
    monkeypatch.setattr(uploads, "MAX_ALL_BYTES", 100)
    first = begin_upload(workspace, "a.zip", 60)
    with pytest.raises(UploadError, match=r"There is no room for b\.zip now: 1 uploads") as refused:
        begin_upload(workspace, "b.zip", 41)
    assert refused.value.status == 507
    remove_upload(workspace, first.id)
    begin_upload(workspace, "b.zip", 41)


def test_a_full_disk_is_seen_before_it_is_full(workspace, monkeypatch) -> None:
    usage = shutil.disk_usage(workspace.root)._replace(free=uploads.KEPT_FREE_BYTES + 5_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    begin_upload(workspace, "a.zip", 3_000_000)
    with pytest.raises(UploadError, match=r"it has 3 MB, and 2 MB are free for uploads"):
        begin_upload(workspace, "b.zip", 3_000_000)


def age(path: Path, seconds: float) -> None:
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def test_what_is_left_alone_is_removed(workspace) -> None:
    partial, fresh, whole, old = (begin_upload(workspace, "a.zip", 1) for _ in range(4))
    for each in (whole, old):
        send(workspace, each, b"x")
    age(partial.path, uploads.PARTIAL_SECONDS + 5)
    age(whole.path, uploads.PARTIAL_SECONDS + 5)
    age(old.path, uploads.WHOLE_SECONDS + 5)
    remove_old_uploads(workspace)
    left = {folder.name for folder in workspace.uploads.iterdir() if folder.is_dir()}
    assert left == {fresh.id, whole.id}


def test_what_is_announced_and_never_sent_gives_its_room_back(workspace, monkeypatch) -> None:
    monkeypatch.setattr(uploads, "KEPT_FREE_BYTES", -10_000_000_000)
    announced = [begin_upload(workspace, "a.zip", 2_000_000_000) for _ in range(4)]
    with pytest.raises(UploadError, match="There is no room"):
        begin_upload(workspace, "b.zip", 1)
    for each in announced:
        age(each.path, 301)
    send(workspace, announced[0], b"x")
    with open_portion(workspace, announced[1].id, 0):  # its first byte is on its way
        begin_upload(workspace, "b.zip", 2_000_000_000)
    left = {folder.name for folder in workspace.uploads.iterdir() if folder.is_dir()}
    assert {each.id for each in announced} & left == {announced[0].id, announced[1].id}


@pytest.mark.parametrize("described", [None, b"", b"{}", b"\xff", b"[]"])
def test_a_folder_that_cannot_be_read_takes_room_and_goes(workspace, monkeypatch, described) -> None:
    """As after a power cut while an upload began."""
    monkeypatch.setattr(uploads, "MAX_ALL_BYTES", 100)
    stray = begin_upload(workspace, "a.zip", 60)
    send(workspace, stray, bytes(60))
    folder = stray.path.parent
    (folder / "upload.json").unlink()
    if described is not None:
        (folder / "upload.json").write_bytes(described)
    with pytest.raises(UploadError, match="There is no room"):
        begin_upload(workspace, "b.zip", 41)
    age(folder, uploads.PARTIAL_SECONDS + 5)
    begin_upload(workspace, "b.zip", 41)
    assert not folder.exists()


def test_what_the_disk_does_not_take_is_a_sentence(workspace) -> None:
    upload = begin_upload(workspace, "a.zip", 10)
    upload.path.unlink()
    upload.path.mkdir()
    with pytest.raises(UploadError, match=r"a\.zip cannot be stored") as refused:
        send(workspace, upload, b"0", upload.path.stat().st_size)
    assert refused.value.status == 507
    shutil.rmtree(workspace.uploads)
    workspace.uploads.write_bytes(b"")  # a file where the folder should be
    with pytest.raises(UploadError, match=r"b\.zip cannot be stored: .*Free some space") as refused:
        begin_upload(workspace, "b.zip", 10)
    assert refused.value.status == 507


def test_an_upload_that_could_not_begin_leaves_nothing(workspace, monkeypatch) -> None:
    def write_text(self: Path, *given: object, **named: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write_text)
    with pytest.raises(UploadError, match="No space left on device"):
        begin_upload(workspace, "a.zip", 10)
    assert not [path for path in workspace.uploads.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("flowers (1).zip", "flowers-1"),
        ("Dog_Breeds.NPZ", "dog_breeds"),
        ("Müßige Äpfel.zip", "muige-apfel"),
        ("C:\\pictures\\cats.zip", "cats"),
        ("../../etc/passwd.zip", "passwd"),
        ("花.zip", "my-pictures"),
        (".zip", "my-pictures"),
        ("", "my-pictures"),
        ("x" * 60 + ".zip", "x" * 40),
        ("archive.tar.zip", "archive-tar"),
    ],
)
def test_a_name_is_made_of_the_file_s(file_name: str, name: str) -> None:
    assert propose_name(file_name, ()) == name


def test_a_taken_name_gets_a_number() -> None:
    assert propose_name("cats.zip", {"cats"}) == "cats-2"
    assert propose_name("cats.zip", {"cats", "cats-2"}) == "cats-3"
    long = "y" * 40
    assert propose_name(f"{long}.zip", {long}) == "y" * 38 + "-2"


@given(st.text(max_size=80), st.sets(st.sampled_from(["my-pictures", "a", "a-2"])))
def test_every_name_is_allowed_and_free(file_name: str, taken: set[str]) -> None:
    name = propose_name(file_name, taken)
    check_id(name)
    assert name not in taken
