"""Scatter plots: what is drawn where, and what is left out."""

import math

import pytest

from core.comparison.groups import group_runs
from core.comparison.plots import needs_log_axis, scatter
from core.comparison.query import ALL_BUT_SEED
from core.store.states import RunState
from tests.core.comparison.made import facts

RATE = "optimizer.learning_rate"


@pytest.mark.parametrize(
    ("values", "is_log"),
    [
        ([0.001, 0.1, None], True),
        ([1, 2], False),
        ([0, 100], False),
        ([], False),
        ([True, False], False),
        (["…", (3, 5), 3], False),
    ],
)
def test_numbers_of_several_magnitudes_need_a_logarithmic_axis(values, is_log) -> None:
    assert needs_log_axis(values) is is_log


def test_a_scatter_plot_has_its_front_of_what_finished() -> None:
    runs = [
        facts(1, val_accuracy=0.9, parameters=100),
        facts(2, val_accuracy=0.8, parameters=10),
        facts(3, val_accuracy=0.7, parameters=50),
        facts(4, val_accuracy=0.95, parameters=1, state=RunState.RUNNING),  # its accuracy may still change
        facts(5, val_accuracy=0.9, name="unknown"),
    ]
    found = scatter(runs, "parameters", "val_accuracy")
    assert [(point.x, point.y) for point in found.points] == [(100, 0.9), (10, 0.8), (50, 0.7), (1, 0.95)]
    assert [found.points[position].key for position in found.front] == [runs[1].id, runs[0].id]
    assert found.left_out == ("unknown",)
    # Of a setting nothing says which way is better.
    assert scatter(runs, RATE, "val_accuracy").front == ()


def test_groups_are_points_with_their_intervals() -> None:
    runs = [facts(n, {"seed": n}, val_accuracy=0.5 + 0.1 * n, parameters=7) for n in range(3)]
    (point,) = scatter(group_runs(runs, (ALL_BUT_SEED,)), "parameters", "val_accuracy").points
    assert (point.x, point.y, point.n) == (7, pytest.approx(0.6), 3)
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert point.y_span == pytest.approx((0.6 - half, 0.6 + half)) and point.x_span == (7, 7)
    none = group_runs([facts(9, state=RunState.FAILED, name="lost")], (ALL_BUT_SEED,))
    assert scatter(none, "parameters", "val_accuracy").left_out == ("lost",)
