"""The moving average of the weights, and batch normalisation's statistics that belong to it."""

import keras
import numpy as np
import pytest
from keras import ops

from core.training.arrays import training_set
from core.training.averaging import averaged_weights
from core.training.train import compiled_model

MOMENTUM = 0.6


@pytest.fixture
def trained(config, arrays) -> tuple[keras.Model, list[np.ndarray]]:
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


def test_inside_the_weights_are_the_average_over_the_steps(trained, arrays) -> None:
    model, average = trained
    own = values(model.trainable_variables)
    with averaged_weights(model, arrays.x_clean):
        for inside, expected in zip(values(model.trainable_variables), average, strict=True):
            np.testing.assert_allclose(inside, expected, atol=1e-6)
        for inside, before in zip(values(model.trainable_variables), own, strict=True):
            assert np.any(inside != before)


@pytest.mark.parametrize(("portion", "norms"), [(40, (1, 2)), (15, (1,))])
def test_inside_the_statistics_are_those_of_the_pictures_through_the_averaged_weights(
    trained, arrays, monkeypatch, portion: int, norms: tuple[int, ...]
) -> None:
    """Of the portions' means and variances the mean; the second layer's depend on how the first one split them."""
    monkeypatch.setattr("core.training.averaging.MOST_AT_ONCE", portion)
    model, _ = trained
    starts = range(0, 40, portion)
    for number in norms:
        norm = model.get_layer(f"batch_norm_{number}")
        before = values([norm.moving_mean, norm.moving_variance])
        with averaged_weights(model, arrays.x_clean):
            # Dropout is off in this call.
            convolved = keras.Model(model.input, model.get_layer(f"conv_{number}").output)(arrays.x_clean)
            inside = values([norm.moving_mean, norm.moving_variance])
        parts = [np.asarray(convolved)[start : start + portion] for start in starts]
        for statistic, got, was in zip((np.mean, np.var), inside, before, strict=True):
            expected = sum(len(part) / 40 * statistic(part, axis=(0, 1, 2)) for part in parts)
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
            assert np.abs(got - was).max() > 0.01


def test_afterwards_everything_is_as_it_was(trained, arrays) -> None:
    model, _ = trained
    before = values([*model.variables, *model.optimizer.variables])
    with averaged_weights(model, arrays.x_clean):
        pass
    for old, new in zip(before, values([*model.variables, *model.optimizer.variables]), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.get_layer("batch_norm_1").momentum == 0.5
    assert [model.get_layer(name).rate for name in ("conv_dropout_1", "dropout1")] == [0.5, 0.2]


def test_without_an_average_nothing_changes(config, arrays) -> None:
    model = compiled_model(config, training_set(arrays), 4)
    model.train_on_batch(arrays.x_train[:15], np.eye(3, dtype=np.float32)[arrays.y_train[:15]])
    before = values(model.variables)
    with averaged_weights(model, arrays.x_clean):
        for old, inside in zip(before, values(model.variables), strict=True):
            np.testing.assert_array_equal(old, inside)
