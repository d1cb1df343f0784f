"""Grad-CAM and occlusion: against the formula by hand, numerical derivatives, and tf-keras-vis."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from scipy import ndimage

from core.config import ExperimentConfig
from core.errors import UserError
from core.training.attribution import grad_cam, occlusion
from core.training.models import NETWORK, build_model, with_test_time_flip
from core.training.saved_models import predict
from core.workspace import PROJECT_ROOT
from tests.core.training.conftest import tiny_config

GENERATOR = np.random.default_rng(3)
PICTURES = GENERATOR.integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
CLASSES = np.array([0, 1, 2, 1])
BLOCKS = {
    "plain": [{"filters": 4}, {"filters": 5, "padding": "same"}],
    "residual": [
        {"filters": 4, "pool": "none"},
        {"filters": 6, "residual": True, "repeats": 2, "padding": "same"},
    ],
    "branches": [
        {"filters": 3, "kernel_sizes": [1, 3], "padding": "same"},
        {"filters": 4, "separable": True, "padding": "same"},
    ],
    "smooth": [{"filters": 4, "activation": "gelu", "batch_norm": False}],
}


def config_of(blocks: list[dict], **values: object) -> ExperimentConfig:
    document = tiny_config().to_dict()
    document["model"]["blocks"] = blocks
    return ExperimentConfig.from_dict(document).with_values({f"model.{key}": v for key, v in values.items()})


def random_model(name: str = "plain") -> keras.Model:
    """With random biases and statistics of batch normalisation too, so that no layer does nothing."""
    model = build_model(config_of(BLOCKS[name]), (8, 8, 3), 3)
    generator = np.random.default_rng(8)
    model.set_weights([w + generator.uniform(0, 0.3, w.shape) for w in model.get_weights()])
    return model


def pooled_network(kernel: np.ndarray, weights: np.ndarray, shape: tuple[int, int, int]) -> keras.Model:
    """One 1×1 convolution without activation, global average pooling, softmax."""
    pictures = keras.Input(shape, dtype="uint8")
    seen = layers.Conv2D(kernel.shape[-1], 1, use_bias=False, name="conv_1")(layers.Rescaling(1.0)(pictures))
    answer = layers.Dense(weights.shape[1], activation="softmax", name="softmax")(
        layers.GlobalAveragePooling2D()(seen)
    )
    model = keras.Model(pictures, answer)
    model.set_weights([kernel[None, None], weights, np.zeros(weights.shape[1])])
    return model


def test_with_global_average_pooling_the_map_is_known() -> None:
    """Filter 0 is 2 · red and filter 1 green, and a score is their means over 6 places, weighted by the dense layer.

    So each channel's mean gradient is its dense weight over 6, and the map is the weighted sum of the channels, over 6.
    """
    kernel, weights = np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), np.array([[3.0, -1.0], [-6.0, 1.0]])
    red = np.array([[1, 2, 3], [4, 5, 6]])
    green = np.array([[0, 1, 2], [4, 6, 9]])
    picture = np.stack([red, green, 0 * red], axis=-1)[None].astype(np.uint8)
    model = pooled_network(kernel, weights, (2, 3, 3))
    found = grad_cam(model, np.repeat(picture, 2, axis=0), np.array([0, 1]))
    first = (3 * 2 * red - 6 * green) / 6  # [[1, 1, 1], [0, -1, -3]]
    second = (-1 * 2 * red + 1 * green) / 6
    np.testing.assert_allclose(found.raw, [first, second], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.maps, np.maximum([first, second], 0), rtol=1e-6, atol=1e-6)
    assert (found.maps.dtype, found.raw.dtype) == (np.float32, np.float32)
    assert found.is_empty.tolist() == [False, True], "nothing speaks for the second class: no map, and no NaN"


def test_the_score_is_the_one_before_the_softmax() -> None:
    """A network that is sure: behind the softmax every gradient is 0."""
    kernel, weights = np.eye(3, 2), np.array([[40.0, -40.0], [0.0, 0.0]])
    picture = np.full((1, 2, 2, 3), 200, np.uint8)
    model = pooled_network(kernel, weights, (2, 2, 3))
    assert predict(model, picture).tolist() == [[1, 0]]
    np.testing.assert_allclose(grad_cam(model, picture, np.array([0])).raw, np.full((1, 2, 2), 200 * 40 / 4))


@pytest.mark.parametrize("name", BLOCKS)
def test_against_numerical_derivatives_of_the_score(name: str) -> None:
    """The layer's output is moved by a little, channel by channel at all places, in a network that starts there."""
    model = random_model(name)
    convolutions = [each.name for each in model.layers if "Conv" in type(each).__name__]
    for layer in convolutions:
        found = grad_cam(model, PICTURES, CLASSES, layer).raw
        upper = keras.Model(model.input, model.get_layer(layer).output)
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
        lower = keras.Model([copy.input, copy.get_layer(layer).output], copy.layers[-1].input)
        kernel, bias = (np.float64(each) for each in model.layers[-1].get_weights())
        features = np.asarray(upper(PICTURES))
        places, step = features.shape[1] * features.shape[2], 2e-3
        expected = np.zeros(features.shape[:3])
        for channel in range(features.shape[-1]):
            scores = []
            for sign in (1, -1):
                moved = features.copy()
                moved[..., channel] += sign * step
                behind = np.asarray(lower([keras.ops.convert_to_tensor(each) for each in (PICTURES, moved)]))
                scores.append((behind @ kernel + bias)[np.arange(4), CLASSES])
            # Moving all places at once gives the sum of their derivatives.
            mean = (scores[0] - scores[1]) / (2 * step) / places
            expected += mean[:, None, None] * features[..., channel]
        # ReLU and pooling have kinks, which a step may cross.
        np.testing.assert_allclose(found, expected, atol=0.03 * np.abs(expected).max())


