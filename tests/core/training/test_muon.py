"""Muon for convolutions, against the formula in NumPy, Keras's own class on matrices, and AdamW."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from core.config import BlockConfig, DenseConfig, ExperimentConfig, ModelConfig, OptimizerConfig
from core.design.architecture import describe_network
from core.design.muon import trained_by_muon
from core.design.presets import PRESETS
from core.training.arrays import TrainingSet, training_set
from core.training.optimizers import build_optimizer
from core.training.saved_models import load_run_model
from core.training.train import compiled_model, train
from core.workspace import PROJECT_ROOT
from tests.core.training.conftest import Recorder, measured, noise_pictures, tiny_config

RATE, DECAY, MOMENTUM = 0.1, 0.05, 0.95
SHAPES = [(3, 3, 4, 5), (1, 1, 3, 7), (2, 2, 1, 8), (5, 3, 2, 30)]


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def newton_schulz(matrix: np.ndarray) -> np.ndarray:
    """Five quintic iterations with Jordan's coefficients (kellerjordan.github.io/posts/muon), in 64 bits."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / np.linalg.norm(matrix)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


def by_hand(kernel: np.ndarray, *gradients: np.ndarray) -> np.ndarray:
    """The kernel after a step of Muon along each gradient, with Nesterov's momentum and decoupled weight decay."""
    weights = kernel.reshape(-1, kernel.shape[-1]).astype(np.float64)
    velocity = np.zeros_like(weights)
    for each in gradients:
        gradient = each.reshape(weights.shape).astype(np.float64)
        velocity = MOMENTUM * velocity + gradient
        step = newton_schulz(gradient + MOMENTUM * velocity)
        # As large as a step of AdamW: Liu et al. (arXiv 2502.16982), equation 4.
        weights = weights * (1 - RATE * DECAY) - RATE * 0.2 * np.sqrt(max(weights.shape)) * step
    return weights.reshape(kernel.shape)


def after(config: OptimizerConfig, path: str, kernel: np.ndarray, *gradients: np.ndarray) -> np.ndarray:
    variable = keras.Variable(kernel, name="kernel")
    variable._path = path  # what being a layer's does
    optimizer = build_optimizer(config, 10, 10, ["conv_1"])
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
    return ops.convert_to_numpy(variable)


MUON = OptimizerConfig(name="muon", learning_rate=RATE, weight_decay=DECAY)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_convolution_s_steps_are_those_of_the_formula(shape: tuple[int, ...]) -> None:
    kernel, gradients = drawn(*shape), [drawn(*shape, seed=1), drawn(*shape, seed=2)]
    found = after(MUON, "conv_2/kernel", kernel, *gradients)
    np.testing.assert_allclose(found, by_hand(kernel, *gradients), atol=2e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_is_what_keras_does_with_the_same_numbers_as_a_matrix(shape: tuple[int, ...]) -> None:
    kernel, gradient = drawn(*shape), drawn(*shape, seed=1)
    matrix = (-1, shape[-1])
    expected = after(MUON, "fc1/kernel", kernel.reshape(matrix), gradient.reshape(matrix))
    np.testing.assert_allclose(
        after(MUON, "conv_2/kernel", kernel, gradient).reshape(matrix), expected, atol=1e-6
    )


@pytest.mark.parametrize("path", ["conv_1/kernel", "conv_2/depthwise_kernel"])
def test_the_first_convolution_and_depthwise_kernels_are_adamw_s(path: str) -> None:
    kernel, gradient = drawn(3, 3, 2, 4), drawn(3, 3, 2, 4, seed=1)
    adamw = OptimizerConfig(name="adamw", learning_rate=RATE, weight_decay=DECAY)
    expected = after(adamw, path, kernel, gradient)
    np.testing.assert_allclose(after(MUON, path, kernel, gradient), expected, rtol=1e-6)
    # A layer whose name only begins in the same way is another one.
    assert not np.allclose(after(MUON, "conv_1_2/kernel", kernel, gradient), expected, atol=1e-3)


SEPARABLE = ModelConfig(
    blocks=(
        BlockConfig(filters=4, separable=True, padding="same", residual=True),
        BlockConfig(filters=6, kernel_sizes=(1, 3), padding="same", separable=True),
    ),
    dense=(DenseConfig(units=5),),
)
PICTURES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3)).astype(np.uint8)
MODELS = {
    **{
        name: PRESETS[name].config.model
        for name in ("tiny", "resnet", "speedrun", "inception", "vgg", "article")
    },
    "separable": SEPARABLE,
    "matrices": ModelConfig(blocks=(), dense=(DenseConfig(units=5), DenseConfig(units=4))),
}


