"""The ladder of sizes, held against scipy.stats and numpy, calculated here."""

import math

import numpy as np
import pytest
from scipy import stats

from core.studies.run_results import Pictures
from core.studies.volume import analyse_volume
from tests.core.studies.ended import measured, spec
from tests.core.studies.results import PICTURES, agresti_coull

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


def test_one_size_makes_no_line():
    asked = spec("volume", sizes=[60, 600])
    found = analyse_volume(asked, [measured("size:60", 0, 0.3)], PICTURES)
    assert found.fit is None and found.levels[1].accuracy is None
    assert "two sizes" in found.headline
