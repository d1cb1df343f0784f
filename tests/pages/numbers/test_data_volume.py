"""Studies of data volume: the line, its interval and what it leaves over, calculated again with SciPy."""

import math

import numpy as np
import pytest
from scipy import stats

from tests.core.studies.ended import SHAPES_VALIDATION, TINY, create, end_all, spec
from tests.pages.numbers.drawn import agresti_coull
from tests.pages.numbers.readings import chart_data, texts_of
from tests.pages.numbers.studied import gap_of, told
from tests.pages.visits import open_page


def test_every_number_of_a_data_volume_study(store):
    study = create(store, spec("volume", TINY, sizes=[100, 300, 1000, 3000]))
    end_all(
        store, study,
        lambda role: {100: 0.3122, 300: 0.4089, 1000: 0.4871, 3000: 0.5903}[
            int(role.conditions[0].removeprefix("size:"))
        ],
        lambda role: 0.2,
    )  # fmt: skip
    runs = told(store)
    sizes = [run["config"]["dataset"]["num_train"] for run in runs]
    fit = stats.linregress(np.log10(sizes), [100 * max(run["val"]) for run in runs])
    reach = stats.t.ppf(0.975, len(runs) - 2) * fit.stderr
    words = " ".join(texts_of(open_page("studies.py", study=study.id)))
    assert f"{fit.slope:.1f} points" in words
    assert f"({fit.slope - reach:+.1f} to {fit.slope + reach:+.1f}, 95 %, R² {fit.rvalue**2:.3f})" in words
    table = open_page("studies.py", study=study.id).dataframe[0].value.select_dtypes("number").to_numpy()
    for size, run, shown in zip(sizes, runs, table, strict=True):
        line = fit.intercept + fit.slope * np.log10(size)
        best = 100 * max(run["val"])
        expected = [best, line, best - line, 100 * gap_of(run)]
        for value in expected:
            assert any(abs(float(cell) - value) < 0.051 for cell in shown), (size, value, shown)


def test_the_charts_and_notes_of_a_data_volume_study(store):
    study = create(store, spec("volume", TINY, sizes=[100, 300, 1000, 3000]))
    best = {100: 0.3122, 300: 0.4389, 1000: 0.4871, 3000: 0.5903}
    end_all(store, study, lambda role: best[int(role.conditions[0].removeprefix("size:"))], lambda role: 0.2)
    runs = {run["config"]["dataset"]["num_train"]: max(run["val"]) for run in told(store)}
    fit = stats.linregress(np.log10(list(runs)), list(runs.values()))
    page = open_page("studies.py", study=study.id)
    ladder, residual = (chart_data(chart) for chart in page.get("vega_lite_chart"))
    left = {}
    for row in ladder.to_dict("records"):
        accuracy, line = runs[int(row["size"])], fit.intercept + fit.slope * math.log10(row["size"])
        left[row["size"]] = 100 * (accuracy - line)
        error = 100 * agresti_coull(accuracy, SHAPES_VALIDATION)
        assert [
            row[name] for name in ("accuracy", "fitted", "residual", "error", "minus_error")
        ] == pytest.approx([accuracy, line, left[row["size"]], error, -error])
    assert ladder["size"].tolist() == list(runs) and residual.equals(ladder)
    words = " ".join(texts_of(page))
    assert f"Per doubling of the pictures: {100 * fit.slope * math.log10(2):+.1f} points." in words
    worst = max(left, key=lambda size: abs(left[size]))
    error = 100 * agresti_coull(runs[int(worst)], SHAPES_VALIDATION)
    assert f"The line is off by at most {abs(left[worst]):.1f} points, at {worst:,.0f} pictures" in words
    assert f"the standard error of an accuracy at that size is {error:.1f} points" in words
