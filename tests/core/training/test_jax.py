"""Training where Keras runs on JAX: real processes, held against the same on TensorFlow."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
from PIL import Image

from core.config import ExperimentConfig, differences
from core.datasets.splits import load_split
from core.design.presets import PRESETS
from core.engine.client import Engine
from core.engine.exporting import export_model
from core.store.store import Store
from core.training.arrays import training_set
from core.training.attribution import grad_cam
from core.training.backend_tensorflow import build_dataset
from core.training.checkpoints import Position, load_checkpoint
from core.training.pipeline import steps_per_epoch
from core.training.saved_models import load_run_model, predict
from core.training.train import compiled_model, train
from core.workspace import PROJECT_ROOT, Workspace
from tests.core.training.conftest import Recorder, noise_pictures, tiny_config
from tests.server import end_processes

SMALL = {
    "dataset.id": "shapes",
    "dataset.num_train": 192,
    "training.epochs": 3,
    "model.batch_norm_momentum": 0.5,
}
PLAIN = PRESETS["tiny"].config.with_values(SMALL)
VARIED = PLAIN.with_values(
    {
        "augmentation.rotation_degrees": 20,
        "augmentation.horizontal_flip": True,
        "augmentation.mixup_alpha": 0.4,
        "training.precise_batch_norm": True,
    }
)
CONFIGS = {"plain": PLAIN, "varied": VARIED}
EVERYTHING = {
    "augmentation.rotation_degrees": 40, "augmentation.width_shift_fraction": 0.3,
    "augmentation.height_shift_fraction": 0.2, "augmentation.zoom_fraction": 0.3, "augmentation.shear_degrees": 20,
    "augmentation.vertical_flip": True, "augmentation.brightness": 0.3, "augmentation.contrast": 0.4,
    "augmentation.saturation": 0.5, "augmentation.hue": 0.2, "augmentation.erasing_probability": 0.5,
    "augmentation.noise_stddev": 0.1, "augmentation.mixup_alpha": 0.4, "augmentation.cutmix_alpha": 0.4,
    "augmentation.randaugment_operations": 2,
}  # fmt: skip
BATCHES = {
    "plain": tiny_config().with_values(
        {"augmentation.horizontal_flip": False, "augmentation.rotation_degrees": 0}
    ),
    "few": tiny_config(),
    **{
        fill: tiny_config().with_values({**EVERYTHING, "augmentation.fill_mode": fill})
        for fill in ("nearest", "reflect", "wrap", "constant")
    },
}
# 24 pictures in batches of 16: a whole batch, what is left of the first epoch, and one of the second.
NUM_PICTURES, NUM_BATCHES = 24, 3


class OnJax(NamedTuple):
    """A workspace with a run of PLAIN and one of VARIED, and the folder that `on_jax` filled for VARIED."""

    workspace: Workspace
    run_ids: dict[str, str]
    folder: Path


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory: pytest.TempPathFactory, trained) -> Iterator[OnJax]:
    """Two runs by the command line, and beside them what no command does, all with KERAS_BACKEND=jax.

    The scheduler hands its own environment on to its workers, so the workspace is one that none serves yet.
    """
    root = (tmp_path_factory.mktemp("jax") / "workspace").resolve()
    workspace, folder = Workspace(root).ensure(), tmp_path_factory.mktemp("on-jax")
    (workspace.datasets / "shapes").symlink_to(trained.workspace.datasets / "shapes")
    asked = {
        "workspace": str(root),
        "config": VARIED.to_dict(),
        "batches": {name: config.to_dict() for name, config in BATCHES.items()},
        "num_pictures": NUM_PICTURES,
        "num_batches": NUM_BATCHES,
    }
    (folder / "asked.json").write_text(json.dumps(asked))
    environment = {**os.environ, "KERAS_BACKEND": "jax", "CONVDECK_HOME": str(root)}
    command = [sys.executable, "-m", "tests.core.training.on_jax", str(folder)]
    beside = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment)
    try:
        run_ids = {name: train_by_command(name, config, environment) for name, config in CONFIGS.items()}
        assert beside.wait(timeout=200) == 0
        yield OnJax(workspace, run_ids, folder)
    finally:
        beside.kill()
        beside.wait()
        end_processes(root)


def train_by_command(name: str, config: ExperimentConfig, environment: dict[str, str]) -> str:
    """The id of the run, when it has finished."""
    changes = [
        f"--set={path}={json.dumps(value)}" for path, _, value in differences(PRESETS["tiny"].config, config)
    ]
    done = subprocess.run(
        [sys.executable, "-m", "core", "train", "--preset=tiny", f"--name={name}", *changes, "--wait", "--json"],
        cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["id"]


def weights(folder: Path) -> list[Any]:
    return load_run_model(folder, "last").model.get_weights()


@pytest.mark.parametrize("name", CONFIGS)
def test_from_the_same_weights_a_worker_draws_the_same_curve(on_jax: OnJax, tmp_path, name: str) -> None:
    config, store, run_id = CONFIGS[name], Store(on_jax.workspace), on_jax.run_ids[name]
    assert "Loading JAX." in [line.text for line in store.log(run_id)]
    shutil.copytree(on_jax.folder / "start", tmp_path, dirs_exist_ok=True)
    recorder = Recorder()
    train(config, load_split(on_jax.workspace, config.dataset, config.seed), tmp_path, recorder)
    found, expected = store.curves(run_id), recorder.rows
    assert found["epoch"] == [row.epoch for row in expected] == [1, 2, 3]
    assert found["learning_rate"] == [row.learning_rate for row in expected]
    # The two round differently; after nine steps the losses differ by up to 2e-4.
    for key in ("train_loss", "clean_train_loss", "val_loss"):
        assert found[key] == pytest.approx([getattr(row, key) for row in expected], abs=2e-3)
    # Of 1,500 validation and 192 training pictures, a few that lie between two classes.
    for key in ("train_accuracy", "clean_train_accuracy", "val_accuracy"):
        assert found[key] == pytest.approx([getattr(row, key) for row in expected], abs=0.011)


def test_each_backend_draws_initial_weights_of_its_own(on_jax: OnJax) -> None:
    arrays = load_split(on_jax.workspace, VARIED.dataset, VARIED.seed)
    data = training_set(arrays)
    theirs, ours = (compiled_model(VARIED, data, steps_per_epoch(VARIED, data.num_train)) for _ in range(2))
    assert load_checkpoint(on_jax.folder / "start", theirs) == Position()
    for one, other in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        if one.ndim == 1:
            np.testing.assert_array_equal(
                one, other
            )  # biases and batch normalisation begin with zeros and ones
            continue
        assert (one != other).mean() > 0.99
        bound = np.sqrt(6 / (np.prod(one.shape[:-1]) + one.shape[-1] * np.prod(one.shape[:-2])))  # Glorot's
        assert 0.95 * bound < np.abs(one).max() <= bound


@pytest.mark.parametrize("name", BATCHES)
def test_batches_are_the_same_pixel_for_pixel(on_jax: OnJax, name: str) -> None:
    dataset = build_dataset(BATCHES[name], training_set(noise_pictures(NUM_PICTURES)), 0)
    with np.load(on_jax.folder / "batches.npz") as made:
        for number, (images, labels) in enumerate(dataset.take(NUM_BATCHES).as_numpy_iterator()):
            np.testing.assert_array_equal(made[f"{name}/images/{number}"], images)
            np.testing.assert_array_equal(made[f"{name}/labels/{number}"], labels)


def test_gone_on_with_it_has_the_weights_of_a_run_that_was_not_interrupted(on_jax: OnJax) -> None:
    whole = on_jax.workspace.run_folder(on_jax.run_ids["varied"])
    for one, other in zip(weights(whole), weights(on_jax.folder / "cut"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_engine_answers_and_exports_on_either_backend(on_jax: OnJax, tmp_path, monkeypatch) -> None:
    """The engine loads on JAX what JAX trained, and this process, on TensorFlow, what the engine exports."""
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(picture).save(encoded, "PNG")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    engine = Engine(on_jax.workspace)
    try:
        (answer,) = engine.predict(on_jax.run_ids["varied"], [("noise.png", encoded.getvalue())])
        explained = engine.explain_pixels(on_jax.run_ids["varied"], picture, "grad-cam", "conv_1")
        made = export_model(engine, on_jax.run_ids["varied"], "keras", tmp_path / "model")
        path = made.path
        assert made.receipt.passed
        converted = export_model(engine, on_jax.run_ids["varied"], "onnx", tmp_path / "model")
        assert converted.receipt.passed and converted.receipt.max_difference < 1e-5
        assert {"jax", "tensorflow", "onnxruntime"} <= converted.receipt.versions.keys()
    finally:
        engine.close()
    names = load_run_model(on_jax.workspace.run_folder(on_jax.run_ids["varied"])).class_names
    (expected,) = predict(keras.models.load_model(path, compile=False), picture[None])
    own = grad_cam(
        keras.models.load_model(path, compile=False), picture[None], expected.argmax()[None], "conv_1"
    )
    np.testing.assert_allclose(explained.map, own.maps[0] / own.maps[0].max(), atol=1e-3)
    answered = {each.name: each.probability for each in answer.top}
    assert answered == pytest.approx(dict(zip(names, expected.tolist(), strict=True)), abs=1e-5)
