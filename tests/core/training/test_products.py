"""How a number comes about: by hand on small networks, and on real ones, where it has to be what Keras gives."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from core.config import ExperimentConfig
from core.design.layer_summary import COPY, MAXIMUM, SUM
from core.design.presets import PRESETS
from core.errors import UserError
from core.training.inspection import feature_maps
from core.training.layers import kernels_of, summarise_layers
from core.training.models import build_model, with_test_time_flip
from core.training.products import products_at
from tests.core.training.conftest import tiny_config

GENERATOR = np.random.default_rng(4)
KINDS = {
    "article", "vgg", "inception", "resnet", "speedrun", "separable", "strided", "activations",
}  # fmt: skip


def config_of(name: str) -> ExperimentConfig:
    """A preset, or a network with what no preset has."""
    if name in PRESETS:
        return PRESETS[name].config
    document = tiny_config().to_dict()
    document["model"]["blocks"] = {
        "separable": [{"filters": 4, "separable": True, "padding": "same", "stride": 2, "pool": "average"}],
        "strided": [{"filters": 3, "kernel_sizes": [5], "padding": "same", "stride": 3, "pool": "none"}],
        "activations": [
            {"filters": 4, "activation": each, "padding": "same", "pool": "none"}
            for each in ("silu", "elu", "leaky_relu", "tanh", "linear")
        ],
    }[name]
    return ExperimentConfig.from_dict(document)


@pytest.fixture(scope="module")
def networks() -> dict[str, keras.Model]:
    """With random biases and statistics of batch normalisation too, so that no layer does nothing."""
    made = {}
    for name in sorted(KINDS):  # the order of a set changes from process to process, and with it the weights
        config = config_of(name)
        model = build_model(config, (32, 32, 3), 5)
        model.set_weights([w + GENERATOR.uniform(0, 0.1, w.shape) for w in model.get_weights()])
        made[name] = with_test_time_flip(model, test_time_flip=config.training.test_time_flip)
    return made


@pytest.mark.parametrize("name", sorted(KINDS))
def test_at_every_layer_the_products_add_up_to_what_keras_gives(networks, name: str) -> None:
    """At both corners and in between, through Keras's own activation."""
    model = networks[name]
    picture = GENERATOR.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    for layer in summarise_layers(model):
        if layer.kind == "input":
            continue
        output = feature_maps(model, picture[None], layer.name)[0]
        middle = tuple(int(GENERATOR.integers(size)) for size in output.shape)
        for place in (tuple(0 for _ in output.shape), tuple(size - 1 for size in output.shape), middle):
            found = products_at(model, picture, layer.name, place)
            # In single precision a sum is rounded to a part of what cancels in it, and softmax multiplies by e to that.
            cancels = float(np.abs(found.inputs * found.weights).sum())
            close = max(1e-5, 1e-6 * cancels) if layer.activation == "softmax" else 1e-5
            assert found.value == pytest.approx(float(output[place]), rel=close, abs=1e-6)
            if found.rule == SUM:
                # In double precision also the products: numbers reach billions where layers only add up.
                total = float((found.inputs.astype(np.float64) * found.weights).sum()) + found.bias
                assert total == pytest.approx(found.before, rel=1e-5, abs=1e-4)
            else:
                total = float(found.inputs[found.is_inside].max())
            if layer.activation == "softmax":
                expected = np.exp(total - found.others)
            else:
                activation = keras.activations.get(layer.activation or "linear")
                expected = float(activation(keras.ops.convert_to_tensor(np.float32(total))))
            rounded = 1e-5 * cancels + 1e-6
            assert found.value == pytest.approx(expected, rel=1e-3, abs=rounded), (layer.name, place)


def network(*made: layers.Layer, shape: tuple[int, int, int] = (5, 6, 2)) -> keras.Model:
    """One layer after another, and a softmax at the end."""
    pictures = keras.Input(shape, dtype="uint8", name="input")
    tensor = layers.Rescaling(1.0, name="rescaling")(pictures)
    for layer in made:
        tensor = layer(tensor)
    tensor = tensor if len(tensor.shape) == 2 else layers.Flatten(name="last")(tensor)
    return keras.Model(pictures, layers.Dense(2, activation="softmax", name="softmax")(tensor))


