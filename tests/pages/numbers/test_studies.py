"""Every number of a study, reckoned anew from the database with SciPy and NumPy."""

import json
import math
import re
import sqlite3
import statistics

import numpy as np
import pytest
from scipy import stats

from core.runs.records import EpochRow
from core.runs.states import RunState
from core.runs.store import Store
from tests.core.studies.ended import FLIPPED, SHAPES_VALIDATION, TINY, create, end, end_all, spec
from tests.pages.numbers.readings import chart_data, sql, texts_of
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


def told(store: Store) -> list[dict]:
    """Of each run of the only study: its config, its curves as lists over the epochs."""
    found = []
    for number, config in sql(
        store.workspace,
        "SELECT number, config FROM runs JOIN study_runs ON run_number = number ORDER BY number",
    ):
        epochs = sql(store.workspace, "SELECT * FROM epochs WHERE run_number = ? ORDER BY epoch", number)
        found.append(
            {
                "config": json.loads(config), "val": [row["val_accuracy"] for row in epochs],
                "clean": [row["clean_train_accuracy"] for row in epochs],
            }
        )  # fmt: skip
    return found


def interval(values: list[float]) -> tuple[float, float, float]:
    """(mean, low, high) of SciPy's t distribution."""
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    return float(np.mean(values)), float(low), float(high)


def test_every_number_of_a_label_noise_study(store):
    study = create(store, spec("noise", TINY, fractions=[0, 0.2, 0.4], num_seeds=3))
    for member in store.studies.members(study.id):
        (arm,), seed = member.role["arms"], member.role["seed"] % 3
        share = float(arm.removeprefix("noise:"))
        best = 0.6117 - 0.41 * share + 0.0171 * seed * (1 + 3 * share)
        end(store, member.run, (0.31, best, best - 0.023 * (1 + seed)), 0.9713 - 0.11 * share - 0.013 * seed)
    doses: dict[float, list[dict]] = {}
    for run in told(store):
        doses.setdefault(run["config"]["dataset"]["label_noise"], []).append(run)
    assert {share: len(runs) for share, runs in doses.items()} == {0.0: 3, 0.2: 3, 0.4: 3}
    # Clean training is measured on the first 2,000 pictures, so here on all 60.
    assert {run["config"]["dataset"]["num_train"] for runs in doses.values() for run in runs} == {60}
    page = open_page("studies.py", study=study.id)
    table = page.dataframe[0].value.set_index("Wrong labels")
    drawn = chart_data(page.get("vega_lite_chart")[0])
    heart = {}
    for share, runs in sorted(doses.items()):
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
            assert row["Known by heart, at least %"] == pytest.approx(heart[share])
    assert np.isnan(table.loc["0 %", "Known by heart, at least %"])
    words = " ".join(texts_of(page))
    least, most = ([max(run["val"]) for run in doses[share]] for share in (0.0, 0.4))
    low, high = (100 * end for end in stats.ttest_rel(most, least).confidence_interval(0.95))
    mean = 100 * (statistics.mean(most) - statistics.mean(least))
    assert (
        f"With 40 % wrong labels the best validation accuracy is {-mean:.1f} points lower than with 0 %"
        in words
    )
    assert f"({low:+.1f} to {high:+.1f}, 95 %)" in words
    clean = 100 * statistics.mean(run["clean"][-1] for run in doses[0.4])
    assert (
        f"At 40 % wrong labels it gets {clean:.1f} % of its training labels right, more than the 60.0 %"
        in words
    )
    assert f"at least {heart[0.4]:.1f} % of the wrong ones are known by heart" in words


