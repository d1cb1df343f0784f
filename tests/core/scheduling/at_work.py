"""Runs that are being trained, as far as the store knows."""

from core.epoch import EpochRow
from core.store.interventions import Intervention
from core.store.records import RunRequest
from core.store.store import Store
from tests.core.scheduling.fakes import CONFIG


def running(store: Store, epochs: int = 0, config=CONFIG) -> str:
    """A run of ten epochs at work, with so many behind it."""
    run_id = store.queue_run(RunRequest(config, "mine")).id
    store.claim(run_id, [f"cpu:{len(store.leases())}"])
    store.record_started(run_id, 1, 10, 100, 0)
    for epoch in range(1, epochs + 1):
        store.record_epoch(run_id, 1, EpochRow(epoch, val_accuracy=0.5))
    return run_id


def paused(store: Store, epochs: int = 2) -> str:
    run_id = running(store, epochs)
    store.interventions.request(run_id, "pause")
    assert store.interventions.record_paused(run_id, 1, epoch_ended=False)
    return run_id


def last(store: Store, run_id: str) -> Intervention:
    return store.interventions.history(run_id)[-1]
