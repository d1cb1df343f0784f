"""The charts of a sweep: where trials lie, what stands for those without a result, and that words stay words."""

import math

import numpy as np
import pytest

from pages.components.charts.plotly_marks import GRAY, RED
from pages.components.charts.sweep_axes import ShownTrials, number_axis, plotly_axis, words_axis
from pages.components.charts.sweep_history import Step, history_data, history_spec
from pages.components.charts.sweep_maps import importance_figure, map_figure, smoothed
from pages.components.charts.sweep_slices import BEST, slice_figure
from tests.hostile import NAMES
from tests.pages.charts.checked import checked

RATES = [0.001, 0.01, 0.1, None, 0.01]
SIZES = ["3", "1+3", "3", "1", "3"]
VALUES = [0.5, 0.6, None, 0.4, 0.7]
TRIALS = ShownTrials(
    ("Trial 1", "Trial 2", "Trial 3", "Trial 4", "Trial 5"), (None, None, "failed", None, None), best=4
)


def rates():
    return number_axis("Learning rate", RATES, log=True)


def sizes():
    return words_axis("Kernel sizes", SIZES, ["1", "3", "1+3"])


def accuracy():
    return number_axis("Validation accuracy", VALUES, show=lambda value: f"{100 * value:.1f} %")


def test_numbers_lie_on_a_line_and_words_each_in_its_place():
    assert rates().places == pytest.approx([-3, -2, -1, None, -2])
    assert sizes().places == [1, 2, 1, 0, 1]
    assert sizes().ticks == [(0, "1"), (1, "3"), (2, "1+3")]
    assert [rates().text(index) for index in (0, 3)] == ["0.001", "–"]
    # A wide range above 0 is logarithmic on its own; one with 0 never is.
    assert number_axis("a", [0.1, 10]).kind == "log"
    assert number_axis("a", [1, 10]).kind == "number"
    assert number_axis("a", [0.0, 10.0], log=True).kind == "number"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0001, 1, [0.0001, 0.001, 0.01, 0.1, 1]),
        (0.001, 0.1, [0.001, 0.01, 0.1]),
        (0.01, 0.2, [0.01, 0.03, 0.1]),
        (3, 4, [3, 4]),
    ],
)
def test_a_logarithmic_axis_has_round_ticks(low, high, expected):
    axis = number_axis("a", [low, high], log=True, show=lambda value: f"{value:g}")
    assert [text for _, text in axis.ticks] == [f"{value:g}" for value in expected]
    assert [place for place, _ in axis.ticks] == pytest.approx([math.log10(value) for value in expected])


def test_few_values_are_the_ticks_and_many_are_rounded():
    def ticks(values):
        return [place for place, _ in number_axis("a", values).ticks]

    assert ticks([1, 2, 5, 2]) == [1, 2, 5]
    assert ticks([0.07 * step for step in range(15)]) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert ticks(list(range(5, 60))) == [10, 20, 30, 40, 50]


def test_an_axis_without_a_number_or_with_one_has_room():
    assert plotly_axis(number_axis("a", [None, None]))["range"] == pytest.approx([-0.06, 1.06])
    low, high = number_axis("a", [4.0, 4.0]).span
    assert low < 4 < high


def test_a_slice_has_results_crosses_and_the_best_as_a_star():
    points, crosses = checked(slice_figure(rates(), accuracy(), TRIALS)).data
    assert list(points.x) == pytest.approx([-3, -2, -2])  # without the one that has no learning rate
    assert list(points.y) == [0.5, 0.6, 0.7]
    assert list(points.marker.symbol) == ["circle", "circle", "star"] and points.marker.color[2] == BEST
    assert list(crosses.x) == [-1] and crosses.y[0] < 0.4 and crosses.marker.color[0] == RED
    assert points.text[2] == "Trial 5<br>Learning rate: 0.01<br>Validation accuracy: 70.0 %"
    assert crosses.text[0] == "Trial 3<br>Learning rate: 0.1<br>failed"


