"""The shipped run is what it says: trained, overfitting, and its model as good as its curves claim."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from core.analysis.diagnosis import Verdict, diagnose
from core.datasets.catalogue import SHAPES_TEST
from core.datasets.followed import MOST_FOLLOWED
from core.datasets.shapes import draw_shapes
from core.datasets.splits import validation_and_test
from core.design.presets import quick_start
from core.epoch import CURVE_KEYS, EpochRow
from core.onboarding.example import EXAMPLE_FILE, EXAMPLE_PRESET, read_example, write_example
from core.store.store import Store
from core.system.files import write_bytes


def test_the_shipped_run_overfits_clearly() -> None:
    example = read_example()
    assert EXAMPLE_FILE.stat().st_size < 700_000
    assert example.run.config == quick_start(EXAMPLE_PRESET, has_cifar10=False, has_gpu=False)
    assert [row.epoch for row in example.run.epochs] == list(range(1, example.run.config.training.epochs + 1))
    curves = {key: [getattr(row, key) for row in example.run.epochs] for key in CURVE_KEYS}
    diagnosis = diagnose(curves, num_classes=10, num_validation=1500, num_clean=2000)
    assert diagnosis.verdict is Verdict.OVERFITTING
    assert diagnosis.gap is not None and diagnosis.gap > 0.2


def test_the_shipped_run_has_what_a_run_of_today_measures() -> None:
    example = read_example()
    for row in example.run.epochs:
        assert row.details is not None
        parts = {"clean": row.clean_train_accuracy, "validation": row.val_accuracy}
        for part, accuracy in parts.items():
            counts = row.details[part]
            assert sum(counts["right"]) / sum(counts["count"]) == pytest.approx(accuracy)
        wrong = sum(counts["count"]) - sum(counts["right"])  # validation was last
        assert sum(row.details["confusion"]["count"]) == wrong
        for part in ("training", "validation"):
            assert len(row.details["followed"][part]["answer"]) == MOST_FOLLOWED


def test_it_holds_no_picture_and_only_weights_of_some_epochs() -> None:
    with zipfile.ZipFile(EXAMPLE_FILE) as archive:
        names = archive.namelist()
    model = f"best-{max(read_example().run.epochs, key=lambda row: row.val_accuracy or 0).epoch:06d}"
    weights = [f"epochs/{epoch:06d}.npz" for epoch in (1, 2, 4, 8, 16, 25)]
    assert names == ["run.json", f"{model}.json", f"{model}.keras", *weights]
    assert read_example().run.config.dataset.id == "shapes"  # drawn by this project


def test_the_shipped_model_is_as_good_as_its_curve_says(tmp_path) -> None:
    from core.training.saved_models import load_run_model, predict

    example = read_example()
    for name, data in example.files.items():
        write_bytes(tmp_path / Path(name).name, data)
    saved = load_run_model(tmp_path)
    pictures, labels = draw_shapes(SHAPES_TEST, 1)
    validation, _ = validation_and_test(labels)
    answers = np.argmax(predict(saved.model, pictures[validation]), axis=1)
    claimed = example.run.epochs[saved.epoch - 1].val_accuracy
    assert claimed == max(row.val_accuracy or 0 for row in example.run.epochs)
    # Another processor rounds otherwise, which turns a close answer now and then.
    assert accuracy_score(labels[validation], answers) == pytest.approx(claimed, abs=0.003)


def test_a_run_is_packed_and_read_back(trained, tmp_path) -> None:
    with Store(trained.workspace) as store:
        run, curves = store.get_run(trained.run_id), store.curves(trained.run_id)
        details = store.breakdowns.details(run.id)
    folder = trained.workspace.run_folder(run.id)
    write_example(run, curves, details, folder, tmp_path / "packed.zip")
    example = read_example(tmp_path / "packed.zip")
    assert (example.run.config, example.run.preset) == (run.config, "tiny")
    rows = zip(*(curves[key] for key in CURVE_KEYS), strict=True)
    assert example.run.epochs == tuple(EpochRow(*row, details=details[row[0]]) for row in rows)
    (model,) = (name for name in example.files if name.endswith(".keras"))
    assert example.files[model] == (folder / model).read_bytes()


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_example_is_a_value_error(tmp_path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.zip holds no example"):
        read_example(tmp_path / "x.zip")


def test_settings_of_another_version_are_a_value_error(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("run.json", json.dumps({"config": {"unheard_of": 1}, "curves": {}, "name": "x"}))
    with pytest.raises(ValueError, match="unheard_of"):
        read_example(tmp_path / "x.zip")
