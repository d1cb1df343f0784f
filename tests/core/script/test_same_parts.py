"""The parts of a script beside those of a run: network, starting weights, pictures, order, learning rate."""

import itertools

import keras
import numpy as np
import pytest

from core.config import DatasetConfig, ExperimentConfig, OptimizerConfig, TrainingConfig
from core.datasets.splits import load_split
from core.design.presets import PRESETS
from core.training.arrays import training_set
from core.training.models import build_model
from core.training.optimizers import build_optimizer
from core.training.pipeline import batches
from core.training.whitening import set_whitening
from tests.core.conftest import own_data
from tests.core.script.sources import defined, source_of, stored_source

# Of presets with the same network one is enough.
NETWORKS = ("article", "tiny", "overfit", "vgg", "inception", "resnet", "speedrun")
SEPARABLE = PRESETS["resnet"].config.with_values(
    {f"model.blocks[{place}].separable": True for place in range(3)} | {"training.precision": "mixed_float16"}
)


@pytest.mark.parametrize("name", [*NETWORKS, "separable"])
def test_the_network_has_the_run_s_layers_and_starting_weights(name: str) -> None:
    config = SEPARABLE if name == "separable" else PRESETS[name].config
    script = defined(source_of(config))
    made = script["build_network"]()
    script["set_starting_weights"](made)
    expected = build_model(config, (32, 32, 3), 10)
    for own, theirs in zip(made.layers, expected.layers, strict=True):
        assert (own.name, type(own), own.output.shape) == (theirs.name, type(theirs), theirs.output.shape)
        assert own.count_params() == theirs.count_params()
    for own, theirs in zip(made.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(own, theirs)


@pytest.mark.parametrize(
    "dataset",
    [
        DatasetConfig("pets"),
        DatasetConfig("pets", num_train=11, label_noise=0.3),
        DatasetConfig("pets", label_noise=0.75, image_size=12),
        DatasetConfig("pets", label_noise=1.0),
    ],
)
@pytest.mark.parametrize("multiple", [1.0, 1.7])
def test_pictures_labels_and_batches_are_the_run_s(workspace, dataset, multiple: float, capsys) -> None:
    own_data(workspace)
    config = ExperimentConfig(
        dataset=dataset, training=TrainingConfig(batch_size=5, steps_per_epoch_multiple=multiple), seed=7
    )
    script = defined(stored_source(workspace, config))
    x_train, y_train, x_val, y_val = script["load_split"](script["DATA"])
    arrays = load_split(workspace, dataset, 7)
    np.testing.assert_array_equal(x_val, arrays.x_validation)
    np.testing.assert_array_equal(y_val.argmax(axis=1), arrays.y_validation)
    # Past the end of an epoch.
    made = itertools.islice(script["batches"](x_train, y_train), 12)
    for own, theirs in zip(made, batches(config, training_set(arrays), 0), strict=False):
        np.testing.assert_array_equal(own[0], theirs[0])
        np.testing.assert_array_equal(own[1], theirs[1])
    assert capsys.readouterr().out == ""


def test_other_pictures_than_the_run_s_are_noticed(workspace, tmp_path, capsys) -> None:
    own_data(workspace)
    script = defined(stored_source(workspace, ExperimentConfig(dataset=DatasetConfig("pets"))))
    names = ("x_train", "y_train", "x_test", "y_test")
    arrays = {name: np.load(workspace.datasets / "pets" / f"{name}.npy") for name in names}
    np.savez(tmp_path / "same.npz", **arrays)
    script["load_split"](tmp_path / "same.npz")
    assert capsys.readouterr().out == ""
    np.savez(tmp_path / "other.npz", **{**arrays, "x_train": 255 - arrays["x_train"]})
    script["load_split"](tmp_path / "other.npz")
    assert "not the pictures that the run had" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "shape"), [("cifar10", (32, 32, 3)), ("mnist", (28, 28, 1))])
def test_known_data_sets_come_from_keras_in_the_run_s_shape(name: str, shape, monkeypatch) -> None:
    # As its documentation says: CIFAR's labels in a column, MNIST's pictures without an axis for colours.
    stored, labels = (shape, (40, 1)) if name == "cifar10" else (shape[:2], (40,))
    part = (np.zeros((40, *stored), np.uint8), (np.arange(40) % 10).astype(np.uint8).reshape(labels))
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", lambda: (part, part))
    script = defined(source_of(ExperimentConfig(dataset=DatasetConfig(name))))
    x_train, y_train, x_val, y_val = script["load_split"](None)
    assert (x_train.shape, y_train.shape) == ((40, *shape), (40, 10))
    assert (x_val.shape, y_val.shape) == ((20, *shape), (20, 10))


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", "triangular", "step"])
@pytest.mark.parametrize("name", ["adam", "sgd", "muon"])
def test_the_optimizer_has_the_run_s_settings_and_rates(schedule, name) -> None:
    chosen = OptimizerConfig(
        name=name, schedule=schedule, warmup_epochs=2, step_epochs=3, weight_decay=0.01, gradient_clip_norm=2.0,
        weight_averaging=0.9, momentum=0.8, nesterov=True,
    )  # fmt: skip
    config = PRESETS["overfit"].config.with_values({"training.epochs": 8})
    script = defined(source_of(ExperimentConfig(config.dataset, config.model, optimizer=chosen,
                                                training=config.training)))  # fmt: skip
    made = script["build_optimizer"](*([] if schedule == "constant" else [10]))
    expected = build_optimizer(chosen, 10, 8, ("conv_1",))
    ignored = {"learning_rate", "name"}
    own, theirs = made.get_config() if schedule == "constant" else {}, expected.get_config()
    for key in own.keys() - ignored:
        assert own[key] == theirs[key], key
    for step in range(80):
        for each in (made, expected):
            each.iterations.assign(step)
        assert float(made.learning_rate) == pytest.approx(float(expected.learning_rate), rel=1e-5, abs=1e-9)


def test_the_whitening_filters_are_the_run_s(workspace) -> None:
    own_data(workspace)
    config = PRESETS["speedrun"].config.with_values(
        {"dataset.id": "pets", "model.blocks": [{"filters": 4}], "model.head": "global_average"}
    )
    script = defined(stored_source(workspace, config))
    arrays = load_split(workspace, config.dataset, 0)
    made, expected = script["build_network"](), build_model(config, arrays.image_shape, 2)
    script["whiten"](made, script["load_split"](script["DATA"])[0])
    set_whitening(expected, training_set(arrays))
    own, theirs = (model.get_layer("whitening").get_weights() for model in (made, expected))
    for each, other in zip(own, theirs, strict=True):
        np.testing.assert_allclose(each, other, rtol=1e-4, atol=1e-4)
