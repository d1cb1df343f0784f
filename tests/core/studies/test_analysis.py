"""Results held against scipy.stats and numpy, calculated here."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from core.studies.ablation import analyse_ablation
from core.studies.noise import analyse_noise
from core.studies.plan import RunRole
from core.studies.run_results import Pictures, summarise_run
from core.studies.seeds import compare_seeds
from core.studies.volume import analyse_volume
from tests.core.studies.ended import FLIPPED, TINY, measured, spec


def agresti_coull(accuracy, pictures):
    """The American Statistician 52, 1998: the standard error with two more right and two more wrong answers."""
    share = (accuracy * pictures + 2) / (pictures + 4)
    return math.sqrt(share * (1 - share) / (pictures + 4))


PICTURES = Pictures(validation=1_500, clean=60, num_classes=10)

# docs/results.md, three seeds of the article's network without and with augmentation, in percent.
ARTICLE = {1: (73.3, 23.6), 2: (73.0, 23.5), 3: (73.0, 23.1)}
AUGMENTED = {1: (74.8, 5.5), 2: (75.2, 6.7), 3: (73.8, 6.1)}


def three_seeds():
    runs = []
    for condition, table in (("first", ARTICLE), ("second", AUGMENTED)):
        runs += [measured(condition, seed, best / 100, gap / 100) for seed, (best, gap) in table.items()]
    return spec("seeds", TINY.with_values({"seed": 1}), FLIPPED), runs


def test_a_run_s_numbers_by_hand():
    curves = {
        "epoch": [1, 2, 3], "val_accuracy": [0.5, 0.7, 0.6], "clean_train_accuracy": [0.5, 0.8, 0.9],
    }  # fmt: skip
    found = summarise_run(RunRole(("first",), 0), curves)
    assert (found.best_val_accuracy, found.last_val_accuracy) == (0.7, 0.6)
    assert found.gap == pytest.approx(0.1)  # the median of 0, 10 and 30 points
    assert found.val_accuracies == ((1, 0.5), (2, 0.7), (3, 0.6))
    nothing = {"epoch": [1], "val_accuracy": [None], "clean_train_accuracy": [None]}
    assert summarise_run(RunRole(("first",), 0), nothing) is None


def test_the_difference_is_the_paired_t_test():
    asked, runs = three_seeds()
    found = compare_seeds(asked, runs)
    for difference, index in ((found.accuracy, 0), (found.gap, 1)):
        first, second = ([table[seed][index] / 100 for seed in (1, 2, 3)] for table in (ARTICLE, AUGMENTED))
        expected = stats.ttest_rel(first, second)
        interval = expected.confidence_interval(0.95)
        assert difference.p == pytest.approx(expected.pvalue)
        assert (difference.low, difference.high) == pytest.approx((interval.low, interval.high))
        assert difference.clear == (expected.pvalue < 0.05)


def test_the_words_on_the_results_that_are_written_down():
    # By hand: differences 1.5, 2.2, 0.8 have s = 0.7, so 1.5 ± 4.303 · 0.7 / √3 = 1.5 ± 1.74 (the unrounded ones of
    # docs/results.md give -0.1 to +3.1); of the gap 18.1, 16.8, 17.0, s = 0.7: 17.3 ± 1.74.
    found = compare_seeds(*three_seeds())
    assert found.headline == "config 1 is 1.5 points better (-0.2 to +3.2, 95 %): no clear winner."
    assert found.notes == (
        "The gap of config 1 is 17.3 points smaller (+15.6 to +19.0, 95 %): a clear difference.",
    )


def test_gaps_that_are_equal_are_called_so():
    runs = [measured(condition, seed, 0.5, 0.25) for condition in ("first", "second") for seed in (1, 2, 3)]
    found = compare_seeds(three_seeds()[0], runs, Pictures(1_500, 2_000))
    # By hand: of two gaps on 1,500 and 2,000 pictures each, rounding is √(2 · (1/1500² + 1/2000²) / 12) = 0.034 points,
    # and t(0.975; 2) = 4.303, so ± 4.303 · 0.034 / √3 = 0.08.
    assert found.notes == ("Their gaps are equal on average (-0.1 to +0.1, 95 %): no clear difference.",)


def test_two_seeds_whose_differences_are_equal_by_rounding_are_no_clear_winner():
    values = {"first": (0.71, 0.73), "second": (0.70, 0.72)}
    runs = [measured(name, seed, value) for name, pair in values.items() for seed, value in enumerate(pair)]
    for pictures in (Pictures(100, 100, 10), Pictures(None)):
        found = compare_seeds(spec("seeds", TINY, FLIPPED, num_seeds=2), runs, pictures)
        # The hand calculation is in tests/core/analysis/test_significance.py.
        assert found.headline == "config 0 is 1.0 points better (-2.7 to +4.7, 95 %): no clear winner."
        assert found.accuracy.p == pytest.approx(0.178912, abs=1e-6)
    flat = {"noise:0.0": (0.72, 0.73), "noise:0.5": (0.70, 0.71)}
    runs = [measured(name, seed, value) for name, pair in flat.items() for seed, value in enumerate(pair)]
    noise = analyse_noise(spec("noise", fractions=[0, 0.5], num_seeds=2), runs, Pictures(100, 100, 10))
    assert noise.headline.endswith("(-5.7 to +1.7, 95 %): no clear difference.")
    asked = spec("ablation", TWO_KNOBS, num_seeds=2)
    numbers = {"full": [(0.71, 0.1), (0.73, 0.1)], "without:rotation": [(0.70, 0.1), (0.72, 0.1)]}
    ablation = analyse_ablation(asked, ablation_runs(asked, numbers), Pictures(100, 100, 10))
    assert not ablation.effects[0].accuracy.clear and not ablation.effects[0].withstands


def test_seeds_that_agree_to_the_last_picture_still_vary():
    runs = [measured("first", seed, 0.8, 0.2) for seed in range(2)]
    found = compare_seeds(spec("seeds", num_seeds=2), runs, Pictures(100, 100, 10))
    # By hand: 1 / (100 · √12) = 0.289 points, t(0.975; 1) = 12.706: ± 12.706 · 0.289 / √2 = 2.59 around 80, and two
    # single runs must lie 12.706 · 0.289 · √2 = 5.19 apart.
    assert (
        found.headline == "config 0 reaches 80.0 % on average (95 % interval of 2 seeds: 77.4 % to 82.6 %)."
    )
    assert found.notes == (
        "From seed to seed it varies by less than 100 validation pictures can show. Two single runs must differ by "
        "more than 5.2 points before the difference means anything.",
    )


def test_no_interval_of_a_study_leaves_what_is_possible():
    runs = [measured("first", seed, value, 1 - value) for seed, value in enumerate((0.90, 0.99))]
    (condition,) = compare_seeds(spec("seeds", num_seeds=2), runs, PICTURES).conditions
    # t(0.975; 1) = 12.706 times 0.045 each way: from 37.3 % to 151.7 %, of which none is above 100 %.
    assert (condition.accuracy.low, condition.accuracy.high) == (
        pytest.approx(0.945 - 12.7062 * 0.045, abs=1e-5),
        1.0,
    )
    # 12.706 · 0.045 · 2 = 1.14: further than two accuracies can lie apart.
    assert condition.telling == 1.0
    (noise,) = compare_seeds(spec("seeds", num_seeds=2), runs, PICTURES).notes
    assert noise.endswith("With so few seeds no difference between two single runs means anything.")
    assert all(0 <= point.accuracy.low <= point.accuracy.high <= 1 for point in condition.band)
    asked = spec("ablation", TWO_KNOBS)
    numbers = {"full": [(0.97, 0.0)], "without:rotation": [(0.1, 0.0)]}
    few = analyse_ablation(asked, ablation_runs(asked, numbers), Pictures(4, 4, 10)).effects[0]
    assert few.accuracy.low == -1.0 and -2 <= few.gap.low <= few.gap.high <= 2


def test_pairs_do_not_depend_on_the_order_in_which_runs_end():
    asked, runs = three_seeds()
    assert compare_seeds(asked, runs[::-1]) == compare_seeds(asked, runs)


def test_a_seed_without_its_partner_is_shown_and_makes_no_pair():
    asked, runs = three_seeds()
    found = compare_seeds(asked, runs[:-1])
    assert found.accuracy.n == 2
    assert [row.accuracies for row in found.rows][2] == (0.73, None)
    assert found.conditions[0].accuracy.n == 3 and found.conditions[1].accuracy.n == 2
    assert "one pair" in compare_seeds(asked, [runs[0], runs[3]]).headline
    assert compare_seeds(asked, runs[:3]).accuracy is None
    assert "yet" in compare_seeds(asked, []).headline


def test_bands_are_t_intervals_of_the_epochs_that_all_have_reached():
    runs = [measured("first", seed, value, epochs=epochs)
            for seed, (value, epochs) in enumerate([(0.7, 4), (0.72, 4), (0.69, 3)])]  # fmt: skip
    (condition,) = compare_seeds(spec("seeds"), runs).conditions
    assert [point.epoch for point in condition.band] == [1, 2, 3]
    for point in condition.band:
        values = [dict(run.val_accuracies)[point.epoch] for run in runs]
        expected = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
        assert (point.accuracy.low, point.accuracy.high) == pytest.approx(expected)


def test_how_far_two_single_runs_may_differ():
    values = [0.7, 0.72, 0.69]
    found = compare_seeds(
        spec("seeds"), [measured("first", seed, value) for seed, value in enumerate(values)]
    )
    (condition,) = found.conditions
    assert condition.spread == pytest.approx(np.std(values, ddof=1))
    assert condition.telling == pytest.approx(stats.t.ppf(0.975, 2) * np.std(values, ddof=1) * math.sqrt(2))
    low, high = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert found.headline == (
        f"config 0 reaches 70.3 % on average (95 % interval of 3 seeds: {100 * low:.1f} % to {100 * high:.1f} %)."
    )


def ablation_runs(asked, numbers):
    return [
        measured(condition, seed, value, gap)
        for condition, pairs in numbers.items()
        for seed, (value, gap) in enumerate(pairs)
        if seed in asked.seeds
    ]


TWO_KNOBS = FLIPPED.with_values({"augmentation.rotation_degrees": 20})
NUMBERS = {
    "full": [(0.75, 0.05), (0.76, 0.06), (0.74, 0.04)],
    "none": [(0.72, 0.20), (0.73, 0.22), (0.705, 0.21)],
    "without:rotation": [(0.74, 0.10), (0.77, 0.11), (0.735, 0.12)],
    "without:horizontal flip": [(0.729, 0.15), (0.741, 0.15), (0.72, 0.14)],
}


def test_a_knob_s_effect_is_paired_by_seed():
    asked = spec("ablation", TWO_KNOBS, num_seeds=3)
    found = analyse_ablation(asked, ablation_runs(asked, NUMBERS), replace(PICTURES, clean=1_500))
    assert [effect.name for effect in found.effects] == [
        "without rotation",
        "without horizontal flip",
        "without all",
    ]
    for effect, key in zip(
        found.effects, ("without:rotation", "without:horizontal flip", "none"), strict=True
    ):
        for change, index in ((effect.accuracy, 0), (effect.gap, 1)):
            one, other = ([pair[index] for pair in NUMBERS[name]] for name in (key, "full"))
            interval = stats.ttest_rel(one, other).confidence_interval(0.95)
            assert (change.low, change.high) == pytest.approx((interval.low, interval.high))
            assert change.error is None
        # Two knobs are compared, so one stands out at 1 - 0.05 / 2.
        one, other = ([pair[0] for pair in NUMBERS[name]] for name in (key, "full"))
        assert effect.withstands == (stats.ttest_rel(one, other).pvalue < 0.05 / 2)
    assert found.headline.startswith("Without horizontal flip, validation accuracy is 2.0 points less")
    # SciPy's intervals of -3, -3, -3.5 and of 15, 16, 17: no number of several seeds without what chance does to it.
    assert found.notes == (
        "All of it left out: -3.2 points of accuracy (-3.9 to -2.4, 95 %), +16.0 of gap (+13.5 to +18.5, 95 %).",
    )
    assert found.headline.endswith("it stands out from chance.")


def test_both_ways_are_twice_as_many_comparisons():
    asked = spec("ablation", TWO_KNOBS, num_seeds=3, modes=["without", "only"])
    numbers = {
        **NUMBERS,
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
    found = analyse_ablation(asked, ablation_runs(asked, NUMBERS), PICTURES)
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
        analyse_ablation(asked, ablation_runs(asked, NUMBERS), Pictures(None)).effects[0].accuracy.low is None
    )


def test_all_right_is_not_known_exactly():
    asked = spec("ablation", TWO_KNOBS)
    perfect = ablation_runs(asked, {name: [(1.0, 0.0)] for name in NUMBERS})
    # By hand: 1,502 of 1,504 right is 0.998670, so √(0.998670 · 0.001330 / 1,504) = 0.000940, times √2 for two runs.
    error = analyse_ablation(asked, perfect, PICTURES).effects[0].accuracy.error
    assert error == pytest.approx(0.000940 * math.sqrt(2), abs=1e-6)


def test_one_at_a_time_is_against_none():
    asked = spec("ablation", TWO_KNOBS, modes=["only"])
    numbers = {**NUMBERS, "only:rotation": [(0.735, 0.1)], "only:horizontal flip": [(0.74, 0.1)]}
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


# docs/results.md, "More data".
LADDER = {500: 38.5, 1_500: 45.8, 5_000: 56.3, 15_000: 65.3, 50_000: 73.7}


def test_the_ladder_that_is_written_down():
    asked = spec("volume", sizes=[500, 1_500, 5_000])
    asked = type(asked)("volume", asked.bases, (1,), sizes=tuple(LADDER), num_available=50_000)
    runs = [measured(f"size:{size}", 1, value / 100) for size, value in LADDER.items()]
    found = analyse_volume(asked, runs, PICTURES)
    slope, intercept = np.polyfit(np.log10(list(LADDER)), np.array(list(LADDER.values())) / 100, 1)
    assert (found.fit.slope_per_decade, found.fit.intercept) == pytest.approx((slope, intercept))
    for level in found.levels:
        assert level.fitted == pytest.approx(intercept + slope * math.log10(level.size))
        assert level.residual == pytest.approx(LADDER[level.size] / 100 - level.fitted)
        assert level.error == pytest.approx(agresti_coull(level.accuracy.mean, 1_500))
    assert found.headline == (
        "Ten times the pictures: 18.0 points more validation accuracy (+16.5 to +19.4, 95 %, R² 0.998)."
    )
    expected = stats.linregress(np.log10(list(LADDER)), list(LADDER.values()))
    assert found.fit.r_squared == pytest.approx(expected.rvalue**2)


def test_several_seeds_of_a_size_are_several_points():
    asked = spec("volume", sizes=[60, 600, 6_000], num_seeds=2)
    values = {60: (0.3, 0.32), 600: (0.5, 0.51), 6_000: (0.66, 0.7)}
    runs = [
        measured(f"size:{size}", seed, value)
        for size, pair in values.items()
        for seed, value in enumerate(pair)
    ]
    found = analyse_volume(asked, runs, PICTURES)
    slope, _ = np.polyfit(np.repeat(np.log10(list(values)), 2), np.ravel(list(values.values())), 1)
    assert found.fit.n == 6 and found.fit.slope_per_decade == pytest.approx(slope)
    assert found.levels[0].accuracy.mean == pytest.approx(0.31)


def test_a_ladder_that_bends_says_so():
    asked = spec("volume", sizes=[60, 200, 600, 2_000, 6_000])
    values = [0.2, 0.45, 0.6, 0.67, 0.7]
    runs = [measured(f"size:{size}", 0, value) for size, value in zip(asked.sizes, values, strict=True)]
    assert "bend" in analyse_volume(asked, runs, PICTURES).notes[-1]
    straight = [measured(f"size:{size}", 0, 0.1 * math.log10(size)) for size in asked.sizes]
    assert "bend" not in " ".join(analyse_volume(asked, straight, PICTURES).notes)


def test_sizes_at_which_nothing_is_learned_are_named():
    asked = spec("volume", sizes=[60, 600, 6_000])
    values = {60: 0.11, 600: 0.149, 6_000: 0.151}  # of ten classes

    def notes(count: int, pictures: Pictures) -> str:
        runs = [measured(f"size:{size}", 0, value) for size, value in list(values.items())[:count]]
        return " ".join(analyse_volume(asked, runs, pictures).notes)

    for count in (2, 3):
        assert notes(count, PICTURES).startswith(
            "At 60 and 600 pictures the network is hardly better than guessing"
        )
    assert "guessing" not in notes(3, Pictures(1_500))


def test_a_slope_that_chance_alone_could_make_is_called_unclear():
    asked = spec("volume", sizes=[10, 100, 1_000])
    values = {10: 0.5, 100: 0.6, 1_000: 0.52}
    found = analyse_volume(
        asked, [measured(f"size:{size}", 0, value) for size, value in values.items()], PICTURES
    )
    low, high = (found.fit.slope_low, found.fit.slope_high)
    line = stats.linregress(np.log10(list(values)), list(values.values()))
    half = stats.t.ppf(0.975, 1) * line.stderr
    assert (low, high) == pytest.approx((line.slope - half, line.slope + half)) and low < 0 < high
    assert found.headline.startswith("Ten times the pictures: 1.0 points more")
    assert found.headline.endswith(": no clear slope.")


def test_only_seeds_that_both_ends_have_make_a_pair_of_noise():
    asked = spec("noise", fractions=[0, 0.5], num_seeds=3)
    runs = [measured("noise:0.0", seed, 0.6) for seed in range(3)]
    runs += [measured("noise:0.5", seed, 0.5) for seed in (0, 2)]
    for some in (runs, [*runs[1:], measured("noise:0.5", 1, 0.5)]):
        found = analyse_noise(asked, some, PICTURES)
        assert (found.difference.n, round(found.difference.mean, 9)) == (2, -0.1)


def test_one_size_makes_no_line():
    asked = spec("volume", sizes=[60, 600])
    found = analyse_volume(asked, [measured("size:60", 0, 0.3)], PICTURES)
    assert found.fit is None and found.levels[1].accuracy is None
    assert "two sizes" in found.headline


def test_what_is_known_by_heart():
    asked = spec("noise", fractions=[0, 0.2, 0.4])
    runs = [
        measured("noise:0.0", 0, 0.7, 0.25),
        measured("noise:0.2", 0, 0.65, 0.10),
        measured("noise:0.4", 0, 0.55, 0.25),
    ]
    found = analyse_noise(asked, runs, PICTURES)
    # 80 % of labels right where 60 % are true: 20 of 40 wrong ones, less the one picture that may be the border's.
    assert [level.memorised for level in found.levels] == [
        None, pytest.approx(0.0), pytest.approx((0.2 - 1 / 60) / 0.4),
    ]  # fmt: skip
    assert found.difference.mean == pytest.approx(-0.15)
    assert found.headline.startswith(
        "With 40 % wrong labels the best validation accuracy is 15.0 points lower"
    )
    # With two classes and 60 % wrong labels, the opposite of the rule would be right more often than the rule.
    two = analyse_noise(spec("noise", fractions=[0, 0.6]), [measured("noise:0.6", 0, 0.3, 0.3)],
                        Pictures(100, 100, 2))  # fmt: skip
    assert two.levels[1].memorised is None


def test_results_are_json_without_nan():
    asked = spec("ablation", TWO_KNOBS, modes=["without", "only"], num_seeds=2)
    for result in (
        compare_seeds(*three_seeds()),
        compare_seeds(spec("seeds"), []),
        analyse_ablation(asked, [], PICTURES),
        analyse_ablation(asked, ablation_runs(asked, NUMBERS), PICTURES),
        analyse_volume(spec("volume"), [], PICTURES),
        analyse_volume(
            spec("volume"), [measured("size:500", 0, 0.3), measured("size:6000", 0, 0.5)], PICTURES
        ),
        analyse_noise(spec("noise"), [], PICTURES),
        analyse_noise(spec("noise"), [measured("noise:0.1", 0, 0.3)], Pictures(None)),
    ):
        assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == result.to_dict()
        assert result.headline
