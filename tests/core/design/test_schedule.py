"""Schedules without Keras, against what Keras's own give at each step, and sentences and points by hand."""

import pytest
from keras import ops

from core.config import OptimizerConfig
from core.config.optimizer import SCHEDULES
from core.design.schedule import MOST_POINTS, planned_rates, rate_at, schedule_in_words
from core.training.optimizers import build_schedule


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("steps_per_epoch", "epochs"), [(7, 5), (1, 1), (1, 3), (313, 4)])
@pytest.mark.parametrize("warmup", [0, 1, 9])
def test_each_step_has_keras_rate(schedule: str, steps_per_epoch: int, epochs: int, warmup: int) -> None:
    config = OptimizerConfig(learning_rate=0.02, schedule=schedule, warmup_epochs=warmup, step_epochs=2)
    theirs = build_schedule(config, steps_per_epoch, epochs)
    total = steps_per_epoch * epochs
    for step in {*range(0, total, max(1, total // 40)), total - 1}:
        expected = float(ops.convert_to_numpy(theirs(step))) if callable(theirs) else theirs
        assert rate_at(config, step, steps_per_epoch, epochs) == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_the_line_has_its_corners_and_few_points() -> None:
    config = OptimizerConfig(learning_rate=0.01, schedule="cosine", warmup_epochs=2)
    points = planned_rates(config, 100, 10)
    assert len(points) <= MOST_POINTS + 3
    assert points[0] == (0.0, 0.0) and (2.0, 0.01) in points
    assert points[-1][0] == 10.0 and points[-1][1] == points[-2][1]
    # Half of the way from epoch 2 to 10: half of the rate.
    nearest = min(points, key=lambda point: abs(point[0] - 6))
    assert nearest[1] == pytest.approx(0.005, rel=0.05)


def test_a_fall_is_upright() -> None:
    config = OptimizerConfig(learning_rate=0.08, schedule="step", step_epochs=2, step_factor=0.5)
    points = planned_rates(config, 3, 5)
    corners = [point for point in points if point[0] in (0.0, 2.0, 4.0, 5.0)]
    assert corners == [
        (0.0, 0.08), (2.0, 0.08), (2.0, pytest.approx(0.04)), (4.0, pytest.approx(0.04)),
        (4.0, pytest.approx(0.02)), (5.0, pytest.approx(0.02)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "0.01 in every epoch."),
        (
            {"schedule": "plateau", "plateau_patience": 3},
            "0.01, times 0.5 whenever the validation loss has not fallen for 3 epochs.",
        ),
        # Epochs 1 to 4, 5 to 8, 9 and 10.
        ({"schedule": "step", "step_epochs": 4}, "0.01, times 0.5 every 4 epochs; 0.0025 at the end."),
        # A fifth of it, after 23 % of ten epochs all of it, and before the last of 1,000 steps 7 % and a bit.
        ({"schedule": "triangular"}, "Rises from 0.002 to 0.01 by epoch 2.3, then falls to 0.000712."),
        ({"schedule": "cosine"}, "Falls from 0.01 to nearly 0."),
        (
            {"schedule": "cosine", "warmup_epochs": 1},
            "Rises from 0 to 0.01 by epoch 1, then falls to nearly 0.",
        ),
    ],
)
def test_it_is_said_in_a_sentence(settings: dict, words: str) -> None:
    config = OptimizerConfig(learning_rate=0.01, **settings)
    assert schedule_in_words(config, 100, 10) == words