def test_the_charts_of_signal_or_noise(store):
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=4))
    curves = {
        member.run.id: (
            0.21 + 0.0131 * index,
            0.3317 + 0.0071 * (index * index % 5),
            0.3 + 0.0233 * (index % 3),
        )
        for index, member in enumerate(store.studies.members(study.id))
    }
    for index, member in enumerate(store.studies.members(study.id)):
        end(store, member.run, curves[member.run.id], 0.61 + 0.0117 * (index * index % 7))
    arms: dict[bool, list[dict]] = {False: [], True: []}
    for run in sorted(told(store), key=lambda run: run["config"]["seed"]):
        arms[run["config"]["augmentation"]["horizontal_flip"]].append(run)
    page = open_page("studies.py", study=study.id)
    band, accuracy, gap = (chart_data(chart) for chart in page.get("vega_lite_chart"))
    for name, runs in (("a0", arms[False]), ("a1", arms[True])):
        expected = [interval([run["val"][epoch] for run in runs]) for epoch in range(3)]
        shown = band[band["arm"] == name]
        assert shown["epoch"].tolist() == [1, 2, 3]
        np.testing.assert_allclose(shown[["mean", "low", "high"]].to_numpy(), expected)
    for drawn, measure in (
        (accuracy, lambda run: max(run["val"])), (gap, lambda run: run["clean"][-1] - run["val"][-1]),
    ):  # fmt: skip
        differences = [
            100 * (measure(second) - measure(first))
            for first, second in zip(arms[False], arms[True], strict=True)
        ]
        mean = drawn[drawn["kind"] == "mean"][["value", "low", "high"]].to_numpy()
        np.testing.assert_allclose(mean, [interval(differences)])
        dots = drawn[drawn["kind"] == "seed"]
        assert dots["value"].tolist() == pytest.approx(differences)
        assert dots["seed"].tolist() == [run["config"]["seed"] for run in arms[False]]


def test_every_number_of_one_config_over_seeds(store):
    study = create(store, spec("seeds", TINY, num_seeds=5))
    end_all(store, study, lambda role: 0.4127 + 0.0173 * (role.seed * role.seed % 4), lambda role: 0.2134)
    best = [max(run["val"]) for run in told(store)]
    mean, low, high = (100 * each for each in interval(best))
    spread = 100 * statistics.stdev(best)
    apart = stats.t.ppf(0.975, 4) * spread * math.sqrt(2)
    words = " ".join(texts_of(open_page("studies.py", study=study.id)))
    assert f"reaches {mean:.1f} % on average ({low:.1f} % to {high:.1f} %, 95 %, 5 seeds)" in words
    assert f"varies by {spread:.1f} points" in words and f"more than {apart:.1f} points apart" in words


def test_the_charts_and_notes_of_a_data_volume_study(store):
    study = create(store, spec("volume", TINY, sizes=[100, 300, 1000, 3000]))
    best = {100: 0.3122, 300: 0.4389, 1000: 0.4871, 3000: 0.5903}
    end_all(store, study, lambda role: best[int(role.arms[0].removeprefix("size:"))], lambda role: 0.2)
    runs = {run["config"]["dataset"]["num_train"]: max(run["val"]) for run in told(store)}
    fit = stats.linregress(np.log10(list(runs)), list(runs.values()))
    page = open_page("studies.py", study=study.id)
    ladder, residual = (chart_data(chart) for chart in page.get("vega_lite_chart"))
    left = {}
    for row in ladder.to_dict("records"):
        accuracy, line = runs[int(row["size"])], fit.intercept + fit.slope * math.log10(row["size"])
        left[row["size"]] = 100 * (accuracy - line)
        error = 100 * math.sqrt(accuracy * (1 - accuracy) / SHAPES_VALIDATION)
        assert [
            row[name] for name in ("accuracy", "fitted", "residual", "error", "minus_error")
        ] == pytest.approx([accuracy, line, left[row["size"]], error, -error])
    assert ladder["size"].tolist() == list(runs) and residual.equals(ladder)
    words = " ".join(texts_of(page))
    assert f"For each doubling that is {100 * fit.slope * math.log10(2):+.1f} points." in words
    worst = max(left, key=lambda size: abs(left[size]))
    error = 100 * math.sqrt(runs[int(worst)] * (1 - runs[int(worst)]) / SHAPES_VALIDATION)
    assert f"The line misses by {abs(left[worst]):.1f} points at most, at {worst:,.0f} pictures" in words
    assert f"the standard error of an accuracy there is {error:.1f} points" in words