@pytest.mark.parametrize("name", BLOCKS)
def test_against_tf_keras_vis(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports what SciPy is about to drop
        gradcam = pytest.importorskip("tf_keras_vis.gradcam")
        from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
        from tf_keras_vis.utils.scores import CategoricalScore
    model = random_model(name)
    # It follows the gradient from the pictures on, which have none as whole numbers.
    plain = keras.models.clone_model(model, input_tensors=keras.Input((8, 8, 3), dtype="float32"))
    plain.set_weights(model.get_weights())
    for layer in [each.name for each in model.layers if "Conv" in type(each).__name__]:
        expected = gradcam.Gradcam(plain, model_modifier=ReplaceToLinear(), clone=True)(
            CategoricalScore(CLASSES.tolist()), PICTURES.astype("float32"), penultimate_layer=layer,
            seek_penultimate_conv_layer=False, expand_cam=False, normalize_cam=False,
        )  # fmt: skip
        found = grad_cam(model, PICTURES, CLASSES, layer).raw
        np.testing.assert_allclose(np.maximum(found, 0), expected, atol=1e-5 * np.abs(expected).max() + 1e-7)


def test_a_map_is_resized_as_opencv_does_it() -> None:
    import cv2

    model = build_model(config_of(BLOCKS["plain"]), (24, 16, 3), 3)
    pictures = GENERATOR.integers(0, 256, (2, 24, 16, 3)).astype(np.uint8)
    found = grad_cam(model, pictures, np.array([0, 1]))
    assert found.raw.shape[1:] != (24, 16)
    for small, large in zip(np.maximum(found.raw, 0), found.maps, strict=True):
        expected = cv2.resize(small, (16, 24), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_allclose(large, expected, rtol=1e-6, atol=1e-6)


def test_the_last_convolution_is_the_default_and_others_are_listed() -> None:
    model = random_model("residual")
    last, first = (grad_cam(model, PICTURES, CLASSES, name).raw for name in ("conv_2_2", "conv_1"))
    np.testing.assert_array_equal(grad_cam(model, PICTURES, CLASSES).raw, last)
    assert not np.array_equal(last, first)
    with pytest.raises(UserError, match="Choose one of conv_1, conv_2_1, conv_2_2, shortcut_2"):
        grad_cam(model, PICTURES, CLASSES, "fc1")


def test_a_network_without_a_map_is_a_sentence() -> None:
    pictures = keras.Input((4, 4, 3), dtype="uint8")
    flat = layers.Flatten()(layers.Conv2D(2, 4)(layers.Rescaling(1.0)(pictures)))
    model = keras.Model(pictures, layers.Dense(2, activation="softmax")(flat))
    with pytest.raises(UserError, match="no convolution layer whose output is larger than 1×1"):
        grad_cam(model, PICTURES[:1, :4, :4], np.array([0]))


def test_with_test_time_flip_the_map_is_the_mean_of_both_ways() -> None:
    network = random_model()
    model = with_test_time_flip(network, test_time_flip=True)
    assert model.get_layer(NETWORK)
    plain = grad_cam(network, PICTURES, CLASSES).raw
    mirrored = grad_cam(network, PICTURES[:, :, ::-1], CLASSES).raw[:, :, ::-1]
    assert np.abs(plain - mirrored).max() > 1e-4
    np.testing.assert_allclose(
        grad_cam(model, PICTURES, CLASSES).raw, (plain + mirrored) / 2, rtol=1e-6, atol=1e-6
    )


def test_the_model_is_left_as_it_was_and_maps_do_not_depend_on_the_portions(monkeypatch) -> None:
    model = random_model("residual")
    weights, nodes = model.get_weights(), [len(layer._outbound_nodes) for layer in model.layers]
    whole = grad_cam(model, PICTURES, CLASSES)
    monkeypatch.setattr("core.training.attribution.MOST_DIFFERENTIATED", 3)
    np.testing.assert_allclose(grad_cam(model, PICTURES, CLASSES).maps, whole.maps, rtol=1e-6, atol=1e-6)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert [len(layer._outbound_nodes) for layer in model.layers] == nodes
    assert model.layers[-1].get_config()["activation"] == "softmax"


def test_in_half_precision_the_map_is_nearly_that_of_single() -> None:
    config = config_of(BLOCKS["plain"])
    single = build_model(config, (8, 8, 3), 3)
    half = build_model(config.with_values({"training.precision": "mixed_bfloat16"}), (8, 8, 3), 3)
    half.set_weights(single.get_weights())
    one, other = (grad_cam(model, PICTURES, CLASSES).raw for model in (single, half))
    assert other.dtype == np.float32
    np.testing.assert_allclose(other, one, atol=0.05 * np.abs(one).max())


def corner_network(side: int) -> keras.Model:
    """Says 1 for as much red as there is in the upper left quarter, and looks at nothing else."""
    pictures = keras.Input((side, side, 3), dtype="uint8")
    flat = layers.Flatten()(layers.Rescaling(1 / 255)(pictures))
    model = keras.Model(pictures, layers.Dense(2, activation="softmax", name="softmax")(flat))
    weights = np.zeros((side, side, 3, 2))
    weights[: side // 2, : side // 2, 0, 1] = 8 / side**2
    model.set_weights([weights.reshape(-1, 2), np.zeros(2)])
    return model


def red_corner(side: int) -> np.ndarray:
    picture = np.zeros((1, side, side, 3), np.uint8)
    picture[:, : side // 2, : side // 2, 0] = 240
    return picture


def test_occlusion_finds_the_corner_that_decides() -> None:
    """Windows of 4 pixels in steps of 4: four of sixteen cover a quarter of the corner each, the others nothing.

    The score is 8/256 for each of the 64 pixels at 240/255, and grey has the picture's mean, a quarter of 240.
    """
    model, picture = corner_network(16), red_corner(16)
    found = occlusion(model, picture, np.array([1]), window=4, stride=4)
    whole = 64 * 8 / 256 * 240 / 255
    covered = whole - 16 * 8 / 256 * 180 / 255
    drop = 1 / (1 + np.exp(-whole)) - 1 / (1 + np.exp(-covered))
    expected = np.zeros((1, 4, 4))
    expected[:, :2, :2] = drop
    np.testing.assert_allclose(found.raw, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.maps[0], np.kron(expected[0], np.ones((4, 4))), rtol=1e-6, atol=1e-6)
    against = occlusion(model, picture, np.array([0]), window=4, stride=4)
    np.testing.assert_allclose(against.raw, -expected, rtol=1e-6, atol=1e-6)
    assert (against.is_empty.tolist(), against.maps.max()) == ([True], 0)


@pytest.mark.parametrize(
    ("side", "window", "stride"), [(32, 8, 2), (28, 7, 2), (128, 32, 8), (8, 2, 1), (3, 1, 1)]
)
def test_window_and_stride_follow_the_picture_s_side(side: int, window: int, stride: int) -> None:
    model, picture = corner_network(side), red_corner(side)
    found = occlusion(model, picture, np.array([1]))
    expected = occlusion(model, picture, np.array([1]), window, stride)
    np.testing.assert_array_equal(found.raw, expected.raw)
    assert found.raw.shape[1] == -(-(side - window) // stride) + 1 <= 13
    assert found.maps.shape == (1, side, side)


def test_a_network_that_takes_long_is_asked_less_often(monkeypatch) -> None:
    """169 steps of 16·16·3·2 multiplications each: with a quarter of them allowed, the stride is twice as long."""
    model, picture = corner_network(16), red_corner(16)
    for allowed, stride in ((169, 1), (169 / 4, 2), (169 / 4 - 1, 3), (1, 4)):
        monkeypatch.setattr("core.training.attribution.MOST_MULTIPLY_ADDS", allowed * 16 * 16 * 3 * 2)
        found = occlusion(model, picture, np.array([1]))
        np.testing.assert_array_equal(found.raw, occlusion(model, picture, np.array([1]), 4, stride).raw)


def test_overlapping_windows_are_averaged(monkeypatch) -> None:
    """Each pixel has the mean over the windows that cover it, and small portions change nothing."""
    model, picture = corner_network(6), PICTURES[:1, :6, :6]
    found = occlusion(model, picture, np.array([1]), window=3, stride=2)  # from 0, 2 and, at the edge, 3
    assert found.raw.shape == (1, 3, 3)
    total, count = np.zeros((6, 6)), np.zeros((6, 6))
    for row, top in enumerate((0, 2, 3)):
        for column, left in enumerate((0, 2, 3)):
            total[top : top + 3, left : left + 3] += found.raw[0, row, column]
            count[top : top + 3, left : left + 3] += 1
    np.testing.assert_allclose(found.maps[0], np.maximum(total / count, 0), atol=1e-7)
    monkeypatch.setattr("core.training.attribution.MOST_AT_ONCE", 2)
    again = occlusion(model, picture, np.array([1]), window=3, stride=2)
    np.testing.assert_allclose(again.raw, found.raw, rtol=1e-6, atol=1e-6)


def test_the_two_methods_agree_on_where_a_bright_spot_is() -> None:
    """A network whose only filter answers to brightness: both maps have their centre in the spot."""
    model = pooled_network(np.ones((3, 1)) / 300, np.array([[-1.0, 1.0]]), (16, 16, 3))
    picture = np.zeros((1, 16, 16, 3), np.uint8)
    picture[:, 9:14, 2:7] = 250
    for found in (grad_cam(model, picture, np.array([1])), occlusion(model, picture, np.array([1]))):
        assert ndimage.center_of_mass(found.maps[0]) == pytest.approx((11, 4), abs=0.6)


ON_JAX = """
import sys
import keras, numpy as np
from core.training.attribution import grad_cam
from core.training.runtime import backend_name
assert backend_name() == "jax"
folder = sys.argv[1]
model = keras.models.load_model(folder + "/model.keras", compile=False)
asked = np.load(folder + "/asked.npz")
found = grad_cam(model, asked["pictures"], asked["classes"])
np.savez(folder + "/found.npz", maps=found.maps, raw=found.raw)
"""


def test_on_jax_the_map_is_the_same(tmp_path: Path) -> None:
    """Of a network with test-time flip, in a process of its own."""
    model = with_test_time_flip(random_model("residual"), test_time_flip=True)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "asked.npz", pictures=PICTURES, classes=CLASSES)
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tmp_path)], cwd=PROJECT_ROOT, capture_output=True, text=True,
        env={**os.environ, "KERAS_BACKEND": "jax"}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found, expected = np.load(tmp_path / "found.npz"), grad_cam(model, PICTURES, CLASSES)
    np.testing.assert_allclose(found["raw"], expected.raw, atol=1e-5)
    np.testing.assert_allclose(found["maps"], expected.maps, atol=1e-5)
