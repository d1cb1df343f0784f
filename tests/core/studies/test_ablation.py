"""Effects of parts of a policy, held against scipy.stats and numpy, calculated here."""

import math
from dataclasses import replace

import pytest
from scipy import stats

from core.formatting import with_minus
from core.studies.ablation import analyse_ablation
from core.studies.plan import RunRole
from core.studies.run_results import Pictures
from tests.core.studies.ended import FLIPPED, measured, spec
from tests.core.studies.results import ABLATION_NUMBERS, PICTURES, TWO_KNOBS, ablation_runs, agresti_coull


def test_a_knob_s_effect_is_paired_by_seed():
    asked = spec("ablation", TWO_KNOBS, num_seeds=3)
    found = analyse_ablation(asked, ablation_runs(asked, ABLATION_NUMBERS), replace(PICTURES, clean=1_500))
    assert [effect.name for effect in found.effects] == [
        "without rotation",
        "without horizontal flip",
        "without all",
    ]
    for effect, key in zip(
        found.effects, ("without:rotation", "without:horizontal flip", "none"), strict=True
    ):
        for change, index in ((effect.accuracy, 0), (effect.gap, 1)):
            one, other = ([pair[index] for pair in ABLATION_NUMBERS[name]] for name in (key, "full"))
            interval = stats.ttest_rel(one, other).confidence_interval(0.95)
            assert (change.low, change.high) == pytest.approx((interval.low, interval.high))
            assert change.error is None
        # Two knobs are compared, so one stands out at 1 - 0.05 / 2.
        one, other = ([pair[0] for pair in ABLATION_NUMBERS[name]] for name in (key, "full"))
        assert effect.withstands == (stats.ttest_rel(one, other).pvalue < 0.05 / 2)
    assert found.headline.startswith("Without horizontal flip, validation accuracy is 2.0 points less")
    # SciPy's intervals of -3, -3, -3.5 and of 15, 16, 17: no number of several seeds without what chance does to it.
    assert found.notes == (
        with_minus(
            "All of it left out: -3.2 points of accuracy (-3.9 to -2.4, 95 %), +16.0 of gap (+13.5 to +18.5, 95 %)."
        ),
    )
    assert found.headline.endswith("it stands out from chance.")


def test_both_ways_are_twice_as_many_comparisons():
    asked = spec("ablation", TWO_KNOBS, num_seeds=3, modes=["without", "only"])
    numbers = {
        **ABLATION_NUMBERS,
        "only:rotation": [(0.741, 0.1), (0.750, 0.1), (0.731, 0.1)],
        "only:horizontal flip": [(0.735, 0.1), (0.745, 0.1), (0.715, 0.1)],
    }
    found = analyse_ablation(asked, ablation_runs(asked, numbers), PICTURES)
    p_values = []
    for effect in found.effects:
        key = {"without all": "none", "all together": "full"}.get(effect.name, f"{effect.mode}:{effect.knob}")
        against = "full" if effect.mode == "without" else "none"
        one, other = ([pair[0] for pair in numbers[name]] for name in (key, against))
        p_values.append(stats.ttest_rel(one, other).pvalue)
        assert effect.withstands == (p_values[-1] < 0.05 / 4)
    assert any(0.05 / 4 < p < 0.05 / 2 for p in p_values)  # else this would say nothing


def test_what_one_comparison_would_call_clear_two_may_not():
    asked = spec("ablation", TWO_KNOBS, num_seeds=3)
    flat = [(0.75, 0.1)] * 3
    numbers = {
        "full": flat, "without:rotation": flat, "without:horizontal flip": [(0.72, 0.1), (0.73, 0.1), (0.735, 0.1)],
    }  # fmt: skip
    found = analyse_ablation(asked, ablation_runs(asked, numbers), PICTURES)
    assert 0.05 / 2 < stats.ttest_rel([0.72, 0.73, 0.735], [0.75] * 3).pvalue < 0.05
    assert found.effects[1].accuracy.clear and not found.effects[1].withstands
    assert found.headline.endswith("with this many comparisons it may still be chance.")


