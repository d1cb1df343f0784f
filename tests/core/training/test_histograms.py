"""Counts against NumPy's, gradients against TensorFlow's own, numerical derivatives and JAX."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from core.histogram import BINS
from core.training import histograms
from core.training.histograms import (
    activation_histograms,
    affordable_pictures,
    gradient_histograms,
    weight_histograms,
)
from core.training.inspection import feature_maps
from core.training.models import build_model, with_test_time_flip
from core.workspace import PROJECT_ROOT
from tests.core.training.conftest import tiny_config
from tests.core.training.test_attribution import BLOCKS, config_of

GENERATOR = np.random.default_rng(6)
PICTURES = GENERATOR.integers(0, 256, (7, 8, 8, 3)).astype(np.uint8)
LABELS = np.array([0, 1, 2, 1, 0, 2, 2])


def random_model(name: str) -> keras.Model:
    model = build_model(config_of(BLOCKS[name]), (8, 8, 3), 3)
    generator = np.random.default_rng(8)
    model.set_weights([w + generator.uniform(0, 0.3, w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("name", BLOCKS)
def test_weights_and_activations_are_keras_s_own(name: str) -> None:
    model = with_test_time_flip(random_model(name), test_time_flip=name == "plain")
    network = model.get_layer("network") if name == "plain" else model
    for layer, found in weight_histograms(model).items():
        own, _, step = layer.partition(" ")
        values = np.asarray(getattr(network.get_layer(own), f"{step}_kernel" if step else "kernel"))
        limit = 2.0**found.exponent
        assert found.counts.tolist() == np.histogram(values, BINS, (-limit, limit))[0].tolist()
        assert np.sqrt(found.squares / found.count) == pytest.approx(np.sqrt((values**2).mean()), rel=1e-5)
    activations = activation_histograms(model, PICTURES)
    assert "softmax" in activations and not {"input", "rescaling", "flatten", "pool_1"} & set(activations)
    for layer, found in activations.items():
        values = feature_maps(model, PICTURES, layer)
        assert found.counts.sum() == found.count == values.size
        assert found.total == pytest.approx(float(values.sum(dtype=np.float64)), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", BLOCKS)
def test_gradients_are_those_of_tensorflow_s_tape(name: str, monkeypatch) -> None:
    """Of Keras's own loss of the whole network, in one portion; here in three."""
    monkeypatch.setattr(histograms, "MOST_DIFFERENTIATED", 3)
    model = random_model(name)
    weights = model.get_weights()
    found = gradient_histograms(model, PICTURES, LABELS)
    with tf.GradientTape() as tape:
        losses = keras.losses.sparse_categorical_crossentropy(LABELS, model(PICTURES, training=False))
        loss = tf.reduce_mean(losses)
    kernels = {
        variable.path: variable for variable in model.trainable_variables if variable.name.endswith("kernel")
    }
    gradients = tape.gradient(loss, [each.value for each in kernels.values()])
    assert len(found) == len(kernels)
    for own, expected in zip(found.values(), gradients, strict=True):
        values = expected.numpy().astype(np.float64)
        assert own.count == values.size == own.counts.sum()
        assert np.sqrt(own.squares / own.count) == pytest.approx(np.sqrt((values**2).mean()), rel=1e-3)
        assert own.total == pytest.approx(values.sum(), rel=1e-2, abs=1e-3)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert model.layers[-1].get_config()["activation"] == "softmax"


def test_a_gradient_is_the_loss_s_numerical_derivative() -> None:
    """Moved along all weights of the last kernel at once, the loss changes by the sum of their gradients."""
    model = random_model("smooth")
    found = gradient_histograms(model, PICTURES, LABELS)["softmax"]

    def loss(step: float) -> float:
        kernel, bias = before
        model.get_layer("softmax").set_weights([kernel + step * direction, bias])
        answers = np.asarray(model(PICTURES), np.float64)
        return float(-np.log(answers[np.arange(len(LABELS)), LABELS]).mean())

    before = model.get_layer("softmax").get_weights()
    direction = np.zeros_like(before[0])
    total = 0.0
    for column in range(direction.shape[1]):
        direction[:] = 0
        direction[:, column] = 1
        total += (loss(1e-3) - loss(-1e-3)) / 2e-3
    model.get_layer("softmax").set_weights(before)
    assert found.total == pytest.approx(total, abs=2e-3)


def test_a_frozen_kernel_has_no_gradient_and_a_slow_network_fewer_pictures(monkeypatch) -> None:
    config = tiny_config().with_values({"model.whitening": True})
    model = build_model(config, (8, 8, 3), 3)
    assert "whitening" in weight_histograms(model)
    assert "whitening" not in gradient_histograms(model, PICTURES, LABELS)
    assert affordable_pictures(model, 256) == 256
    monkeypatch.setattr(histograms, "MOST_MULTIPLY_ADDS", 1)
    assert affordable_pictures(model, 256) == histograms.FEWEST_PICTURES


ON_JAX = """
import sys
import keras, numpy as np
from core.training.histograms import gradient_histograms
from core.training.runtime import backend_name
assert backend_name() == "jax"
model = keras.models.load_model(sys.argv[1], compile=False)
asked = np.load(sys.argv[2])
found = gradient_histograms(model, asked["pictures"], asked["labels"])
print({name: (each.total, each.squares) for name, each in found.items()})
"""


def test_on_jax_they_are_the_same(tmp_path: Path) -> None:
    model = random_model("residual")
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "asked.npz", pictures=PICTURES, labels=LABELS)
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tmp_path / "model.keras"), str(tmp_path / "asked.npz")],
        cwd=PROJECT_ROOT, env={**os.environ, "KERAS_BACKEND": "jax"}, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = gradient_histograms(model, PICTURES, LABELS)
    for name, (total, squares) in eval(done.stdout).items():
        assert squares == pytest.approx(expected[name].squares, rel=1e-3)
        assert total == pytest.approx(expected[name].total, rel=1e-2, abs=1e-3)
