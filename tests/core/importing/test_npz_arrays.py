"""Arrays as people have them: taken as they are, converted and said, or refused with the cause."""

import numpy as np
import pytest

from core.datasets.storage import Dataset
from core.errors import DatasetError
from core.importing.importing import import_here
from core.importing.report import load_report

GENERATOR = np.random.default_rng(3)


def pixels(count: int, shape: tuple[int, ...] = (10, 12, 3)) -> np.ndarray:
    picture = GENERATOR.integers(0, 256, (count, *shape)).astype(np.uint8)
    picture.flat[0] = 255  # so that it is clear which numbers they are
    return picture


X, Y = pixels(60), np.arange(60) % 3
X_TEST, Y_TEST = pixels(18), np.arange(18) % 3


def given(**changed: np.ndarray | None) -> dict[str, np.ndarray]:
    arrays = {"x_train": X, "y_train": Y, "x_test": X_TEST, "y_test": Y_TEST} | changed
    return {name: array for name, array in arrays.items() if array is not None}


def imported(workspace, tmp_path, arrays: dict[str, np.ndarray]) -> tuple[Dataset, tuple[str, ...]]:
    np.savez(tmp_path / "a.npz", **arrays)
    dataset = import_here(workspace, "mine", tmp_path / "a.npz")
    report = load_report(workspace, "mine")
    assert report is not None
    return dataset, report.notes


def test_arrays_are_taken_as_they_are(workspace, tmp_path) -> None:
    dataset, _ = imported(workspace, tmp_path, given(y_train=Y[:, None]))
    assert dataset.class_names == ("0", "1", "2")
    np.testing.assert_array_equal(dataset.x_train, X)
    np.testing.assert_array_equal(dataset.y_train, Y)
    assert dataset.num_validation == 9
    assert {picture.tobytes() for picture in dataset.x_test} == {picture.tobytes() for picture in X_TEST}


ALPHA = np.concatenate([X, np.full((60, 10, 12, 1), 255, np.uint8)], axis=-1)
CLEAR = np.concatenate([X, np.zeros((60, 10, 12, 1), np.uint8)], axis=-1)


@pytest.mark.parametrize(
    ("train", "expected", "words"),
    [
        ((X / 255).astype(np.float32), X, "fractions from 0 to 1; they were multiplied by 255"),
        (X.astype(np.float64), X, "float64 numbers from 0 to 255; they were kept as uint8"),
        (X.astype(np.int64), X, "int64 numbers"),
        (X.astype(np.uint16) * 257, X, "16 bits"),
        (X > 127, np.where(X > 127, 255, 0), "true or false"),
        (X.transpose(0, 3, 1, 2), X, "channels first"),
        (ALPHA, X, "alpha"),
        (CLEAR, np.full_like(X, 255), "alpha"),
        (np.asfortranarray(X), X, ""),
    ],
)
def test_pictures_are_converted_and_it_is_said(workspace, tmp_path, train, expected, words: str) -> None:
    arrays = given(x_train=train, x_test=train[:18])
    dataset, notes = imported(workspace, tmp_path, arrays)
    np.testing.assert_array_equal(dataset.x_train, expected)
    assert words in " ".join(notes)


def test_fractions_beyond_whole_numbers_are_rounded(workspace, tmp_path) -> None:
    halves = np.where(X == 255, 255, X + 0.25)
    dataset, notes = imported(workspace, tmp_path, given(x_train=halves))
    np.testing.assert_array_equal(dataset.x_train, X)
    assert "they were rounded as uint8" in " ".join(notes)


def test_dark_sixteen_bits_are_said(workspace, tmp_path) -> None:
    ten_bits = X.astype(np.uint16) * 4
    _, notes = imported(workspace, tmp_path, given(x_train=ten_bits, x_test=ten_bits[:18]))
    assert any("brightest pixel became 4 of 255" in note for note in notes)


def test_a_dark_part_beside_another_has_its_scale(workspace, tmp_path) -> None:
    """Of 16 bits, as the other part has them: what each part holds by chance does not count."""
    dataset, _ = imported(
        workspace, tmp_path, given(x_train=X.astype(np.uint16) * 257, x_test=X[:18].astype(np.uint16))
    )
    np.testing.assert_array_equal(dataset.x_train, X)
    assert dataset.x_test.max() == 1


