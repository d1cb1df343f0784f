"""The size of portions, with a clock that stands where it is put."""

from core.engine.portions import FIRST, MOST, SECONDS, Portion


def sizes(seconds_each: float, times: int) -> list[int]:
    now = 0.0
    portion, found = Portion(clock=lambda: now), []
    for _ in range(times):
        with portion.timed():
            now += portion.size * seconds_each
        found.append(portion.size)
    return found


def test_what_is_quick_grows_to_the_most_by_a_factor_of_four_at_most() -> None:
    assert sizes(1e-6, 4) == [4 * FIRST, 16 * FIRST, 64 * FIRST if 64 * FIRST < MOST else MOST, MOST]


def test_what_is_slow_takes_the_seconds_that_a_portion_may_take() -> None:
    assert sizes(0.1, 3) == [int(SECONDS / 0.1)] * 3
    assert sizes(100.0, 2) == [1, 1]
