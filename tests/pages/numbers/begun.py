"""A run under way with numbers that are not round."""

import sqlite3

from streamlit.testing.v1 import AppTest

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import Run, RunRequest
from core.store.store import Store
from tests.pages.numbers.readings import sql

EPOCHS = 12


def begin(store: Store, name: str = "under way") -> Run:
    """Epochs 1 to 7 of 12 have ended, and 23 of 57 batches of the next."""
    config = PRESETS["tiny"].config.with_values({"dataset.id": "shapes", "training.epochs": EPOCHS})
    run = store.queue_run(RunRequest(config, name))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, EPOCHS, 57, 0)
    for epoch, seconds in enumerate((301.0, 288.4, 407.1, 290.2, 262.9, 311.6, 283.3), start=1):
        accuracy = 0.31 + 0.0317 * epoch - 0.0411 * (epoch > 5)
        rate = 0.00284 / epoch
        row = EpochRow(
            epoch, 2.0, 0.3, 1.9, 0.4377 + 0.05 * epoch, 2.1, accuracy, rate, seconds, 90.0 + epoch
        )
        store.record_epoch(run.id, 1, row)
    store.record_batch(run.id, 1, 23, 57, 1.234, 0.46719, 1234.5)
    return store.get_run(run.id)


def row_of(store: Store, run_id: str) -> sqlite3.Row:
    """What the database holds of a run, by column."""
    (row,) = sql(store.workspace, "SELECT * FROM runs WHERE id = ?", run_id)
    return row


def bars(page: AppTest) -> list[tuple[int, str]]:
    """(percent, words) of each bar of progress."""
    return [(bar.proto.value, bar.proto.text.replace("\xa0", " ")) for bar in page.get("progress")]
