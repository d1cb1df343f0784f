"""Runs that were not trained: as facts, and in a store with the epochs that a test gives."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from core.comparison.facts import RunFacts
from core.comparison.quantities import RESULTS
from core.config import ExperimentConfig
from core.config.changes import values_by_path
from core.epoch import EpochRow
from core.store.records import Run, RunData, RunRequest
from core.store.states import RunState
from core.store.store import Store

SHAPES = {"dataset.id": "shapes", "dataset.num_train": 600}
ON_SHAPES = RunData("d" * 64, ("disc", "square"), 2000, 500)


def facts(
    number: int,
    values: Mapping[str, Any] | None = None,
    *,
    state: RunState = RunState.FINISHED,
    name: str | None = None,
    tags: tuple[str, ...] = (),
    hidden: bool = False,
    digest: str | None = None,
    learning_rate_changed: bool = False,
    num_validation: int | None = 500,
    **results: float | None,
) -> RunFacts:
    """The facts of a run whose id says its number. Results that are not given are not known."""
    config = ExperimentConfig().with_values({"seed": number} | SHAPES | dict(values or {}))
    run = Run(
        id=f"rn{number:08d}".translate(str.maketrans("01", "yz")), name=name or f"run {number}", state=state, attempt=1,
        config_json=config.to_json(), config_id=config.config_id, dataset=config.dataset.id, preset=None,
        parent_id=None, device=None, created_at=1000.0 + number, started_at=None, ended_at=None, error=None,
        next_step=None,
        stop_requested=False, epoch=3, total_epochs=config.training.epochs, batch=0, total_batches=0, batch_loss=None,
        batch_accuracy=None, images_per_second=None, pid=None, pid_started=None, best_epoch=2,
        best_val_accuracy=results.get("val_accuracy"), gap=results.get("gap"), heartbeat=None, dataset_digest=digest,
    )  # fmt: skip
    known = {key: results.get(key) for key in RESULTS}
    return RunFacts(
        number, run, MappingProxyType(values_by_path(config)), MappingProxyType(known), tags, hidden,
        learning_rate_changed, 600, num_validation,
    )  # fmt: skip


def stored(
    store: Store,
    values: Mapping[str, Any] | None = None,
    epochs: Sequence[Mapping[str, float | None]] = (),
    *,
    state: RunState = RunState.FINISHED,
    name: str | None = None,
) -> str:
    """A run in the store with these epochs, numbered from 1. Returns its id."""
    config = ExperimentConfig().with_values(SHAPES | dict(values or {}))
    run = store.queue_run(RunRequest(config, name, data=ON_SHAPES))
    if state is RunState.WAITING:
        return run.id
    store.claim(run.id, [f"device:{run.id}"])
    store.record_started(run.id, 1, config.training.epochs, 5, 0)
    for number, measures in enumerate(epochs, start=1):
        store.record_epoch(run.id, 1, EpochRow(number, **measures))
    if state is not RunState.RUNNING:
        store.transition(run.id, state, expected=RunState.RUNNING)
    return run.id


def accuracies(*values: float, seconds: float = 2.0) -> list[dict[str, float | None]]:
    """Epochs with these validation accuracies."""
    return [{"val_accuracy": value, "seconds": seconds} for value in values]
