"""What a run can be changed to, what it was changed to and when, and what a mend would change, from the database."""

import datetime
import json
import os
import re
import sqlite3
import time

import pytest

from core.config.labels import label_of
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import RunRequest
from core.system.processes import process_started
from tests.pages.numbers.begun import EPOCHS, bars, begin, row_of
from tests.pages.numbers.drawn import train
from tests.pages.numbers.readings import chart_data, epochs_of, read_numbers, sql, texts_of
from tests.pages.visits import open_page, press, unfold

pytestmark = pytest.mark.usefixtures("no_scheduler")


def three_digits(rate: float) -> str:
    """Without an exponent."""
    return f"{float(f'{rate:.3g}'):.10f}".rstrip("0").rstrip(".")


def clock(seconds: float) -> str:
    """As a visitor in UTC reads it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%d %b %H:%M:%S")


def change_in(store, query: str, *values: object) -> None:
    connection = sqlite3.connect(store.workspace.database)
    with connection:
        connection.execute(query, values)
    connection.close()


def test_every_number_of_what_can_be_changed(store) -> None:
    run = begin(store)
    page = open_page("runs.py", run=run.id)
    rate = epochs_of(store.workspace, run.id)[-1]["learning_rate"]
    assert f"Epoch 7 was trained at {three_digits(rate)}." in texts_of(page)
    labels = {button.label for button in page.button}
    for name, factor in (("Double", 2), ("Halve", 1 / 2), ("A tenth", 1 / 10)):
        assert f"{name}: {three_digits(factor * float(f'{rate:.3g}'))}" in labels
    fields = {field.label: field.value for field in page.number_input}
    assert fields["New rate"] == float(f"{rate:.3g}")
    assert fields["Epochs to add"] == EPOCHS // 2
    assert f"It trains for {EPOCHS} epochs." in texts_of(page)
    store.interventions.request(run.id, "learning_rate", 0.00047)
    store.interventions.request(run.id, "add_epochs", 5)
    page = open_page("runs.py", run=run.id)
    (asked,) = sql(store.workspace, "SELECT value FROM interventions WHERE kind = 'learning_rate'")
    assert f"**{three_digits(asked['value'])} is requested**" in " ".join(texts_of(page))
    assert f"Halve: {three_digits(asked['value'] / 2)}" in {button.label for button in page.button}
    row = row_of(store, run.id)
    assert (row["total_epochs"], row["added_epochs"]) == (EPOCHS + 5, 5)
    assert (
        f"It trains for {row['total_epochs']} epochs, {row['added_epochs']} more than its design says."
        in texts_of(page)
    )


def test_before_the_first_epoch_the_rate_is_the_design_s_and_time_is_reckoned_from_the_pace(store) -> None:
    config = PRESETS["tiny"].config.with_values(
        {"dataset.id": "shapes", "optimizer.learning_rate": 0.00123456}
    )
    run = store.queue_run(RunRequest(config, "fresh"))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 30, 400, 0)
    store.record_batch(run.id, 1, 100, 400, 2.2, 0.1234, 81.7)
    row = row_of(store, run.id)
    stored = json.loads(row["config"])
    page = open_page("runs.py", run=run.id)
    assert f"It starts at {three_digits(stored['optimizer']['learning_rate'])}." in texts_of(page)
    epoch = row["total_batches"] * stored["training"]["batch_size"] / row["images_per_second"]
    minutes = 5 * round((30 - 0.25) * epoch / 60 / 5)
    hours = f"about {minutes // 60} hour{'s' if minutes >= 120 else ''} {minutes % 60} minutes left".replace(
        " 0 minutes", ""
    )
    assert bars(page) == [
        (int(100 * 0.25 / 30), f"Epoch 1 of 30 on CPU 0, {hours}"),
        (25, f"Batch 100 of 400, training accuracy so far {100 * row['batch_accuracy']:.1f} %"),
    ]


@pytest.mark.parametrize("epoch_ended", [True, False])
def test_where_a_run_is_paused(store, epoch_ended: bool) -> None:
    run = begin(store)
    if epoch_ended:
        store.record_epoch(run.id, 1, EpochRow(8, val_accuracy=0.3))
    store.interventions.request(run.id, "pause")
    store.interventions.record_paused(run.id, 1, epoch_ended=epoch_ended)
    row = row_of(store, run.id)
    where = f"after epoch {row['epoch']}" if epoch_ended else f"in epoch {row['epoch'] + 1}"
    said = " ".join(texts_of(open_page("runs.py", run=run.id)))
    assert f"Paused {where} of {row['total_epochs']}." in said and row["epoch"] == 7 + epoch_ended


def test_when_it_was_changed_and_what_it_logged(store) -> None:
    run = begin(store)
    store.interventions.request(run.id, "learning_rate", 0.00047)
    store.interventions.request(run.id, "add_epochs", 3)
    store.record_log(run.id, 1, "A word of the worker.", "warning")
    change_in(
        store,
        "UPDATE interventions SET asked_at = 1773000000.4 - 71.3 * number, applied_at = 1773000000.0, epoch = 7",
    )
    change_in(store, "UPDATE log SET time = 1772900000.6 + 1931.7 * number")
    page = unfold(unfold(open_page("runs.py", run=run.id), "Changed during training"), "Log")
    asked = sql(store.workspace, "SELECT asked_at FROM interventions ORDER BY number DESC")
    assert page.table[0].value["When"].tolist() == [clock(row["asked_at"]) for row in asked]
    lines = sql(store.workspace, "SELECT * FROM log ORDER BY number")
    written = [
        f"{clock(row['time'])}  {'warning: ' * (row['level'] == 'warning')}{row['text']}" for row in lines
    ]
    assert "\n".join(written) in [code.value for code in page.code]
    # Both take effect with epoch 8, which has not ended, so that no mark stands yet; then they share one.
    store.record_epoch(run.id, 1, EpochRow(8, val_accuracy=0.3, clean_train_accuracy=0.5))
    drawn = chart_data(open_page("runs.py", run=run.id).get("vega_lite_chart")[0]).set_index("epoch")
    assert drawn["r0_change"].dropna().to_dict() == {8: "learning rate 0.00047, +3 epochs"}


def test_how_long_nothing_was_heard_of_a_process(store) -> None:
    """By the clock of this moment, against the heartbeat that is stored."""
    run = begin(store)
    store.set_process(run.id, 1, os.getpid(), process_started(os.getpid()))
    change_in(store, "UPDATE runs SET heartbeat = ? WHERE id = ?", time.time() - 1493.0, run.id)
    heard = row_of(store, run.id)["heartbeat"]
    said = " ".join(texts_of(open_page("runs.py", run=run.id)))
    minutes = round((time.time() - heard) / 60)
    assert f"No update from the training process for {minutes} minutes." in said and minutes == 25


def test_a_mend_changes_what_it_says(store) -> None:
    """Each line names the value that is stored and the one that the fork is then stored with."""
    run = train(store, "mended", 0.7137)
    page = open_page("runs.py", run=run.id)
    offered = [button.key for button in page.button if (button.key or "").startswith(f"take-{run.id}")]
    assert len(offered) == 4
    lines = [block.value.splitlines() for block in page.code if "→" in block.value]
    assert len(lines) == 4
    for key, changes in zip(offered, lines, strict=True):
        page = open_page("runs.py", run=run.id)
        page.button(key=key).click().run()
        assert not page.exception
        (fork,) = sql(store.workspace, "SELECT config FROM runs ORDER BY number DESC LIMIT 1")
        before, after = (
            leaves(json.loads(config)) for config in (row_of(store, run.id)["config"], fork["config"])
        )
        different = {path for path in before | after if before.get(path) != after.get(path)}
        said = {}
        for line in changes:
            name, _, values = line.partition(": ")
            said[name] = values.split(" → ")
        assert set(said) == {label_of(path) for path in different}
        for path in different:
            was, now = said[label_of(path)]
            assert (shown(before[path], path), shown(after[path], path)) == (was, now)


def leaves(value: object, path: str = "") -> dict[str, object]:
    """The values in a config by their paths."""
    if isinstance(value, dict):
        found = [leaves(each, f"{path}.{name}".lstrip(".")) for name, each in value.items()]
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        found = [leaves(each, f"{path}[{place}]") for place, each in enumerate(value)]
    else:
        return {path: value}
    return {name: each for part in found for name, each in part.items()}


def shown(value: object, path: str) -> str:
    """A stored value as it is written on a page."""
    if value is None:
        return {"dataset.num_train": "all"}[path]
    if isinstance(value, bool):
        return "on" if value else "off"
    if path.endswith(("_degrees",)):
        return f"{value:g}°"
    if path.endswith(("_fraction", "_probability")):
        return f"{100 * value:g} %"
    if path == "training.early_stopping_patience":
        return f"{value} epochs"
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_reasons_of_mends_name_the_numbers_of_the_run(store) -> None:
    run = train(store, "mended", 0.7137)
    rows = epochs_of(store.workspace, run.id)
    config = json.loads(row_of(store, run.id)["config"])
    page = open_page("runs.py", run=run.id)
    said = " ".join(texts_of(page))
    assert f"Only {config['dataset']['num_train']} training pictures are used" in said
    best = max(rows, key=lambda row: row["val_accuracy"])["epoch"]
    assert f"Validation was best after epoch {best};" in said
    titles = [block.proto.popover.label for block in page.get("popover")]
    assert f"Stop after epoch {best}" in titles and best < len(rows)


def test_every_number_of_the_settings(store) -> None:
    run = store.queue_run(
        RunRequest(
            PRESETS["tiny"].config.with_values(
                {"optimizer.learning_rate": 0.0037, "training.epochs": 17, "seed": 5}
            ),
            "set",
            "tiny",
        )
    )
    page = unfold(open_page("runs.py", run=run.id), "Settings")
    stored = json.loads(row_of(store, run.id)["config"])
    seen = leaves(json.loads(page.json[0].value))
    (caption,) = (text for text in texts_of(page) if text.startswith("Preset Small and quick"))
    table = page.dataframe[-1].value.set_index("Setting")["Value"]
    assert table.index.is_unique and len(table) == len(seen)
    preset, now = leaves(PRESETS["tiny"].config.to_dict()), leaves(stored)
    # What is not stored, because it is as it always was, is as in the preset.
    assert seen == preset | now
    told = re.findall(r"(?:\. |; )([\w ]+): (\S+) instead of ([^;]+?)(?=;|\.$)", caption)
    assert {name: (new, old) for name, new, old in told} == {
        label_of(path): (shown(now[path], path), shown(preset[path], path))
        for path in now
        if now[path] != preset[path]
    }
    for path in now:
        if now[path] != preset[path]:
            assert table[label_of(path)] == shown(now[path], path)
    assert read_numbers([caption]) >= {"0.0037", "17", "5"}


def test_every_number_of_several_chosen_runs(store) -> None:
    ended = [train(store, name, stall) for name, stall in (("one", 0.7137), ("two", 0.6551))]
    running = begin(store)
    page = open_page("runs.py", run=",".join(run.id for run in (*ended, running)))
    states = [row["state"] for row in sql(store.workspace, "SELECT state FROM runs")]
    assert f"{len(states)} runs side by side" in texts_of(page)
    labels = {button.label for button in page.button}
    assert {
        f"Stop {states.count('RUNNING')}",
        f"Pause {states.count('RUNNING')}",
        f"Delete {len(states)}",
    } <= labels
    dialog = press(open_page("runs.py", run=",".join(run.id for run in ended)), "Delete 2")
    assert (
        "2 runs with curves, weights and log. For 7 days, they can be restored under Recently deleted."
        in texts_of(dialog)
    )
    table = page.dataframe[0].value.set_index("id")
    for row in sql(store.workspace, "SELECT id, started_at FROM runs"):
        assert table.loc[row["id"], "when"].timestamp() == pytest.approx(row["started_at"], abs=1e-3)
    # The evidence beside each is that of its own page.
    for place, run in enumerate((*ended, running)):
        (alone,) = (text for text in texts_of(open_page("runs.py", run=run.id)) if "Since epoch" in text)
        line = [text for text in texts_of(page) if "Since epoch" in text][place]
        assert read_numbers([line.replace(":small[", " ").removesuffix("]")]) == read_numbers([alone])


def test_every_number_of_what_was_deleted(store) -> None:
    ids = [train(store, name, 0.7).id for name in ("one", "two")]
    page = press(open_page("runs.py", run=",".join(ids)), "Delete 2")
    page.button(key="really-delete").click().run()
    rows = sql(store.workspace, "SELECT deleted_at FROM runs ORDER BY deleted_at DESC")

    def shown_time(seconds: float) -> str:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%d %b %H:%M:%S")

    week = 7 * 24 * 3600
    assert f"{len(rows)} runs deleted." in texts_of(page)
    until = shown_time(min(row["deleted_at"] for row in rows) + week)
    assert f"Kept under Recently deleted until {until}." in texts_of(page)
    unfold(page, "Recently deleted")
    for row in rows:
        when, last = shown_time(row["deleted_at"]), shown_time(row["deleted_at"] + week)
        assert f"deleted {when}, kept until {last}" in texts_of(page)


def test_whose_weights_are_downloaded(store) -> None:
    run = train(store, "ended", 0.7137)
    page = open_page("runs.py", run=run.id)
    page.button(key="export-model").click().run()
    best = max(epochs_of(store.workspace, run.id), key=lambda row: row["val_accuracy"])["epoch"]
    assert f"The weights of epoch {best}, with the preprocessing inside" in " ".join(texts_of(page))
