"""Data from outside: what is taken, and what is refused with nothing stored."""

import struct
import tracemalloc

import keras
import numpy as np
import pytest
from PIL import Image

from core.config import DatasetConfig
from core.datasets.splits import load_split
from core.datasets.storage import Progress, describe_dataset
from core.errors import DatasetError
from core.importing import class_folders
from core.importing.importing import import_here
from core.importing.reading import Reading
from tests.core.importing.made import encoded, make_zip, pictures, png


def two_classes(prefix: str = "", count: int = 8) -> dict[str, bytes]:
    return {
        f"{prefix}{name}/{i}.png": png(color)
        for name, color in (("cats", "red"), ("dogs", "blue"))
        for i in range(count)
    }


def test_a_zip_of_class_folders(workspace, tmp_path) -> None:
    junk = {"__MACOSX/cats/._0.png": b"x", "cats/.DS_Store": b"x", "readme.txt": b"hello", ".git/x": b""}
    make_zip(tmp_path / "pets.zip", two_classes() | junk)
    dataset = import_here(workspace, "pets", tmp_path / "pets.zip", Reading(16))
    assert dataset.class_names == ("cats", "dogs")
    assert (len(dataset.x_train), dataset.num_validation, len(dataset.x_test)) == (12, 2, 4)
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
    assert (len(dataset.x_train), dataset.num_validation, len(dataset.x_test)) == (10, 4, 6)
    assert sorted(dataset.y_test[:4]) == [0, 0, 1, 1]


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
        ({"cats/0.png": png(), "loose.png": png()}, "only one class"),
        ({f"cats/{i}.png": png() for i in range(9)}, "only one class"),
        ({"notes/readme.txt": b"x"}, "no pictures"),
        ({"cats/0.png": png(), "dogs/0.png": png()}, "at least 5"),
        (two_classes() | {"Cats/0.png": png()}, "capital letters"),
        (two_classes() | {"birds/": b""}, "'birds' holds no picture"),
        (two_classes("in/") | {"in/birds/a.heic": b"x"}, "'birds' holds no picture"),
        (two_classes("train/") | two_classes("test/") | {"test/fish/0.png": png()}, "fish"),
        (two_classes() | {f"{'x' * 70}{c}/0.png": png() for c in "ab"}, "look the same"),
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


def test_other_files_are_refused(workspace, tmp_path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"x")
    with pytest.raises(DatasetError, match="neither"):
        import_here(workspace, "arrays", tmp_path / "a.pkl")


@pytest.mark.parametrize("size", [7, 257, 0, -1])
def test_an_image_size_that_cannot_be_is_refused(workspace, tmp_path, size: int) -> None:
    make_zip(tmp_path / "pets.zip", two_classes())
    with pytest.raises(DatasetError, match=f"from 8 to 256 pixels, not {size}"):
        import_here(workspace, "pets", tmp_path / "pets.zip", Reading(size))


@pytest.mark.parametrize(("crop", "expected"), [("center", [0, 255, 0]), ("stretch", [255, 0, 0])])
def test_the_crop_is_the_one_that_was_chosen(workspace, tmp_path, crop: str, expected: list[int]) -> None:
    """A wide picture: red, green in the middle third, blue."""
    wide = np.zeros((30, 90, 3), np.uint8)
    for place in range(3):
        wide[:, 30 * place : 30 * (place + 1), place] = 255
    data = encoded(Image.fromarray(wide), "PNG")
    make_zip(tmp_path / "a.zip", {f"{name}/{i}.png": data for name in "ab" for i in range(5)})
    dataset = import_here(workspace, "wide", tmp_path / "a.zip", Reading(30, crop))
    assert dataset.x_train[0, 15, 2].tolist() == expected
    assert dataset.crop == crop
    info = describe_dataset(workspace, "wide")
    assert info is not None and info.crop == crop


def test_a_crop_that_pads_keeps_everything(workspace, tmp_path) -> None:
    data = png("red", (40, 20))
    make_zip(tmp_path / "a.zip", {f"{name}/{i}.png": data for name in "ab" for i in range(5)})
    dataset = import_here(workspace, "padded", tmp_path / "a.zip", Reading(20, "pad"))
    assert (dataset.x_train[0] == (255, 0, 0)).all()  # its edges' mean colour is its own


def test_large_photos_are_decoded_as_far_as_they_are_needed(workspace, tmp_path, monkeypatch) -> None:
    """48 million pixels each, as phones take them: an eighth of each side is decoded."""
    photo = encoded(Image.new("RGB", (8064, 6048), (90, 120, 60)), "JPEG")
    decoded = []
    fit = class_folders.fit_picture
    monkeypatch.setattr(
        class_folders, "fit_picture", lambda pixels, *rest: decoded.append(pixels.shape) or fit(pixels, *rest)
    )
    make_zip(tmp_path / "a.zip", {"a/0.jpg": photo, "b/0.jpg": photo} | pictures("a", "b", count=5))
    dataset = import_here(workspace, "photos", tmp_path / "a.zip")
    assert len(dataset.x_train) + len(dataset.x_test) == 12
    assert decoded.count((756, 1008, 3)) == 2


def test_memory_does_not_grow_with_the_pictures(workspace, tmp_path) -> None:
    """4,000 pictures of 64×64 pixels take 49 MB; what Python holds at once stays far below."""
    data = png()
    make_zip(tmp_path / "a.zip", {f"{name}/{i}.png": data for name in "ab" for i in range(2000)})
    tracemalloc.start()
    dataset = import_here(workspace, "many", tmp_path / "a.zip", Reading(64))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(dataset.x_train) == 3200
    assert peak < 30_000_000


def test_progress_is_told_and_counts_all(workspace, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(class_folders, "TELL_SECONDS", 0.0)
    told: list[Progress] = []
    make_zip(tmp_path / "a.zip", two_classes())
    import_here(workspace, "pets", tmp_path / "a.zip", progress=told.append)
    assert [(each.done, each.total) for each in told if each.stage == "Reading pictures"] == [
        (done, 16) for done in range(16)
    ]
    assert [each.stage for each in told][-2:] == ["Looking for duplicates", "Storing"]
