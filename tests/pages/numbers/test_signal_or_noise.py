"""Studies of seeds, calculated again from the database with SciPy and NumPy."""

import math
import statistics

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from tests.core.studies.ended import FLIPPED, TINY, create, end, end_all, spec
from tests.pages.numbers.readings import chart_data, sql, texts_of
from tests.pages.numbers.studied import gap_of, interval, told
from tests.pages.visits import open_page


def test_every_number_of_signal_or_noise(store):
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=4))
    best = {"first": (0.412, 0.437, 0.4051, 0.4219), "second": (0.4533, 0.4621, 0.4487, 0.4702)}
    end_all(
        store, study,
        lambda role: best[role.conditions[0]][role.seed % 4],
        lambda role: 0.2134 if role.conditions[0] == "first" else 0.0717 + 0.01 * (role.seed % 4),
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
    for place in (2, 3):  # the one that is better minus the other one, in both
        found = stats.ttest_rel([row[place] for row in flipped], [row[place] for row in plain])
        low, high = (100 * end for end in found.confidence_interval(0.95))
        mean = abs(100 * statistics.mean(a[place] - b[place] for a, b in zip(flipped, plain, strict=True)))
        assert f"{mean:.1f} points" in words
        assert f"({low:+.1f} to {high:+.1f}, 95 %)" in words
    table = open_page("studies.py", study=study.id).dataframe[0].value
    shown = table.select_dtypes("number").to_numpy()
    for seed in range(4):
        expected = {round(100 * row[place], 1) for row in (plain[seed], flipped[seed]) for place in (2, 3)}
        assert expected == {round(float(value), 1) for value in shown[seed] if abs(value) != plain[seed][1]}


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
    conditions: dict[bool, list[dict]] = {False: [], True: []}
    for run in sorted(told(store), key=lambda run: run["config"]["seed"]):
        conditions[run["config"]["augmentation"]["horizontal_flip"]].append(run)
    page = open_page("studies.py", study=study.id)
    band, accuracy, gap = (chart_data(chart) for chart in page.get("vega_lite_chart"))
    for name, runs in (("a0", conditions[False]), ("a1", conditions[True])):
        expected = [interval([run["val"][epoch] for run in runs]) for epoch in range(3)]
        shown = band[band["arm"] == name]
        assert shown["epoch"].tolist() == [1, 2, 3]
        np.testing.assert_allclose(shown[["mean", "low", "high"]].to_numpy(), expected)
    for drawn, measure in (
        (accuracy, lambda run: max(run["val"])), (gap, gap_of),
    ):  # fmt: skip
        differences = [
            100 * (measure(second) - measure(first))
            for first, second in zip(conditions[False], conditions[True], strict=True)
        ]
        mean = drawn[drawn["kind"] == "mean"][["value", "low", "high"]].to_numpy()
        np.testing.assert_allclose(mean, [interval(differences)])
        dots = drawn[drawn["kind"] == "seed"]
        assert dots["value"].tolist() == pytest.approx(differences)
        assert dots["seed"].tolist() == [run["config"]["seed"] for run in conditions[False]]


def test_every_number_of_one_config_over_seeds(store):
    study = create(store, spec("seeds", TINY, num_seeds=5))
    end_all(store, study, lambda role: 0.4127 + 0.0173 * (role.seed * role.seed % 4), lambda role: 0.2134)
    best = [max(run["val"]) for run in told(store)]
    mean, low, high = (100 * each for each in interval(best))
    spread = 100 * statistics.stdev(best)
    apart = stats.t.ppf(0.975, 4) * spread * math.sqrt(2)
    words = " ".join(texts_of(open_page("studies.py", study=study.id)))
    assert f"reaches {mean:.1f} % on average (95 % interval of 5 seeds: {low:.1f} % to {high:.1f} %)" in words
    assert f"varies by {spread:.1f} points" in words and f"differ by more than {apart:.1f} points" in words


def anytime_half(values: list[float]) -> float:
    """Half the interval: where noncentral t, averaged over effects N(0, 2²), is 20 times as likely as Student's t."""
    n = len(values)

    def excess(t: float) -> float:
        def density(effect: float) -> float:
            return stats.nct.pdf(t, n - 1, effect * math.sqrt(n)) * stats.norm.pdf(effect, 0, 2)

        mixed = integrate.quad(density, -8, 8, points=[t / math.sqrt(n)], limit=200)[0]
        return math.log(mixed / stats.t.pdf(t, n - 1) / 20)

    return optimize.brentq(excess, 1, 20) * statistics.stdev(values) / math.sqrt(n)


def test_every_number_of_seeds_until_it_is_decided(store):
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=5, until_decided=True, max_seeds=5))
    gains = (0.0313, -0.0247, 0.0121, 0.0289, -0.0105)
    end_all(
        store, study, lambda role: 0.41 + ("second" in role.conditions) * gains[role.seed], lambda role: 0.2
    )
    differences = [100 * gain for gain in gains]
    page = open_page("studies.py", study=study.id)
    drawn = chart_data(page.get("vega_lite_chart")[3])
    assert drawn["pairs"].tolist() == [1, 2, 3, 4, 5]
    assert drawn["value"].tolist() == pytest.approx([statistics.mean(differences[:n]) for n in range(1, 6)])
    for at, n in ((3, 4), (4, 5)):
        mean, half = statistics.mean(differences[:n]), anytime_half(differences[:n])
        assert [drawn["low"][at], drawn["high"][at]] == pytest.approx([mean - half, mean + half], rel=1e-3)
    words = " ".join(texts_of(page))
    assert f"({mean - half:+.1f} to {mean + half:+.1f}, 95 %): no clear winner" in words
    # How many more is simulated in tests/core/analysis/test_anytime.py.
    assert "Not decided within 5 seeds; " in words and "All 5 seeds are used." in words
