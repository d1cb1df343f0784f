"""Runs, Home's results and the notebook, calculated again from the database without the page's or the verdict's code.

The page is read as a visitor reads it: all numbers in all words, tiles and tables. None may be left over that the
formulas of `drawn` do not give.
"""

import datetime
import json
import os
import re
import sqlite3
import statistics

import pytest
from scipy import stats

from core.onboarding.lessons import LESSONS
from tests.pages.numbers.drawn import SECONDS, median_of_three, reckoned, train
from tests.pages.numbers.readings import chart_data, epochs_of, read_numbers, sql, texts_of
from tests.pages.visits import go_to, open_page

MEASURES = ("accuracy", "loss")


def test_every_number_of_a_run(store):
    run = train(store, "only", 0.7137)
    rows = epochs_of(store.workspace, run.id)
    page = open_page("runs.py", run=run.id)
    numbers = reckoned(rows)
    tiles = {tile.label: tile.value for tile in page.metric}
    assert tiles == {
        f"Best, at epoch {numbers['best epoch']}": f"{numbers['best']} %",
        "Gap in points": numbers["gap"],
        "Learning rate": numbers["learning rate"],
        "Seconds per epoch": numbers["seconds"],
        "Pictures per second": numbers["speed"],
    }
    (verdict,) = (text for text in texts_of(page) if "Since epoch" in text)
    onset = int(re.search(r"since epoch (\d+)", verdict)[1])
    smooth = median_of_three([row["clean_train_accuracy"] - row["val_accuracy"] for row in rows])
    # Within three epochs of where validation loss turns in these curves, as it was measured of the verdict.
    assert abs(onset - 3) <= 3
    numbers |= {"onset": f"{onset}", "gap at onset": f"{100 * smooth[onset - 1]:.1f}"}
    assert f"went from {numbers['gap at onset']} to {numbers['gap']} points" in verdict
    losses = median_of_three([row["val_loss"] for row in rows])
    accuracies = median_of_three([row["val_accuracy"] for row in rows])
    numbers |= {
        "loss at onset": f"{losses[onset - 1]:.2f}", "accuracy at onset": f"{100 * accuracies[onset - 1]:.1f}",
        "last accuracy": f"{100 * accuracies[-1]:.1f}",
    }  # fmt: skip
    said = {
        "onset", "gap at onset", "gap", "normal gap", "loss at onset", "last loss", "lowest loss", "lowest loss epoch",
        "accuracy at onset", "last accuracy", "best", "best epoch",
    }  # fmt: skip
    assert read_numbers([verdict]) == {numbers[name] for name in said}
    # Nothing else on the page may hold a number, but for the mends, which are settings, its size, and its duration.
    numbers["minutes"] = f"{sum(SECONDS) // 60:.0f}"
    numbers["seconds of the last minute"] = f"{sum(SECONDS) % 60:.0f}"
    settings = read_numbers(block.value for block in page.code) | {"900"}
    assert read_numbers(texts_of(page)) - settings <= set(numbers.values())


def test_every_number_of_runs_side_by_side_and_of_the_table(store):
    runs = [train(store, "one", 0.7137), train(store, "two", 0.6551, rate=0.0027)]
    page = open_page("runs.py", run=",".join(run.id for run in runs))
    by_name = {run.name: reckoned(epochs_of(store.workspace, run.id)) for run in runs}
    for name, numbers in by_name.items():
        (line,) = (text for text in texts_of(page) if f"**{name}**" in text)
        assert f"best validation {numbers['best']} %, {numbers['epochs']} of {len(SECONDS)} epochs" in line
        assert f", gap {numbers['gap']} points" in line
    table = page.dataframe[0].value
    for _, row in table.iterrows():
        numbers = by_name[row["name"]]
        assert (f"{row['best']:.1f}", f"{row['gap']:.1f}") == (numbers["best"], numbers["gap"])
        assert row["epochs"] == f"{numbers['epochs']} / {len(SECONDS)}"
        curve = [
            each["val_accuracy"]
            for each in epochs_of(store.workspace, next(r.id for r in runs if r.name == row["name"]))
        ]
        assert list(row["curve"]) == pytest.approx(curve)
    differing = page.dataframe[-1].value
    assert differing.loc["Learning rate"].tolist() == ["0.001", "0.0027"]