def conditions(store: Store) -> dict[tuple, list[dict]]:
    """The runs of an ablation by (rotation in degrees, flip), in the order of their seeds."""
    found: dict[tuple, list[dict]] = {}
    for run in sorted(told(store), key=lambda run: run["config"]["seed"]):
        policy = run["config"]["augmentation"]
        found.setdefault((policy["rotation_degrees"], policy["horizontal_flip"]), []).append(run)
    return found


def gap_of(run: dict) -> float:
    return run["clean"][-1] - run["val"][-1]


@pytest.mark.parametrize("num_seeds", [1, 4])
def test_every_interval_of_an_ablation(store, num_seeds: int):
    augmented = TINY.with_values({"augmentation.rotation_degrees": 20, "augmentation.horizontal_flip": True})
    study = create(store, spec("ablation", augmented, modes=["without", "only"], num_seeds=num_seeds))
    for index, member in enumerate(store.studies.members(study.id)):
        best = 0.5 + 0.0171 * (index * index % 7)
        end(store, member.run, (0.2, best, best - 0.0213), 0.7 + 0.0123 * (index * 3 % 5))
    runs = conditions(store)
    page = open_page("studies.py", study=study.id)
    tables = [frame.value.set_index("Condition") for frame in page.dataframe[:2]]
    charts = [chart_data(chart).set_index("name") for chart in page.get("vega_lite_chart")]
    references = ((20.0, True), (0.0, False))
    parts = (
        {
            "without rotation": (0.0, True),
            "without horizontal flip": (20.0, False),
            "without all": (0.0, False),
        },
        {"rotation alone": (20.0, False), "horizontal flip alone": (0.0, True), "all together": (20.0, True)},
    )
    for number, (table, reference, named) in enumerate(zip(tables, references, parts, strict=True)):
        assert list(table.index) == list(named)
        for name, key in named.items():
            pairs = list(zip(runs[key], runs[reference], strict=True))
            for column, chart, measure in (
                ("Accuracy", charts[2 * number], lambda run: max(run["val"])),
                ("Gap", charts[2 * number + 1], gap_of),
            ):
                changes = [100 * (measure(one) - measure(other)) for one, other in pairs]
                if num_seeds > 1:
                    mean, low, high = interval(changes)
                else:
                    (mean,), error = changes, 100 * binomial(pairs[0], gap=column == "Gap")
                    low, high = mean - 1.96 * error, mean + 1.96 * error
                    assert table.loc[name, f"{column} st. error"] == pytest.approx(error)
                shown = table.loc[name, [column, f"{column} from", f"{column} to"]].tolist()
                assert shown == pytest.approx([mean, low, high], abs=1e-3)
                assert chart.loc[name, ["value", "low", "high"]].tolist() == pytest.approx(shown)
                assert chart.loc[name, "clear"] == float(num_seeds > 1 and low * high > 0)
    words = " ".join(texts_of(page))
    for label, table, name in (
        ("All of it left out", tables[0], "without all"), ("All of it together", tables[1], "all together"),
    ):  # fmt: skip
        row = table.loc[name]
        spans = {
            each: f" ({row[f'{each} from']:+.1f} to {row[f'{each} to']:+.1f}, 95 %)" if num_seeds > 1 else ""
            for each in ("Accuracy", "Gap")
        }
        accuracy, gap = (f"{row[each]:+.1f}" for each in spans)
        said = f"{label}: {accuracy} points of accuracy{spans['Accuracy']}, {gap} of gap{spans['Gap']}."
        assert said in words


def binomial(pair: tuple[dict, dict], *, gap: bool) -> float:
    """The standard error of a difference of accuracies, or of gaps, by the numbers of pictures alone."""
    measured = [
        (accuracy, pictures)
        for run in pair
        for accuracy, pictures in (
            ((run["val"][-1], SHAPES_VALIDATION), (run["clean"][-1], 60)) if gap
            else ((max(run["val"]), SHAPES_VALIDATION),)
        )
    ]  # fmt: skip
    return math.sqrt(sum(accuracy * (1 - accuracy) / pictures for accuracy, pictures in measured))


