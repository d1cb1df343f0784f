"""Runs under way: how far they are, how long they take, what was changed, all calculated again from the database."""

import json
import re
import sqlite3
import statistics

import pytest

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import RunRequest
from core.store.states import RunState
from tests.pages.numbers.begun import EPOCHS, bars, begin, row_of
from tests.pages.numbers.drawn import median_of_three, train
from tests.pages.numbers.readings import chart_data, epochs_of, read_numbers, sql, texts_of
from tests.pages.visits import go_to, open_page, unfold


def test_every_number_of_a_run_that_trains(store) -> None:
    run = begin(store)
    row, rows = row_of(store, run.id), epochs_of(store.workspace, run.id)
    page = open_page("runs.py", run=run.id)
    of_epoch = row["batch"] / row["total_batches"]
    of_run = (row["epoch"] + of_epoch) / row["total_epochs"]
    each = statistics.median([row["seconds"] for row in rows][-5:])
    minutes = round((1 - of_run) * row["total_epochs"] * each / 60)
    assert bars(page) == [
        (int(100 * of_run), f"Epoch 8 of 12 on CPU 0, about {minutes} minutes left"),
        (
            int(100 * of_epoch),
            f"Batch 23 of 57, training accuracy so far {100 * row['batch_accuracy']:.1f} %",
        ),
    ]
    best = max(rows, key=lambda row: row["val_accuracy"])
    gaps = median_of_three([100 * (row["clean_train_accuracy"] - row["val_accuracy"]) for row in rows])
    rate = rows[-1]["learning_rate"]
    tiles = {tile.label: tile.value for tile in page.metric}
    assert tiles == {
        f"Best, at epoch {best['epoch']}": f"{100 * best['val_accuracy']:.1f} %",
        "Gap in points": f"{gaps[-1]:.1f}",
        "Learning rate": f"{rate:.6f}",  # three digits
        "Seconds per epoch": f"{each:.1f}",
        "Pictures per second": f"{row['images_per_second']:,.0f}",
    }
    assert f"{rate:.6f}" == f"{float(f'{rate:.3g}'):.6f}"
    lines = [list(tile.proto.chart_data) for tile in page.metric]
    columns = ("val_accuracy", None, "learning_rate", "seconds", "images_per_second")
    for line, column in zip(lines, columns, strict=True):
        expected = gaps if column is None else [row[column] for row in rows]
        assert line == pytest.approx(expected)
    half = float(f"{rate / 2:.3g}")
    assert any(button.label.endswith(f": {half:.6f}".rstrip("0")) for button in page.button)


def test_every_number_of_what_was_changed(store) -> None:
    run = begin(store)
    for kind, value in (("learning_rate", 0.00047), ("add_epochs", 5)):
        store.interventions.request(run.id, kind, value)
    for each in store.interventions.history(run.id):
        if each.outcome is None:
            store.interventions.mark_applied(run.id, 1, each.number, 7, "Done.")
    store.record_epoch(run.id, 1, EpochRow(8, 1.9, 0.3, 1.9, 0.8, 2.1, 0.4, 0.00047, 280.0, 99.0))
    asked = sql(store.workspace, "SELECT * FROM interventions ORDER BY number DESC")
    page = open_page("runs.py", run=run.id)
    table = unfold(page, "Changed during training").table[0].value
    assert table["What"].tolist() == ["More epochs 5", "Learning rate 0.00047"]
    assert [row["value"] for row in asked] == [5, 0.00047]
    by_kind = {row["kind"]: row for row in asked}
    assert set(table["After epoch"]) == {str(row["epoch"]) for row in asked} - {"None"}
    drawn = chart_data(page.get("vega_lite_chart")[0]).set_index("epoch")
    # It is marked at the first epoch that was trained with it.
    (epoch,) = drawn.index[drawn["r0_change"].notna() & (drawn["r0_change"] != "")]
    assert epoch == by_kind["learning_rate"]["epoch"] + 1
    assert "rate 0.00047" in drawn.loc[epoch, "r0_change"]
    other = store.queue_run(RunRequest(run.config, "other"))
    several = texts_of(open_page("runs.py", run=f"{run.id},{other.id}"))
    (changes,) = (text for text in several if text.startswith("Changed during training, "))
    assert f"epoch {by_kind['learning_rate']['epoch'] + 1}: learning rate 0.00047" in changes
    assert "+5 epochs" in changes
    assert row_of(store, run.id)["total_epochs"] == EPOCHS + 5
    assert "Epoch 9 of 17" in bars(page)[0][1]


