"""Ablations of the augmentation, calculated again from the database with SciPy and NumPy."""

import math
import statistics

import pytest
from scipy import stats

from core.store.store import Store
from tests.core.studies.ended import SHAPES_VALIDATION, TINY, create, end, end_all, spec
from tests.pages.numbers.drawn import agresti_coull
from tests.pages.numbers.readings import chart_data, texts_of
from tests.pages.numbers.studied import gap_of, interval, told
from tests.pages.visits import open_page


def conditions(store: Store) -> dict[tuple, list[dict]]:
    """The runs of an ablation by (rotation in degrees, flip), in the order of their seeds."""
    found: dict[tuple, list[dict]] = {}
    for run in sorted(told(store), key=lambda run: run["config"]["seed"]):
        policy = run["config"]["augmentation"]
        found.setdefault((policy["rotation_degrees"], policy["horizontal_flip"]), []).append(run)
    return found


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
    return math.sqrt(sum(agresti_coull(accuracy, pictures) ** 2 for accuracy, pictures in measured))


def test_every_difference_of_an_ablation(store):
    augmented = TINY.with_values({"augmentation.rotation_degrees": 20, "augmentation.horizontal_flip": True})
    study = create(store, spec("ablation", augmented, modes=["without"], num_seeds=3))
    end_all(
        store, study,
        lambda role: 0.5 + 0.0131 * len(role.conditions[0]) % 0.07 + 0.003 * role.seed,
        lambda role: 0.1,
    )  # fmt: skip
    best = {key: [max(run["val"]) for run in runs] for key, runs in conditions(store).items()}
    page = open_page("studies.py", study=study.id)
    cells = page.dataframe[0].value.select_dtypes("number").to_numpy().ravel()
    for key in ((0.0, True), (20.0, False)):
        change = 100 * (statistics.mean(best[key]) - statistics.mean(best[20.0, True]))
        assert any(abs(float(cell) - change) < 0.051 for cell in cells), (key, change, cells)


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


def test_the_headline_of_an_ablation_is_its_largest_change(store):
    augmented = TINY.with_values({"augmentation.rotation_degrees": 20, "augmentation.horizontal_flip": True})
    study = create(store, spec("ablation", augmented, modes=["without"], num_seeds=4))
    gain = (0.0971, 0.1053, 0.1117, 0.0912)
    end_all(
        store, study,
        lambda role: 0.5 + 0.0031 * (role.seed % 3) + gain[role.seed % 4] * ("without:rotation" in role.conditions),
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