def test_the_products_of_a_convolution_by_hand() -> None:
    """2×2 with stride 2 and “same”: of 5 rows the last window has one row outside, of 6 columns none."""
    layer = layers.Conv2D(1, 2, strides=2, padding="same", activation="relu", name="conv_1")
    model = network(layer, shape=(5, 6, 1))
    layer.set_weights([np.array([[1, 2], [3, 4]])[..., None, None], np.array([-5])])
    picture = np.arange(30, dtype=np.uint8).reshape(5, 6, 1)
    found = products_at(model, picture, "conv_1", (2, 1, 0))
    assert found.inputs[..., 0].tolist() == [[26, 27], [0, 0]]
    assert found.weights[..., 0].tolist() == [[1, 2], [3, 4]]
    assert found.is_inside.tolist() == [[True, True], [False, False]]
    assert (found.corner, found.dilation, found.sources) == ((4, 2, 0), (1, 1), ("rescaling",))
    assert (found.rule, found.bias, found.before, found.value) == (SUM, -5, 26 + 54 - 5, 75)
    layer.set_weights([np.zeros((2, 2, 1, 1)), np.array([-5])])
    found = products_at(model, picture, "conv_1", (0, 0, 0))
    assert (found.before, found.value) == (-5, 0)


@settings(max_examples=40)
@given(
    kernel=st.integers(1, 4), stride=st.integers(1, 3), dilation=st.integers(1, 3),
    padding=st.sampled_from(["same", "valid"]), kind=st.sampled_from(["conv", "groups", "depthwise"]),
    data=st.data(),
)  # fmt: skip
def test_any_convolution_that_keras_can_do(kernel, stride, dilation, padding, kind, data) -> None:
    how = {"padding": padding, "name": "conv_1", "bias_initializer": "normal"}
    # Keras has no strides with dilation.
    how |= {"strides": stride} if stride > 1 else {"dilation_rate": dilation}
    side = 13
    if kind == "depthwise":
        layer = layers.DepthwiseConv2D(kernel, depth_multiplier=2, **how)
    else:
        layer = layers.Conv2D(6, kernel, groups=2 if kind == "groups" else 1, **how)
    model = network(layer, shape=(side, side + 2, 4))
    picture = GENERATOR.integers(0, 9, (side, side + 2, 4)).astype(np.uint8)
    output = feature_maps(model, picture[None], "conv_1")[0]
    place = tuple(data.draw(st.integers(0, size - 1)) for size in output.shape)
    found = products_at(model, picture, "conv_1", place)
    assert found.before == pytest.approx(float(output[place]), rel=1e-4, abs=1e-4)
    # Each input is the one that it is said to be.
    for row in range(found.inputs.shape[0]):
        for column in range(found.inputs.shape[1]):
            at = found.corner[0] + row * found.dilation[0], found.corner[1] + column * found.dilation[1]
            inside = 0 <= at[0] < side and 0 <= at[1] < side + 2
            assert found.is_inside[row, column] == inside
            channels = slice(found.corner[2], found.corner[2] + found.inputs.shape[2])
            expected = picture[(*at, channels)] if inside else 0
            assert (found.inputs[row, column] == expected).all()


def test_a_separable_convolution_has_its_two_steps() -> None:
    layer = layers.SeparableConv2D(2, 1, name="conv_1")
    model = network(layer, shape=(2, 2, 2))
    layer.set_weights([np.array([[[[2.0], [3.0]]]]), np.array([[[[10.0, 1], [100, 1]]]]), np.zeros(2)])
    picture = np.array([[[1, 2], [0, 0]], [[0, 0], [0, 0]]], np.uint8)
    found = products_at(model, picture, "conv_1", (0, 0, 0))
    assert (found.step_sums.tolist(), found.step_weights.tolist()) == ([2, 6], [10, 100])
    assert (found.weights.ravel().tolist(), found.value) == ([20, 300], 620)


