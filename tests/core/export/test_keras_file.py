"""A `.keras` file for use without ConvDeck: its answers, its recipe, and the program that comes with it."""

import hashlib
import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from core.errors import UserError
from core.export.formats import FORMATS
from core.export.programs import Files, program_lines
from core.export.recipe import recipe_of
from core.images import PIXELS_AVERAGED, decode_picture, fit_picture
from core.training.models import build_model
from core.training.saved_models import SavedModel, load_run_model, predict, save_run_model
from tests.core.export.sources import exported, source_of
from tests.core.training.conftest import CLASSES, SHAPE, tiny_config

PICTURES = np.random.default_rng(3).integers(0, 256, (300, *SHAPE)).astype(np.uint8)


@pytest.fixture
def model(config) -> keras.Model:
    return build_model(config, SHAPE, 3)


def test_an_export_answers_as_the_run_s_model_does(model, tmp_path) -> None:
    (tmp_path / "run").mkdir()
    save_run_model(tmp_path / "run", "best", model, CLASSES, SHAPE, 4)
    made = exported(tmp_path / "run", tmp_path / "network")
    assert made.path == tmp_path / "network.keras"
    alone = keras.models.load_model(made.path)
    np.testing.assert_allclose(np.asarray(alone(PICTURES)), predict(model, PICTURES), atol=1e-6)


def test_an_export_to_nowhere_says_so(model, tmp_path) -> None:
    save_run_model(tmp_path, "best", model, CLASSES, SHAPE, 1)
    with pytest.raises(UserError, match="cannot be written"):
        exported(tmp_path, tmp_path / "no such folder" / "network.keras")


@pytest.mark.parametrize("epochs", [(2,), (3, 4)], ids=["the same epoch again", "two later ones"])
def test_an_export_is_the_file_that_was_verified_or_none(folder, model, monkeypatch, epochs) -> None:
    def saved_meanwhile(folder: Path) -> SavedModel:
        loaded = load_run_model(folder)
        model.get_layer("softmax").bias.assign([1.0, 2.0, 3.0])
        for epoch in epochs:
            save_run_model(folder, "best", model, CLASSES, SHAPE, epoch)
        return loaded

    monkeypatch.setattr("tests.core.export.sources.load_run_model", saved_meanwhile)
    with pytest.raises(UserError, match="Export it again"):
        exported(folder, folder.parent / "network.keras")
    assert not (folder.parent / "network.keras").exists()


def test_an_export_of_a_damaged_newest_one_is_the_previous(folder) -> None:
    (folder / "best-000002.keras").write_bytes(b"torn")
    path = exported(folder, folder.parent / "network.keras").path
    with zipfile.ZipFile(path) as made, zipfile.ZipFile(folder / "best-000001.keras") as previous:
        assert made.namelist() == previous.namelist()
        for name in set(made.namelist()) - {"metadata.json"}:
            assert made.read(name) == previous.read(name)


def test_the_recipe_is_in_the_file_and_beside_it(folder, tmp_path) -> None:
    made = exported(folder, tmp_path / "network.keras")
    beside = json.loads((tmp_path / "network.keras.json").read_bytes())
    with zipfile.ZipFile(tmp_path / "network.keras") as file:
        metadata = json.loads(file.read("metadata.json"))
    assert metadata.pop("convdeck") | {"bytes": made.path.stat().st_size} == beside == made.recipe
    assert metadata.keys() == {"keras_version", "date_saved"}
    assert (made.recipe_path.name, beside["run"], beside["epoch"]) == ("network.keras.json", "run", 2)
    assert (beside["dataset"], beside["format"]) == ("shapes", "keras")
    assert beside["class_names"] == list(CLASSES)
    assert (beside["image_shape"], beside["colors"]) == ([8, 8, 3], "RGB")
    assert (beside["dtype"], beside["pixel_range"]) == ("uint8", [0, 255])
    assert beside["resizing"] == {
        "crop": "center", "width": 8, "height": 8, "filter": "bilinear", "filter_of_large": "box",
        "large_from_pixels": 16,
    }  # fmt: skip
    said = " ".join(beside["sentences"])
    for part in (
        "0: “dark”, 1: “light”, 2: “red”.",
        "8×8 pixels in RGB",
        "whole numbers from 0 to 255",
        "Do not divide",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("crop", "words"),
    [
        ("center", "largest middle part"),
        ("pad", "mean colour of its edges"),
        ("stretch", "whatever its proportions"),
    ],
)
def test_the_recipe_has_the_crop_that_the_run_s_pictures_had(tmp_path, crop: str, words: str) -> None:
    (tmp_path / "run").mkdir()
    save_run_model(tmp_path / "run", "best", build_model(tiny_config(), SHAPE, 3), CLASSES, SHAPE, 1, crop)
    recipe = exported(tmp_path / "run", tmp_path / "network").recipe
    assert recipe["resizing"]["crop"] == crop
    assert words in " ".join(recipe["sentences"])


