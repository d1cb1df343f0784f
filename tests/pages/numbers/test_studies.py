"""Every number of a study, reckoned anew from the database with SciPy and NumPy."""

import json
import sqlite3
import statistics

import numpy as np
from scipy import stats

from core.runs.store import Store
from tests.core.studies.ended import FLIPPED, TINY, create, end_all, spec
from tests.pages.numbers.readings import sql, texts_of
from tests.pages.visits import open_page


def test_every_number_of_signal_or_noise(store):
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=4))
    best = {"first": (0.412, 0.437, 0.4051, 0.4219), "second": (0.4533, 0.4621, 0.4487, 0.4702)}
    end_all(
        store, study,
        lambda role: best[role.arms[0]][role.seed % 4],
        lambda role: 0.2134 if role.arms[0] == "first" else 0.0717 + 0.01 * (role.seed % 4),
    )  # fmt: skip
    rows = sql(
        store.workspace,
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


def ended_runs(store: Store) -> list[sqlite3.Row]:
    """(config as JSON, seed, best validation accuracy, gap at the end) of every run of the only study."""
    return sql(
        store.workspace,
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
