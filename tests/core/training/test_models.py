"""The Keras model that comes of a config."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings

from core.config import ExperimentConfig, ModelConfig
from core.design.architecture import describe_network
from core.design.presets import PRESETS
from core.training.models import build_model
from tests.core.strategies import models


def test_the_article_s_layers_are_the_article_s() -> None:
    model = build_model(PRESETS["article"].config, (32, 32, 3), 10)
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    assert shapes == {
        "input": (32, 32, 3),
        "rescaling": (32, 32, 3),
        "conv_1": (30, 30, 64),
        "batch_norm_1": (30, 30, 64),
        "pool_1": (15, 15, 64),
        "conv_2": (13, 13, 32),
        "batch_norm_2": (13, 13, 32),
        "pool_2": (6, 6, 32),
        "flatten": (1152,),
        "fc1": (512,),
        "dropout1": (512,),
        "fc2": (256,),
        "dropout2": (256,),
        "softmax": (10,),
    }
    assert model.count_params() == 744_874


@settings(max_examples=40)
@given(models)
def test_the_model_has_the_described_layers(config: ModelConfig) -> None:
    try:
        network = describe_network(config, (16, 16, 3), 4)
    except ValueError:
        return
    model = build_model(ExperimentConfig(model=config), (16, 16, 3), 4)
    rows = [(layer.name, tuple(layer.output.shape[1:]), layer.count_params()) for layer in model.layers]
    assert sorted(rows) == sorted(
        (layer.name, layer.output_shape, layer.parameters) for layer in network.layers
    )


@pytest.mark.parametrize("preset", ["article", "inception", "resnet", "vgg"])
def test_equal_seeds_start_from_equal_weights(preset: str) -> None:
    config = PRESETS[preset].config
    one, same, other = (
        build_model(config.with_values({"seed": seed}), (32, 32, 3), 10) for seed in (1, 1, 2)
    )
    for first, second in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    kernels = [(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True) if a.ndim > 1]
    assert all(np.abs(a - b).max() > 0 for a, b in kernels)


def test_a_changed_layer_leaves_the_others_initial_weights() -> None:
    config = PRESETS["article"].config
    wider = config.with_values({"model.dense[1].units": 64})
    one, other = (build_model(each, (32, 32, 3), 10) for each in (config, wider))
    for name in ("conv_1", "conv_2", "fc1"):
        np.testing.assert_array_equal(one.get_layer(name).kernel, other.get_layer(name).kernel)


def test_pictures_go_in_as_bytes_and_probabilities_come_out() -> None:
    model = build_model(PRESETS["tiny"].config, (28, 28, 1), 7)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype(np.uint8)
    probabilities = np.asarray(model(pictures))
    assert model.inputs[0].dtype == "uint8"
    assert probabilities.shape == (3, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_keeps_weights_and_answers_in_single(precision: str) -> None:
    config = PRESETS["tiny"].config.with_values({"training.precision": precision})
    model = build_model(config, (32, 32, 3), 10)
    assert model.get_layer("conv_1").compute_dtype == precision.removeprefix("mixed_")
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.outputs[0].dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"
