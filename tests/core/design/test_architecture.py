"""Shapes, parameters, FLOPs and receptive fields, held against Keras and against hand calculations."""

from collections import Counter
from math import prod

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.config import BlockConfig, DenseConfig, ModelConfig
from core.design.architecture import describe_network
from core.design.presets import PRESETS
from core.errors import ConfigError
from tests.core.strategies import models


def keras_rows(config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int):
    """(class, output shape without batch, parameters) of each layer of a Keras model written out by hand.

    Raises ValueError when Keras refuses the network.
    """
    import keras
    from keras import layers

    def convolution(x, block, size, stride):
        kind = layers.SeparableConv2D if block.separable else layers.Conv2D
        return kind(block.filters, size, strides=stride, padding=block.padding, activation=block.activation)(
            x
        )

    entry = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(entry)
    if config.whitening:
        x = layers.Conv2D(2 * 4 * input_shape[-1], 2, trainable=False)(x)
        x = layers.Activation("gelu")(x)
    for place, block in enumerate(config.blocks):
        before = x
        for repeat in range(block.repeats):
            stride = block.stride if repeat == 0 else 1
            branches = [convolution(x, block, size, stride) for size in block.kernel_sizes]
            x = branches[0] if len(branches) == 1 else layers.Concatenate()(branches)
            if block.batch_norm:
                x = layers.BatchNormalization()(x)
        if block.residual:
            if before.shape != x.shape:
                before = layers.Conv2D(x.shape[-1], 1, strides=block.stride, padding="same")(before)
            x = layers.Add()([x, before])
        if block.pool != "none":
            kind = layers.MaxPooling2D if block.pool == "max" else layers.AveragePooling2D
            x = kind(block.pool_size)(x)
        if block.dropout:
            x = layers.Dropout(block.dropout)(x)
        if place < config.frozen_blocks:
            keras.Model(entry, x).trainable = False
    x = (layers.Flatten() if config.head == "flatten" else layers.GlobalAveragePooling2D())(x)
    for dense in config.dense:
        x = layers.Dense(dense.units, activation=dense.activation)(x)
        if dense.dropout:
            x = layers.Dropout(dense.dropout)(x)
    model = keras.Model(entry, layers.Dense(num_classes, activation="softmax")(x))
    if any(0 in layer.output.shape for layer in model.layers):
        raise ValueError("a layer without pixels")
    return Counter((tuple(layer.output.shape[1:]), layer.count_params()) for layer in model.layers), model


def test_every_row_is_keras_own() -> None:
    outcomes: Counter[str] = Counter()

    @settings(max_examples=120)
    @given(models, st.sampled_from([(32, 32, 3), (28, 28, 1), (9, 9, 3), (12, 17, 2)]), st.integers(2, 12))
    @example(PRESETS["article"].config.model, (32, 32, 3), 10)
    @example(PRESETS["inception"].config.model, (32, 32, 3), 10)
    @example(PRESETS["resnet"].config.model, (32, 32, 3), 10)
    @example(ModelConfig(blocks=(BlockConfig(kernel_sizes=(31,)),)), (32, 32, 3), 10)
    @example(ModelConfig(blocks=(BlockConfig(kernel_sizes=(31,)),)), (12, 17, 2), 10)
    @example(ModelConfig(blocks=(BlockConfig(pool_size=16),)), (9, 9, 3), 10)
    def compare(config: ModelConfig, input_shape: tuple[int, int, int], num_classes: int) -> None:
        try:
            expected, model = keras_rows(config, input_shape, num_classes)
        except ValueError:
            outcomes["refused"] += 1
            with pytest.raises(ConfigError):
                describe_network(config, input_shape, num_classes)
            return
        outcomes["built"] += 1
        network = describe_network(config, input_shape, num_classes)
        assert Counter((layer.output_shape, layer.parameters) for layer in network.layers) == expected
        assert network.parameters == model.count_params()
        assert network.trainable_parameters == sum(prod(w.shape) for w in model.trainable_variables)

    compare()
    # About 100 and 20 of those that are drawn; of the six examples above, two are refused.
    assert outcomes["built"] >= 40 and outcomes["refused"] >= 5 and outcomes.total() >= 110, outcomes


def test_the_article_layer_by_layer() -> None:
    rows = [
        (layer.name, layer.output_shape, layer.parameters)
        for layer in describe_network(PRESETS["article"].config.model).layers
    ]
    assert rows == [
        ("input", (32, 32, 3), 0),
        ("rescaling", (32, 32, 3), 0),
        ("conv_1", (30, 30, 64), 3 * 3 * 3 * 64 + 64),
        ("batch_norm_1", (30, 30, 64), 4 * 64),
        ("pool_1", (15, 15, 64), 0),
        ("conv_2", (13, 13, 32), 3 * 3 * 64 * 32 + 32),
        ("batch_norm_2", (13, 13, 32), 4 * 32),
        ("pool_2", (6, 6, 32), 0),
        ("flatten", (1152,), 0),
        ("fc1", (512,), 1152 * 512 + 512),
        ("dropout1", (512,), 0),
        ("fc2", (256,), 512 * 256 + 256),
        ("dropout2", (256,), 0),
        ("softmax", (10,), 256 * 10 + 10),
    ]


