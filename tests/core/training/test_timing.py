"""A few timed steps, on the pipeline and the network that train."""

import itertools
from types import SimpleNamespace

import pytest

from core.config import TrainingConfig
from core.training import evaluation, timing
from core.training.models import build_model
from core.training.timing import time_training, try_batch


def test_an_epoch_is_the_sum_of_its_parts(config, arrays, monkeypatch) -> None:
    monkeypatch.setattr(timing, "REPORT_SECONDS", 0.02)
    monkeypatch.setattr(timing, "WARM_UP_SECONDS", 60.0)  # however slow the machine is at the moment
    told: list[str] = []
    timings = time_training(config, arrays, 1, told.append, seconds=0.1)
    assert timings.parameters == build_model(config, arrays.image_shape, 3).count_params()
    assert (timings.pictures, timings.steps) == (60, 4)  # 60 pictures in batches of 16
    assert timings.timed_steps > 1
    assert timings.epoch == pytest.approx(
        timings.planning + 4 * timings.step + timings.evaluation + timings.saving
    )
    assert min(timings.step, timings.planning, timings.evaluation, timings.saving) > 0
    assert timings.first_step > timings.step  # it compiles
    assert "Timing steps" in told


def test_after_a_long_first_step_a_single_one_is_timed(config, arrays, monkeypatch) -> None:
    monkeypatch.setattr(timing, "WARM_UP_SECONDS", 0.0)
    timings = time_training(config, arrays, 1, lambda stage: None, seconds=0.0)
    assert timings.timed_steps == 1
    assert 0 < timings.step < timings.first_step


def test_trying_a_batch_of_all_pictures_takes_steps_from_several_epochs(config, arrays) -> None:
    try_batch(config.with_values({"training.batch_size": 60, "training.epochs": 1}), arrays, 1)


@pytest.mark.parametrize("test_time_flip", [False, True])
def test_measuring_takes_what_it_took_unless_it_was_cut(config, arrays, monkeypatch, test_time_flip) -> None:
    """With mirror images a portion holds half as many pictures: there are twice as many portions, not twice as fast."""
    monkeypatch.setattr(
        evaluation, "LARGEST_OUTPUT_BYTES", 8 * 8 * 8 * 3 * 4
    )  # eight inputs: the largest output
    model = build_model(config, arrays.image_shape, 3)
    model.compile()
    looks = itertools.count()
    clock = SimpleNamespace(perf_counter=lambda: float(next(looks)))  # a second from look to look
    monkeypatch.setattr(timing, "time", clock)
    size = 4 if test_time_flip else 8
    num_portions = [-(-len(y) // size) for y in (arrays.y_clean, arrays.y_validation)]
    assert min(num_portions) > 1
    # A look at the beginning, one after each portion but the last of both parts, and one at the end.
    monkeypatch.setattr(timing, "EVALUATION_SECONDS", 1000.0)
    took = timing._time_evaluation(model, arrays, TrainingConfig(test_time_flip=test_time_flip))
    assert took == sum(num_portions) - 2 + 1
