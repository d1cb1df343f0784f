"""Every number on a page is reckoned here anew from the database, without the code of the page or of the verdict.

The page is read as a visitor reads it: all numbers in all words, tiles and tables. None may be left over that the
formulas below, written down from docs/decisions/0006-diagnosis.md, do not give.
"""

import json
import math
import re
import sqlite3
import statistics
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats
from streamlit.testing.v1 import AppTest

from core.presets import PRESETS
from core.runs.records import EpochRow
from core.runs.states import RunState
from core.runs.store import Store
from tests.core.studies.ended import FLIPPED, TINY, create, end_all, spec
from tests.pages.visits import go_to, open_page

NUMBER = re.compile(r"(?<![\w.#/-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w-])")
TEXTS = ("title", "subheader", "markdown", "caption", "error", "warning", "info", "code")
SECONDS = (31.24, 30.18, 33.9, 29.77, 30.41, 30.66, 31.02, 30.05, 32.13, 30.93)


@pytest.fixture
def store(workspace):
    with Store(workspace) as store:
        yield store


def train(store: Store, name: str, stall: float, rate: float = 0.001):
    """A run whose validation stands still at `stall` while clean training goes on, with numbers that are not round."""
    config = PRESETS["tiny"].config.with_values(
        {
            "dataset.id": "shapes",
            "dataset.num_train": 900,
            "training.epochs": len(SECONDS),
            "optimizer.learning_rate": rate,
        }
    )
    run = store.create_run(config, name, "tiny")
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, len(SECONDS), 15, 0)
    for epoch, seconds in enumerate(SECONDS, start=1):
        clean = 0.971 - 0.6137 * 0.71**epoch
        val = stall - 0.31 * 0.5**epoch + 0.0013 * (epoch % 3)
        row = EpochRow(
            epoch, 1.9 * 0.8**epoch, clean - 0.043, 1.7 * 0.8**epoch, clean, 0.93 + 0.051 * abs(epoch - 3), val,
            rate * (1 if epoch < 8 else 0.37), seconds, 937.4 + 11.3 * epoch,
        )  # fmt: skip
        store.record_epoch(run.id, 1, row)
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def rows_of(store: Store, run_id: str) -> list[sqlite3.Row]:
    connection = sqlite3.connect(store.workspace.database)
    connection.row_factory = sqlite3.Row
    query = (
        "SELECT epochs.* FROM epochs JOIN runs ON number = run_number WHERE runs.id = ? ORDER BY epochs.epoch"
    )
    rows = connection.execute(query, (run_id,)).fetchall()
    connection.close()
    return rows


def read_numbers(texts: Iterable[str]) -> set[str]:
    return {found for text in texts for found in NUMBER.findall(text)}


def texts_of(page: AppTest) -> list[str]:
    words = [str(element.value) for kind in TEXTS for element in getattr(page, kind)]
    words += [f"{tile.label} {tile.value}" for tile in page.metric]
    return [text.replace("\\", "").replace("\xa0", " ") for text in words]


def median_of_three(values: list[float]) -> list[float]:
    inner = [statistics.median(values[place : place + 3]) for place in range(len(values) - 2)]
    return [inner[0], *inner, inner[-1]]


def agresti_coull(accuracy: float, pictures: int) -> float:
    share = (accuracy * pictures + 2) / (pictures + 4)
    return math.sqrt(share * (1 - share) / (pictures + 4))


def noise(values: list[float]) -> float:
    bends = [
        abs(one - 2 * two + three) for one, two, three in zip(values, values[1:], values[2:], strict=False)
    ]
    return max(0.005, 1.4826 * statistics.median(bends) / math.sqrt(6))


def reckoned(rows: list[sqlite3.Row]) -> dict[str, str]:
    """What may be said of a run in numbers, by what it is."""
    best = max(rows, key=lambda row: (row["val_accuracy"], -row["epoch"]))
    gaps = [row["clean_train_accuracy"] - row["val_accuracy"] for row in rows]
    smooth = median_of_three(gaps)
    # Shapes has 1,500 validation pictures; clean training is measured on all 900 training pictures.
    sampling = math.hypot(
        agresti_coull(statistics.median([row["clean_train_accuracy"] for row in rows[-3:]]), 900),
        agresti_coull(statistics.median([row["val_accuracy"] for row in rows[-3:]]), 1500),
    )
    normal = 0.06 + 2 * math.hypot(sampling, 0.67 * noise(gaps))
    losses = median_of_three([row["val_loss"] for row in rows])
    return {
        "best": f"{100 * best['val_accuracy']:.1f}",
        "best epoch": f"{best['epoch']}",
        "last gap": f"{100 * gaps[-1]:.1f}",
        "verdict gap": f"{100 * smooth[-1]:.1f}",
        "verdict gap, whole": f"{100 * smooth[-1]:.0f}",
        "normal gap": f"{100 * normal:.1f}",
        "lowest loss": f"{min(losses):.2f}",
        "last loss": f"{losses[-1]:.2f}",
        "learning rate": f"{rows[-1]['learning_rate']:.2g}",
        "seconds": f"{statistics.median([row['seconds'] for row in rows[-5:]]):.1f}",
        "speed": f"{rows[-1]['images_per_second']:,.0f}",
        "epochs": f"{len(rows)}",
    }


