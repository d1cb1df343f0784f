"""`explain` on a real finished run: a PNG, one sentence, and sentences for what cannot be done."""

import io

import numpy as np
import pytest
from PIL import Image

from core.datasets.catalogue import SHAPES_CLASSES
from tests.core.conftest import picture_file, run_command, run_json


def test_it_writes_a_picture_and_prints_one_sentence(home, tmp_path) -> None:
    picture, out = picture_file(tmp_path), tmp_path / "why.png"
    how = ("--run", home.run_id, str(picture), "--method", "grad-cam", "--layer", "conv_1", "--class", "ring")
    code, printed, err = run_command("explain", *how, "--out", str(out))
    assert code == 0, err
    (line,) = printed.splitlines()
    assert line.startswith("picture.png is taken for “") and "Grad-CAM at conv_1 for “ring”" in line
    code, document = run_json("explain", *how, "--out", str(out))
    assert (code, document["sentence"], document["out"], document["image"]) == (
        0,
        line,
        str(out),
        str(picture),
    )
    assert (document["layer"], document["class"], document["layers"]) == (
        "conv_1",
        "ring",
        ["conv_1", "conv_2"],
    )
    assert np.shape(document["map"]) == np.shape(document["random_map"]) == (32, 32)
    with Image.open(io.BytesIO(out.read_bytes())) as image:
        assert (image.format, image.text["Description"]) == ("PNG", line)
        assert image.getpixel((20, 40)) == (255, 0, 0), "what the network saw is red"
    _, rows = run_json("predict", "--run", home.run_id, str(picture))
    assert [each["class"] for each in document["top"]] == [each["class"] for each in rows[0]["top"]]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (["--layer", "conv_7"], "Choose one of conv_1, conv_2."),
        (["--class", "squirrel"], f"Choose one of {', '.join(SHAPES_CLASSES)}."),
        (
            ["--method", "occlusion", "--layer", "conv_1"],
            "Occlusion covers the picture and looks at no layer.",
        ),
        (["--method", "guess"], "invalid choice: 'guess'"),
        (["--run", "nobody"], "no run"),
        (["--out", "missing/folder/why.png"], "why.png cannot be written: No such file or directory."),
    ],
)
def test_what_cannot_be_done_is_a_sentence(home, tmp_path, monkeypatch, changed, sentence) -> None:
    monkeypatch.chdir(tmp_path)
    picture = str(picture_file(tmp_path))
    arguments = ["--run", home.run_id, picture, "--method", "grad-cam", "--out", "why.png", *changed]
    code, _, err = run_command("explain", *arguments)
    assert (code, sentence in err) == (2, True), err
    assert not (tmp_path / "why.png").exists()


def test_a_file_that_is_no_picture_is_a_sentence(home, tmp_path) -> None:
    (tmp_path / "notes.png").write_text("not a picture")
    for name, sentence in (("notes.png", "is not a picture"), ("missing.png", "cannot be read")):
        code, _, err = run_command(
            "explain", "--run", home.run_id, str(tmp_path / name), "--method", "occlusion", "--out", "x.png"
        )
        assert (code, name in err, sentence in err) == (2, True, True)


def test_another_epoch_answers_and_looks_elsewhere(home, tmp_path) -> None:
    picture, maps, answers = str(picture_file(tmp_path)), [], []
    for epoch in ("1", "2"):
        how = (
            "--method",
            "grad-cam",
            "--class",
            "ring",
            "--out",
            str(tmp_path / "why.png"),
            "--epoch",
            epoch,
        )
        code, document = run_json("explain", "--run", home.run_id, picture, *how)
        assert code == 0, document
        _, (row,) = run_json("predict", "--run", home.run_id, picture, "--epoch", epoch)
        assert document["top"] == row["top"]
        maps.append(document["map"])
        answers.append(row["top"])
    assert maps[0] != maps[1] and answers[0] != answers[1]
    for command in (("predict",), ("explain", "--method", "occlusion", "--out", str(tmp_path / "why.png"))):
        code, _, err = run_command(command[0], "--run", home.run_id, picture, *command[1:], "--epoch", "77")
        assert (code, "There are no weights of epoch 77" in err, "and epochs 1 to 3." in err) == (
            2,
            True,
            True,
        )
