"""Datasets and System: counted again in the stored arrays, on the disk, and in the database.

Of System, how much memory is in use, how busy a device is, and its temperature are measurements of the moment.
"""

import base64
import importlib.metadata
import io
import json
import os
import platform
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.datasets.saving import save_dataset
from core.design.presets import PRESETS
from core.store.records import RunRequest
from core.store.store import Store
from core.workspace import Workspace
from tests.pages.numbers.conftest import Trained
from tests.pages.numbers.readings import sql, texts_of
from tests.pages.visits import open_page


def test_every_number_of_a_data_set(workspace: Workspace) -> None:
    generator = np.random.default_rng(0)
    arrays = {
        "x_train": generator.integers(0, 256, (1234, 8, 9, 1), np.uint8), "y_train": generator.integers(0, 3, 1234),
        "x_test": generator.integers(0, 256, (333, 8, 9, 1), np.uint8), "y_test": generator.integers(0, 3, 333),
    }  # fmt: skip
    save_dataset(workspace, "mine", "Mine", "", ("a", "b", "c"), arrays, num_validation=111)
    save_dataset(workspace, "other", "Other", "", ("a", "b", "c"), arrays)
    page = open_page("datasets.py", **{"look-inside": "Mine"})
    stored = {
        name: np.load(workspace.datasets / "mine" / f"{name}.npy")
        for name in ("x_train", "y_train", "y_test")
    }
    height, width = stored["x_train"].shape[1:3]
    num_classes = len(np.unique(stored["y_train"]))
    beginning = f"{num_classes} classes, {height}×{width} grey; {len(stored['y_train']):,} training, "
    assert f"{beginning}111 validation and {333 - 111} test pictures" in texts_of(page)
    # One that does not say which are for validation: half of them.
    assert f"{beginning}166 validation and 167 test pictures" in texts_of(page)
    assert f"{1234 + 333:,} pictures of {width}×{height} pixels in grey, 3 classes." in texts_of(page)
    counts = page.dataframe[0].value
    parts = {
        "Training": stored["y_train"], "Validation": stored["y_test"][:111], "Test": stored["y_test"][111:],
    }  # fmt: skip
    for label in range(3):
        row = counts.iloc[label]
        assert row["Class"] == "abc"[label]
        assert {part: row[part] for part in parts} == {
            part: int((y == label).sum()) for part, y in parts.items()
        }
    for part, y in parts.items():
        select_part(page, part)
        shown = [(group["name"], group["labels"]) for group in grid_of(page)["groups"]]
        assert shown == [
            (
                f"{name}: 12 of {(y == label).sum():,}",
                [
                    f"{name}: {part.lower()} picture {place + 1:,}"
                    for place in np.flatnonzero(y == label)[:12]
                ],
            )
            for label, name in enumerate("abc")
        ]


def test_a_picture_is_the_one_that_its_words_name(workspace: Workspace) -> None:
    """Also on the second page of one class, and of the part that shares its file with another one."""
    generator = np.random.default_rng(1)
    arrays = {
        "x_train": generator.integers(0, 256, (10, 8, 9, 3), np.uint8), "y_train": np.arange(10) % 2,
        "x_test": generator.integers(0, 256, (700, 8, 9, 3), np.uint8), "y_test": np.arange(700) % 2,
    }  # fmt: skip
    save_dataset(workspace, "mine", "Mine", "", ("a", "b"), arrays, num_validation=300)
    page = open_page("datasets.py", **{"look-inside": "Mine"})
    select_part(page, "Test")
    page.selectbox(key="class-mine").set_value(1).run()
    page.get("pagination")[0].set_value(2).run()
    grid = grid_of(page)
    (group,) = grid["groups"]
    assert group["name"] == "b: 80 of 200"
    sheet = Image.open(io.BytesIO(base64.b64decode(grid["sheet"].partition(",")[2]))).convert("RGB")
    test = arrays["x_test"][300:]
    for index, words in enumerate(group["labels"]):
        row = int(words.removeprefix("b: test picture ").replace(",", "")) - 1
        assert row == 2 * (120 + index) + 1  # every second one is a b
        x, y = index % grid["columns"] * 9, index // grid["columns"] * 8
        np.testing.assert_array_equal(np.asarray(sheet)[y : y + 8, x : x + 9], test[row])


def select_part(page: AppTest, part: str) -> None:
    group = next(each for each in page.get("button_group") if each.key == "part-mine")
    group.set_value({"Training": "train"}.get(part, part.lower())).run()
    assert not page.exception