def test_pooling_flattening_and_the_like_by_hand() -> None:
    made = (
        layers.MaxPooling2D(2, name="pool_1"), layers.AveragePooling2D(2, name="pool_2"),
        layers.Dropout(0.5, name="dropout1"), layers.Flatten(name="flatten"),
    )  # fmt: skip
    model = network(*made, shape=(4, 4, 2))
    picture = np.arange(32, dtype=np.uint8).reshape(4, 4, 2)
    found = products_at(model, picture, "pool_1", (1, 0, 1))
    assert (found.rule, found.value, found.corner) == (MAXIMUM, 27, (2, 0, 1))
    assert found.inputs[..., 0].tolist() == [[17, 19], [25, 27]]
    found = products_at(model, picture, "pool_2", (0, 0, 0))  # of 10, 14, 26 and 30
    assert (found.rule, found.value, found.weights.ravel().tolist()) == (SUM, 20, [0.25] * 4)
    for name, place in (("dropout1", (0, 0, 1)), ("flatten", (1,))):
        found = products_at(model, picture, name, place)
        assert (found.rule, found.value, found.corner) == (COPY, 21, (0, 0, 1))


def test_branches_say_where_a_number_comes_from(networks) -> None:
    picture = GENERATOR.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    found = products_at(networks["resnet"], picture, "add_1", (3, 4, 5))
    assert found.sources == ("batch_norm_1_2", "shortcut_1")
    parts = [feature_maps(networks["resnet"], picture[None], name)[0, 3, 4, 5] for name in found.sources]
    assert found.inputs.ravel().tolist() == pytest.approx(parts, rel=1e-5)
    found = products_at(networks["inception"], picture, "concat_1", (3, 4, 20))
    assert (found.sources, found.corner) == (("conv_1_k3",), (3, 4, 4))


def test_in_half_precision_the_number_is_nearly_the_sum() -> None:
    config = tiny_config().with_values({"training.precision": "mixed_bfloat16"})
    model = build_model(config, (8, 8, 3), 3)
    picture = GENERATOR.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    output = feature_maps(model, picture[None], "conv_1")[0]
    place = tuple(int(each) for each in np.unravel_index(int(output.argmax()), output.shape))
    found = products_at(model, picture, "conv_1", place)
    assert (found.precision, found.value) == ("bfloat16", float(output[place]))
    assert found.before == pytest.approx(found.value, rel=0.03)
    assert products_at(model, picture, "softmax", (0,)).precision == "float32"


def test_what_is_not_there_is_a_sentence(networks) -> None:
    model, picture = networks["article"], np.zeros((32, 32, 3), np.uint8)
    for name, place, said in (
        ("conv_9", (0, 0, 0), "no layer “conv_9”. Choose one of input"),
        ("conv_1", (30, 0, 0), "conv_1 has no number at 30, 0, 0: its output has the shape 30×30×64"),
        ("fc1", (0, 0, 0), "fc1 has no number at 0, 0, 0: its output has the shape 512"),
        ("input", (0, 0, 0), "The input is the picture itself"),
    ):
        with pytest.raises(UserError, match=said):
            products_at(model, picture, name, place)


def test_layers_are_as_the_design_describes_them(networks) -> None:
    from core.design.architecture import describe_network

    for name, model in networks.items():
        described = describe_network(config_of(name).model, (32, 32, 3), 5).layers
        found = summarise_layers(model)
        assert [(each.name, each.inputs, each.output_shape, each.parameters) for each in found] == [
            (each.name, each.inputs, each.output_shape, each.parameters) for each in described
        ]
        kinds = {"whitening": "conv", "softmax": "dense"}
        assert [each.kind for each in found] == [kinds.get(each.kind, each.kind) for each in described]


def test_kernels_have_the_names_of_their_layers(networks) -> None:
    assert [name for name, _ in kernels_of(networks["separable"])] == [
        "conv_1 depthwise", "conv_1 pointwise", "fc1", "softmax",
    ]  # fmt: skip