def test_every_number_of_a_run(store):
    run = train(store, "only", 0.7137)
    rows = rows_of(store, run.id)
    page = open_page("runs.py", run=run.id)
    numbers = reckoned(rows)
    tiles = {tile.label: tile.value for tile in page.metric}
    assert tiles == {
        f"Best, at epoch {numbers['best epoch']}": f"{numbers['best']} %",
        "Gap in points": numbers["last gap"],
        "Learning rate": numbers["learning rate"],
        "Seconds an epoch": numbers["seconds"],
        "Pictures a second": numbers["speed"],
    }
    (verdict,) = (text for text in texts_of(page) if "Since epoch" in text)
    onset = int(re.search(r"since epoch (\d+)", verdict)[1])
    smooth = median_of_three([row["clean_train_accuracy"] - row["val_accuracy"] for row in rows])
    # Within three epochs of where validation loss turns in these curves, as it was measured of the verdict.
    assert abs(onset - 3) <= 3
    numbers |= {"onset": f"{onset}", "gap at onset": f"{100 * smooth[onset - 1]:.1f}"}
    assert f"went from {numbers['gap at onset']} to {numbers['verdict gap']} points" in verdict
    said = {
        "onset", "gap at onset", "verdict gap", "verdict gap, whole", "normal gap", "lowest loss", "last loss",
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
    by_name = {run.name: reckoned(rows_of(store, run.id)) for run in runs}
    for name, numbers in by_name.items():
        (line,) = (text for text in texts_of(page) if f"**{name}**" in text)
        assert f"best validation {numbers['best']} %, {numbers['epochs']} of {len(SECONDS)} epochs" in line
        assert f"gap of {numbers['last gap']} points" in line
    table = page.dataframe[0].value
    for _, row in table.iterrows():
        numbers = by_name[row["name"]]
        assert (f"{row['best']:.1f}", f"{row['gap']:.1f}") == (numbers["best"], numbers["last gap"])
        assert row["epochs"] == f"{numbers['epochs']} / {len(SECONDS)}"
        curve = [
            each["val_accuracy"] for each in rows_of(store, next(r.id for r in runs if r.name == row["name"]))
        ]
        assert list(row["curve"]) == pytest.approx(curve)
    differing = page.dataframe[-1].value
    assert differing.loc["optimizer.learning_rate"].tolist() == ["0.001", "0.0027"]


def test_the_charts_hold_what_the_database_holds(store):
    run = train(store, "drawn", 0.7137)
    rows = rows_of(store, run.id)
    page = open_page("runs.py", run=run.id)
    for chart, measure in zip(page.get("vega_lite_chart"), ("accuracy", "loss"), strict=True):
        drawn = chart_data(chart)
        assert drawn["epoch"].tolist() == [row["epoch"] for row in rows]
        for series in ("train", "val", "clean_train"):
            stored = [row[f"{series}_{measure}"] for row in rows]
            assert drawn[f"r0_{series}"].tolist() == pytest.approx(stored, rel=1e-6)
        assert set(drawn["r0_best"]) == {float(reckoned(rows)["best epoch"])}


def test_every_number_of_a_result_on_home(store):
    run = train(store, "result", 0.7137)
    numbers = reckoned(rows_of(store, run.id))
    page = go_to(open_page("runs.py"), "home.py")
    lines = [text for text in texts_of(page) if "**result**:" in text]
    assert lines and all(read_numbers([line]) == {numbers["best"], numbers["last gap"]} for line in lines)


def sql(store: Store, query: str, *values: object) -> list[tuple]:
    connection = sqlite3.connect(store.workspace.database)
    rows = connection.execute(query, values).fetchall()
    connection.close()
    return rows


def test_every_number_of_signal_or_noise(store):
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=4))
    best = {"first": (0.412, 0.437, 0.4051, 0.4219), "second": (0.4533, 0.4621, 0.4487, 0.4702)}
    end_all(
        store, study,
        lambda role: best[role.arms[0]][role.seed % 4],
        lambda role: 0.2134 if role.arms[0] == "first" else 0.0717 + 0.01 * (role.seed % 4),
    )  # fmt: skip
    rows = sql(
        store,
        """
        SELECT json_extract(runs.config, '$.augmentation.horizontal_flip'), json_extract(runs.config, '$.seed'),
            (SELECT max(val_accuracy) FROM epochs WHERE run_number = number),
            (SELECT clean_train_accuracy - val_accuracy FROM epochs WHERE run_number = number ORDER BY epoch DESC)
        FROM runs JOIN study_runs ON run_number = number ORDER BY 1, 2
        """,
    )
    assert len(rows) == 8
    plain, flipped = rows[:4], rows[4:]
    assert [row[1] for row in plain] == [row[1] for row in flipped]  # paired by seed
    words = " ".join(texts_of(open_page("studies.py", study=study.id)))
    for place, better in ((2, flipped), (3, plain)):
        worse = plain if better is flipped else flipped
        found = stats.ttest_rel([row[place] for row in better], [row[place] for row in worse])
        low, high = (100 * end for end in found.confidence_interval(0.95))
        mean = 100 * statistics.mean(
            one[place] - other[place] for one, other in zip(better, worse, strict=True)
        )
        assert f"{mean:.1f} points" in words
        assert f"({low:+.1f} to {high:+.1f}, 95 %)" in words
    table = open_page("studies.py", study=study.id).dataframe[0].value
    shown = table.select_dtypes("number").to_numpy()
    for seed in range(4):
        expected = {round(100 * row[place], 1) for row in (plain[seed], flipped[seed]) for place in (2, 3)}
        assert expected == {round(float(value), 1) for value in shown[seed] if abs(value) != plain[seed][1]}