def grid_of(page: AppTest) -> dict[str, Any]:
    """What the browser gets of the pictures."""
    found = [each.proto for each in page.get("bidi_component")]
    grid = next(each for each in found if each.component_name == "convdeck_pictures.pictures")
    return json.loads(grid.mixed.json if grid.HasField("mixed") else grid.json)


def test_how_large_a_download_is(workspace: Workspace) -> None:
    """By the publishers' own pages: 170,498,071 bytes of CIFAR-10, 169,001,437 of CIFAR-100."""
    page = open_page("datasets.py")
    labels = {button.key: button.label for button in page.button}
    for name, size in (("cifar10", 170_498_071), ("cifar100", 169_001_437)):
        assert labels[f"get-{name}"] == f"Download {size / 1e6:.0f} MB"


def test_every_version_is_the_installed_one(workspace: Workspace) -> None:
    table = open_page("system.py").dataframe[-1].value.set_index("package")["version"]
    assert table["python"] == platform.python_version() and table["sqlite"] == sqlite3.sqlite_version
    for package in table.index.difference(["python", "sqlite"]):
        try:
            assert table[package] == importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            assert table[package] == "missing"


def test_every_size_on_the_disk(home: Trained) -> None:
    st.cache_data.clear()  # sizes are kept for half a minute
    page = open_page("system.py")
    shown = {tile.label: tile.value for tile in page.metric}
    root = home.workspace.root
    assert shown["Data sets"] == in_words(bytes_below(root / "datasets"))
    assert shown["Runs"] == in_words(bytes_below(root / "runs"))
    assert shown["Database"] == in_words(sum(path.stat().st_size for path in root.glob("convdeck.sqlite3*")))
    disk = shutil.disk_usage(root)
    # Others write on this disk too.
    assert in_bytes(shown["Free on this disk"]) == pytest.approx(disk.free, rel=0.02)
    (bar,) = page.get("progress")
    used, total = bar.proto.text.removesuffix(" in use").split(" of ")
    assert total == in_words(disk.total)
    # Of what is not free a part may be kept for the system, which `used` leaves out.
    assert in_bytes(used) == pytest.approx(disk.total - disk.free, rel=0.02)
    assert bar.proto.value == pytest.approx(100 * (1 - disk.free / disk.total), abs=1.5)


def bytes_below(folder: Path) -> int:
    return sum((Path(place) / name).stat().st_size for place, _, names in os.walk(folder) for name in names)


def in_words(size: float) -> str:
    for unit, form in (("B", ".0f"), ("kB", ".0f"), ("MB", ".1f"), ("GB", ".1f")):
        if size < 1000:
            return f"{size:{form}} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def in_bytes(text: str) -> float:
    number, unit = text.split()
    return float(number) * 1000 ** ("B", "kB", "MB", "GB", "TB").index(unit)


def test_every_number_of_devices_and_queue(workspace: Workspace, store: Store, monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("CONVDECK_CPU_SLOTS", "2")
    busy = store.queue_run(RunRequest(PRESETS["tiny"].config, "busy"))
    store.claim(busy.id, ["cpu:0"])
    for number in range(23):
        store.queue_run(RunRequest(PRESETS["tiny"].config, f"waiting {number}"))
    leases = [row["device"] for row in sql(workspace, "SELECT device FROM leases")]
    (waiting,) = sql(workspace, "SELECT count(*) FROM runs WHERE state = 'WAITING'")
    page = open_page("system.py")
    shown = {tile.label: tile.value for tile in page.metric}
    assert shown["Free devices"] == f"{2 - len(leases)} of 2"
    assert shown["Waiting runs"] == str(waiting[0])
    texts = " ".join(texts_of(page))
    assert f"And {waiting[0] - 20} more." in texts
    assert "Number 2 in the queue, behind the run “waiting 0”." in texts
    assert "Number 20 in the queue, behind 19 runs." in texts
    table = page.dataframe[0].value
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert table["threads"].tolist() == [max(1, cores // 2)] * 2
    total = psutil.virtual_memory().total / 2**30
    assert all(text.endswith(f" of {total:.1f} GiB") for text in table["memory_text"])
    for percent, text in zip(table["memory"], table["memory_text"], strict=True):
        assert percent == pytest.approx(100 * float(text.split()[0]) / total, abs=0.5)
