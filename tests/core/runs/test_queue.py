"""When a waiting run starts, against sums made by hand: epochs of 2 seconds, 5 or 10 of them."""

import pytest

from core.config import ExperimentConfig
from core.epoch import EpochRow
from core.runs.queue import seconds_until_start
from core.store.records import Run, RunRequest
from core.store.store import Store
from core.system.devices import Device, DeviceReport

CONFIG = ExperimentConfig.from_dict(
    {"dataset": {"id": "shapes", "num_train": 100}, "training": {"epochs": 10}}
)
SECONDS = 2.0


def report(*ids: str) -> DeviceReport:
    return DeviceReport(tuple(Device(each, each, "cpu", None, None, None, None, 2) for each in ids))


def queue(store: Store, seed: int, epochs: int = 10) -> Run:
    return store.queue_run(RunRequest(CONFIG.with_values({"seed": seed, "training.epochs": epochs})))


def train(store: Store, run: Run, device: str, epochs: int) -> None:
    store.claim(run.id, [device])
    store.record_started(run.id, 1, run.total_epochs, 4, 0)
    for epoch in range(1, epochs + 1):
        store.record_epoch(run.id, 1, EpochRow(epoch, val_accuracy=0.5, seconds=SECONDS))


def test_each_waits_for_what_is_left_of_those_before_it(workspace, store) -> None:
    running, first, second, third = (
        queue(store, seed, epochs) for seed, epochs in enumerate((10, 10, 5, 10))
    )
    train(store, running, "cpu:0", 3)
    told = [seconds_until_start(workspace, store, run, report("cpu:0")) for run in (first, second, third)]
    assert told == pytest.approx([7 * SECONDS, 17 * SECONDS, 22 * SECONDS])


def test_with_two_devices_the_one_that_is_free_first_is_taken(workspace, store) -> None:
    one, other, first, second, third = (queue(store, seed) for seed in range(5))
    train(store, one, "cpu:0", 3)
    train(store, other, "cpu:1", 8)
    told = [
        seconds_until_start(workspace, store, run, report("cpu:0", "cpu:1")) for run in (first, second, third)
    ]
    # The devices are free after 14 and 4 seconds; the first takes the second device for 20.
    assert told == pytest.approx([4, 14, 24])


def test_what_is_not_known_is_not_guessed(workspace, store) -> None:
    running, first = (queue(store, seed) for seed in range(2))
    train(store, running, "cpu:0", 0)
    assert seconds_until_start(workspace, store, first, report("cpu:0")) is None  # nothing was measured here
    store.record_epoch(running.id, 1, EpochRow(1, val_accuracy=0.5, seconds=SECONDS))
    assert seconds_until_start(workspace, store, first, report("cpu:0")) == pytest.approx(9 * SECONDS)
    other = store.queue_run(RunRequest(CONFIG.with_values({"model.blocks[0].filters": 8})))
    behind = queue(store, 4)
    assert seconds_until_start(workspace, store, other, report("cpu:0")) == pytest.approx(19 * SECONDS)
    assert seconds_until_start(workspace, store, behind, report("cpu:0")) is None  # another network is ahead
    assert seconds_until_start(workspace, store, running, report("cpu:0")) is None  # it does not wait


def test_a_paused_run_holds_its_device_for_nobody_knows_how_long(workspace, store) -> None:
    running, first = queue(store, 0), queue(store, 1)
    train(store, running, "cpu:0", 2)
    store.interventions.request(running.id, "pause")
    assert store.interventions.record_paused(running.id, 1, epoch_ended=True)
    assert seconds_until_start(workspace, store, first, report("cpu:0")) is None