def test_a_model_of_an_older_version_has_the_middle(folder) -> None:
    """Its description, sealed as it was then, says nothing of a crop."""
    path = folder / "best-000002.json"
    values = {
        key: value for key, value in json.loads(path.read_bytes()).items() if key not in ("crop", "seal")
    }
    seal = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**values, "seal": seal}))
    assert load_run_model(folder).crop == "center"


def test_names_that_are_numbers_are_not_mistaken_for_places(tmp_path) -> None:
    said = {}
    for names in (("0", "1", "2"), ("0", "1", "10"), ("1", "2", "3"), CLASSES):
        saved = SavedModel(None, names, SHAPE, 1, tmp_path, "")
        said[names] = " ".join(recipe_of(source_of(saved), FORMATS["keras"], "x.keras")["sentences"])
    assert "output 2 is the class “10”." in said["0", "1", "10"]
    assert "output 0 is the class “1”." in said["1", "2", "3"]
    assert "is the class" not in said["0", "1", "2"] + said[CLASSES]


def test_any_name_of_a_file_or_class_stays_a_text_in_the_program(tmp_path) -> None:
    names = ('"quoted"', "äöü 苹果", "back\\slash")
    (tmp_path / "run").mkdir()
    save_run_model(tmp_path / "run", "best", build_model(tiny_config(), SHAPE, 3), names, SHAPE, 1)
    made = exported(tmp_path / "run", tmp_path / 'my "own" model.keras')
    found: dict = {}
    exec("\n".join(line for line in made.recipe["python"] if line.startswith(("FILE", "SIZE"))), found)
    assert found["FILE"] == 'my "own" model.keras'
    with zipfile.ZipFile(made.path) as file:
        assert json.loads(file.read("metadata.json"))["convdeck"]["class_names"] == list(names)


@pytest.mark.parametrize("crop", ["center", "pad", "stretch"])
@pytest.mark.parametrize("shape", [(12, 8, 1), (8, 12, 3)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_program_brings_a_picture_to_grey_and_to_any_proportions_as_the_app_does(
    tmp_path, monkeypatch, shape, crop: str, kind: str
) -> None:
    seen = []

    def model(pictures):
        seen.append(pictures)
        return np.ones((1, 2))

    photo = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    photo = photo if kind == "JPEG" else photo[..., 0].astype(np.uint16) * 200  # 16 bits
    Image.fromarray(photo).save(tmp_path / "picture.jpg", kind)
    lines = program_lines(Files("keras", "m.keras", shape, crop))
    monkeypatch.chdir(tmp_path)
    exec(
        "\n".join([*lines[1:3], lines[4], *lines[8:]]),
        {"model": model, "class_names": ["a", "b"]},
    )
    decoded = decode_picture((tmp_path / "picture.jpg").read_bytes(), "x", PIXELS_AVERAGED * max(shape[:2]))
    np.testing.assert_array_equal(seen[0][0], fit_picture(decoded.pixels, shape, crop))
