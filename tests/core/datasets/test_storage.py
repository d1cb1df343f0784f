"""Data sets on disk: whole or not there, mapped, checked, listed, deleted."""

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.config import DatasetConfig
from core.datasets import saving, storage
from core.datasets.saving import save_dataset
from core.datasets.shapes import draw_shapes
from core.datasets.splits import load_split
from core.datasets.storage import delete_dataset, describe_dataset, list_datasets, load_dataset
from core.errors import DatasetError


def arrays(count: int = 12, shape: tuple[int, ...] = (8, 8, 3)) -> dict[str, np.ndarray]:
    x = np.random.default_rng(0).integers(0, 256, (count, *shape)).astype(np.uint8)
    y = np.arange(count) % 2
    return {"x_train": x, "y_train": y, "x_test": x[:4], "y_test": y[:4]}


def test_what_is_stored_is_mapped_read_only(workspace) -> None:
    given = arrays()
    dataset = save_dataset(workspace, "mine", "Mine", "My own.", ["a", "b"], given)
    assert isinstance(dataset.x_train, np.memmap)
    for name in given:
        np.testing.assert_array_equal(getattr(dataset, name), given[name])
        with pytest.raises(ValueError, match="read-only"):
            getattr(dataset, name)[0] = 0
    assert (dataset.class_names, dataset.image_shape) == (("a", "b"), (8, 8, 3))


def test_the_digest_tells_what_a_run_would_learn(workspace) -> None:
    """The same for the same classes, pictures, labels and parts, whatever the data set is called."""
    given = arrays()
    first = save_dataset(workspace, "mine", "Mine", "My own.", ["a", "b"], given)
    assert len(first.digest) == 64 and first.digest == load_dataset(workspace, "mine").digest
    assert describe_dataset(workspace, "mine").digest == first.digest
    assert describe_dataset(workspace, "mine").to_dict()["digest"] == first.digest
    assert save_dataset(workspace, "same", "Another title", "", ["a", "b"], given).digest == first.digest
    pixel, label = arrays(), arrays()
    pixel["x_train"][3, 0, 0, 0] ^= 1
    label["y_test"] = np.array([0, 1, 1, 1])
    others = [
        save_dataset(workspace, "order", "", "", ["b", "a"], given),
        save_dataset(workspace, "name", "", "", ["a", "c"], given),
        save_dataset(workspace, "parts", "", "", ["a", "b"], given, num_validation=2),
        save_dataset(workspace, "pixel", "", "", ["a", "b"], pixel),
        save_dataset(workspace, "label", "", "", ["a", "b"], label),
    ]
    assert len({first.digest, *(each.digest for each in others)}) == 6


def test_what_is_not_here_or_damaged_has_no_digest(workspace) -> None:
    save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays())
    (workspace.datasets / "mine" / "x_test.npy").unlink()
    assert describe_dataset(workspace, "mine").digest is None
    assert describe_dataset(workspace, "shapes").digest is None


def test_a_failure_while_writing_leaves_nothing(workspace, monkeypatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays())
    assert list(workspace.datasets.iterdir()) == []


def test_a_validation_part_of_its_own_is_kept(workspace) -> None:
    dataset = save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays(), num_validation=1)
    assert dataset.num_validation == 1
    (mine,) = (info for info in list_datasets(workspace) if info.id == "mine")
    assert (mine.num_validation, mine.num_test) == (1, 3)
    split = load_split(workspace, DatasetConfig("mine"), 0)
    np.testing.assert_array_equal(split.x_validation, dataset.x_test[:1])
    np.testing.assert_array_equal(split.x_test, dataset.x_test[1:])
    np.testing.assert_array_equal([*split.y_validation, *split.y_test], dataset.y_test)


def test_data_sets_stored_before_there_was_such_a_part_are_halved(workspace) -> None:
    save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays())
    path = workspace.datasets / "mine" / "dataset.json"
    described = json.loads(path.read_text())
    del described["num_validation"]
    path.write_text(json.dumps(described))
    assert load_dataset(workspace, "mine", verify=True).num_validation is None
    (mine,) = (info for info in list_datasets(workspace) if info.id == "mine")
    assert (mine.num_validation, mine.num_test) == (2, 2)


@pytest.mark.parametrize("num_validation", [0, 4, -1, "2", 1.5])
def test_a_validation_part_that_cannot_be_is_refused(workspace, num_validation) -> None:
    with pytest.raises(DatasetError, match="validation part"):
        save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays(), num_validation)
    save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays())
    path = workspace.datasets / "mine" / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_validation": num_validation}))
    with pytest.raises(DatasetError, match="damaged"):
        load_dataset(workspace, "mine")
    list_datasets(workspace)


def test_windows_which_cannot_open_folders_stores_too(workspace, monkeypatch) -> None:
    really_open = os.open

    def open_file(path, *arguments, **options) -> int:
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied", path)
        return really_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", open_file)
    monkeypatch.setattr("core.system.files.os", SimpleNamespace(name="nt"))
    assert len(save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays()).x_train) == 12


def test_what_a_killed_process_left_is_cleared_after_a_day(workspace) -> None:
    workspace.ensure()
    old, new = workspace.datasets / ".mine.0123abcd", workspace.datasets / ".mine.89abcdef"
    for folder in (old, new):
        folder.mkdir()
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays())
    assert sorted(path.name for path in workspace.datasets.iterdir()) == [new.name, "mine"]


