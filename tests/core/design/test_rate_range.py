"""The range test's rates, smoothing, end and suggestion, by hand: on a quadratic loss, whose limit is known."""

import math
from itertools import pairwise

import pytest

from core.design.presets import PRESETS
from core.design.rate_range import STEPS, find_rate, has_diverged, rate_of_step, smooth, without_rate
from core.design.rate_range_drawing import rate_range_svg


def descent(curvature: float, steps: int = STEPS) -> tuple[list[float], list[float]]:
    """Gradient descent on `curvature` / 2 · w² from w = 1, with the rates of the test, until it diverges."""
    weight, rates, losses = 1.0, [], []
    for step in range(steps):
        rate = rate_of_step(step, steps)
        rates.append(rate)
        losses.append(curvature / 2 * weight**2)
        if has_diverged(losses):
            break
        weight -= rate * curvature * weight
    return rates, losses


def test_rates_rise_by_the_same_factor_from_a_millionth_to_ten() -> None:
    rates = [rate_of_step(step) for step in range(STEPS)]
    assert rates[0] == 1e-6 and rates[-1] == pytest.approx(10)
    factors = {round(after / before, 9) for before, after in pairwise(rates)}
    assert factors == {round(10 ** (7 / 199), 9)}


@pytest.mark.parametrize("curvature", [4.0, 100.0, 3000.0])
def test_on_a_quadratic_loss_the_lowest_is_at_the_limit_of_stability(curvature: float) -> None:
    rates, losses = descent(curvature)
    found = find_rate(rates, losses, diverged=has_diverged(losses))
    # Beyond 2 / curvature each step makes the weight larger. The mean of 5 steps on either side may move that by 5.
    assert abs(math.log10(found.lowest_at / (2 / curvature))) <= 5 * 7 / 199
    # A loss of nearly 0 takes steps more to rise by a tenth of what it fell. The margin is larger than that.
    assert 1 <= found.limit_at / (2 / curvature) < 5
    assert found.suggestion < 2 / curvature
    assert found.suggestion == float(f"{found.limit_at / 10:.2g}")
    assert found.diverged and rates[-1] < 10 and rates[-1] > 2 / curvature
    assert found.steepest_at < found.lowest_at
    assert "training diverged at" in found.sentence and "a tenth of the former" in found.sentence


def test_a_loss_that_is_flat_or_rises_suggests_nothing() -> None:
    rates = [rate_of_step(step) for step in range(40)]
    for losses in ([2.0] * 40, [2.0 + step / 100 for step in range(40)]):
        found = find_rate(rates, losses, diverged=False)
        assert found.suggestion is None
        assert "did not fall at any rate" in found.sentence


def test_a_loss_that_stays_at_one_height_is_followed_to_where_it_rises() -> None:
    """As in real trainings: the lowest of a hundred nearly equal losses is noise."""
    rates = [rate_of_step(step) for step in range(160)]
    losses = (
        [2.0] * 30
        + [2.0 - step / 30 for step in range(30)]
        + [1.0] * 70
        + [1.0 + step / 10 for step in range(30)]
    )
    losses[64] = 0.95
    found = find_rate(rates, losses, diverged=True)
    # Its mean with 11 steps rises by a tenth of 1 from about step 130 on.
    assert rates[58] < found.lowest_at < rates[70] and rates[126] < found.limit_at < rates[132]


def test_what_falls_to_the_end_suggests_a_tenth_of_the_last_rate() -> None:
    rates = [rate_of_step(step) for step in range(STEPS)]
    found = find_rate(rates, [3 - step / 100 for step in range(STEPS)], diverged=False)
    assert found.lowest_at == rates[-1] and found.suggestion == pytest.approx(1.0)
    assert "the test ended at 10" in found.sentence


def test_smoothing_is_the_mean_of_as_many_steps_on_either_side() -> None:
    losses = [float(value) for value in (4, 1, 7, 2, 9, 3, 5, 8, 6, 2, 1, 0)]
    smoothed = smooth(losses)
    assert smoothed[0] == 4 and smoothed[1] == 4 and smoothed[-1] == 0
    assert smoothed[5] == sum(losses[:11]) / 11 and smoothed[6] == sum(losses[1:]) / 11
    assert smooth([1.0]) == (1.0,)


def test_it_ends_when_the_loss_is_no_number_or_far_above_where_it_was() -> None:
    assert has_diverged([2.0, math.nan]) and has_diverged([math.inf])
    assert not has_diverged([2.0, 50.0])  # one bad batch
    assert has_diverged([*[2.0] * 20, *[9.0] * 5])
    # Learned by heart: many times the lowest, and still far below the first.
    assert not has_diverged([*[2.0] * 20, *[0.01] * 20, *[0.5] * 5])


def test_losses_that_are_no_numbers_are_left_out() -> None:
    found = find_rate([1e-3, 1e-2, 1e-1], [2.0, 1.0, math.nan], diverged=True)
    assert found.rates == (1e-3, 1e-2) and found.to_dict()["losses"] == (2.0, 1.0)


def test_the_question_is_the_same_whatever_the_rate() -> None:
    config = PRESETS["tiny"].config
    other = config.with_values(
        {"optimizer.learning_rate": 0.3, "optimizer.schedule": "cosine", "training.epochs": 3}
    )
    assert without_rate(config) == without_rate(other) != without_rate(config.with_values({"seed": 1}))


def test_the_drawing_cuts_off_what_has_diverged_and_names_the_suggestion() -> None:
    rates, losses = descent(4.0)
    found = find_rate(rates, losses, diverged=True)
    svg = rate_range_svg(found)
    assert f">{found.suggestion:g}</text>" in svg and 'role="img"' in svg
    heights = [
        float(point.split(" ")[1]) for point in svg.split('class="line" d="M')[1].split('"')[0].split("L")
    ]
    assert min(heights) >= 22 and max(heights) <= 130
    assert rate_range_svg(find_rate([0.1], [1.0], diverged=False)).startswith("<svg")