def test_the_headline_of_an_ablation_is_its_largest_change(store):
    augmented = TINY.with_values({"augmentation.rotation_degrees": 20, "augmentation.horizontal_flip": True})
    study = create(store, spec("ablation", augmented, modes=["without"], num_seeds=4))
    gain = (0.0971, 0.1053, 0.1117, 0.0912)
    end_all(
        store, study,
        lambda role: 0.5 + 0.0031 * (role.seed % 3) + gain[role.seed % 4] * ("without:rotation" in role.arms),
        lambda role: 0.1,
    )  # fmt: skip
    runs = conditions(store)
    changes = {
        key: [
            100 * (max(one["val"]) - max(other["val"]))
            for one, other in zip(own, runs[20.0, True], strict=True)
        ]
        for key, own in runs.items()
        if key != (0.0, False)
    }
    largest = max(changes, key=lambda key: abs(statistics.mean(changes[key])))
    assert largest == (0.0, True)
    mean, low, high = interval(changes[largest])
    # Among two comparisons an interval has to leave out zero at 97.5 %.
    strict = stats.t.interval(0.975, 3, mean, stats.sem(changes[largest]))
    stands_out = strict[0] * strict[1] > 0
    words = " ".join(texts_of(open_page("studies.py", study=study.id)))
    said = (
        f"validation accuracy is {mean:.1f} points more than with all of it ({low:+.1f} to {high:+.1f}, 95 %)"
    )
    assert f"Without rotation, {said}: it stands out from chance." in words and stands_out


def test_how_many_runs_have_ended_and_each_of_them(store):
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=2))
    members = store.studies.members(study.id)
    for index, member in enumerate(members[:3]):
        end(store, member.run, (0.3117, 0.4 + 0.0173 * index, 0.37), 0.6219)
    states = sql(
        store.workspace,
        """
        SELECT runs.*, (SELECT max(val_accuracy) FROM epochs WHERE run_number = number) AS best,
            (
                SELECT clean_train_accuracy - val_accuracy FROM epochs WHERE run_number = number ORDER BY epoch DESC
            ) AS last
        FROM runs JOIN study_runs ON run_number = number
        """,
    )
    ended = sum(row["state"] == "FINISHED" for row in states)
    page = open_page("studies.py", study=study.id)
    words = " ".join(texts_of(page))
    assert f"So far: {ended} of {len(states)} runs have ended." in words
    assert f"{ended} of {len(states)}]" in words  # in the list of all studies
    (bar,) = page.get("progress")
    assert bar.proto.value == 100 * ended // len(states)
    assert bar.proto.text == f"{ended} of {len(states)} runs have ended, 1 is under way or waits."
    assert f"Its {len(states)} runs" in [expander.label for expander in page.expander]
    table = page.dataframe[-1].value.set_index("id")
    for row in states:
        shown = table.loc[row["id"]]
        assert shown["epochs"] == f"{row['epoch']} of {row['total_epochs']}"
        assert shown["seed"] == json.loads(row["config"])["seed"]
        known = [] if row["best"] is None else [100 * row["best"], 100 * row["last"]]
        assert shown[["best", "gap"]].dropna().tolist() == pytest.approx(known)


def test_what_a_study_would_cost(store):
    study = create(store, spec("seeds", TINY, num_seeds=2))
    for member in store.studies.members(study.id):
        run = member.run
        store.claim(run.id, [run.id])
        store.record_started(run.id, 1, 3, 10, 0)
        for epoch, seconds in enumerate((90.0, 61.0, 47.0), start=1):
            store.record_epoch(run.id, 1, EpochRow(epoch, val_accuracy=0.3, seconds=seconds))
        store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
    run = store.list_runs()[0]
    page = open_page("studies.py", kind="seeds", runs=run.id)
    page.toggle(key="study-reuse").set_value(False).run()
    (cost,) = (text for text in texts_of(page) if "to train" in text)
    new = int(re.search(r"(\d+) runs to train", cost)[1])
    (devices,) = map(int, re.findall(r"over (\d+) devices", cost) or ["1"])
    # Three epochs of the median, as often as there are runs, shared out.
    seconds = new * 3 * 61.0 / devices
    assert f"about {round(seconds / 60)} minutes" in cost
