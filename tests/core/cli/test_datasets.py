"""`datasets add`: what it prints, its JSON, and its exit codes."""

import json

import numpy as np
import pytest

from core.datasets.storage import load_dataset
from tests.core.conftest import run_command, run_json
from tests.core.importing.made import make_folder, make_zip, pictures, png


@pytest.fixture
def damaged(tmp_path):
    """Two classes of six, and two files that are no pictures."""
    return make_zip(
        tmp_path / "pets.zip",
        pictures("cats", "dogs", count=6) | {"cats/66.jpg": b"", "dogs/18.jpg": b"<html>"},
    )


def test_damaged_pictures_are_all_listed_and_nothing_is_stored(workspace, damaged) -> None:
    code, out, err = run_command("datasets", "add", "pets", str(damaged))
    assert (code, out) == (1, "")
    assert "cats/66.jpg is empty" in err and "dogs/18.jpg is not a picture" in err
    assert "2 of 14 pictures cannot be read" in err and "the other 12 with --skip-damaged" in err
    assert not (workspace.datasets / "pets").exists()
    code, out, _ = run_command("datasets", "add", "pets", str(damaged), "--json")
    told = json.loads(out)
    assert code == 1
    assert [each["file"] for each in told["left_out"]] == ["cats/66.jpg", "dogs/18.jpg"]
    assert (told["name"], told["classes"]) == ("pets", []) and "2 of 14 pictures" in told["error"]


def test_the_others_are_imported_and_all_of_it_is_told(workspace, damaged) -> None:
    code, told = run_json("datasets", "add", "pets", str(damaged), "--skip-damaged")
    assert code == 0
    assert set(told) == {"name", "classes", "left_out", "duplicates", "notes"}
    assert told["classes"] == [
        {"name": name, "train": 4, "validation": 1, "test": 1} for name in ("cats", "dogs")
    ]
    assert told["left_out"][0] == {"file": "cats/66.jpg", "reason": "is empty"}
    assert told["duplicates"] == []
    assert any("held out" in note for note in told["notes"])


def test_people_are_told_in_sentences(workspace, tmp_path) -> None:
    entries = pictures("train/a", "train/b", "test/a", "test/b", count=30)
    entries["test/b/copy.png"] = entries["train/b/0.png"]
    code, out, _ = run_command(
        "datasets", "add", "mine", str(make_folder(tmp_path / "x", entries | {"n.txt": b"x"}))
    )
    assert code == 0
    first, *rest = out.splitlines()
    assert first == "mine: 60 training, 31 validation and 30 test pictures of 32×32×3, 2 classes."
    assert "picture is a training picture too" in out or "pictures is a training picture too" in out
    assert rest[-1].strip() == "n.txt is not a picture"


@pytest.mark.parametrize(("crop", "corner"), [("middle", 255), ("stretch", 0), ("pad", None)])
def test_the_crop_is_taken_and_kept(workspace, tmp_path, crop: str, corner: int | None) -> None:
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 255
    from PIL import Image

    from tests.core.importing.made import encoded

    data = encoded(Image.fromarray(wide), "PNG")
    path = make_zip(tmp_path / "a.zip", {f"{name}/{index}.png": data for name in "ab" for index in range(5)})
    assert run_command("datasets", "add", "wide", str(path), "--crop", crop, "--image-size", "20")[0] == 0
    dataset = load_dataset(workspace, "wide")
    assert dataset.crop == {"middle": "center"}.get(crop, crop)
    if corner is not None:
        assert (dataset.x_train[0, 0, 0] == corner).all()


def test_a_known_data_set_is_told_too(workspace) -> None:
    code, told = run_json("datasets", "add", "shapes")
    assert code == 0
    assert len(told["classes"]) == 10
    assert told["classes"][0] == {"name": "circle", "train": 600, "validation": 150, "test": 150}
    assert (told["left_out"], told["duplicates"]) == ([], [])


def test_what_cannot_be_imported_is_exit_code_2(workspace, tmp_path) -> None:
    path = make_zip(tmp_path / "a.zip", {"one/0.png": png()})
    code, out, err = run_command("datasets", "add", "one", str(path), "--json")
    assert (code, out) == (2, "") and "only one class" in err
