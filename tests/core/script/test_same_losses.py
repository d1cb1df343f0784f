"""Scripts that train: the run's losses, to rounding without augmentation and roughly with it."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from core.config import ExperimentConfig
from core.datasets.splits import load_split
from core.design.presets import PRESETS
from core.training.train import train
from tests.core.conftest import run_json
from tests.core.script.sources import defined, stored_source
from tests.core.training.conftest import Recorder

NUMBERS = re.compile(r"loss ([\d.]+), accuracy ([\d.]+) %")
# Printed with four decimals; rounding grows by less than this within three short epochs.
ROUNDING = 5e-4
VARIED = {
    "augmentation.horizontal_flip": True, "augmentation.rotation_degrees": 15.0, "augmentation.zoom_fraction": 0.1,
    "augmentation.brightness": 0.2,
}  # fmt: skip
# Everything that is measured by other weights, statistics, losses or answers than those that train.
MEASURED_OTHERWISE = {
    "optimizer.weight_averaging": 0.9, "optimizer.label_smoothing": 0.1, "training.precise_batch_norm": True,
    "training.test_time_flip": True, "model.dense": [{"units": 16, "dropout": 0.3}], "dataset.label_noise": 0.2,
}  # fmt: skip


def tiny(**values) -> ExperimentConfig:
    chosen = {
        "dataset.id": "shapes",
        "dataset.num_train": 200,
        "training.epochs": 2,
        "training.batch_size": 20,
    }
    return PRESETS["tiny"].config.with_values(chosen | values)


def losses(printed: str) -> np.ndarray:
    """(epochs, 3): training, clean training, validation."""
    lines = [line for line in printed.splitlines() if line.startswith("epoch ")]
    return np.array([[float(loss) for loss, _ in NUMBERS.findall(line)] for line in lines])


def of_run(config: ExperimentConfig, workspace, folder: Path) -> np.ndarray:
    recorder = Recorder()
    folder.mkdir()
    train(config, load_split(workspace, config.dataset, config.seed), folder, recorder)
    return np.array([[row.train_loss, row.clean_train_loss, row.val_loss] for row in recorder.rows])


def of_script(config: ExperimentConfig, workspace, capsys, monkeypatch, *arguments: str) -> np.ndarray:
    """In this process, which has loaded Keras already."""
    script = defined(stored_source(workspace, config))
    monkeypatch.setattr(sys, "argv", ["a-training.py", *arguments])
    script["main"]()
    return losses(capsys.readouterr().out)


def test_a_script_in_a_process_of_its_own_gets_the_run_s_losses(home, tmp_path) -> None:
    code, written = run_json("export", home.run_id, "--format", "script", "--out", str(tmp_path / "again"))
    path = Path(written["path"])
    assert (code, written["format"], written["receipt"]) == (0, "script", None)
    assert (path, written["bytes"]) == (tmp_path / "again.py", path.stat().st_size)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-I", str(path)], cwd=elsewhere, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "not the pictures" not in done.stdout
    curves = run_json("show", home.run_id)[1]["curves"]
    expected = np.transpose([curves[key] for key in ("train_loss", "clean_train_loss", "val_loss")])
    np.testing.assert_allclose(losses(done.stdout), expected, atol=ROUNDING)
    assert f"The best network is in {tmp_path / 'again.keras'}." in done.stdout
    assert list(elsewhere.iterdir()) == []
    saved = keras.models.load_model(tmp_path / "again.keras")
    assert saved.count_params() == PARAMETERS_OF_TINY
    assert np.asarray(saved(np.zeros((1, 32, 32, 3)))).sum() == pytest.approx(1, abs=1e-5)


# Keras's own summary of the preset.
PARAMETERS_OF_TINY = 3 * 3 * 3 * 16 + 16 + 4 * 16 + 3 * 3 * 16 * 24 + 24 + 4 * 24 + 24 * 10 + 10


def test_what_is_measured_by_other_weights_and_answers_is_the_run_s_too(
    home, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tiny(**MEASURED_OTHERWISE)
    found = of_script(config, home.workspace, capsys, monkeypatch)
    np.testing.assert_allclose(found, of_run(config, home.workspace, tmp_path / "run"), atol=ROUNDING)


# Keras calls SciPy by a name that SciPy is giving up.
@pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning")
def test_with_augmentation_losses_are_about_the_run_s_in_both_ways(
    home, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tiny(**VARIED)
    expected = of_run(config, home.workspace, tmp_path / "run")
    for way in ("layers", "generator"):
        found = of_script(config, home.workspace, capsys, monkeypatch, "--augment", way)
        # Two such runs of other seeds differ by up to 0.06 in training loss, and by 0.01 in the others.
        np.testing.assert_allclose(found[:, 0], expected[:, 0], atol=0.15)
        np.testing.assert_allclose(found[:, 1:], expected[:, 1:], atol=0.04)
        assert np.abs(found - expected).max() > ROUNDING  # it is no longer the same


def test_a_script_stops_early_as_the_run_does(home, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    values = {"optimizer.schedule": "plateau", "optimizer.plateau_patience": 1}
    config = tiny(**values, **{"training.epochs": 6, "training.early_stopping_patience": 1, "dataset.num_train": 40,
                               "optimizer.learning_rate": 0.03})  # fmt: skip
    expected = of_run(config, home.workspace, tmp_path / "run")
    found = of_script(config, home.workspace, capsys, monkeypatch)
    assert len(found) == len(expected) < 6
    assert np.argmin(found[:, 2]) == np.argmin(expected[:, 2])
