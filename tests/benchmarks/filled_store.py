"""A workspace after months of use: 1,000 runs with all their epochs, studies of some of them, notes about others."""

import contextlib
import math
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from core.config import ExperimentConfig
from core.datasets.prepare import ensure_dataset
from core.design.presets import PRESETS
from core.store.records import RunRequest
from core.store.store import Store
from core.studies.plan import plan
from core.studies.spec import SEEDS, StudySource, build_spec
from core.workspace import Workspace

RUNS = 1000
EPOCHS = 200
STUDIES = 40
SEEDS_A_STUDY = 5
NOTES = 300
NEWEST_ENDED = 1_790_000_000.0  # unix seconds; the runs are spread over the weeks before

# Past the store: recorded one by one, 200,000 epochs would take minutes. The summary is what the store would derive.
INSERT_EPOCH = """
    INSERT INTO epochs (run_number, attempt, epoch, train_loss, train_accuracy, clean_train_loss, clean_train_accuracy,
        val_loss, val_accuracy, learning_rate, seconds, images_per_second)
    VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
FINISH_RUNS = """
    UPDATE runs SET state = 'FINISHED', epoch = :epochs, device = 'cpu:0',
        created_at = :newest - 3600 * (:runs - number + 1),
        started_at = :newest - 3600 * (:runs - number + 1) + 1,
        ended_at = :newest - 3600 * (:runs - number),
        best_val_accuracy = (SELECT max(val_accuracy) FROM epochs WHERE run_number = number),
        best_epoch = (
            SELECT epoch FROM epochs WHERE run_number = number ORDER BY val_accuracy DESC, epoch LIMIT 1
        ),
        gap = (
            SELECT clean_train_accuracy - val_accuracy AS gap FROM epochs
            WHERE run_number = number AND epochs.epoch > :epochs - 3 ORDER BY gap LIMIT 1 OFFSET 1
        )
"""


def fill(root: Path, runs: int = RUNS, epochs: int = EPOCHS) -> Workspace:
    """Finished runs of several presets, each with a config of its own; `SEEDS_A_STUDY` of each study lie among them.

    Shapes is drawn too, so that what asks the data set finds it. Takes about half a minute.
    """
    workspace = Workspace(root).ensure()
    num_train = len(ensure_dataset(workspace, "shapes").x_train)
    presets = [PRESETS[name] for name in ("article", "article-augmented", "tiny", "overfit")]
    with Store(workspace) as store:
        for number in range(STUDIES):
            config = _config(presets[number % len(presets)].config, number, epochs)
            base = StudySource(f"base {number}", config)
            spec = build_spec(SEEDS, [base], {"num_seeds": SEEDS_A_STUDY}, num_train)
            planned = [each.to_new_run() for each in plan(spec)]
            store.studies.create(SEEDS, f"How far chance moves base {number}", spec.to_json(), planned)
        for number in range(STUDIES * SEEDS_A_STUDY, runs):
            preset = presets[number % len(presets)]
            config = _config(preset.config, number, epochs)
            store.queue_run(RunRequest(config, f"{preset.name} {number + 1}", preset.name))
        with _connected(workspace.database) as connection:
            for (number,) in connection.execute("SELECT number FROM runs ORDER BY number").fetchall():
                connection.executemany(INSERT_EPOCH, [(number, *row) for row in _curve(number, epochs)])
            connection.execute(FINISH_RUNS, {"epochs": epochs, "newest": NEWEST_ENDED, "runs": runs})
        for run in store.list_runs(limit=NOTES):
            store.notes.write([run.id], outcome="It learned as fast as the one before it, and no further.")
    return workspace


def _config(config: ExperimentConfig, number: int, epochs: int) -> ExperimentConfig:
    values = {
        "seed": 1000 * number, "dataset.id": "shapes", "dataset.num_train": None, "training.epochs": epochs,
        "optimizer.learning_rate": round(0.0005 + 1e-6 * number, 6),
    }  # fmt: skip
    return config.with_values(values)


def _curve(number: int, epochs: int) -> Iterator[tuple[float, ...]]:
    """Epochs of a network that learns and then overfits."""
    chance = random.Random(number)
    top, pace = chance.uniform(0.6, 0.85), chance.uniform(8, 40)
    for epoch in range(1, epochs + 1):
        learned = 1 - math.exp(-epoch / pace)
        validation = 0.1 + (top - 0.1) * learned + chance.gauss(0, 0.008)
        clean = 0.1 + 0.89 * learned + chance.gauss(0, 0.003)
        train = clean - 0.03
        losses_and_accuracies = (
            2.3 - 2.1 * train,
            train,
            2.3 - 2.2 * clean,
            clean,
            2.3 - 2 * validation,
            validation,
        )
        yield epoch, *losses_and_accuracies, 0.001, 8 + chance.random(), 5000 + 400 * chance.random()


@contextlib.contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        yield connection
