"""Runs with more epochs than a line or a chart has room for: thinned, and what is left is what the database holds."""

import sqlite3
import statistics
import time

import numpy as np
import pytest

from core.epoch import EpochRow
from core.store.store import Store
from tests.pages.numbers.begun import begin
from tests.pages.numbers.readings import chart_data, epochs_of
from tests.pages.visits import open_page

COLUMNS = (
    "val_accuracy",
    "clean_train_accuracy",
    "train_accuracy",
    "learning_rate",
    "seconds",
    "images_per_second",
)


def long_run(store: Store, num_epochs: int) -> str:
    """One under way, with so many epochs, of which each measure is another than in all others."""
    run = begin(store)
    generator = np.random.default_rng(0)
    values = {
        "val_accuracy": 0.2 + 0.3 * generator.random(num_epochs),
        "clean_train_accuracy": 0.6 + 0.3 * generator.random(num_epochs),
        "train_accuracy": generator.random(num_epochs),
        "learning_rate": 1e-4 + 1e-3 * generator.random(num_epochs),
        "seconds": 20 + generator.random(num_epochs),
        "images_per_second": 900 + 50 * generator.random(num_epochs),
    }
    # In the middle, where no step of thinning would meet it by itself.
    values["val_accuracy"][618] = 0.59
    rows = [(epoch, *(float(values[name][epoch - 1]) for name in COLUMNS)) for epoch in range(8, num_epochs)]
    connection = sqlite3.connect(store.workspace.database)
    with connection:
        (number,) = connection.execute("SELECT number FROM runs WHERE id = ?", (run.id,)).fetchone()
        connection.executemany(
            f"INSERT INTO epochs (run_number, attempt, epoch, {', '.join(COLUMNS)}) VALUES ({number}, 1, ?{', ?' * 6})",
            rows,
        )
    connection.close()
    # The last by the store itself, which sums up.
    store.record_epoch(run.id, 1, EpochRow(num_epochs, **{name: float(values[name][-1]) for name in COLUMNS}))
    return run.id


def test_the_line_of_each_measure_keeps_sixty_of_its_epochs(store) -> None:
    run_id = long_run(store, 700)
    rows = epochs_of(store.workspace, run_id)
    page = open_page("runs.py", run=run_id)
    lines = {tile.label: list(tile.proto.chart_data) for tile in page.metric}
    evenly = [int(place) for place in np.linspace(0, 699, 60).round()]
    assert (evenly[0], evenly[-1], len(set(evenly))) == (0, 699, 60)
    gaps = [100 * (row["clean_train_accuracy"] - row["val_accuracy"]) for row in rows]
    # Medians of three epochs, the last as the tile's own; at both ends they are the neighbour's.
    medians = [statistics.median(gaps[middle - 1 : middle + 2]) for middle in np.clip(evenly, 1, 698)]
    assert lines.pop("Gap in points") == pytest.approx(medians)
    for label, reckon in (
        ("Best, at epoch 619", lambda row: row["val_accuracy"]),
        ("Learning rate", lambda row: row["learning_rate"]),
        ("Seconds per epoch", lambda row: row["seconds"]),
        ("Pictures per second", lambda row: row["images_per_second"]),
    ):
        assert lines.pop(label) == pytest.approx([reckon(rows[place]) for place in evenly]), label
    assert not lines


def test_a_chart_of_many_epochs_keeps_those_with_a_mark(store) -> None:
    run_id = long_run(store, 2300)
    connection = sqlite3.connect(store.workspace.database)
    with connection:
        # At its first epoch that is odd and near none of the marks.
        connection.execute(
            "INSERT INTO interventions (run_number, kind, value, asked_at, attempt, applied_at, epoch, outcome) "
            "SELECT number, 'learning_rate', 0.00047, ?, 1, ?, 1204, 'Done.' FROM runs WHERE id = ?",
            (time.time(), time.time(), run_id),
        )
    connection.close()
    rows = {row["epoch"]: row for row in epochs_of(store.workspace, run_id)}
    best = max(rows, key=lambda epoch: rows[epoch]["val_accuracy"])
    page = open_page("runs.py", run=run_id)
    for chart, measure in zip(page.get("vega_lite_chart"), ("accuracy", "loss"), strict=True):
        drawn = chart_data(chart)
        assert len(drawn) <= 1000
        epochs = drawn["epoch"].tolist()
        assert epochs == sorted(set(epochs)) and {1, best, 1205, 2300} <= set(epochs)
        assert np.diff(epochs).max() <= 3  # 2,300 over 1,000
        for series in ("train", "val", "clean_train"):
            held = [rows[epoch][f"{series}_{measure}"] for epoch in epochs]
            expected = [np.nan if value is None else value for value in held]
            assert drawn[f"r0_{series}"].tolist() == pytest.approx(expected, rel=1e-6, nan_ok=True)
        assert set(drawn["r0_best"]) == {float(best)}
        assert drawn.set_index("epoch")["r0_change"].dropna().to_dict() == {1205: "learning rate 0.00047"}


def test_the_small_chart_of_the_notebook_keeps_a_hundred(store) -> None:
    run_id = long_run(store, 700)
    store.notes.write([run_id], outcome="As expected.")
    rows = {row["epoch"]: row for row in epochs_of(store.workspace, run_id)}
    best = max(rows, key=lambda epoch: rows[epoch]["val_accuracy"])
    (chart,) = open_page("notebook.py").get("vega_lite_chart")
    drawn = chart_data(chart)
    epochs = drawn["epoch"].tolist()
    assert len(epochs) <= 100 and {1, best, 700} <= set(epochs)
    assert np.diff(epochs).max() <= 8  # 700 over 100
    for series in ("val", "clean_train"):
        expected = [rows[epoch][f"{series}_accuracy"] for epoch in epochs]
        assert drawn[f"r0_{series}"].tolist() == pytest.approx(expected, rel=1e-6)