def test_on_an_axis_of_words_each_has_the_mean_of_its_trials():
    *bars, points, crosses = checked(slice_figure(sizes(), accuracy(), TRIALS)).data
    assert [(round(sum(bar.x) / 2), bar.y[0]) for bar in bars] == [
        (0, 0.4),
        (1, pytest.approx(0.6)),
        (2, 0.6),
    ]
    assert bars[1].text[0] == "3<br>mean of 2 trials: 60.0 %"
    assert [round(place) for place in points.x] == [1, 2, 0, 1] and round(crosses.x[0]) == 1
    pruned = ShownTrials(TRIALS.names, (None, None, "pruned", None, None))
    assert checked(slice_figure(sizes(), accuracy(), pruned)).data[-1].marker.color[0] == GRAY


def test_two_axes_of_words_give_the_mean_of_each_pair():
    heads = words_axis("Head", ["flatten", "flatten", "flatten", "average", "flatten"])
    figure = checked(map_figure(sizes(), heads, accuracy(), TRIALS))
    (cells,) = figure.data
    # By hand: flatten with 3 are 0.5 and 0.7; trial 3 has failed.
    assert [list(row) for row in cells.z] == [[None, pytest.approx(0.6), 0.6], [0.4, None, None]]
    assert {note.text for note in figure.layout.annotations} == {"60.0 % (2)", "60.0 % (1)", "40.0 % (1)"}


def test_between_points_the_map_is_their_weighted_mean_and_blank_far_away():
    points = [(0.0, 0.0, 1.0), (0.1, 0.0, 3.0), (0.0, 0.1, 5.0)]
    grid = np.linspace(0, 1, 40)
    values = smoothed(points, (grid, grid), (0.09, 0.09))
    assert len(values) == len(values[0]) == 40
    x, y = grid[3], grid[2]
    weights = [math.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * 0.09**2)) for a, b, _ in points]
    assert values[2][3] == pytest.approx(np.average([1, 3, 5], weights=weights))
    assert values[39][39] is None
    assert smoothed([], (grid[:2], grid[:3]), (1, 1)) == [[None, None]] * 3
    surface, dots = checked(map_figure(rates(), sizes(), accuracy(), TRIALS)).data
    assert list(dots.x) == pytest.approx([-3, -2, -2]) and list(dots.y) == [1, 2, 1]
    assert surface.zmin == 0.4 and surface.zmax == 0.7
    # A word says nothing of the next one: of "1+3" there is one trial, of "1" none that has a learning rate.
    assert [value for value in surface.z[2] if value is not None] == pytest.approx([0.6] * 16, abs=1e-9)
    assert set(surface.z[0]) == {None}


def test_the_most_important_setting_is_on_top_with_its_interval():
    figure = checked(importance_figure(["a", "b", "c"], [0.2, 0.7, 0.1], [(0.1, 0.4), (0.5, 0.9), None]))
    (bars,) = figure.data
    assert list(bars.x) == [0.1, 0.2, 0.7] and list(figure.layout.yaxis.ticktext) == ["c", "a", "b"]
    assert list(bars.error_x.array) == pytest.approx([0, 0.2, 0.2])
    assert list(bars.error_x.arrayminus) == pytest.approx([0, 0.1, 0.2])
    assert bars.text[2] == "b<br>70%<br>in 90 % of resamples 50% to 90%"


def test_the_history_keeps_its_spec_and_marks_what_has_no_result():
    steps = [Step(0, 0.5), Step(1, None, "failed"), Step(2, 0.7)]
    data = history_data(steps, [0.5, 0.5, 0.7], [(0.5, 0.4, 0.6), None, (0.65, 0.6, 0.7)])
    assert data["trial"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(data["best"], [0.5, 0.5, 0.7])
    np.testing.assert_allclose(data["floor"], [np.nan, 0.484, np.nan])
    np.testing.assert_allclose(data["low"], [0.4, np.nan, 0.6])
    assert history_data([], [], []).empty
    assert history_spec("Accuracy", is_percent=True) == history_spec("Accuracy", is_percent=True)
    fields = {layer["encoding"]["y"]["field"] for layer in history_spec("Accuracy", is_percent=True)["layer"]}
    assert fields <= set(data.columns)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_text(name):
    axis = words_axis(name, [name] * 5)
    for figure in (
        checked(slice_figure(axis, accuracy(), TRIALS)),
        checked(map_figure(axis, axis, accuracy(), TRIALS)),
        checked(importance_figure([name], [1.0], [None])),
    ):
        assert "<script" not in figure.to_json() and "<img" not in figure.to_json()