def test_the_charts_hold_what_the_database_holds(store):
    run = train(store, "drawn", 0.7137)
    rows = epochs_of(store.workspace, run.id)
    page = open_page("runs.py", run=run.id)
    (onset,) = re.findall(r"Since epoch (\d+)", " ".join(texts_of(page)))
    for chart, measure in zip(page.get("vega_lite_chart"), ("accuracy", "loss"), strict=True):
        drawn = chart_data(chart)
        assert set(drawn["r0_onset"]) == {float(onset)}
        assert drawn["epoch"].tolist() == [row["epoch"] for row in rows]
        for series in ("train", "val", "clean_train"):
            stored = [row[f"{series}_{measure}"] for row in rows]
            assert drawn[f"r0_{series}"].tolist() == pytest.approx(stored, rel=1e-6)
        assert set(drawn["r0_best"]) == {float(reckoned(rows)["best epoch"])}


def test_every_number_of_a_result_on_home(store):
    run = train(store, "result", 0.7137)
    numbers = reckoned(epochs_of(store.workspace, run.id))
    page = go_to(open_page("runs.py"), "home.py")
    lines = [text for text in texts_of(page) if "**result**:" in text]
    assert lines and all(read_numbers([line]) == {numbers["best"], numbers["gap"]} for line in lines)


def test_every_number_of_a_notebook_entry(store):
    run = train(store, "noted", 0.7137)
    store.notes.write([run.id], outcome="As expected.")
    rows = epochs_of(store.workspace, run.id)
    numbers = reckoned(rows)
    texts = texts_of(open_page("notebook.py"))
    (note,) = sql(store.workspace, "SELECT created_at FROM notes")
    written = datetime.datetime.fromtimestamp(note["created_at"], datetime.UTC)
    assert f"{written.day} {written:%B} {written.year}" in texts
    said = next(text for text in texts if "est validation accuracy" in text)
    onset = re.search(r"since epoch (\d+)", said)[1]
    seconds = sum(row["seconds"] for row in rows)
    assert read_numbers([said]) == {
        numbers["best"], numbers["best epoch"], numbers["gap"], onset,
        numbers["epochs"], f"{seconds // 60:.0f}", f"{seconds % 60:.0f}",
    }  # fmt: skip
    assert said in texts_of(open_page("runs.py", run=run.id))


def test_every_number_of_a_comparison_in_the_notebook(store):
    runs = [
        train(store, name, stall, rate)
        for name, stall, rate in (("one", 0.7137, 0.001), ("two", 0.6551, 0.001), ("three", 0.6712, 0.0027))
    ]
    for seed, run in enumerate(runs[:2]):  # the same but for their seeds
        connection = sqlite3.connect(store.workspace.database)
        with connection:
            query = "UPDATE runs SET config = json_set(config, '$.seed', ?) WHERE id = ?"
            connection.execute(query, (seed, run.id))
        connection.close()
    store.notes.write([run.id for run in runs], outcome="As expected.")
    said = " ".join(texts_of(open_page("notebook.py")))
    best = [max(row["val_accuracy"] for row in epochs_of(store.workspace, run.id)) for run in runs]
    for name, accuracy in (("two", best[1]), ("three", best[2])):
        difference = 100 * (accuracy - best[0])
        assert f"accuracy of “{name}”: {-difference:.1f} points below “one”." in said
    assert "“three” compared with “one”: learning rate 0.001 → 0.0027." in said
    low, high = stats.t.interval(0.95, 1, statistics.mean(best[:2]), stats.sem(best[:2]))
    mean = statistics.mean(best[:2])
    assert high > 1  # two seeds say little, but that none is above 100 % is known
    interval = f"95 % interval {100 * low:.1f} to 100.0 %"
    assert f"“one”, “two” differ only in their seed: mean {100 * mean:.1f} % ({interval})." in said


