"""Damaged and hostile files of every kind end in one sentence, and nothing is stored."""

import gzip
import io
import os
import pickle
import struct
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from core.datasets.catalogue import SOURCES
from core.datasets.prepare import ensure_dataset
from core.datasets.readers import read_official
from core.datasets.saving import save_dataset
from core.datasets.storage import list_datasets, load_dataset
from core.errors import DatasetError
from core.importing import entries
from core.importing.importing import import_here
from core.importing.reading import Reading


def png(color: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), color).save(buffer, "PNG")
    return buffer.getvalue()


def pets(count: int = 8) -> dict[str, bytes]:
    colors = {"cats": "red", "dogs": "blue"}
    return {f"{name}/{i}.png": png(color) for name, color in colors.items() for i in range(count)}


def make_zip(path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytearray:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return bytearray(path.read_bytes())


def arrays() -> dict[str, np.ndarray]:
    x = np.random.default_rng(0).integers(0, 256, (20, 10, 10, 3)).astype(np.uint8)
    y = np.arange(20) % 2
    return {"x_train": x, "y_train": y, "x_test": x, "y_test": y}


def refused(workspace, path, words: str, name: str = "mine") -> str:
    with pytest.raises(DatasetError, match=words) as caught:
        import_here(workspace, name, path)
    assert not (workspace.datasets / name).exists()
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")
    return message


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_entry_is_named_whatever_packed_it(workspace, tmp_path, method: int) -> None:
    data = make_zip(tmp_path / "pets.zip", pets(), method)
    data[50:70] = b"\xff" * 20
    (tmp_path / "pets.zip").write_bytes(data)
    refused(workspace, tmp_path / "pets.zip", r"0\.png")


def test_a_zip_that_was_cut_off_is_refused(workspace, tmp_path) -> None:
    data = make_zip(tmp_path / "pets.zip", pets())
    (tmp_path / "pets.zip").write_bytes(data[: len(data) // 2])
    refused(workspace, tmp_path / "pets.zip", "pets.zip")


def test_names_in_no_known_writing_are_refused(workspace, tmp_path) -> None:
    data = make_zip(tmp_path / "pets.zip", {**pets(), "caté/0.png": png("red")})
    (tmp_path / "pets.zip").write_bytes(data.replace("caté".encode(), b"cat\xff\xff"))
    refused(workspace, tmp_path / "pets.zip", "pets.zip")


@pytest.mark.parametrize(
    ("size", "words"),
    [(20, r"0\.png"), (0xFFFFFFF0, None)],
    ids=["smaller than it is", "far larger than it is"],
)
def test_what_a_header_says_of_the_size_is_not_trusted(
    workspace, tmp_path, size: int, words: str | None
) -> None:
    data = make_zip(tmp_path / "pets.zip", pets())
    entry = data.find(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", size)
    (tmp_path / "pets.zip").write_bytes(data)
    if words is None:  # the picture itself is fine, and no memory is set aside for the lie
        assert len(import_here(workspace, "mine", tmp_path / "pets.zip").x_train) == 12
    else:
        refused(workspace, tmp_path / "pets.zip", words)


def test_a_zip_that_would_unfold_without_end_is_refused(workspace, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(entries, "MAX_ARCHIVE_BYTES", 100_000)
    make_zip(tmp_path / "pets.zip", {**pets(), "cats/zeros.png": bytes(1_000_000)})
    refused(workspace, tmp_path / "pets.zip", "at most 100,000 are allowed")


def test_colons_are_no_drives(workspace, tmp_path) -> None:
    make_zip(tmp_path / "pets.zip", {**pets(), "cats/at 12:30.png": png("red")})
    assert import_here(workspace, "mine", tmp_path / "pets.zip").class_names == ("cats", "dogs")


def test_an_empty_folder_and_a_class_without_pictures(workspace, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    refused(workspace, tmp_path / "empty", "no pictures")
    make_zip(tmp_path / "pets.zip", {**pets(), "birds/": b"", "fish/notes.txt": b"none yet"})
    refused(workspace, tmp_path / "pets.zip", "'birds' holds no picture")


def test_the_parts_need_class_folders_and_the_same_classes(workspace, tmp_path) -> None:
    loose = {"train/0.png": png("red"), "test/0.png": png("red")}
    make_zip(tmp_path / "pets.zip", loose)
    refused(workspace, tmp_path / "pets.zip", "not clear whether the folders test, train")
    parts = {f"{part}/{name}": data for part in ("train", "test") for name, data in pets().items()}
    make_zip(tmp_path / "pets.zip", {**parts, "test/birds/0.png": png("green")})
    refused(workspace, tmp_path / "pets.zip", "'birds' holds no picture to train on")


def test_an_image_size_that_is_no_size_is_refused(workspace, tmp_path) -> None:
    make_zip(tmp_path / "pets.zip", pets())
    for size in (7, 257, -1):
        with pytest.raises(DatasetError, match="from 8 to 256"):
            import_here(workspace, "mine", tmp_path / "pets.zip", Reading(size))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x_train": np.uint8(3)}, "x_train must have shape"),
        ({"y_train": np.int64(3)}, "one label for each"),
        ({"x_train": np.zeros((0, 10, 10, 3), np.uint8), "y_train": np.zeros(0, int)}, "."),
        # Names for so many classes would fill the memory.
        ({"y_train": np.full(20, 2_000_000_000)}, "."),
        ({"y_train": np.full(20, 2**64 - 1, np.uint64)}, "."),
        ({"class_names": np.array(["a", "a"])}, "same name"),
        ({"class_names": np.array(["a", "b", "c"])}, "3 class names"),
        ({"class_names": np.array(["a", "\u200b"])}, "printable"),
        ({"class_names": np.array(["a", {}], object)}, "can run code"),
    ],
)
def test_arrays_of_odd_kinds_are_refused(workspace, tmp_path, change, words: str) -> None:
    np.savez(tmp_path / "a.npz", **(arrays() | change))
    refused(workspace, tmp_path / "a.npz", words)


def test_arrays_without_axes_are_refused_under_a_known_name(workspace, tmp_path) -> None:
    np.savez(tmp_path / "a.npz", **(arrays() | {"x_train": np.uint8(3)}))
    refused(workspace, tmp_path / "a.npz", ".", "cifar10")


def test_an_npz_that_is_damaged_or_none_is_refused(workspace, tmp_path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, **arrays())
    data = bytearray(path.read_bytes())
    data[100:400] = b"\xff" * 300
    path.write_bytes(data)
    refused(workspace, path, r"a\.npz")
    path.write_bytes(b"")
    refused(workspace, path, r"a\.npz")
    make_zip(path, dict.fromkeys(("x_train", "y_train", "x_test", "y_test"), b"hello"))
    refused(workspace, path, r"a\.npz")


def cifar_with(part: bytes, path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name in ("data_batch_1", "test_batch"):
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(part)
            archive.addfile(info, io.BytesIO(part))


PICTURES = np.zeros((20, 3072), np.uint8)


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"\x80\x02junk",
        b"0.",
        pickle.dumps([1]),
        pickle.dumps({}),
        pickle.dumps({b"data": None, b"labels": [1]}, protocol=2),
        pickle.dumps({b"data": PICTURES, b"labels": ["a"] * 20}, protocol=2),
        pickle.dumps({b"data": PICTURES, b"labels": [[1], [1, 2]]}, protocol=2),
        pickle.dumps({b"data": PICTURES, b"labels": [1] * 20}, protocol=2)[:-100],
        # Eight terabytes are asked of numpy, a function of it that is not there, a length beyond all files.
        b"cnumpy\nndarray\n((I1000000000000\nttR.",
        b"cnumpy\nnope\n.",
        b"cnumpy\nndarray\n(I1\nI2\ntR.",
        b"\x8e" + b"\xff" * 8,
        b"cbuiltins\neval\n(Vopen('executed', 'w')\ntR.",
        b"cposix\nsystem\n(Vtouch executed\ntR.",
    ],
)
def test_pickles_that_are_none_of_cifars_are_refused(workspace, tmp_path, monkeypatch, part: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    cifar_with(part, tmp_path / "cifar.tar.gz")
    refused(workspace, tmp_path / "cifar.tar.gz", r"cifar\.tar\.gz")
    assert not (tmp_path / "executed").exists()


def labels_in_labels(depth: int, width: int = 10) -> bytes:
    """A batch whose labels are lists in lists, each written once and named `width` times: width ** depth labels."""
    # Places of the memo that the pictures do not use.
    nested = b"(lp800\n" + b"I1\na" * width
    for level in range(801, 800 + depth):
        nested += f"0(lp{level}\n".encode() + f"g{level - 1}\na".encode() * width
    return nested + b"0" + batch_with(f"g{799 + depth}\n".encode())


def batch_with(labels: bytes) -> bytes:
    """The operations of a batch of 20 pictures, with those that make its labels."""
    data = pickle.dumps(PICTURES, protocol=2)[2:-1]  # without what begins and ends a pickle
    return b"(dp900\nU\x04data" + data + b"sU\x06labels" + labels + b"s."


def sparse_member() -> bytes:
    """A tar with a member of a few bytes that says to be 2 GB, mostly of holes."""
    info = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.size": "2000000000",
        "GNU.sparse.map": "0,1",
    }
    info.size = 1
    return info.tobuf(tarfile.PAX_FORMAT) + b"x".ljust(512, b"\0") + bytes(1024)


def peak_bytes(action) -> int:
    """The most memory that Python and numpy held while `action` ran, beyond what was held before."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (labels_in_labels(7), "no list of whole numbers"),
        (b"\x80\x02]r\x00\xe1\xf5\x05.", "place 100,000,000 of the memo"),
        (b"]" * 1_000_001, "more operations"),
        # One text of a megabyte, to be made into bytes 300 times.
        (
            b"\x80\x02X\x40\x42\x0f\x00" + b"a" * 1_000_000 + b"q\x000c_codecs\nencode\nq\x010"
            b"](" + b"h\x01h\x00U\x06latin1\x86R" * 300 + b"e.",
            "again and again",
        ),
        (batch_with(b"]" + b"K\x01a" * 19), "19 labels for 20 pictures"),
        (batch_with(b"]" + b"K\x01a" * 19 + b"\x88a"), "no list of whole numbers"),
        (batch_with(b"]" + b"K\x01a" * 19 + b"F1.5\na"), "no list of whole numbers"),
        (batch_with(b"(" + b"K\x01" * 20 + b"t"), "no list of whole numbers"),
    ],
    ids=["nested", "memo", "operations", "texts", "fewer", "boolean", "fraction", "tuple"],
)
def test_pickles_that_unfold_without_end_are_refused_at_once(
    workspace, tmp_path, part: bytes, words: str
) -> None:
    cifar_with(part, tmp_path / "cifar.tar.gz")
    peak = peak_bytes(lambda: refused(workspace, tmp_path / "cifar.tar.gz", words))
    assert peak < 30_000_000


def test_sparse_members_of_an_archive_are_refused_at_once(workspace, tmp_path) -> None:
    (tmp_path / "cifar.tar").write_bytes(sparse_member())
    with tarfile.open(tmp_path / "cifar.tar") as archive:
        (member,) = archive.getmembers()
    assert (member.issparse(), member.size) == (True, 2_000_000_000)
    peak = peak_bytes(lambda: refused(workspace, tmp_path / "cifar.tar", "sparse or far too large"))
    assert peak < 30_000_000


def test_a_tar_that_is_damaged_or_none_is_refused(workspace, tmp_path) -> None:
    path = tmp_path / "cifar.tgz"
    noise = np.random.default_rng(0).integers(0, 256, (20, 3072)).astype(np.uint8)
    cifar_with(pickle.dumps({b"data": noise, b"labels": [1] * 20}, protocol=2), path)
    data = path.read_bytes()
    for damaged in (b"", b"hello", data[: len(data) // 2], data[:2000] + b"\xff" * 1000 + data[3000:]):
        path.write_bytes(damaged)
        refused(workspace, path, r"cifar\.tgz")


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        gzip.compress(b"", mtime=0),
        gzip.compress(b"\0\0", mtime=0),
        gzip.compress(b"\0\0\x0d\x01\0\0\0\x01a", mtime=0),
        gzip.compress(b"\0\0\x08\x01\0\0\0\x09abc", mtime=0),
        gzip.compress(os.urandom(5000), mtime=0)[:3000],
        b"\x1f\x8b\x08\0\0\0\0\0\0\0" + b"\xff" * 50,
    ],
)
def test_files_that_are_none_of_mnists_are_refused(tmp_path, data: bytes) -> None:
    (tmp_path / "a.gz").write_bytes(data)
    with pytest.raises(DatasetError, match=r"a\.gz"):
        read_official(SOURCES["mnist"], [tmp_path / "a.gz"] * 4)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", '{"title": 1}'])
def test_one_damaged_data_set_does_not_hide_the_others(workspace, text: str) -> None:
    for name in ("broken", "whole"):
        save_dataset(workspace, name, name, "", ["a", "b"], arrays())
    (workspace.datasets / "broken" / "dataset.json").write_text(text)
    assert "whole" in {info.id for info in list_datasets(workspace)}
    with pytest.raises(DatasetError, match="broken"):
        load_dataset(workspace, "broken", verify=True)


def test_a_file_in_the_place_of_another_is_noticed_without_a_digest(workspace) -> None:
    save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays())
    folder = workspace.datasets / "mine"
    (folder / "x_train.npy").write_bytes((folder / "y_train.npy").read_bytes())
    with pytest.raises(DatasetError, match=r"damaged.*x_train"):
        load_dataset(workspace, "mine")
    list_datasets(workspace)


def test_what_is_unknown_is_not_made_up(workspace) -> None:
    with pytest.raises(DatasetError, match=r"no data set imagenet here.*cifar10"):
        ensure_dataset(workspace, "imagenet")
