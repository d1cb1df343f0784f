"""The moving average of the weights, and batch normalisation's statistics that belong to it."""

import keras
import numpy as np
import pytest
from keras import ops

from core.config import TrainingConfig
from core.training.arrays import training_set
from core.training.averaging import measured_weights
from core.training.train import compiled_model

MOMENTUM = 0.6


@pytest.fixture
def fitted(config, arrays) -> tuple[keras.Model, list[np.ndarray]]:
    """A network after four steps, and the average of its weights, calculated step by step."""
    config = config.with_values(
        {
            "model.blocks": [
                {"filters": 4, "padding": "same", "dropout": 0.5},
                {"filters": 4, "pool": "none"},
            ],
            "optimizer.weight_averaging": MOMENTUM,
            "optimizer.learning_rate": 0.05,
        }
    )
    model = compiled_model(config, training_set(arrays), 4)
    labels = np.eye(3, dtype=np.float32)[arrays.y_train]
    average: list[np.ndarray] = []
    for step in range(4):
        model.train_on_batch(arrays.x_train[step * 15 :][:15], labels[step * 15 :][:15])
        weights = values(model.trainable_variables)
        average = (
            weights
            if step == 0
            else [MOMENTUM * old + (1 - MOMENTUM) * new for old, new in zip(average, weights, strict=True)]
        )
    return model, average


def values(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [ops.convert_to_numpy(variable).copy() for variable in variables]


def test_inside_the_weights_are_the_average_over_the_steps(fitted, arrays) -> None:
    model, average = fitted
    own = values(model.trainable_variables)
    with measured_weights(model, arrays.x_clean, TrainingConfig()):
        for inside, expected in zip(values(model.trainable_variables), average, strict=True):
            np.testing.assert_allclose(inside, expected, atol=1e-6)
        for inside, before in zip(values(model.trainable_variables), own, strict=True):
            assert np.any(inside != before)


@pytest.mark.parametrize(("portion", "norms"), [(40, (1, 2)), (15, (1,))])
def test_inside_the_statistics_are_those_of_the_pictures_through_the_averaged_weights(
    fitted, arrays, monkeypatch, portion: int, norms: tuple[int, ...]
) -> None:
    """The first layer's are those of all pictures; the second layer's depend on how the first one split them."""
    monkeypatch.setattr("core.training.batch_statistics.MOST_AT_ONCE", portion)
    model, _ = fitted
    for number in norms:
        norm = model.get_layer(f"batch_norm_{number}")
        before = values([norm.moving_mean, norm.moving_variance])
        with measured_weights(model, arrays.x_clean, TrainingConfig()):
            # Dropout is off in this call.
            convolved = keras.Model(model.input, model.get_layer(f"conv_{number}").output)(arrays.x_clean)
            inside = values([norm.moving_mean, norm.moving_variance])
        for statistic, got, was in zip((np.mean, np.var), inside, before, strict=True):
            expected = statistic(np.asarray(convolved), axis=(0, 1, 2))
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
            assert np.abs(got - was).max() > 0.01


def test_afterwards_everything_is_as_it_was(fitted, arrays) -> None:
    model, _ = fitted
    before = values([*model.variables, *model.optimizer.variables])
    with measured_weights(model, arrays.x_clean, TrainingConfig()):
        pass
    for old, new in zip(before, values([*model.variables, *model.optimizer.variables]), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.get_layer("batch_norm_1").momentum == 0.5
    assert [model.get_layer(name).rate for name in ("conv_dropout_1", "dropout1")] == [0.5, 0.2]


def test_without_an_average_nothing_changes(config, arrays) -> None:
    model = compiled_model(config, training_set(arrays), 4)
    model.train_on_batch(arrays.x_train[:15], np.eye(3, dtype=np.float32)[arrays.y_train[:15]])
    before = values(model.variables)
    with measured_weights(model, arrays.x_clean, TrainingConfig()):
        for old, inside in zip(before, values(model.variables), strict=True):
            np.testing.assert_array_equal(old, inside)