def test_charts_of_several_runs_and_of_the_notebook_hold_what_the_database_holds(store):
    runs = [train(store, "one", 0.7137), train(store, "two", 0.6551)]
    store.notes.write([run.id for run in runs], outcome="As expected.")
    page = open_page("runs.py", run=",".join(run.id for run in runs))
    drawn = [
        (chart_data(chart), measure)
        for chart, measure in zip(page.get("vega_lite_chart"), MEASURES, strict=True)
    ]
    (noted,) = open_page("notebook.py").get("vega_lite_chart")
    for data, measure in (*drawn, (chart_data(noted), "accuracy")):
        for number, run in enumerate(runs):
            rows = epochs_of(store.workspace, run.id)
            for series in ("train", "val", "clean_train"):
                stored = [row[f"{series}_{measure}"] for row in rows]
                assert data[f"r{number}_{series}"].tolist() == pytest.approx(stored, rel=1e-6)
            assert set(data[f"r{number}_best"]) == {float(reckoned(rows)["best epoch"])}


def test_a_parent_lies_behind_its_fork_as_the_database_holds_it(store):
    parent = train(store, "parent", 0.6551)
    fork = train(store, "fork", 0.7137, rate=0.0027)
    connection = sqlite3.connect(store.workspace.database)
    with connection:
        connection.execute("UPDATE runs SET parent_id = ? WHERE id = ?", (parent.id, fork.id))
    connection.close()
    page = open_page("runs.py", run=fork.id)
    for chart, measure in zip(page.get("vega_lite_chart"), MEASURES, strict=True):
        drawn = chart_data(chart)
        for prefix, run in (("r0", fork), ("g0", parent)):
            stored = [row[f"val_{measure}"] for row in epochs_of(store.workspace, run.id)]
            assert drawn[f"{prefix}_val"].tolist() == pytest.approx(stored, rel=1e-6)
    configs = [
        json.loads(sql(store.workspace, "SELECT config FROM runs WHERE id = ?", each.id)[0]["config"])
        for each in (parent, fork)
    ]
    before, after = (config["optimizer"]["learning_rate"] for config in configs)
    change = f"learning rate {before:g} → {after:g}"
    assert f"Pale behind: parent. Here: {change}." in texts_of(page)
    both = open_page("runs.py", run=f"{parent.id},{fork.id}")
    assert all(f"fork · {change}" in json.loads(legend) for legend in legends(both))


def legends(page) -> list[str]:
    """The names in the legend of each chart, as JSON."""
    specs = [chart.proto.spec for chart in page.get("vega_lite_chart")]
    return [json.dumps(list(json.loads(found).values())) for spec in specs for found in [legend_in(spec)]]


def legend_in(spec: str) -> str:
    expression = re.search(r'"labelExpr": ?"\((\{.*?\})\)\[datum.label\]', spec)[1]
    return json.loads(f'"{expression}"')


def test_the_verdict_on_home_has_the_numbers_of_the_one_on_runs(store):
    run = train(store, "result", 0.7137)
    verdicts = [
        read_numbers(text for text in texts_of(page) if "Since epoch" in text)
        for page in (
            open_page("runs.py", run=run.id),
            open_page("home.py"),
            open_page("home.py", story=run.id),
        )
    ]
    assert verdicts[0] and verdicts[0] == verdicts[1] == verdicts[2]


def test_every_number_that_home_says_of_this_machine_and_of_lessons(store, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("CONVDECK_CPU_SLOTS", "1")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    said = " ".join(texts_of(open_page("home.py")))
    assert re.search(rf"the CPU with {cores} threads?\b", said)
    lessons = list(LESSONS)
    for number, name in enumerate(lessons, start=1):
        assert f"Lesson {number} of {len(lessons)}" in texts_of(open_page("lesson.py", lesson=name))