def test_every_number_of_the_table_of_runs_and_its_filter(store) -> None:
    ended = [train(store, f"ended {number}", 0.61 + 0.01 * number) for number in range(3)]
    run = begin(store)
    waiting = [
        store.queue_run(RunRequest(PRESETS["tiny"].config, f"waiting {number}")) for number in range(2)
    ]
    page = open_page("runs.py", run=ended[0].id)
    states = [row["state"] for row in sql(store.workspace, "SELECT state FROM runs")]
    (pills,) = (group for group in page.get("button_group") if group.key == "status")
    assert [option.content for option in pills.proto.options] == [
        f"Running {states.count('RUNNING')}", f"Waiting {states.count('WAITING')}",
        f"Finished {states.count('FINISHED')}", "Stopped 0", "Failed 0",
    ]  # fmt: skip
    table = page.dataframe[0].value.set_index("id")
    assert [table.loc[each.id, "device"] for each in waiting] == ["queue: 1", "queue: 2"]
    for each in (*ended, run):
        rows = epochs_of(store.workspace, each.id)
        shown = table.loc[each.id]
        assert shown["best"] == pytest.approx(100 * max(row["val_accuracy"] for row in rows))
        assert shown["gap"] == pytest.approx(
            100 * statistics.median(row["clean_train_accuracy"] - row["val_accuracy"] for row in rows[-3:])
        )
        assert shown["epochs"] == f"{len(rows)} / {row_of(store, each.id)['total_epochs']}"
        assert list(shown["curve"]) == pytest.approx([row["val_accuracy"] for row in rows])


def test_a_long_curve_is_thinned_and_not_invented(store) -> None:
    run = begin(store)
    for epoch in range(8, 131):
        store.record_epoch(run.id, 1, EpochRow(epoch, val_accuracy=0.2 + 0.003 * epoch))
    (curve,) = open_page("runs.py").dataframe[0].value["curve"]
    values = [row["val_accuracy"] for row in epochs_of(store.workspace, run.id)]
    assert list(curve) == pytest.approx(values[::3])  # at most 50 of 130


def test_every_number_of_a_run_s_head(store) -> None:
    run = train(store, "ended", 0.7137)
    connection = sqlite3.connect(store.workspace.database)
    with connection:
        connection.execute(
            "UPDATE runs SET ended_at = started_at + 1473.0, attempt = 3 WHERE id = ?", (run.id,)
        )
    connection.close()
    row = row_of(store, run.id)
    page = open_page("runs.py", run=run.id)
    (head,) = (text for text in texts_of(page) if f"id {run.id}" in text)
    pictures = json.loads(row["config"])["dataset"]["num_train"]
    took = round((row["ended_at"] - row["started_at"]) / 60)
    assert (
        head
        == f"shapes, {pictures} training pictures · CPU 0 · attempt 3 · took about {took} minutes · id {run.id}"
    )


def test_every_number_of_home_while_runs_are_under_way(store) -> None:
    train(store, "ended", 0.7137)
    run = begin(store)
    first, second = (store.queue_run(RunRequest(PRESETS["tiny"].config, name)) for name in ("next", "later"))
    row = row_of(store, run.id)
    page = go_to(open_page("runs.py"), "home.py")
    (line,) = (text for text in texts_of(page) if "**under way**:" in text)
    best = max(row["val_accuracy"] for row in epochs_of(store.workspace, run.id))
    assert line.endswith(f"epoch 8 of 12 on CPU 0, best validation accuracy {100 * best:.1f} %")
    value = int(100 * (row["epoch"] + row["batch"] / row["total_batches"]) / row["total_epochs"])
    assert value in [value for value, _ in bars(page)]
    queue = sql(store.workspace, "SELECT id FROM runs WHERE state = 'WAITING' ORDER BY queue_number")
    assert [row["id"] for row in queue] == [first.id, second.id]
    (later,) = (text for text in texts_of(page) if "**later**:" in text)
    assert "Number 2 in the queue" in later


def test_every_number_of_a_lesson_and_of_the_story_while_they_train(store) -> None:
    run = begin(store)
    rows = epochs_of(store.workspace, run.id)
    page = open_page("home.py", story=run.id)
    row = row_of(store, run.id)
    value = int(100 * (row["epoch"] + row["batch"] / row["total_batches"]) / row["total_epochs"])
    assert (value, f"Epoch 8 of 12, {rows[-1]['seconds']:.1f} seconds per epoch") in bars(page)
    drawn = chart_data(page.get("vega_lite_chart")[0])
    assert drawn["r0_val"].tolist() == pytest.approx([row["val_accuracy"] for row in rows], rel=1e-6)
    store.transition(run.id, RunState.STOPPED, expected=RunState.RUNNING)


def test_what_is_offered_to_start_says_its_own_settings(store) -> None:
    page = open_page("home.py")
    cards = [text for text in texts_of(page) if re.fullmatch(r".* pictures of \S+, \d+ epochs", text)]
    assert len(cards) == 3
    buttons = [button for button in page.button if (button.key or "").startswith("start-")]
    started = []
    for button in buttons:
        button.click().run()
        (row,) = sql(store.workspace, "SELECT config FROM runs ORDER BY number DESC LIMIT 1")
        config = json.loads(row["config"])
        started.append({f"{config['dataset']['num_train']:,}", str(config["training"]["epochs"])})
        page = go_to(page, "home.py")
    assert [read_numbers([card]) for card in cards] == started
