"""Which folders are classes and which are parts, by their names alone."""

import pytest

from core.errors import DatasetError
from core.importing.folder_layout import Layout, find_layout


def folders(*paths: str) -> set[tuple[str, ...]]:
    return {tuple(path.split("/")) if path else () for path in paths}


def places(*paths: str) -> dict[str, tuple[str, str] | None]:
    layout = find_layout(folders(*paths))
    return {path: layout.place(tuple(path.split("/"))) for path in paths}


@pytest.mark.parametrize("wrapper", ["", "pets/", "one/in/another/"])
def test_folders_are_classes(wrapper: str) -> None:
    assert places(f"{wrapper}cats", f"{wrapper}dogs", f"{wrapper}dogs/puppies") == {
        f"{wrapper}cats": ("train", "cats"),
        f"{wrapper}dogs": ("train", "dogs"),
        f"{wrapper}dogs/puppies": ("train", "dogs"),
    }


@pytest.mark.parametrize(
    ("outer", "parts"),
    [
        (("train", "test"), ("train", "test")),
        (("Training", "Testing"), ("train", "test")),
        (("train", "val"), ("train", "validation")),
        (("train", "valid", "test"), ("train", "validation", "test")),
        (("data/train", "data/validation", "data/test"), ("train", "validation", "test")),
        # As Kaggle packs them: each part once more in itself.
        (("train/train", "test/test"), ("train", "test")),
        (("training_set/training_set", "test_set/test_set"), ("train", "test")),
        (("seg_train", "seg_test"), ("train", "test")),
        (("x/My-Training", "x/valset", "x/test2"), ("train", "validation", "test")),
    ],
)
def test_folders_are_parts(outer: tuple[str, ...], parts: tuple[str, ...]) -> None:
    paths = [f"{folder}/{name}" for folder in outer for name in ("cats", "dogs")]
    expected = [(part, name) for part in parts for name in ("cats", "dogs")]
    assert list(places(*paths).values()) == expected


@pytest.mark.parametrize(
    "paths",
    [
        ("val/cats", "val/dogs", "test/cats", "test/dogs"),
        ("train/cats", "train/dogs", "other"),
        ("train", "test1"),
        ("fold1/cats", "fold1/dogs", "fold2/cats", "fold2/dogs"),
        ("patient1/0", "patient1/1", "patient2/0"),
    ],
)
def test_what_is_neither_clearly_is_refused_with_how_to_mend_it(paths: tuple[str, ...]) -> None:
    with pytest.raises(DatasetError, match=r"not clear.*Name the outer folders train, validation and test"):
        find_layout(folders(*paths))


@pytest.mark.parametrize(
    "paths",
    [
        ("car", "train", "bus"),
        ("freight train", "passenger train", "bus"),
        ("valid", "invalid"),
        ("cats/images", "dogs/images"),
    ],
)
def test_classes_with_such_names_are_classes(paths: tuple[str, ...]) -> None:
    assert find_layout(folders(*paths)) == Layout((), {})


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (("",), "no class folder"),
        (("train/cats", "val/cats", "valid/cats", "test/cats"), "val, valid mean the same part"),
        (("train/cats", "Train/dogs", "test/cats"), "Train, train mean the same part"),
    ],
)
def test_loose_pictures_and_parts_that_are_there_twice_are_refused(
    paths: tuple[str, ...], words: str
) -> None:
    with pytest.raises(DatasetError, match=words):
        find_layout(folders(*paths))


@pytest.mark.parametrize(
    ("paths", "outside"),
    [
        (("cats", "dogs", ""), {"": "is in no class folder, so it has no label"}),
        (("pets/cats", "pets/dogs", "pets"), {"pets": "is in no class folder, so it has no label"}),
        (
            ("train/cats", "train/dogs", "test"),
            {"test": "is in test, which has no class folders, so it has no label"},
        ),
        (
            ("train", "train/cats", "train/dogs", "test/cats"),
            {"train": "is in train, which has no class folders, so it has no label"},
        ),
        (
            ("Training/cats", "Training/dogs", "Test/cats", "test-multiple_fruits"),
            {
                "test-multiple_fruits": "is in test-multiple_fruits, which has no class folders, so it has no label"
            },
        ),
        (("cats", "dogs", "test"), {"test": "is in test, which has no class folders, so it has no label"}),
        (("train/cats", "test/cats", "extra/cats"), {"extra/cats": "is in none of the folders test, train"}),
        (
            (
                "seg_train/seg_train/cats",
                "seg_train/seg_train/dogs",
                "seg_test/seg_test/cats",
                "seg_pred/seg_pred",
            ),
            {"seg_pred/seg_pred": "is in none of the folders seg_test, seg_train"},
        ),
    ],
)
def test_what_is_left_out_beside_classes_and_parts_has_a_reason(
    paths: tuple[str, ...], outside: dict[str, str]
) -> None:
    layout = find_layout(folders(*paths))
    split = {path: tuple(path.split("/")) if path else () for path in paths}
    assert {
        path: layout.reason_outside(split[path]) for path in paths if layout.place(split[path]) is None
    } == outside


def test_what_lies_outside_has_no_place() -> None:
    layout = find_layout(folders("data/train/cats", "data/train/dogs", "data/test/cats"))
    for outside in ("data", "data/train", "data/notes/old", "elsewhere/train/cats"):
        assert layout.place(tuple(outside.split("/"))) is None
