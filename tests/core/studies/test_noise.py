"""Wrong labels, by hand."""

import pytest

from core.studies.noise import analyse_noise
from core.studies.run_results import Pictures
from tests.core.studies.ended import measured, spec
from tests.core.studies.results import PICTURES


def test_only_seeds_that_both_ends_have_make_a_pair_of_noise():
    asked = spec("noise", fractions=[0, 0.5], num_seeds=3)
    runs = [measured("noise:0.0", seed, 0.6) for seed in range(3)]
    runs += [measured("noise:0.5", seed, 0.5) for seed in (0, 2)]
    for some in (runs, [*runs[1:], measured("noise:0.5", 1, 0.5)]):
        found = analyse_noise(asked, some, PICTURES)
        assert (found.difference.n, round(found.difference.mean, 9)) == (2, -0.1)


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
