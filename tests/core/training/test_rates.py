"""The learning rate of a training, and another one for it at work, measured by the steps that Keras really takes."""

import itertools
import math

import keras
import numpy as np
import pytest
from keras import ops

from core.config import OptimizerConfig
from core.training.optimizers import build_optimizer, last_rate, schedule_of, set_rate
from core.training.train import train
from tests.core.training.conftest import Recorder, measured, noise_pictures

PEAK, STEPS, EPOCHS = 0.1, 5, 4


class Descent:
    """Plain gradient descent on one weight whose gradient is 1: each step's length is the rate that was used."""

    def __init__(self, wrap=lambda optimizer: optimizer, **settings: object) -> None:
        config = OptimizerConfig(name="sgd", momentum=0.0, learning_rate=PEAK, **settings)
        self.optimizer = wrap(build_optimizer(config, STEPS, EPOCHS))
        self.weight = keras.Variable([0.0], dtype="float32")
        self.optimizer.build([self.weight])

    def walk(self, steps: int) -> list[float]:
        used = []
        for _ in range(steps):
            before = float(self.weight[0])
            self.optimizer.apply([ops.ones(1)], [self.weight])
            used.append(before - float(self.weight[0]))
            # What is told afterwards is what was used.
            assert last_rate(self.optimizer) == pytest.approx(used[-1], rel=1e-4, abs=1e-7)
        return used


def cosine(step: int, total: int = STEPS * EPOCHS) -> float:
    return PEAK * 0.5 * (1 + math.cos(math.pi * step / total))


def test_a_constant_rate_is_replaced() -> None:
    descent = Descent()
    assert descent.walk(2) == pytest.approx([0.1] * 2, rel=1e-4)
    assert set_rate(descent.optimizer, 0.02, 2) == "Learning rate 0.02 instead of 0.1 from epoch 2 on."
    assert descent.walk(3) == pytest.approx([0.02] * 3, rel=1e-4)
    assert schedule_of(descent.optimizer) is None


def test_a_schedule_goes_on_from_the_new_rate() -> None:
    descent = Descent(schedule="cosine")
    assert descent.walk(5) == pytest.approx([cosine(step) for step in range(5)], rel=1e-3)
    said = set_rate(descent.optimizer, 0.03, 2)
    assert said.startswith("Learning rate 0.03 instead of 0.0854 from epoch 2 on. Its schedule continues")
    expected = [0.03 * cosine(step) / cosine(5) for step in range(5, 20)]
    assert descent.walk(15) == pytest.approx(expected, rel=1e-3)
    # Beyond the steps it was laid out for, the last rate is kept.
    assert descent.walk(4) == pytest.approx([expected[-1]] * 4, rel=1e-2)
    assert set_rate(descent.optimizer, 0.05, 5).endswith("Its schedule has ended, so it stays there.")
    assert descent.walk(4) == pytest.approx([0.05] * 4, rel=1e-3)


def test_a_rate_for_a_rising_schedule_says_how_high_it_goes() -> None:
    descent = Descent(schedule="one_cycle")
    # 1/25 of the peak at the first step, all of it after 30 % of 20 steps (arXiv 1708.07120).
    assert set_rate(descent.optimizer, 0.002, 1).endswith("up to 0.05.")
    used = descent.walk(20)
    assert (used[0], max(used), used.index(max(used))) == (
        pytest.approx(0.002, rel=1e-3),
        pytest.approx(0.05, rel=1e-3),
        6,
    )


def test_where_a_warm_up_begins_at_nothing_the_rate_is_its_top() -> None:
    descent = Descent(schedule="cosine", warmup_epochs=1)
    said = set_rate(descent.optimizer, 0.02, 1)
    assert said == "Learning rate 0.02 instead of 0 from epoch 1 on, as the highest of its schedule."
    assert max(descent.walk(20)) == pytest.approx(0.02, rel=1e-3)


