"""Runs with curves that can be added up by hand."""

from core.config import ExperimentConfig
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store

CONFIG = PRESETS["tiny"].config
HOSTILE = '<script>alert(1)</script> & "quoted" <img src="http://example.com/x.png">'


def trained_run(
    store: Store, name: str, accuracies: list[float], config: ExperimentConfig = CONFIG, seconds: float = 2.5
) -> Run:
    """A finished run; its clean training accuracy lies 10 points above validation."""
    run = store.queue_run(RunRequest(config, name, "tiny"))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, len(accuracies), 100, 0)
    for epoch, accuracy in enumerate(accuracies, start=1):
        row = EpochRow(epoch, 2.0, accuracy, 1.9, accuracy + 0.1, 2.1, accuracy, 0.001, seconds, 900.0)
        store.record_epoch(run.id, 1, row)
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