def ended_runs(store: Store) -> list[tuple]:
    """(config as JSON, seed, best validation accuracy, gap at the end) of every run of the only study."""
    return sql(
        store,
        """
        SELECT runs.config, json_extract(runs.config, '$.seed'),
            (SELECT max(val_accuracy) FROM epochs WHERE run_number = number),
            (SELECT clean_train_accuracy - val_accuracy FROM epochs WHERE run_number = number ORDER BY epoch DESC)
        FROM runs JOIN study_runs ON run_number = number ORDER BY position
        """,
    )


def test_every_number_of_a_data_volume_study(store):
    study = create(store, spec("volume", TINY, sizes=[100, 300, 1000, 3000]))
    end_all(
        store, study,
        lambda role: {100: 0.3122, 300: 0.4089, 1000: 0.4871, 3000: 0.5903}[int(role.arms[0].removeprefix("size:"))],
        lambda role: 0.2,
    )  # fmt: skip
    rows = ended_runs(store)
    sizes = [json.loads(row[0])["dataset"]["num_train"] for row in rows]
    fit = stats.linregress(np.log10(sizes), [100 * row[2] for row in rows])
    reach = stats.t.ppf(0.975, len(rows) - 2) * fit.stderr
    words = " ".join(texts_of(open_page("studies.py", study=study.id)))
    assert f"{fit.slope:.1f} points" in words
    assert f"({fit.slope - reach:+.1f} to {fit.slope + reach:+.1f}, 95 %, R² {fit.rvalue**2:.3f})" in words
    table = open_page("studies.py", study=study.id).dataframe[0].value.select_dtypes("number").to_numpy()
    for size, row, shown in zip(sizes, rows, table, strict=True):
        line = fit.intercept + fit.slope * np.log10(size)
        expected = [100 * row[2], line, 100 * row[2] - line, 100 * row[3]]
        for value in expected:
            assert any(abs(float(cell) - value) < 0.051 for cell in shown), (size, value, shown)


def test_every_difference_of_an_ablation(store):
    augmented = TINY.with_values({"augmentation.rotation_degrees": 20, "augmentation.horizontal_flip": True})
    study = create(store, spec("ablation", augmented, modes=["without"], num_seeds=3))
    end_all(
        store, study,
        lambda role: 0.5 + 0.0131 * len(role.arms[0]) % 0.07 + 0.003 * role.seed,
        lambda role: 0.1,
    )  # fmt: skip
    best: dict[tuple, dict[int, float]] = {}
    for config, seed, accuracy, _ in ended_runs(store):
        policy = json.loads(config)["augmentation"]
        best.setdefault((policy["rotation_degrees"], policy["horizontal_flip"]), {})[seed] = accuracy
    page = open_page("studies.py", study=study.id)
    cells = page.dataframe[0].value.select_dtypes("number").to_numpy().ravel()
    for key in ((0.0, True), (20.0, False)):
        change = 100 * statistics.mean(best[key][seed] - best[20.0, True][seed] for seed in best[key])
        assert any(abs(float(cell) - change) < 0.051 for cell in cells), (key, change, cells)


def test_every_number_of_a_notebook_entry(store):
    run = train(store, "noted", 0.7137)
    store.notes.write([run.id], outcome="As expected.")
    rows = rows_of(store, run.id)
    numbers = reckoned(rows)
    said = next(text for text in texts_of(open_page("notebook.py")) if "est validation accuracy" in text)
    onset = re.search(r"since epoch (\d+)", said)[1]
    seconds = sum(row["seconds"] for row in rows)
    assert read_numbers([said]) == {
        numbers["best"], numbers["best epoch"], numbers["last gap"], numbers["verdict gap, whole"], onset,
        numbers["epochs"], f"{seconds // 60:.0f}", f"{seconds % 60:.0f}",
    }  # fmt: skip


def chart_data(chart) -> pd.DataFrame:
    return pa.ipc.open_stream(chart.proto.data.data).read_pandas()
