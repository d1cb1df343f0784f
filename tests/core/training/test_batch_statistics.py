"""Precise batch norm against NumPy, and what it is for: averages that lag behind a network that has learned."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from core.config import ExperimentConfig
from core.training import batch_statistics
from core.training.arrays import training_set
from core.training.averaging import measured_weights
from core.training.batch_statistics import PRECISE_PICTURES, batch_norms, precise_statistics, take_statistics
from core.training.checkpoints import load_checkpoint
from core.training.saved_models import load_run_model
from core.training.train import compiled_model, train
from tests.core.training.conftest import Recorder, measured, noise_pictures

DEEP = {
    "model.blocks": [
        {"filters": 4, "padding": "same", "dropout": 0.5},
        {"filters": 4, "repeats": 2, "residual": True, "padding": "same", "pool": "none"},
        {"filters": 4, "pool": "none", "dropout": 0.3},
    ],
    "optimizer.learning_rate": 0.05,
}  # fmt: skip


def values(variables) -> list[np.ndarray]:
    return [ops.convert_to_numpy(variable).copy() for variable in variables]


@pytest.fixture
def fitted(config, arrays) -> keras.Model:
    """A network with four layers of batch normalisation after four steps."""
    model = compiled_model(config.with_values(DEEP), training_set(arrays), 4)
    for step in range(4):
        some = slice(15 * step, 15 * step + 15)
        model.train_on_batch(arrays.x_train[some], np.eye(3, dtype=np.float32)[arrays.y_train[some]])
    return model


def moments(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each channel of (pictures, height, width, channels)."""
    wide = inputs.astype(np.float64)
    return wide.mean(axis=(0, 1, 2)), wide.var(axis=(0, 1, 2))


def test_each_layer_has_the_statistics_of_what_it_gets(fitted, arrays) -> None:
    pictures = arrays.x_train
    with precise_statistics(fitted, pictures):
        for norm in batch_norms(fitted):
            inputs = np.asarray(keras.Model(fitted.input, norm.input)(pictures))  # as when nothing trains
            for got, expected in zip(
                values([norm.moving_mean, norm.moving_variance]), moments(inputs), strict=True
            ):
                np.testing.assert_allclose(got, expected, atol=1e-4)
    assert len(batch_norms(fitted)) == 4


def test_portions_are_one_population(fitted, arrays, monkeypatch) -> None:
    """The variance is that of all pictures, so that of the portions' means is a part of it."""
    monkeypatch.setattr(batch_statistics, "MOST_AT_ONCE", 16)  # three portions and one of 12
    pictures = np.sort(arrays.x_train, axis=0)  # dark ones first: the portions' means differ
    for dropout in (layer for layer in fitted.layers if isinstance(layer, keras.layers.Dropout)):
        dropout.rate = 0.0
    parts = [pictures[start : start + 16] for start in range(0, 60, 16)]
    expected = {}
    before = values(fitted.variables)
    for norm in batch_norms(fitted):
        inner = keras.Model(fitted.input, norm.input)
        inputs = [np.asarray(inner(part, training=True)) for part in parts]
        expected[norm.name] = moments(np.concatenate(inputs))
    for variable, value in zip(fitted.variables, before, strict=True):
        variable.assign(value)
    take_statistics(fitted, pictures)
    for norm in batch_norms(fitted):
        for got, wanted in zip(
            values([norm.moving_mean, norm.moving_variance]), expected[norm.name], strict=True
        ):
            np.testing.assert_allclose(got, wanted, atol=1e-4)
    first = np.asarray(keras.Model(fitted.input, batch_norms(fitted)[0].input)(pictures))
    apart = np.mean([moments(first[start : start + 16])[1] for start in range(0, 60, 16)], axis=0)
    assert np.any(values([batch_norms(fitted)[0].moving_variance])[0] > 2 * apart)


def test_at_most_so_many_pictures_count(fitted, arrays, monkeypatch) -> None:
    taken = []
    monkeypatch.setattr(
        batch_statistics, "take_statistics", lambda model, pictures: taken.append(len(pictures))
    )
    for count in (PRECISE_PICTURES - 1, PRECISE_PICTURES + 1):
        with precise_statistics(fitted, np.zeros((count, 8, 8, 3), np.uint8)):
            pass
    assert taken == [PRECISE_PICTURES - 1, PRECISE_PICTURES]


def test_afterwards_everything_is_as_it_was(fitted, arrays) -> None:
    before = values([*fitted.variables, *fitted.optimizer.variables])
    with pytest.raises(KeyboardInterrupt), precise_statistics(fitted, arrays.x_clean):
        raise KeyboardInterrupt
    for old, new in zip(before, values([*fitted.variables, *fitted.optimizer.variables]), strict=True):
        np.testing.assert_array_equal(old, new)
    assert {norm.momentum for norm in batch_norms(fitted)} == {0.5}
    rates = [layer.rate for layer in fitted.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.5, 0.3, 0.2]