def test_steps_go_on_falling_after_the_last_one() -> None:
    descent = Descent(schedule="step", step_epochs=1, step_factor=0.5)
    descent.walk(5)
    assert set_rate(descent.optimizer, 0.1, 2).endswith("Its schedule continues from there.")
    expected = [0.1 * 0.5 ** (step // 5 - 1) for step in range(5, 30)]
    assert descent.walk(25) == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_half_precision_wraps_the_optimizer(schedule: str) -> None:
    descent = Descent(
        lambda inner: keras.optimizers.LossScaleOptimizer(inner, initial_scale=1.0), schedule=schedule
    )
    descent.walk(5)
    set_rate(descent.optimizer, 0.03, 2)
    assert descent.walk(1) == pytest.approx([0.03], rel=1e-3)


@pytest.mark.parametrize("epochs", [100_000, 3_000])
def test_the_last_rate_of_a_long_cosine_is_not_nothing(epochs: int) -> None:
    # In 32 bits the cosine of the last step is exactly -1.
    schedule = build_optimizer(OptimizerConfig(schedule="cosine", learning_rate=PEAK), STEPS, epochs).schedule
    total = STEPS * epochs
    expected = PEAK * 0.5 * (1 + np.cos(np.pi * (total - 1) / total, dtype=np.float64))
    assert float(schedule(total + 10)) == pytest.approx(expected, rel=1e-3) and expected > 0


def test_the_scale_is_one_of_the_optimizer_s_variables() -> None:
    # So that a stateless step, as JAX takes it, is told its value, and a checkpoint holds it.
    optimizer = Descent(schedule="one_cycle").optimizer
    assert any(variable is schedule_of(optimizer).scale for variable in optimizer.variables)
    schedule = schedule_of(optimizer)
    with keras.StatelessScope(state_mapping=[(schedule.scale, ops.convert_to_tensor(2.0))]):
        doubled = float(schedule(3))
    assert doubled == pytest.approx(2 * float(schedule(3)))


@pytest.mark.parametrize(
    ("values", "rates"),
    [
        # Two steps an epoch, three epochs; the rate of each epoch's last step, so of steps 1, 3 and 5.
        ({"optimizer.schedule": "constant"}, [0.008, 0.008, 0.008]),
        ({"optimizer.schedule": "step", "optimizer.step_epochs": 1}, [0.008, 0.004, 0.002]),
        (
            {"optimizer.schedule": "cosine"},
            [0.008 * 0.5 * (1 + math.cos(math.pi * step / 6)) for step in (1, 3, 5)],
        ),
    ],
)
def test_an_epoch_has_the_learning_rate_of_its_last_step(
    config, recorder, tmp_path, values, rates: list[float]
) -> None:
    config = config.with_values({"optimizer.learning_rate": 0.008, **values})
    train(config, noise_pictures(32), tmp_path, recorder)
    assert [row.learning_rate for row in recorder.rows] == pytest.approx(rates)


def test_a_plateau_lowers_the_learning_rate(config, arrays, recorder, tmp_path) -> None:
    config = config.with_values(
        {
            "training.epochs": 6, "optimizer.schedule": "plateau", "optimizer.plateau_patience": 1,
            "optimizer.step_factor": 0.1, "optimizer.learning_rate": 1e-12, "model.blocks[0].batch_norm": False,
        }
    )  # fmt: skip
    train(config, arrays, tmp_path, recorder)
    rates = [row.learning_rate for row in recorder.rows]
    assert rates[-1] < 0.2e-12
    # Without its absolute tolerance of 1e-12, in which all of them would be equal.
    for a, b in itertools.pairwise(rates):
        assert b in (pytest.approx(a, rel=1e-4, abs=0), pytest.approx(a / 10, rel=1e-4, abs=0))
    first, second = Recorder(stop_after=3), Recorder()
    (tmp_path / "cut").mkdir()
    for part in (first, second):
        train(config, arrays, tmp_path / "cut", part)
    assert measured(first.rows + second.rows) == measured(recorder.rows)


def test_a_plateau_is_waited_for_anew_after_a_rate_that_a_person_set(config, arrays, tmp_path) -> None:
    # No step changes a weight, so the first loss is the lowest: the rate would be lowered after the third epoch.
    config = config.with_values(
        {
            "training.epochs": 4, "optimizer.schedule": "plateau", "optimizer.plateau_patience": 2,
            "optimizer.step_factor": 0.1, "optimizer.learning_rate": 1e-30, "model.blocks[0].batch_norm": False,
        }
    )  # fmt: skip
    recorder = Recorder(rates={2: 5e-30})
    train(config, arrays, tmp_path, recorder)
    assert [row.learning_rate for row in recorder.rows] == pytest.approx(
        [1e-30, 1e-30, 5e-30, 5e-30], rel=1e-4, abs=0
    )
