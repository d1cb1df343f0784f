"""The steps of a range test: a network that learns, one that diverges, and the loss of each batch alone."""

import dataclasses

import keras
import numpy as np
import pytest

from core.design.rate_range import find_rate, rate_of_step
from core.training.rate_range import Rising, measure_losses
from tests.core.training.conftest import noise_pictures, tiny_config

CONFIG = tiny_config().with_values({"optimizer.schedule": "cosine", "model.dense": []})
STEPS = 80


def test_the_schedule_has_the_rates_of_the_test() -> None:
    schedule = Rising(200)
    for step in (0, 1, 57, 199):
        assert float(schedule(step)) == pytest.approx(rate_of_step(step), rel=1e-5)


def test_a_network_that_learns_to_the_end() -> None:
    told: list[str] = []
    config = CONFIG.with_values({"optimizer.name": "sgd"})
    rates, losses, diverged = measure_losses(config, noise_pictures(60), told.append, steps=STEPS)
    assert not diverged and told[0] == "Step 1 of 80"
    assert rates == [rate_of_step(step, STEPS) for step in range(STEPS)]
    # Not the mean of all batches so far, which Keras gives.
    assert losses[-1] < np.mean(losses) / 10
    assert find_rate(rates, losses, diverged=False).lowest_at > 0.1


def half_precision(monkeypatch, initial_scale: float) -> None:
    """Training in half precision whose loss is scaled up by this much at first."""
    original = keras.optimizers.LossScaleOptimizer
    monkeypatch.setattr(
        keras.optimizers, "LossScaleOptimizer", lambda inner: original(inner, initial_scale=initial_scale)
    )


HALF = CONFIG.with_values({"optimizer.name": "sgd", "training.precision": "mixed_float16"})


def test_a_step_that_half_precision_skips_moves_no_rate(monkeypatch) -> None:
    half_precision(monkeypatch, 2.0**30)  # too large for gradients of 16 bits, so the first steps are skipped
    rates, losses, diverged = measure_losses(HALF, noise_pictures(60), lambda stage: None, steps=STEPS)
    assert len(rates) == len(losses) == STEPS and not diverged
    # With every rate once: a rate that was counted by batches would be 1.23 times as high for each that was skipped.
    assert rates == [rate_of_step(step, STEPS) for step in range(STEPS)]


def test_where_every_step_is_skipped_the_test_ends(monkeypatch) -> None:
    half_precision(monkeypatch, 2.0**100)
    rates, losses, diverged = measure_losses(HALF, noise_pictures(60), lambda stage: None, steps=STEPS)
    assert diverged and len(losses) == 1 and rates == [rate_of_step(0, STEPS)]


def test_labels_without_sense_diverge_and_end_the_test() -> None:
    arrays = noise_pictures(60)
    labels = np.random.default_rng(0).integers(0, 3, 60)
    told: list[str] = []
    rates, losses, diverged = measure_losses(
        CONFIG, dataclasses.replace(arrays, y_train=labels), told.append, steps=STEPS
    )
    assert diverged and len(losses) < STEPS
    assert losses[-1] > 2 * losses[0]
    found = find_rate(rates, losses, diverged=True)
    assert found.lowest_at < rates[-1]
    # Adam at 0.001 is what everybody takes; the test is not far from it.
    assert found.suggestion is None or 1e-5 < found.suggestion < 0.1
