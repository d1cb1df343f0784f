"""Studies of label noise, calculated again from the database with SciPy and NumPy."""

import statistics

import numpy as np
import pytest
from scipy import stats

from tests.core.studies.ended import TINY, create, end, spec
from tests.pages.numbers.readings import chart_data, texts_of
from tests.pages.numbers.studied import interval, told
from tests.pages.visits import open_page


def test_every_number_of_a_label_noise_study(store):
    study = create(store, spec("noise", TINY, fractions=[0, 0.2, 0.4], num_seeds=3))
    for member in store.studies.members(study.id):
        (condition,), seed = member.role["arms"], member.role["seed"] % 3
        share = float(condition.removeprefix("noise:"))
        best = 0.6117 - 0.41 * share + 0.0171 * seed * (1 + 3 * share)
        end(store, member.run, (0.31, best, best - 0.023 * (1 + seed)), 0.9713 - 0.11 * share - 0.013 * seed)
    by_share: dict[float, list[dict]] = {}
    for run in told(store):
        by_share.setdefault(run["config"]["dataset"]["label_noise"], []).append(run)
    assert {share: len(runs) for share, runs in by_share.items()} == {0.0: 3, 0.2: 3, 0.4: 3}
    # Clean training is measured on the first 2,000 pictures, so here on all 60.
    assert {run["config"]["dataset"]["num_train"] for runs in by_share.values() for run in runs} == {60}
    page = open_page("studies.py", study=study.id)
    table = page.dataframe[0].value.set_index("Wrong labels")
    drawn = chart_data(page.get("vega_lite_chart")[0])
    heart = {}
    for share, runs in sorted(by_share.items()):
        row = table.loc[f"{100 * share:.0f} %"]
        series = {
            "best": ("Best validation %", [max(run["val"]) for run in runs]),
            "last": ("Last validation %", [run["val"][-1] for run in runs]),
            "clean": ("Clean training %", [run["clean"][-1] for run in runs]),
        }
        for name, (column, values) in series.items():
            mean, low, high = interval(values)
            assert row[column] == pytest.approx(100 * mean)
            (point,) = drawn[(drawn["series"] == name) & np.isclose(drawn["fraction"], share)].to_dict(
                "records"
            )
            assert [point[each] for each in ("mean", "low", "high", "honest")] == pytest.approx(
                [mean, low, high, 1 - share]
            )
        clean = statistics.mean(run["clean"][-1] for run in runs)
        # What lies above the share of true labels is known by heart; a single picture may be on the border of a share.
        heart[share] = 100 * max(0.0, clean - (1 - share) - 1 / 60) / share if share else None
        if share:
            assert row["Memorised, at least %"] == pytest.approx(heart[share])
    assert np.isnan(table.loc["0 %", "Memorised, at least %"])
    words = " ".join(texts_of(page))
    least, most = ([max(run["val"]) for run in by_share[share]] for share in (0.0, 0.4))
    low, high = (100 * end for end in stats.ttest_rel(most, least).confidence_interval(0.95))
    mean = 100 * (statistics.mean(most) - statistics.mean(least))
    assert (
        f"With 40 % wrong labels the best validation accuracy is {-mean:.1f} points lower than with 0 %"
        in words
    )
    assert f"({low:+.1f} to {high:+.1f}, 95 %)" in words
    clean = 100 * statistics.mean(run["clean"][-1] for run in by_share[0.4])
    assert (
        f"At 40 % wrong labels the network gets {clean:.1f} % of its training labels right, more than the 60.0 %"
        in words
    )
    assert f"at least {heart[0.4]:.1f} % of the wrong ones were learned by heart" in words
