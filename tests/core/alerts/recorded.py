"""Rules, and runs whose epochs are written down instead of trained."""

from core.epoch import EpochRow
from core.store.alerts import KINDS
from core.store.records import RunRequest
from core.store.states import RunState
from tests.core.scheduling.fakes import CONFIG

# Of a network that knows its own pictures ever better and others no better from epoch 4 on.
TRAINING = (0.40, 0.50, 0.58, 0.66, 0.74, 0.82, 0.90, 0.96, 0.98, 0.99)
VALIDATION = (0.40, 0.50, 0.57, 0.60, 0.60, 0.59, 0.60, 0.59, 0.60, 0.59)


def rule(store, *kinds, name="all"):
    return store.alerts.add_rule(name, kinds or KINDS, "http://127.0.0.1:9/", None, public_only=False)


def begun(store, name="A run", attempt=1, run_id=None, resumed_from=0):
    run_id = run_id or store.queue_run(RunRequest(CONFIG, name)).id
    store.claim(run_id, ["cpu:0"])
    store.record_started(run_id, attempt, 10, 100, resumed_from)
    return run_id


def train(store, run_id, first=1, last=10, attempt=1, training=TRAINING, validation=VALIDATION):
    for epoch in range(first, last + 1):
        accuracy, other = training[epoch - 1], validation[epoch - 1]
        store.record_epoch(
            run_id, attempt,
            EpochRow(
                epoch, train_loss=2 - accuracy, train_accuracy=accuracy, clean_train_loss=2 - accuracy,
                clean_train_accuracy=accuracy, val_loss=2 - other, val_accuracy=other, seconds=1.0,
            ),
        )  # fmt: skip


def end(store, run_id, state=RunState.FINISHED, **causes):
    store.transition(run_id, state, expected=RunState.RUNNING, **causes)