@pytest.mark.parametrize("has_convolutions", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_muon_trains_what_the_design_says(name: str, has_convolutions: bool) -> None:
    config = ExperimentConfig(
        model=MODELS[name], optimizer=OptimizerConfig(name="muon", muon_convolutions=has_convolutions)
    )
    model = compiled_model(config, TrainingSet(PICTURES, np.arange(6), np.arange(6) % 3, 3), 1)
    optimizer = model.optimizer
    found = {
        variable.path.split("/")[-2]
        for variable, velocity in zip(model.trainable_variables, optimizer.adam_velocities, strict=True)
        if velocity is None
    }
    network = describe_network(config.model, PICTURES.shape[1:], 3)
    assert found == {layer.name for layer in trained_by_muon(config.optimizer, network)}
    assert has_convolutions == any("conv" in layer for layer in found) or name == "matrices"


def weights_after_an_epoch(config: ExperimentConfig) -> list[np.ndarray]:
    keras.utils.set_random_seed(0)
    data = training_set(noise_pictures(60))
    model = compiled_model(config, data, 4)
    x, y = data.take(np.arange(60))
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    return model.get_weights()


TWO_BLOCKS = tiny_config().with_values(
    {
        "model.blocks": [{"filters": 4, "padding": "same"}, {"filters": 5, "padding": "same"}],
        "model.dense": [],
        "optimizer.learning_rate": 0.01,
    }
)


def test_without_a_dense_layer_it_is_no_longer_adamw() -> None:
    adamw, muon, former = (
        weights_after_an_epoch(TWO_BLOCKS.with_values(values))
        for values in (
            {"optimizer.name": "adamw"},
            {"optimizer.name": "muon"},
            {"optimizer.name": "muon", "optimizer.muon_convolutions": False},
        )
    )
    assert not all(np.array_equal(one, other) for one, other in zip(adamw, muon, strict=True))
    # What runs that were stored before the setting did, and go on to do.
    for one, other in zip(adamw, former, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("has_convolutions", [True, False])
def test_a_resumed_run_has_the_weights_of_one_that_was_not_interrupted(
    tmp_path, has_convolutions: bool
) -> None:
    config = TWO_BLOCKS.with_values(
        {"optimizer.name": "muon", "optimizer.muon_convolutions": has_convolutions, "training.epochs": 3}
    )
    arrays, whole, cut = noise_pictures(60), Recorder(), [Recorder(stop_after=1), Recorder()]
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    train(config, arrays, tmp_path / "whole", whole)
    for part in cut:
        train(config, arrays, tmp_path / "cut", part)
    assert cut[1].began[0][2] == 1
    assert measured(cut[0].rows + cut[1].rows) == measured(whole.rows)
    one, other = (load_run_model(tmp_path / name, "last").model.get_weights() for name in ("whole", "cut"))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_log_says_what_trains_what(recorder, tmp_path) -> None:
    config = TWO_BLOCKS.with_values({"optimizer.name": "muon", "training.epochs": 1})
    train(config, noise_pictures(60), tmp_path, recorder)
    assert (
        "Muon trains the kernels of 1 convolution; AdamW trains the rest: the first convolution, the output layer, "
        "biases and batch normalisation." in recorder.lines
    )


ON_JAX = """
import sys
from pathlib import Path
from core.training.runtime import backend_name
from tests.core.training import test_muon as tests
assert backend_name() == "jax"
for shape in tests.SHAPES:
    tests.test_a_convolution_s_steps_are_those_of_the_formula(shape)
tests.test_a_resumed_run_has_the_weights_of_one_that_was_not_interrupted(Path(sys.argv[1]), True)
"""


def test_it_is_the_same_on_jax(tmp_path) -> None:
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tmp_path)], cwd=PROJECT_ROOT, env=environment, capture_output=True,
        text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
