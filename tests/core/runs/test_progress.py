from dataclasses import replace

import pytest

from core.config import DatasetConfig, ExperimentConfig, TrainingConfig
from core.design.presets import PRESETS
from core.runs.progress import (
    epoch_fraction,
    epoch_seconds,
    is_measuring,
    is_saving,
    run_fraction,
    seconds_left,
)
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store

CONFIG = ExperimentConfig(
    dataset=DatasetConfig(id="shapes"),
    model=PRESETS["tiny"].config.model,
    training=TrainingConfig(epochs=10, batch_size=20),
)


@pytest.fixture
def run(workspace) -> Run:
    """Two of ten epochs are done, and 25 of 100 batches of the third."""
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(CONFIG))
    return replace(run, state=RunState.RUNNING, epoch=2, batch=25, total_batches=100)


def test_fractions_count_batches(run):
    assert epoch_fraction(run) == 0.25
    assert run_fraction(run) == pytest.approx(0.225)


def test_before_the_first_batch_nothing_is_done(run):
    run = replace(run, epoch=0, batch=0, total_batches=0)
    assert (epoch_fraction(run), run_fraction(run)) == (0.0, 0.0)


def test_an_epoch_takes_the_median_of_the_last_five(run):
    assert epoch_seconds(run, {"seconds": [90.0, 4.0, 5.0, None, 4.0, 30.0]}) == 4.5


def test_before_the_first_epoch_the_speed_tells(run):
    run = replace(run, epoch=0, images_per_second=500.0)
    assert epoch_seconds(run, {"seconds": []}) == 4.0  # 100 batches of 20 pictures, 500 a second


def test_settings_that_cannot_be_read_tell_no_time(run):
    run = replace(run, epoch=0, images_per_second=500.0, config_json='{"of_a_later_version": 1}')
    assert epoch_seconds(run, {"seconds": []}) is None
    assert epoch_seconds(run, {"seconds": [8.0]}) == 8.0


def test_time_left_is_that_of_the_epochs_and_batches_left(run):
    assert seconds_left(run, {"seconds": [8.0, 8.0]}) == pytest.approx(7.75 * 8)


def test_no_time_is_left_to_tell_of_without_a_speed_or_after_the_end(run):
    assert seconds_left(run, {"seconds": []}) is None
    assert seconds_left(replace(run, state=RunState.STOPPED), {"seconds": [8.0]}) is None


def test_after_its_last_batch_an_epoch_is_measured_and_after_its_last_epoch_a_run_saved(run):
    for batch, measuring in ((0, False), (99, False), (100, True)):
        assert is_measuring(replace(run, batch=batch)) is measuring
    for epoch, saving in ((9, False), (10, True)):
        assert is_saving(replace(run, epoch=epoch)) is saving
    ended = replace(run, state=RunState.FINISHED, epoch=10, batch=100)
    assert not is_measuring(ended) and not is_saving(ended)
    assert not is_measuring(replace(run, state=RunState.STARTING, batch=0, total_batches=0))
