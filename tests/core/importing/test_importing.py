"""Data from outside: what is taken, and what is refused with nothing stored."""

import io
import stat
import struct
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

from core.config import DatasetConfig
from core.datasets.importing import import_here
from core.datasets.splits import load_split
from core.errors import DatasetError


def png(color: str | tuple[int, int, int] = "red", size: tuple[int, int] = (40, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def make_zip(path, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def two_classes(prefix: str = "", count: int = 8) -> dict[str, bytes]:
    return {
        f"{prefix}{name}/{i}.png": png(color)
        for name, color in (("cats", "red"), ("dogs", "blue"))
        for i in range(count)
    }


def npz(path, **arrays) -> None:
    x, y = np.zeros((20, 10, 10, 3), np.uint8), np.arange(20) % 2
    np.savez(path, **({"x_train": x, "y_train": y, "x_test": x[:6], "y_test": y[:6]} | arrays))


def test_a_zip_of_class_folders(workspace, tmp_path) -> None:
    junk = {"__MACOSX/cats/._0.png": b"x", "cats/.DS_Store": b"x", "readme.txt": b"hello", ".git/x": b""}
    make_zip(tmp_path / "pets.zip", two_classes() | junk)
    dataset = import_here(workspace, "pets", tmp_path / "pets.zip", image_size=16)
    assert dataset.class_names == ("cats", "dogs")
    assert (len(dataset.x_train), len(dataset.x_test)) == (13, 3)
    assert dataset.image_shape == (16, 16, 3)
    assert all((dataset.x_train[dataset.y_train == 0] == (255, 0, 0)).ravel())
    assert all((dataset.x_train[dataset.y_train == 1] == (0, 0, 255)).ravel())


def test_classes_come_in_the_order_of_keras(workspace, tmp_path) -> None:
    """By code point: capitals first, digits as text, accents last."""
    names = ("Zebra", "apple", "Mango", "10", "2", "0", "Äpfel", "a b", "apple-2", "苹果")
    for name in names:
        (tmp_path / "mixed" / name).mkdir(parents=True)
        for index in range(5):
            (tmp_path / "mixed" / name / f"{index}.png").write_bytes(png())
    of_keras = keras.utils.image_dataset_from_directory(tmp_path / "mixed", image_size=(8, 8)).class_names
    assert list(import_here(workspace, "mixed", tmp_path / "mixed").class_names) == of_keras
    assert of_keras[:4] == ["0", "10", "2", "Mango"]


def test_what_is_held_out_does_not_depend_on_how_a_zip_was_packed(workspace, tmp_path) -> None:
    entries = {
        f"{name}/{index}.png": png((20 * index, place * 200, 0))
        for place, name in enumerate(("cats", "dogs"))
        for index in range(8)
    }
    make_zip(tmp_path / "one.zip", entries)
    make_zip(tmp_path / "two.zip", dict(reversed(entries.items())))
    one, two = (import_here(workspace, name, tmp_path / f"{name}.zip") for name in ("one", "two"))
    np.testing.assert_array_equal(one.x_test, two.x_test)
    assert one.digest == two.digest


@pytest.mark.parametrize("prefix", ["wrapper/", "one/in/another/"])
def test_wrapper_folders_are_taken_off(workspace, tmp_path, prefix: str) -> None:
    make_zip(tmp_path / "pets.zip", two_classes(prefix))
    assert import_here(workspace, "pets", tmp_path / "pets.zip").class_names == ("cats", "dogs")


def test_a_validation_part_stays_one(workspace, tmp_path) -> None:
    entries = two_classes("train/", 5) | two_classes("val/", 2) | two_classes("test/", 3)
    make_zip(tmp_path / "pets.zip", entries | {"val/cats/only here.png": png("lime")})
    dataset = import_here(workspace, "pets", tmp_path / "pets.zip")
    assert (len(dataset.x_train), dataset.num_validation, len(dataset.x_test)) == (10, 5, 11)
    split = load_split(workspace, DatasetConfig("pets"), 0)
    assert (len(split.x_validation), len(split.x_test)) == (5, 6)
    assert sum((picture == (0, 255, 0)).all() for picture in split.x_validation) == 1
    assert sorted(split.y_validation) == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("other", ["val", "test"])
def test_one_part_beside_train_is_for_validation_and_test(workspace, tmp_path, other: str) -> None:
    make_zip(tmp_path / "pets.zip", two_classes("train/", 5) | two_classes(f"{other}/", 3))
    dataset = import_here(workspace, "pets", tmp_path / "pets.zip")
    assert (len(dataset.x_train), dataset.num_validation, len(dataset.x_test)) == (10, None, 6)


def test_a_folder_is_read_and_links_in_it_are_not(workspace, tmp_path) -> None:
    source = tmp_path / "pets"
    for name, data in two_classes().items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    (source / "birds").symlink_to(source / "cats")
    (source / "cats" / "linked.png").symlink_to(source / "dogs" / "0.png")
    dataset = import_here(workspace, "pets", source)
    assert dataset.class_names == ("cats", "dogs")
    assert len(dataset.x_train) + len(dataset.x_test) == 16


def test_arrays_are_taken_as_they_are(workspace, tmp_path) -> None:
    npz(tmp_path / "a.npz", y_train=(np.arange(20) % 2)[:, None])
    dataset = import_here(workspace, "arrays", tmp_path / "a.npz")
    assert dataset.class_names == ("0", "1")
    assert dataset.y_train.tolist() == [0, 1] * 10


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"y_train": np.array(["a"] * 20)}, "whole numbers"),
        ({"y_train": np.arange(20) / 2}, "whole numbers"),
        ({"y_train": np.array([{}] * 20, object)}, "cannot be read"),
        ({"x_train": np.zeros((20, 10, 10, 3))}, "uint8"),
        ({"y_train": np.arange(20) - 1}, "labels from 0"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(workspace, tmp_path, arrays, words: str) -> None:
    npz(tmp_path / "a.npz", **arrays)
    with pytest.raises(DatasetError, match=words):
        import_here(workspace, "arrays", tmp_path / "a.npz")
    assert not (workspace.datasets / "arrays").exists()


def test_missing_arrays_are_named(workspace, tmp_path) -> None:
    np.savez(tmp_path / "a.npz", x_train=np.zeros(3))
    with pytest.raises(DatasetError, match="y_train, x_test, y_test"):
        import_here(workspace, "arrays", tmp_path / "a.npz")


def with_link(path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in two_classes().items():
            archive.writestr(name, data)
        info = zipfile.ZipInfo("cats/link.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")


def encrypted(path) -> None:
    make_zip(path, two_classes())
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(signature)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(signature, place + 4)
    path.write_bytes(data)


def overlapping(path) -> None:
    make_zip(path, two_classes())
    data = bytearray(path.read_bytes())
    # The second entry of the directory is made to begin where the first does.
    second = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02") + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"../evil.png": png()}, "points outside of it"),
        ({"/etc/evil.png": png()}, "points outside of it"),
        ({"C:\\evil.png": png()}, "points outside of it"),
        ({"cats/0.png": png(), "loose.png": png()}, "no class folder"),
        ({f"cats/{i}.png": png() for i in range(9)}, "only one class|no class folder"),
        ({"notes/readme.txt": b"x"}, "no pictures"),
        ({"cats/0.png": png(), "dogs/0.png": png()}, "at least 5"),
        (two_classes() | {"cats/bad.png": b"not a picture"}, r"bad\.png"),
        (two_classes() | {"Cats/0.png": png()}, "capital letters"),
        (two_classes() | {"birds/": b""}, "'birds' holds no picture"),
        (two_classes("in/") | {"in/birds/a.heic": b"x"}, "'birds' holds no picture"),
        (two_classes("train/") | two_classes("test/") | {"test/fish/0.png": png()}, "fish"),
        (two_classes("seg_train/") | two_classes("seg_test/"), "not clear"),
        (two_classes() | {f"{'x' * 70}{c}/0.png": png() for c in "ab"}, "look the same"),
        (with_link, "link"),
        (encrypted, "encrypted"),
        (overlapping, "overlapping|cannot be read"),
        (lambda path: path.write_bytes(b"PK nothing"), "cannot be read"),
    ],
)
def test_archives_that_are_not_taken_are_refused_in_words(workspace, tmp_path, entries, words: str) -> None:
    path = tmp_path / "pets.zip"
    if callable(entries):
        entries(path)
    else:
        make_zip(path, entries)
    with pytest.raises(DatasetError, match=words):
        import_here(workspace, "pets", path)
    assert not (workspace.datasets / "pets").exists()
    assert not list(tmp_path.glob("**/evil.png"))


def test_known_names_hold_what_they_are_known_for(workspace, tmp_path) -> None:
    npz(tmp_path / "a.npz")
    with pytest.raises(DatasetError, match="Choose another name"):
        import_here(workspace, "cifar10", tmp_path / "a.npz")


def test_a_name_in_use_is_not_overwritten(workspace, tmp_path) -> None:
    npz(tmp_path / "a.npz")
    import_here(workspace, "arrays", tmp_path / "a.npz")
    with pytest.raises(DatasetError, match="already"):
        import_here(workspace, "arrays", tmp_path / "a.npz")


def test_other_files_are_refused(workspace, tmp_path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"x")
    with pytest.raises(DatasetError, match="neither"):
        import_here(workspace, "arrays", tmp_path / "a.pkl")