def test_flops_of_the_article_by_hand() -> None:
    flops = {layer.name: layer.flops for layer in describe_network(PRESETS["article"].config.model).layers}
    assert flops["conv_1"] == 2 * 30 * 30 * 64 * 27 + 2 * 30 * 30 * 64
    assert flops["conv_2"] == 2 * 13 * 13 * 32 * 576 + 2 * 13 * 13 * 32
    assert flops["pool_1"] == 15 * 15 * 64 * 4
    assert flops["fc1"] == 2 * 1152 * 512 + 2 * 512


def test_receptive_fields_by_hand() -> None:
    fields = {
        layer.name: layer.receptive_field
        for layer in describe_network(PRESETS["article"].config.model).layers
    }
    # 3×3 sees 3; 2×2 pooling adds one step of 1; 3×3 at step 2 adds 4; 2×2 pooling at step 2 adds 2.
    assert [fields[name] for name in ("conv_1", "pool_1", "conv_2", "pool_2")] == [3, 4, 8, 10]
    vgg16_features = ModelConfig(
        blocks=tuple(BlockConfig(filters=2, padding="same", repeats=n) for n in (2, 2, 3, 3, 3)),
        head="flatten",
    )
    # Araujo, Norris, Sim, "Computing receptive fields of convolutional neural networks", Distill 2019, table: 212.
    assert describe_network(vgg16_features, (224, 224, 3)).receptive_field == 212


def test_the_whitening_layer_by_hand() -> None:
    model = ModelConfig(blocks=(), whitening=True)
    network = describe_network(model, (32, 32, 3))
    layers = {layer.name: layer for layer in network.layers}
    # Patches of 2×2×3 = 12 numbers, a filter for each and one for its negative, and a bias for each filter.
    assert layers["whitening"].output_shape == layers["whitening_activation"].output_shape == (31, 31, 24)
    assert layers["whitening"].parameters == 12 * 24 + 24
    assert layers["whitening"].trainable_parameters == 0
    assert layers["whitening"].flops == 2 * 31 * 31 * 24 * 12 + 31 * 31 * 24
    assert network.receptive_field == 2
    assert describe_network(model, (28, 28, 1)).layers[2].output_shape == (27, 27, 8)
    with pytest.raises(ConfigError) as caught:
        describe_network(model, (1, 9, 3))
    assert caught.value.field == "model.whitening"


def test_parallel_kernels_lie_side_by_side() -> None:
    block = BlockConfig(filters=8, kernel_sizes=(1, 3, 5), padding="same")
    layers = {layer.name: layer for layer in describe_network(ModelConfig(blocks=(block,))).layers}
    assert layers["concat_1"].output_shape == (32, 32, 24)
    assert layers["concat_1"].inputs == ("conv_1_k1", "conv_1_k3", "conv_1_k5")
    assert layers["concat_1"].receptive_field == 5


@pytest.mark.parametrize(
    ("model", "field", "words"),
    [
        (
            ModelConfig(blocks=(BlockConfig(pool_size=8), BlockConfig(kernel_sizes=(5,)))),
            "model.blocks[1].kernel_sizes[0]",
            ("conv_2", "3×3 pixels", "5×5 kernel"),
        ),
        (
            ModelConfig(blocks=(BlockConfig(kernel_sizes=(31,), pool_size=4),)),
            "model.blocks[0].pool_size",
            ("pool_1", "2×2 pixels", "4×4 window"),
        ),
        (
            ModelConfig(blocks=(), dense=(DenseConfig(16_384), DenseConfig(16_384))),
            "model.dense[1].units",
            ("fc2", "parameters"),
        ),
        (
            ModelConfig(
                blocks=(
                    BlockConfig(filters=1),
                    *(BlockConfig(1, (1, 3, 5, 7), "same", pool="none", repeats=20) for _ in range(39)),
                )
            ),
            "model.blocks[1].repeats",
            ("4,685 layers", "120 of them in block 2", "at most 400"),
        ),
    ],
)
def test_what_cannot_be_built_names_the_place_and_both_sizes(model: ModelConfig, field: str, words) -> None:
    with pytest.raises(ConfigError) as caught:
        describe_network(model)
    assert caught.value.field == field
    for word in words:
        assert word in caught.value.message


def test_four_hundred_layers_are_taken() -> None:
    block = BlockConfig(filters=1, padding="same", pool="none", repeats=18)  # 36 layers
    eleven = ModelConfig(
        blocks=(
            *[block] * 11,
            BlockConfig(pool="none", batch_norm=False),
            BlockConfig(pool="none", batch_norm=False),
        )
    )
    assert len(describe_network(eleven).layers) == 402  # 400, then flatten and softmax
    with pytest.raises(ConfigError, match="401 layers"):
        describe_network(ModelConfig(blocks=(*eleven.blocks, BlockConfig(pool="none", batch_norm=False))))
