"""A few timed steps, on the pipeline and the network that train."""

import pytest

from core.training import dry_run
from core.training.dry_run import time_training, try_batch
from core.training.models import build_model


def test_an_epoch_is_the_sum_of_its_parts(config, arrays, monkeypatch) -> None:
    monkeypatch.setattr(dry_run, "REPORT_SECONDS", 0.02)
    monkeypatch.setattr(dry_run, "WARM_UP_SECONDS", 60.0)  # however slow the machine is at the moment
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
    monkeypatch.setattr(dry_run, "WARM_UP_SECONDS", 0.0)
    timings = time_training(config, arrays, 1, lambda stage: None, seconds=0.0)
    assert timings.timed_steps == 1
    assert 0 < timings.step < timings.first_step


def test_trying_a_batch_of_all_pictures_takes_steps_from_several_epochs(config, arrays) -> None:
    try_batch(config.with_values({"training.batch_size": 60, "training.epochs": 1}), arrays, 1)