def test_grey_pictures_get_a_channel(workspace, tmp_path) -> None:
    grey, test = pixels(60, (28, 28)), pixels(18, (28, 28))
    dataset, _ = imported(workspace, tmp_path, given(x_train=grey, x_test=test))
    np.testing.assert_array_equal(dataset.x_train[..., 0], grey)
    assert dataset.image_shape == (28, 28, 1)


NAMES = np.array(["owl", "cat", "Dog"])


@pytest.mark.parametrize(
    ("labels", "class_names", "expected", "words"),
    [
        (np.eye(3), ("0", "1", "2"), [0, 1, 2], "one-hot"),
        (np.eye(3, dtype=int), ("0", "1", "2"), [0, 1, 2], "one-hot"),
        (NAMES, ("Dog", "cat", "owl"), [2, 1, 0], "order of their code points"),
        (np.array([b"owl", b"cat", b"Dog"]), ("Dog", "cat", "owl"), [2, 1, 0], "code points"),
        (np.array([0.0, 1.0, 2.0]), ("0", "1", "2"), [0, 1, 2], ""),
        (np.array([False, True, True]), ("0", "1"), [0, 1, 1], "true or false"),
    ],
)
def test_labels_are_converted_and_it_is_said(
    workspace, tmp_path, labels, class_names, expected, words: str
) -> None:
    dataset, notes = imported(workspace, tmp_path, given(y_train=labels[Y], y_test=labels[Y_TEST]))
    assert dataset.class_names == class_names
    assert dataset.y_train[:3].tolist() == expected
    assert words in " ".join(notes)


@pytest.mark.parametrize("names", [np.array(["a", "b", "c"]), np.array([b"a", b"b", b"c"])])
def test_names_of_classes_may_be_text_or_bytes(workspace, tmp_path, names) -> None:
    dataset, _ = imported(workspace, tmp_path, given(class_names=names))
    assert dataset.class_names == ("a", "b", "c")


@pytest.mark.parametrize(
    "keys",
    [
        ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test"),
        ("X_train", "y_train", "X_valid", "y_valid", "X_test", "y_test"),
        ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"),
    ],
)
def test_a_validation_part_is_taken_whatever_it_is_called(workspace, tmp_path, keys: tuple[str, ...]) -> None:
    validation = pixels(12)
    arrays = dict(zip(keys, (X, Y, validation, Y[:12], X_TEST, Y_TEST), strict=True))
    dataset, notes = imported(workspace, tmp_path, arrays)
    assert (len(dataset.x_train), dataset.num_validation, len(dataset.x_test)) == (60, 12, 30)
    np.testing.assert_array_equal(dataset.x_test[:12], validation)
    assert "are the validation part" in " ".join(notes)


def test_without_parts_a_fifth_is_held_out(workspace, tmp_path) -> None:
    dataset, notes = imported(workspace, tmp_path, {"x": X, "y": Y})
    assert (len(dataset.x_train), dataset.num_validation, len(dataset.x_test)) == (48, 6, 12)
    assert "x and y were taken as the training part" in " ".join(notes)


def test_what_is_not_needed_is_said(workspace, tmp_path) -> None:
    imported(workspace, tmp_path, given(weights=np.ones(3)))
    report = load_report(workspace, "mine")
    assert report is not None
    assert [(each.file, each.reason) for each in report.left_out] == [
        ("weights", "is an array that is not needed")
    ]


