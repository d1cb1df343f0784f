"""The parity receipt: what passes, what fails and how it says so. Snippets: pasted into a process of their own."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from core.config import DatasetConfig
from core.datasets.splits import load_split
from core.engine.exporting import ExportedModel, export_model
from core.errors import UserError
from core.export import receipt as receipts
from core.export.formats import FORMATS
from core.export.receipt import check_export, random_pictures
from core.training.saved_models import load_run_model, predict
from tests.core.conftest import run_command, run_json

NAMES = tuple(FORMATS)
CONTRACT = {"n", "max_difference", "agreement", "runtime", "passed"}


@pytest.fixture(scope="module")
def exported(engine, trained, tmp_path_factory) -> dict[str, ExportedModel]:
    """The trained run in every format."""
    folder = tmp_path_factory.mktemp("exported")
    return {
        name: export_model(engine, trained.run_id, name, folder / name, DatasetConfig("shapes"), 1.5)
        for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_receipt_of_a_run_passes_and_lies_beside_the_file(exported, name: str) -> None:
    made = exported[name]
    receipt = made.receipt
    assert made.path.name == f"{name}{FORMATS[name].suffix}"
    assert receipt.passed and receipt.problem is None
    assert receipt.pictures == "validation" and receipt.n == 256
    if name == "tflite-int8":
        assert receipt.agreement >= 0.95 and receipt.max_difference < 0.02 and "98 %" in receipt.rule
    else:
        assert receipt.max_difference < 1e-5 and "0.0001" in receipt.rule
    runtime = {
        "keras": "keras", "onnx": "onnxruntime", "tflite": "ai-edge-litert", "tflite-int8": "ai-edge-litert",
        "savedmodel": "tensorflow",
    }[name]  # fmt: skip
    assert receipt.runtime == f"{runtime} {receipt.versions[runtime]}"
    assert {"keras", "tensorflow", "numpy", "python"} <= receipt.versions.keys()
    assert 0 < receipt.milliseconds < 10_000
    beside = json.loads(made.path.with_name(made.path.name + ".json").read_bytes())
    assert beside["receipt"] == receipt.to_json() and beside["receipt"].keys() >= CONTRACT
    files = [each for each in made.path.rglob("*") if each.is_file()] or [made.path]
    assert beside["bytes"] == made.bytes == sum(each.stat().st_size for each in files)
    assert beside["format"] == name


@pytest.mark.parametrize("name", NAMES)
def test_the_snippet_works_when_pasted(exported, engine, trained, tmp_path, name: str) -> None:
    """In a fresh process without ConvDeck, beside the file: a photo gets the app's class and probability."""
    made = exported[name]
    (shutil.copytree if made.path.is_dir() else shutil.copyfile)(made.path, tmp_path / made.path.name)
    picture = load_split(trained.workspace, DatasetConfig("shapes"), 0).x_validation[5]
    Image.fromarray(picture).resize((240, 160)).save(tmp_path / "picture.jpg", quality=95)
    done = subprocess.run(
        [sys.executable, "-I", "-c", made.snippet], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (answer,) = engine.predict(trained.run_id, [("p", (tmp_path / "picture.jpg").read_bytes())])
    corrected = {each.name: each.probability ** (1 / 1.5) for each in answer.top}
    *words, probability = done.stdout.split()
    assert " ".join(words) == answer.top[0].name
    expected = corrected[answer.top[0].name] / sum(corrected.values())
    assert float(probability) == pytest.approx(expected, abs=0.05 if name == "tflite-int8" else 1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_snippet_and_program_say_first_what_to_install(exported, name: str) -> None:
    """What the formats' runtimes are called on PyPI, and a backend for Keras, which brings none."""
    lines = exported[name].snippet.splitlines()
    runtime = {
        "keras": "keras tensorflow", "onnx": "onnxruntime", "tflite": "ai-edge-litert",
        "tflite-int8": "ai-edge-litert", "savedmodel": "tensorflow",
    }[name]  # fmt: skip
    assert lines[0] == exported[name].python.splitlines()[0] == f"# pip install {runtime} numpy pillow"
    assert len(lines) < 15


@pytest.mark.parametrize("name", NAMES)
def test_the_program_works_when_it_is_saved(exported, engine, trained, tmp_path, name: str) -> None:
    """It answers a picture of another size as `predict` does, without a temperature."""
    made = exported[name]
    (shutil.copytree if made.path.is_dir() else shutil.copyfile)(made.path, tmp_path / made.path.name)
    small = np.random.default_rng(3).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    Image.fromarray(small).resize((90, 70)).save(tmp_path / "picture.jpg")
    program = made.python.replace(" ** (1 / 1.5)", "")
    assert program != made.python
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-I", "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (answer,) = engine.predict(trained.run_id, [("p", (tmp_path / "picture.jpg").read_bytes())])
    expected = {each.name: each.probability for each in answer.top}
    told = json.loads(done.stdout.replace("'", '"'))
    assert told == pytest.approx(expected, abs=0.05 if name == "tflite-int8" else 1e-5)


def check(name: str, path: Path, trained, **changed):
    saved = load_run_model(trained.workspace.run_folder(trained.run_id))
    pictures = random_pictures(saved.image_shape)[:40]
    given = {"which": "random", "rounded": None, "versions": {}, **changed}
    names = given.pop("class_names", saved.class_names)
    return check_export(FORMATS[name], path, pictures, predict(saved.model, pictures), names, **given)


@pytest.mark.parametrize("name", ["keras", "onnx", "tflite"])
def test_a_damaged_file_fails_and_says_so(exported, trained, tmp_path, name: str) -> None:
    damaged = tmp_path / exported[name].path.name
    damaged.write_bytes(exported[name].path.read_bytes()[:700])
    receipt = check(name, damaged, trained)
    assert (receipt.passed, receipt.max_difference, receipt.agreement) == (False, None, None)
    assert f"{FORMATS[name].runtime} could not open or run the file: " in receipt.problem
    assert receipt.sentence.endswith("Do not use it.") and "\n" not in receipt.sentence
    json.dumps(receipt.to_json(), allow_nan=False)


def test_a_file_with_other_weights_fails_by_its_difference(exported, trained, tmp_path) -> None:
    model = onnx.load(exported["onnx"].path)
    changed = max(model.graph.initializer, key=lambda each: len(each.raw_data))
    changed.raw_data = (np.frombuffer(changed.raw_data, np.float32) * 1.5).tobytes()
    onnx.save(model, tmp_path / "other.onnx")
    receipt = check("onnx", tmp_path / "other.onnx", trained)
    assert not receipt.passed and receipt.problem is None
    assert receipt.max_difference > 1e-3 and receipt.agreement <= 1
    assert "differ by at most" in receipt.sentence and "made-up pictures" in receipt.sentence


def test_a_file_that_knows_other_classes_fails(exported, trained) -> None:
    receipt = check("onnx", exported["onnx"].path, trained, class_names=("a", "b"))
    assert not receipt.passed and receipt.problem == "The file has other class names than the run."


def test_labels_lie_in_the_zip_of_a_litert_file(exported, trained) -> None:
    saved = load_run_model(trained.workspace.run_folder(trained.run_id))
    for name in ("tflite", "tflite-int8"):
        with zipfile.ZipFile(exported[name].path) as file:
            assert file.read("labels.txt").decode().splitlines() == list(saved.class_names)
            assert json.loads(file.read("convdeck.json"))["run"] == trained.run_id


def test_without_its_data_set_pictures_are_made_up_and_eight_bits_are_refused(
    engine, trained, tmp_path
) -> None:
    made = export_model(engine, trained.run_id, "onnx", tmp_path / "m.onnx")
    assert made.receipt.pictures == "random" and made.receipt.passed
    assert "made-up pictures" in made.receipt.sentence
    with pytest.raises(UserError, match="its data set is not here"):
        export_model(engine, trained.run_id, "tflite-int8", tmp_path / "small")
    assert not list(tmp_path.glob("small*"))


def test_a_folder_is_not_written_over(engine, trained, tmp_path) -> None:
    (tmp_path / "kept").mkdir()
    with pytest.raises(UserError, match="exists already"):
        export_model(engine, trained.run_id, "savedmodel", tmp_path / "kept")
    assert list(tmp_path.rglob("*")) == [tmp_path / "kept"]


@pytest.mark.parametrize("name", ["onnx", "savedmodel"])
def test_an_export_to_nowhere_says_so(engine, trained, tmp_path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        export_model(engine, trained.run_id, name, tmp_path / "no such folder" / "model")


def test_the_command_prints_the_receipt_and_its_contract(home, tmp_path) -> None:
    out = str(tmp_path / "model.onnx")
    code, answer = run_json("export", home.run_id, "--format", "onnx", "--out", out)
    assert code == 0
    assert (answer["path"], answer["format"]) == (out, "onnx")
    assert answer["bytes"] == (tmp_path / "model.onnx").stat().st_size
    assert answer["receipt"].keys() >= CONTRACT and answer["receipt"]["passed"] is True
    assert {"recipe_path", "run", "epoch", "class_names", "sentences", "python"} <= answer.keys()


def test_the_command_fails_where_the_receipt_does(home, exported, tmp_path, monkeypatch) -> None:
    made = exported["keras"]
    failed = {**made.description["receipt"], "passed": False, "agreement": 0.5, "max_difference": 0.3}
    description = {**made.description, "receipt": failed}
    monkeypatch.setattr(
        "core.cli.export.export_run",
        lambda *asked: ExportedModel(made.path, made.recipe_path, description, made.sha256),
    )
    arguments = ("export", home.run_id, "--format", "keras", "--out", str(tmp_path / "m"))
    code, out, _ = run_command(*arguments)
    assert code == 1 and "Parity receipt: FAILED. keras" in out and "50.0 % of 256" in out
    code, answer = run_json(*arguments)
    assert (code, answer["receipt"]["passed"]) == (1, False)


@pytest.mark.parametrize(
    ("difference", "agreement", "rounded", "expected"),
    [
        (9e-5, 0.5, None, True), (1.1e-4, 1.0, None, False), (0.2, 0.98, "8 bits", True), (0.2, 0.97, "8 bits", False),
        (0.009, 0.5, "8 bits", True),
    ],
)  # fmt: skip
def test_what_passes(difference: float, agreement: float, rounded: str | None, expected: bool) -> None:
    assert receipts._passes(difference, agreement, rounded) is expected


@pytest.mark.parametrize(
    ("agreement", "difference", "told"),
    [
        (251 / 256, 0.0103, ("98.05 %", "0.0103")),
        (0.97996, 0.00996, ("97.996 %", "0.00996")),
        (0.98, 0.01, ("98.0 %", "0.01")),
        (1.0, 4.5e-8, ("100.0 %", "4e-08")),
        (1.0, 0.000104, ("100.0 %", "0.000104")),
    ],
)
def test_whether_it_passes_is_seen_in_its_numbers(agreement: float, difference: float, told) -> None:
    found = receipts.Receipt(256, "validation", difference, agreement, "x 1", 1.0, "", True, None, {})
    assert (found.agreement_in_words, found.difference_in_words) == told
