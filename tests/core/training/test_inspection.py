"""Feature maps and filters against NumPy and SciPy; a unit that its bias keeps at 0 is found."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy import signal

from core.config import ExperimentConfig
from core.errors import UserError
from core.training.inspection import (
    DeadUnit,
    dead_units,
    feature_maps,
    filters,
    layer_names,
    multiply_adds,
    spatial_convolutions,
)
from core.training.models import build_model, with_test_time_flip
from tests.core.training.conftest import tiny_config

PICTURES = np.random.default_rng(2).integers(0, 256, (5, 8, 8, 3)).astype(np.uint8)


def build(**values: object) -> keras.Model:
    document = tiny_config().to_dict()
    document["model"]["blocks"] = [{"filters": 4, **values}]
    return build_model(ExperimentConfig.from_dict(document), (8, 8, 3), 3)


@pytest.mark.parametrize("separable", [False, True])
def test_filters_and_feature_maps_belong_together(separable: bool) -> None:
    """SciPy's cross-correlation of a picture with the filters, plus the bias, gives the layer's feature maps."""
    model = build(separable=separable, activation="linear", padding="valid")
    bias = np.array([0.5, -0.5, 1, 2])
    *kernels, _ = model.get_layer("conv_1").get_weights()
    model.get_layer("conv_1").set_weights([*kernels, bias])
    kernel = filters(model, "conv_1")
    assert kernel.shape == (3, 3, 3, 4)
    found = feature_maps(model, PICTURES, "conv_1")
    for channel in range(4):
        expected = [
            signal.correlate(picture / 255, kernel[..., channel], "valid")[..., 0] + bias[channel]
            for picture in PICTURES
        ]
        np.testing.assert_allclose(found[..., channel], expected, atol=1e-5)
    np.testing.assert_allclose(feature_maps(model, PICTURES, "rescaling"), PICTURES / 255, atol=1e-6)


def test_maps_do_not_depend_on_the_portions_and_of_a_dense_layer_are_numbers(monkeypatch) -> None:
    model = build()
    whole = feature_maps(model, PICTURES, "fc1")
    assert whole.shape == (5, 8)
    monkeypatch.setattr("core.training.inspection.MOST_AT_ONCE", 2)
    np.testing.assert_allclose(feature_maps(model, PICTURES, "fc1"), whole, rtol=1e-6, atol=1e-6)


def test_what_is_not_there_is_a_sentence_with_the_choices() -> None:
    model = build()
    with pytest.raises(UserError, match=r"no layer “conv_9”\. Choose one of input, rescaling, conv_1"):
        feature_maps(model, PICTURES, "conv_9")
    with pytest.raises(UserError, match=r"fc1 is no convolution.* Choose one of conv_1"):
        filters(model, "fc1")


def test_layers_are_those_of_the_network_also_within_a_model() -> None:
    model = build(residual=True, padding="same")
    wrapped = with_test_time_flip(model, test_time_flip=True)
    assert layer_names(wrapped) == layer_names(model) == tuple(layer.name for layer in model.layers)
    assert set(spatial_convolutions(wrapped)) == {"conv_1", "shortcut_1"}


@pytest.mark.parametrize("separable", [False, True])
def test_multiplications_are_those_of_the_kernels(separable: bool) -> None:
    """64 places of a 3×3 convolution from 3 to 4 channels, then 4·2·2 → 8 → 3 after pooling by 3."""
    model = build(separable=separable, padding="same", pool_size=3)
    convolution = 64 * (9 * 3 + 3 * 4 if separable else 9 * 3 * 4)
    assert multiply_adds(model) == convolution + 16 * 8 + 8 * 3
    assert multiply_adds(with_test_time_flip(model, test_time_flip=True)) == 2 * multiply_adds(model)


def test_a_unit_that_its_bias_keeps_at_zero_is_dead() -> None:
    """Pixels are 0 to 1 here and kernels 0 or 1, so that a bias of -10 is more than a 1×1 filter can give."""
    pictures = keras.Input((4, 4, 3), dtype="uint8")
    seen = layers.Conv2D(3, 1, activation="relu", name="conv_1")(layers.Rescaling(1 / 255)(pictures))
    smooth = layers.Conv2D(2, 1, activation="tanh", name="conv_2")(seen)
    units = layers.Dense(2, activation="relu", name="fc1")(layers.Flatten()(smooth))
    model = keras.Model(pictures, layers.Dense(2, activation="softmax", name="softmax")(units))
    model.get_layer("conv_1").set_weights([np.ones((1, 1, 3, 3)), np.array([0, -10, 1])])
    model.get_layer("conv_2").set_weights([np.ones((1, 1, 3, 2)), np.array([-50, 0])])  # below 0, but no ReLU
    model.get_layer("fc1").set_weights([np.ones((32, 2)), np.array([100, -100])])
    shown = PICTURES[:, :4, :4]
    assert dead_units(model, shown) == (DeadUnit("conv_1", 1), DeadUnit("fc1", 1))
    assert dead_units(model, 0 * shown) == (DeadUnit("conv_1", 0), DeadUnit("conv_1", 1), DeadUnit("fc1", 1))


def test_a_unit_that_only_mirror_images_wake_is_alive_where_they_are_shown() -> None:
    """It looks at the left half alone, and only the right one is bright."""
    pictures = keras.Input((2, 2, 1), dtype="uint8")
    units = layers.Dense(1, activation="relu", name="fc1")(layers.Flatten()(layers.Rescaling(1.0)(pictures)))
    model = keras.Model(pictures, layers.Dense(2, activation="softmax", name="softmax")(units))
    model.get_layer("fc1").set_weights([np.array([[1.0], [0], [1], [0]]), np.array([-1.0])])
    bright = np.array([[0, 9], [0, 9]], np.uint8)[None, ..., None]
    assert dead_units(model, bright) == (DeadUnit("fc1", 0),)
    assert dead_units(with_test_time_flip(model, test_time_flip=True), bright) == ()
