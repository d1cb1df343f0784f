"""One bit of a stored data set is another one: it is named as damaged, or nothing has changed."""

import dataclasses
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from core.datasets.saving import save_dataset
from core.datasets.storage import (
    ARRAYS,
    DatasetInfo,
    describe_dataset,
    list_datasets,
    load_dataset,
    map_array,
)
from core.errors import DatasetError
from core.workspace import Workspace

HEADER_BYTES = 128


@pytest.fixture
def folder(workspace) -> Path:
    generator = np.random.default_rng(0)
    y = np.arange(40) % 2
    x = generator.integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    save_dataset(
        workspace,
        "mine",
        "Mine",
        "My own.",
        ["a", "b"],
        {"x_train": x, "y_train": y, "x_test": x, "y_test": y},
    )
    return workspace.datasets / "mine"


def listed(workspace: Workspace) -> DatasetInfo:
    """What lists say, which is what is said of the one alone."""
    (found,) = (info for info in list_datasets(workspace) if info.id == "mine")
    assert describe_dataset(workspace, "mine") == found
    return found


@pytest.mark.parametrize("name", ARRAYS)
def test_any_bit_of_an_array_s_header(workspace, folder: Path, name: str) -> None:
    path = folder / f"{name}.npy"
    whole = path.read_bytes()
    stored = np.load(path)
    assert whole[HEADER_BYTES:] == stored.tobytes(), "the header has this length"
    damaged = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's, of what it finds there
        for place in range(8 * HEADER_BYTES):
            changed = bytearray(whole)
            changed[place // 8] ^= 1 << place % 8
            path.write_bytes(changed)
            found = listed(workspace) if place % 50 == 0 else describe_dataset(workspace, "mine")
            if found.state == "ready":
                np.testing.assert_array_equal(getattr(load_dataset(workspace, "mine"), name), stored)
                continue
            damaged += 1
            assert found.description.startswith(f"The data set mine is damaged ({name}.npy: ")
            assert (
                found.description.endswith("). Remove it and add it again.") and len(found.description) < 200
            )
            with pytest.raises(DatasetError) as caught:
                load_dataset(workspace, "mine")
            assert str(caught.value) == found.description
    assert damaged > 0.8 * 8 * HEADER_BYTES  # of the padding, a space may become another


def test_bits_of_the_description(workspace, folder: Path) -> None:
    path = folder / "dataset.json"
    whole = path.read_bytes()
    expected = describe_dataset(workspace, "mine")
    for place in range(0, 8 * len(whole), 3):  # in every byte, some of its bits
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        found = describe_dataset(workspace, "mine")
        if found.state == "damaged":
            assert "mine is damaged (dataset.json " in found.description
        else:
            # What people may edit; or another key than `digest`, which older versions did not write.
            assert dataclasses.replace(found, title="Mine", description="My own.") == expected


def test_a_description_without_a_digest_is_one_of_an_older_version(workspace, folder: Path) -> None:
    path = folder / "dataset.json"
    described = json.loads(path.read_text())
    del described["digest"]
    path.write_text(json.dumps(described | {"title": "Renamed by hand"}))
    assert describe_dataset(workspace, "mine").title == "Renamed by hand"
    assert load_dataset(workspace, "mine", verify=True).title == "Renamed by hand"


def test_a_description_that_is_nested_too_deeply(workspace, folder: Path) -> None:
    (folder / "dataset.json").write_text("[" * 100_000)
    assert listed(workspace).state == "damaged"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "header"),
        (b"PK\x03\x04 a zip archive", "header"),
        (b"\x80\x04 a pickle", "header"),
        (b"\x93NUMPY\x01\x00\x02\x00{}", "header"),
        (b"\x93NUMPY\x03\x00\xff\xff\xff\x7f", "header"),
    ],
)
def test_what_is_no_array_is_said(tmp_path, content: bytes, words: str) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        map_array(path, np.uint8, 4)


def test_an_array_of_another_kind_shape_or_length(tmp_path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((3, 2), np.float32))
    with pytest.raises(ValueError, match=r"float32 numbers of shape \(3, 2\)"):
        map_array(path, np.uint8, 2)
    with pytest.raises(ValueError, match=r"float32 numbers of shape \(3, 2\)"):
        map_array(path, np.float32, 3)
    assert map_array(path, np.float32, 2).shape == (3, 2)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ValueError, match="size"):
        map_array(path, np.float32, 2)
    with pytest.raises(OSError):
        map_array(tmp_path / "none.npy", np.uint8, 4)