def test_a_network_without_batch_normalisation_has_nothing_to_measure(config, arrays) -> None:
    model = compiled_model(config.with_values({"model.blocks[0].batch_norm": False}), training_set(arrays), 4)
    before = values(model.variables)
    with precise_statistics(model, arrays.x_clean):
        for old, inside in zip(before, values(model.variables), strict=True):
            np.testing.assert_array_equal(old, inside)


# Three steps an epoch, so that averages with a momentum of 0.99 have hardly left their start after twelve epochs.
SLOW = {
    "training.epochs": 12, "training.batch_size": 20, "optimizer.learning_rate": 0.01,
    "model.batch_norm_momentum": 0.99, "model.dense[0].dropout": 0.0,
}  # fmt: skip


@pytest.fixture
def slow(config) -> ExperimentConfig:
    return config.with_values(SLOW)


def rows_of(config: ExperimentConfig, folder: Path, **options) -> list:
    folder.mkdir()
    recorder = Recorder(**options)
    train(config, noise_pictures(60), folder, recorder)
    return recorder.rows


def test_a_network_that_has_learned_its_pictures_is_judged_by_that(slow, tmp_path) -> None:
    without = rows_of(slow, tmp_path / "without")
    precise = rows_of(slow.with_values({"training.precise_batch_norm": True}), tmp_path / "precise")
    # Training is the same to the bit.
    assert [row.train_loss for row in precise] == [row.train_loss for row in without]
    assert precise[-1].train_accuracy == 1.0
    assert without[-1].clean_train_accuracy < 0.5 and without[-1].val_accuracy < 0.5
    assert precise[-1].clean_train_accuracy > 0.95 and precise[-1].val_accuracy > 0.95


@pytest.mark.parametrize("more", [{}, {"optimizer.weight_averaging": 0.6}], ids=["plain", "averaged"])
def test_a_resumed_run_is_the_same_to_the_bit_and_saves_what_it_measured(slow, tmp_path, more) -> None:
    config = slow.with_values({"training.precise_batch_norm": True, "training.epochs": 4} | more)
    whole = rows_of(config, tmp_path / "whole")
    cut = rows_of(config, tmp_path / "cut", stop_after=2)
    recorder, arrays = Recorder(), noise_pictures(60)
    train(config, arrays, tmp_path / "cut", recorder)
    assert measured(cut + recorder.rows) == measured(whole)
    saved = [load_run_model(tmp_path / name, "last").model for name in ("whole", "cut")]
    for one, other in zip(*(model.get_weights() for model in saved), strict=True):
        np.testing.assert_array_equal(one, other)
    # What is saved has the statistics: it gives the loss that was measured, by itself.
    last = saved[0]
    last.compile(loss="sparse_categorical_crossentropy")
    loss = last.evaluate(arrays.x_validation, arrays.y_validation, verbose=0)
    assert whole[-1].val_loss == pytest.approx(loss, rel=1e-5)
    norm = last.get_layer("batch_norm_1")
    inputs = np.asarray(keras.Model(last.input, norm.input)(arrays.x_clean))
    for got, expected in zip(values([norm.moving_mean, norm.moving_variance]), moments(inputs), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_checkpoint_keeps_the_averages_of_training(slow, tmp_path) -> None:
    config = slow.with_values({"training.epochs": 2})
    stored = []
    for name, precise in (("without", False), ("precise", True)):
        keras.backend.clear_session()
        changed = config.with_values({"training.precise_batch_norm": precise})
        rows_of(changed, tmp_path / name)
        model = compiled_model(changed, training_set(noise_pictures(60)), 3)
        load_checkpoint(tmp_path / name, model)
        stored.append(values(model.variables))
    for one, other in zip(*stored, strict=True):
        np.testing.assert_array_equal(one, other)


def test_averaged_weights_have_statistics_in_any_case(config, arrays) -> None:
    averaged = config.with_values({"optimizer.weight_averaging": 0.6})
    found = []
    for precise in (False, True):
        keras.backend.clear_session()
        changed = averaged.with_values({"training.precise_batch_norm": precise})
        model = compiled_model(changed, training_set(arrays), 4)
        model.train_on_batch(arrays.x_train[:15], np.eye(3, dtype=np.float32)[arrays.y_train[:15]])
        with measured_weights(model, arrays.x_clean, changed.training):
            found.append(values(model.variables))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