def test_one_part_alone_is_one_comparison_in_both_ways():
    asked = spec("ablation", FLIPPED, num_seeds=3, modes=["without", "only"])
    numbers = {
        "full": [(0.75, 0.1), (0.75, 0.1), (0.75, 0.1)],
        "none": [(0.72, 0.1), (0.73, 0.1), (0.735, 0.1)],
    }
    runs = [
        replace(run, role=RunRole((run.role.conditions[0], other), run.seed))
        for run in ablation_runs(asked, numbers)
        for other in (
            ["only:horizontal flip"] if "full" in run.role.conditions else ["without:horizontal flip"]
        )
    ]
    found = analyse_ablation(asked, runs, PICTURES)
    assert 0.05 / 2 < stats.ttest_rel([0.75] * 3, [0.72, 0.73, 0.735]).pvalue < 0.05
    assert [effect.withstands for effect in found.effects] == [True] * 4


def test_with_one_seed_there_is_only_the_error_of_the_pictures():
    asked = spec("ablation", TWO_KNOBS)
    found = analyse_ablation(asked, ablation_runs(asked, ABLATION_NUMBERS), PICTURES)
    rotation = found.effects[0].accuracy
    error = math.hypot(agresti_coull(0.74, 1_500), agresti_coull(0.75, 1_500))
    assert rotation.error == pytest.approx(error)
    assert (rotation.low, rotation.high) == pytest.approx(
        (-0.01 - stats.norm.ppf(0.975) * error, -0.01 + stats.norm.ppf(0.975) * error), rel=1e-5
    )
    assert rotation.clear is None
    gap = found.effects[0].gap
    parts = [(0.74, 1_500), (0.84, 60), (0.75, 1_500), (0.80, 60)]
    assert gap.error == pytest.approx(math.hypot(*(agresti_coull(p, n) for p, n in parts)))
    assert "may be chance" in found.headline
    assert "variation between seeds is unknown" in found.notes[0]
    assert (
        analyse_ablation(asked, ablation_runs(asked, ABLATION_NUMBERS), Pictures(None))
        .effects[0]
        .accuracy.low
        is None
    )


def test_all_right_is_not_known_exactly():
    asked = spec("ablation", TWO_KNOBS)
    perfect = ablation_runs(asked, {name: [(1.0, 0.0)] for name in ABLATION_NUMBERS})
    # By hand: 1,502 of 1,504 right is 0.998670, so √(0.998670 · 0.001330 / 1,504) = 0.000940, times √2 for two runs.
    error = analyse_ablation(asked, perfect, PICTURES).effects[0].accuracy.error
    assert error == pytest.approx(0.000940 * math.sqrt(2), abs=1e-6)


def test_one_at_a_time_is_against_none():
    asked = spec("ablation", TWO_KNOBS, modes=["only"])
    numbers = {**ABLATION_NUMBERS, "only:rotation": [(0.735, 0.1)], "only:horizontal flip": [(0.74, 0.1)]}
    found = analyse_ablation(asked, ablation_runs(asked, numbers), PICTURES)
    assert [(effect.name, round(effect.accuracy.mean, 6)) for effect in found.effects] == [
        ("rotation alone", 0.015),
        ("horizontal flip alone", 0.02),
        ("all together", 0.03),
    ]


def test_a_run_that_stands_for_two_conditions_counts_for_both():
    asked = spec("ablation", FLIPPED, modes=["without", "only"])
    runs = [
        measured("full", 0, 0.75),
        measured("none", 0, 0.72),
    ]
    both = [
        type(runs[0])(RunRole((*run.role.conditions, extra), 0), *list(vars(run).values())[1:])
        for run, extra in zip(runs, ("only:horizontal flip", "without:horizontal flip"), strict=True)
    ]
    found = analyse_ablation(asked, both, PICTURES)
    assert [round(effect.accuracy.mean, 6) for effect in found.effects] == [-0.03, -0.03, 0.03, 0.03]