def test_a_damaged_file_is_named(workspace) -> None:
    save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays())
    path = workspace.datasets / "mine" / "x_test.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    load_dataset(workspace, "mine")
    with pytest.raises(DatasetError, match=r"x_test\.npy"):
        load_dataset(workspace, "mine", verify=True)


def test_lists_show_what_is_here_and_what_can_be_had(workspace) -> None:
    save_dataset(workspace, "mine", "Mine", "My own.", ["a", "b"], arrays())
    infos = {info.id: info for info in list_datasets(workspace)}
    assert list(infos) == ["shapes", "cifar10", "cifar100", "mnist", "fashion_mnist", "mine"]
    mine = infos["mine"]
    assert (mine.state, mine.num_train, mine.num_validation, mine.num_test) == ("ready", 12, 2, 2)
    assert infos["cifar10"].state == "available"
    delete_dataset(workspace, "mine")
    assert "mine" not in {info.id for info in list_datasets(workspace)}
    with pytest.raises(DatasetError, match="not here"):
        delete_dataset(workspace, "mine")


@pytest.mark.parametrize("file", ["dataset.json", "x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"])
@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("name", ["mine", "cifar10"])
def test_a_damaged_one_is_listed_with_what_is_wrong_and_can_be_removed(
    workspace, name: str, file: str, cut: bool
) -> None:
    save_dataset(workspace, name, "Mine", "My own.", ["a", "b"], arrays())
    path = workspace.datasets / name / file
    if cut:
        path.write_bytes(path.read_bytes()[:-20])
    else:
        path.unlink()
    infos = {info.id: info for info in list_datasets(workspace)}
    assert infos[name].state == "damaged"
    assert f"{name} is damaged ({file}" in infos[name].description
    assert (infos["cifar10"].num_train, infos["cifar10"].num_classes) == (50_000, 10)
    delete_dataset(workspace, name)
    states = {info.id: info.state for info in list_datasets(workspace)}
    assert states.get(name) == ("available" if name == "cifar10" else None)


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "x" * 41, ".hidden", "a/b", None])
def test_names_that_cannot_be_folders_are_refused(workspace, name) -> None:
    for action in (load_dataset, delete_dataset):
        with pytest.raises(DatasetError, match="lowercase letters"):
            action(workspace, name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x_train": arrays()["x_train"].astype(float)}, "uint8 pictures"),
        ({"x_train": arrays()["x_train"][..., :2]}, "1 or 3"),
        ({"x_train": arrays(shape=(8, 500, 3))["x_train"]}, "from 8 to 256"),
        ({"y_train": np.arange(5)}, "one label for each"),
        ({"y_train": np.arange(12)}, "labels from 0 to 1"),
        ({"y_train": np.zeros(12, int)}, "no training picture of b"),
        ({"x_test": arrays(shape=(9, 9, 3))["x_test"]}, "different shapes"),
    ],
)
def test_arrays_that_are_no_data_set_are_refused(workspace, change, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays() | change)
    assert list(workspace.datasets.iterdir()) == []


def test_shapes_are_the_same_every_time_and_balanced() -> None:
    (x, y), (again, _) = draw_shapes(100, 3), draw_shapes(100, 3)
    np.testing.assert_array_equal(x, again)
    assert np.bincount(y).tolist() == [10] * 10
    assert (x.shape, x.dtype) == ((100, 32, 32, 3), np.uint8)
    assert (draw_shapes(100, 4)[0] != x).any()


def test_what_is_known_of_a_data_set_is_read_again_only_when_its_files_changed(
    workspace, monkeypatch
) -> None:
    opened: list[str] = []
    load = np.load

    def watched(path: Path, **options: object) -> np.ndarray:
        opened.append(path.name)
        return load(path, **options)

    save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays())
    monkeypatch.setattr(storage.np, "load", watched)
    first = describe_dataset(workspace, "mine")
    opened.clear()
    assert describe_dataset(workspace, "mine") == first
    assert opened == []
    delete_dataset(workspace, "mine")
    assert describe_dataset(workspace, "mine") is None
    save_dataset(workspace, "mine", "Another", "", ["c", "d", "e"], arrays() | {"y_train": np.arange(12) % 3})
    again = describe_dataset(workspace, "mine")
    assert again is not None
    assert (again.title, again.class_names) == ("Another", ("c", "d", "e"))
    (workspace.datasets / "mine" / "x_test.npy").write_bytes(b"cut")
    damaged = describe_dataset(workspace, "mine")
    assert damaged is not None
    assert damaged.state == "damaged"


def test_a_file_of_the_same_size_and_time_is_another_one(workspace) -> None:
    """Put back from a copy that keeps times, say."""
    save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays())
    first = describe_dataset(workspace, "mine")
    path = workspace.datasets / "mine" / "dataset.json"
    kept = path.stat()
    other = path.with_name("other.json")
    other.write_text(path.read_text().replace('"Mine"', '"Ours"'))
    os.utime(other, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    other.replace(path)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (kept.st_size, kept.st_mtime_ns)
    again = describe_dataset(workspace, "mine")
    assert first is not None and again is not None
    assert (first.title, again.title) == ("Mine", "Ours")
