"""Batch normalisation by the fused kernel, held against Keras's own layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from core.training.arrays import training_set
from core.training.backend_tensorflow import fuse_batch_normalization
from core.training.train import compiled_model


def small_network() -> keras.Model:
    inputs = keras.Input((6, 5, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", kernel_initializer=keras.initializers.GlorotUniform(1))(
        inputs
    )
    x = keras.layers.BatchNormalization(momentum=0.8)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.BatchNormalization(momentum=0.8)(x)  # of flat values: stays Keras's own
    outputs = keras.layers.Dense(
        2, activation="softmax", kernel_initializer=keras.initializers.GlorotUniform(2)
    )(x)
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.optimizer.learning_rate = 0.1
    return model


@pytest.mark.parametrize("num", [1, 7])
def test_training_is_that_of_keras_but_for_rounding(num: int) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(3, 2, (3, num, 6, 5, 3)).astype(np.float32), generator.integers(0, 2, (3, num))
    composed, fused = small_network(), small_network()
    fuse_batch_normalization(fused)
    for pictures, labels in zip(x, y, strict=True):
        losses = [model.train_on_batch(pictures, labels) for model in (composed, fused)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for expected, value in zip(composed.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(fused(x[0]), composed(x[0]), rtol=1e-3, atol=1e-4)


def test_a_frozen_layer_keeps_its_statistics() -> None:
    model = small_network()
    fuse_batch_normalization(model)
    norm = model.layers[2]
    norm.trainable = False
    before = [np.array(value) for value in norm.get_weights()]
    model(np.ones((4, 6, 5, 3), np.float32), training=True)
    for a, b in zip(before, norm.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_trains_uses_the_kernel_and_what_is_saved_is_plain_keras(config, arrays, tmp_path) -> None:
    model = compiled_model(config, training_set(arrays), 4)
    x, _ = training_set(arrays).take(np.arange(16))
    step = tf.function(lambda pictures: model(pictures, training=True)).get_concrete_function(tf.constant(x))
    assert "FusedBatchNormV3" in {operation.type for operation in step.graph.get_operations()}
    keras.Model(model.input, model.output).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    (norm,) = (each for each in loaded.layers if "batch_norm" in each.name)
    assert type(norm) is keras.layers.BatchNormalization
    np.testing.assert_allclose(loaded(x), model(x), rtol=1e-5)
