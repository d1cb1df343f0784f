"""Signal or noise, held against scipy.stats and numpy, calculated here."""

import math

import numpy as np
import pytest
from scipy import stats

from core.formatting import with_minus
from core.studies.ablation import analyse_ablation
from core.studies.noise import analyse_noise
from core.studies.run_results import Pictures
from core.studies.seeds import compare_seeds
from tests.core.studies.ended import FLIPPED, TINY, measured, spec
from tests.core.studies.results import ARTICLE, AUGMENTED, PICTURES, TWO_KNOBS, ablation_runs, three_seeds


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
    assert found.headline == with_minus(
        "config 1 is 1.5 points better (-0.2 to +3.2, 95 %): no clear winner."
    )
    assert found.notes == (
        with_minus("The gap of config 1 is 17.3 points smaller (-19.0 to -15.6, 95 %): a clear difference."),
    )


def test_gaps_that_are_equal_are_called_so():
    runs = [measured(condition, seed, 0.5, 0.25) for condition in ("first", "second") for seed in (1, 2, 3)]
    found = compare_seeds(three_seeds()[0], runs, Pictures(1_500, 2_000))
    # By hand: of two gaps on 1,500 and 2,000 pictures each, rounding is √(2 · (1/1500² + 1/2000²) / 12) = 0.034 points,
    # and t(0.975; 2) = 4.303, so ± 4.303 · 0.034 / √3 = 0.08.
    assert found.notes == (
        with_minus("Their gaps are equal on average (-0.1 to +0.1, 95 %): no clear difference."),
    )


def test_two_seeds_whose_differences_are_equal_by_rounding_are_no_clear_winner():
    values = {"first": (0.71, 0.73), "second": (0.70, 0.72)}
    runs = [measured(name, seed, value) for name, pair in values.items() for seed, value in enumerate(pair)]
    for pictures in (Pictures(100, 100, 10), Pictures(None)):
        found = compare_seeds(spec("seeds", TINY, FLIPPED, num_seeds=2), runs, pictures)
        # The hand calculation is in tests/core/analysis/test_significance.py.
        assert found.headline == with_minus(
            "config 0 is 1.0 points better (-2.7 to +4.7, 95 %): no clear winner."
        )
        assert found.accuracy.p == pytest.approx(0.178912, abs=1e-6)
    flat = {"noise:0.0": (0.72, 0.73), "noise:0.5": (0.70, 0.71)}
    runs = [measured(name, seed, value) for name, pair in flat.items() for seed, value in enumerate(pair)]
    noise = analyse_noise(spec("noise", fractions=[0, 0.5], num_seeds=2), runs, Pictures(100, 100, 10))
    assert noise.headline.endswith(with_minus("(-5.7 to +1.7, 95 %): no clear difference."))
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


STARTED = TINY.with_values({"model.start_from": "deckexampl", "model.frozen_blocks": 2})


def lag_notes(*configs, training: int | None = 600) -> list[str]:
    """What is said of averages that lag behind, with one batch of 64 from 60 pictures per epoch."""
    runs = [measured(condition, seed, 0.5) for condition in ("first", "second") for seed in (0, 1, 2)]
    pictures = Pictures(100, 60, 10, training=training)
    return [each for each in compare_seeds(spec("seeds", *configs), runs, pictures).notes if "lag" in each]


def test_averages_that_lag_in_one_config_alone_are_named():
    """“Worth it?”: the blocks of the one are frozen, and those of the other begin with random weights."""
    (note,) = lag_notes(STARTED, TINY)
    assert note == (
        "Lagging averages may flatter config 0: config 1 alone is validated with running averages of batch "
        "normalisation that lag behind (momentum 0.99, 1 step per epoch), so it may be better than it looks. Compare "
        "them with precise batch normalisation."
    )
    assert "may flatter config 1: config 0 alone" in lag_notes(TINY, STARTED)[0]
    precise = {"training.precise_batch_norm": True}
    assert lag_notes(STARTED, TINY.with_values(precise)) == lag_notes(TINY, FLIPPED) == []
    # All 9,600 pictures are 150 steps per epoch, which is enough.
    whole = {"dataset.num_train": None}
    configs = STARTED.with_values(whole), TINY.with_values(whole)
    assert lag_notes(*configs, training=9_600) == lag_notes(*configs, training=None) == []
    assert "149 steps per epoch" in lag_notes(*configs, training=9_536)[0]
