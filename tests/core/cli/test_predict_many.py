"""`predict` on folders and zips: every picture a row, in order, and what is hostile or damaged a sentence."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.core.conftest import run_command, run_json


def picture(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(
        buffer, "PNG"
    )
    return buffer.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    return {"b/2.png": picture(2), "b/1.png": picture(1), "a.png": b"hello", "notes.txt": b"hello"}


def test_a_folder_and_a_zip_give_the_same_rows(home, tmp_path, files) -> None:
    folder, packed, single = tmp_path / "mine", tmp_path / "mine.zip", tmp_path / "one.png"
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            archive.writestr(name, data)
    single.write_bytes(picture(1))
    code, rows = run_json("predict", "--run", home.run_id, str(folder), str(packed), str(single))
    assert code == 0
    inside = ["a.png", "b/1.png", "b/2.png"]
    assert [row["image"] for row in rows] == [
        *(f"{folder}/{name}" for name in inside), *(f"{packed}/{name}" for name in inside), str(single),
    ]  # fmt: skip
    assert [row["ok"] for row in rows] == [False, True, True, False, True, True, True]
    assert "not a picture" in rows[0]["error"]
    for one, other in ((1, 4), (2, 5), (1, 6)):
        assert rows[one]["top"][0]["class"] == rows[other]["top"][0]["class"]
    _, _, err = run_command("predict", "--run", home.run_id, str(folder))
    assert "mine: left out: notes.txt is not a picture." in err


@pytest.mark.parametrize("kind", ["outside", "damaged", "empty", "bomb"])
def test_a_zip_that_cannot_be_taken_is_a_sentence_and_the_others_are_answered(
    home, tmp_path, kind: str
) -> None:
    path, good = tmp_path / "bad.zip", tmp_path / "good.png"
    good.write_bytes(picture(0))
    with zipfile.ZipFile(path, "w") as archive:
        if kind != "empty":
            archive.writestr("../x.png" if kind == "outside" else "x.png", picture(1))
    if kind == "damaged":
        path.write_bytes(path.read_bytes()[:80])
    if kind == "bomb":  # two entries that share their bytes, which is how 100 KB become 20 GB
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.png", picture(1))
            archive.writestr("y.png", picture(2))
        data = bytearray(path.read_bytes())
        second = data.rindex(b"PK\x01\x02")
        data[second + 42 : second + 46] = bytes(4)  # where its data begins (APPNOTE.TXT, 4.3.12)
        path.write_bytes(data)
    code, rows = run_json("predict", "--run", home.run_id, str(path), str(good))
    assert code == 0
    assert [(row["image"], row["ok"]) for row in rows] == [(str(path), False), (str(good), True)]
    reason = {
        "outside": "points outside of it", "damaged": "cannot be read as .zip", "empty": "no pictures in it",
        "bomb": "overlapping entries",
    }[kind]  # fmt: skip
    assert reason in rows[0]["error"]
