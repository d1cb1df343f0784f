"""Optimizers and the courses of their learning rates, against the formulas."""

import itertools
import math

import keras
import numpy as np
import pytest

from core.config import OptimizerConfig
from core.config.optimizer import OPTIMIZERS
from core.training.optimizers import build_optimizer, build_schedule


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_lowers_a_loss(name: str) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2, "softmax", name="softmax")]
    )
    config = OptimizerConfig(name=name, learning_rate=0.01, weight_decay=0.001, gradient_clip_norm=1.0)
    model.compile(build_optimizer(config, 4, 10), "categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    y = np.eye(2, dtype=np.float32)[(x[:, 0] > 0).astype(int)]
    losses = model.fit(x, y, batch_size=16, epochs=10, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < losses[0]


def rates(config: OptimizerConfig, steps: int, epochs: int) -> list[float]:
    schedule = build_schedule(config, steps, epochs)
    return [float(schedule(step)) for step in range(steps * epochs)]


def test_cosine_rises_in_the_warm_up_and_ends_near_nothing() -> None:
    got = rates(OptimizerConfig(schedule="cosine", learning_rate=0.1, warmup_epochs=1), 10, 5)
    expected = [0.1 * s / 10 for s in range(10)]
    expected += [0.1 * 0.5 * (1 + math.cos(math.pi * s / 40)) for s in range(40)]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-7)


def test_step_falls_by_its_factor() -> None:
    got = rates(OptimizerConfig(schedule="step", learning_rate=0.1, step_epochs=2, step_factor=0.5), 3, 6)
    np.testing.assert_allclose(got, [0.1] * 6 + [0.05] * 6 + [0.025] * 6, rtol=1e-5)


def test_one_cycle_peaks_after_30_percent() -> None:
    got = rates(OptimizerConfig(schedule="one_cycle", learning_rate=0.1), 10, 10)
    assert got[0] == pytest.approx(0.1 / 25)
    assert int(np.argmax(got)) == 30
    assert max(got) == pytest.approx(0.1)
    assert got[65] == pytest.approx(0.1 * (1e-4 + (1 - 1e-4) * 0.5), rel=1e-3)  # half-way down
    assert all(b < a for a, b in itertools.pairwise(got[30:]))


def test_a_constant_rate_is_a_number() -> None:
    assert build_schedule(OptimizerConfig(learning_rate=0.02), 5, 5) == 0.02