def test_copies_between_arrays_are_named_by_their_place(workspace, tmp_path) -> None:
    imported(workspace, tmp_path, given(x_test=X[:18]))
    report = load_report(workspace, "mine")
    assert report is not None
    assert {each.kind: each.pictures for each in report.duplicates} == {
        "train_validation": 9,
        "train_test": 9,
    }
    assert all(
        one.startswith("x_train[") and one[8:-1] == two[7:-1]
        for each in report.duplicates
        for one, two in each.examples
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"y_train": Y + 1, "y_test": Y_TEST + 1}, "labels from 1 to 3; they begin at 0. Subtract 1"),
        (
            {"y_train": np.array([0, 3, 7])[Y]},
            "labels 0, 3, 7, so there is no training picture with label 1, 2, 4",
        ),
        ({"y_train": np.where(Y == 2, 255, Y)}, "label 255 for 20 pictures.*a label is missing"),
        ({"y_train": Y - 1}, "labels from 0, not -1"),
        ({"y_train": Y * 700}, "from 0 to 999 at most, not 1,400"),
        ({"y_test": Y_TEST + 1}, "y_test has the label 3, and y_train has none such"),
        ({"y_train": NAMES[Y]}, "y_test has the label 0, 1, 2"),
        ({"y_train": Y / 2}, "y_train must hold whole numbers or names"),
        ({"y_train": np.array([1j] * 60)}, "whole numbers or names of classes, not complex128"),
        ({"y_train": Y[:59]}, r"one label for each of 60 pictures, not \(59,\)"),
        ({"y_train": np.ones((60, 3))}, "not one-hot.*several labels"),
        ({"y_train": np.array([{}] * 60, object)}, "y_train is an array of Python objects.*can run code"),
        (
            {"class_names": np.array(["a", "b", "c"], object)},
            "class_names is an array of Python objects.*dtype=str",
        ),
        ({"class_names": np.array(["a", "b", "c", "ant"])}, "4 class names.*no training picture of ant"),
        ({"class_names": np.array(["a", "b"])}, "2 class names.*labels from 0 to 2"),
        (
            {"x_train": (X > 9).astype(np.uint8), "x_test": (X_TEST > 9).astype(np.uint8)},
            "only the whole numbers 0 and 1.*Multiply them by 255",
        ),
        (
            {"x_train": (X > 9).astype(np.uint8)},
            r"different kinds \(x_train: uint8 up to 1, x_test: uint8 up to 255\)",
        ),
        (
            {"x_train": X / 255, "x_test": X_TEST / 255 * 1.002},
            r"from 0 to 1\.002: a little beyond 1.*np\.clip",
        ),
        ({"x_train": X.astype(np.uint16) * 257, "x_test": X_TEST}, "different kinds"),
        ({"x_train": (X / 255).astype(np.float32)}, "different kinds"),
        (
            {"x_train": X / 127.5 - 1, "x_test": X_TEST / 127.5 - 1},
            "from -1 to 1; pixels are from 0 to 255.*Undo what was subtracted",
        ),
        ({"x_train": X * 3.0, "x_test": X_TEST * 3.0}, "from 0 to 765"),
        ({"x_train": np.where(X > 5, np.nan, X)}, "NaN"),
        ({"x_train": X.reshape(60, -1)}, r"shape \(60, 360\): rows of 360 numbers"),
        ({"x_train": pixels(60, (10, 12, 5))}, "5 channels"),
        ({"x_train": X[0]}, "one label for each|shape"),
        ({"x_train": np.array(["a"] * 60)}, r"shape|numbers"),
        ({"x_test": pixels(18, (9, 9, 3))}, "different shapes"),
        ({"x_train": None}, "has y_train and no x_train"),
        ({"x_train": None, "y_train": None}, "no x_train and y_train: it holds x_test, y_test"),
    ],
)
def test_what_is_wrong_is_said_with_its_cause(workspace, tmp_path, changed, words: str) -> None:
    np.savez(tmp_path / "a.npz", **given(**changed))
    with pytest.raises(DatasetError, match=words) as caught:
        import_here(workspace, "mine", tmp_path / "a.npz")
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    assert not (workspace.datasets / "mine").exists()


def test_known_names_hold_what_they_are_known_for(workspace, tmp_path) -> None:
    np.savez(tmp_path / "a.npz", **given())
    with pytest.raises(DatasetError, match="Choose another name"):
        import_here(workspace, "cifar10", tmp_path / "a.npz")


def test_a_name_in_use_is_not_overwritten(workspace, tmp_path) -> None:
    imported(workspace, tmp_path, given())
    with pytest.raises(DatasetError, match="already"):
        import_here(workspace, "mine", tmp_path / "a.npz")
