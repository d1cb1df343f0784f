"""When one checkout counts as worse than another."""

import pytest

from tests.benchmarks.compare import Figure, row_of

FIGURE = Figure("page change", " ms", 1000, 0)
OTHER = [0.100, 0.110, 0.120]


@pytest.mark.parametrize(
    ("this", "met"),
    [
        ([0.090, 0.100, 0.110], True),
        ([0.115, 0.109, 0.125], True),  # better in one round of three
        ([0.105, 0.115, 0.125], True),  # always worse, its median within the other's spread
        ([0.121, 0.122, 0.123], False),
    ],
)
def test_worse_is_worse_in_each_round_and_beyond_the_other_s_spread(this: list[float], met: bool) -> None:
    assert row_of(FIGURE, this, OTHER).met is met


def test_a_row_has_the_median_of_the_rounds_ratios() -> None:
    row = row_of(FIGURE, [0.110, 0.099, 0.240], OTHER)  # 1.1, 0.9 and 2 times the other
    assert row.figure == "1.10×; 110 ms" and row.spread == "0.90 to 2.00×; 99 to 240 ms"
    assert row.against == "110 ms (100 to 120 ms)"
