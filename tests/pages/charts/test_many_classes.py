"""Charts of networks with many classes, whose probabilities are all low, and axes over powers of ten."""

import numpy as np
import pytest

from core.inspection.calibration import Bin, shown_range
from pages.components.charts.epoch_answers import answers_spec
from pages.components.charts.network_histograms import size_figure
from pages.components.charts.picture_map import BY_CLASS, MOST_COLORED, groups_of
from tests.core.inspection.made import made_answers
from tests.pages.charts.checked import checked


def test_classes_that_are_chosen_have_colours_and_the_others_are_gray() -> None:
    answers = made_answers(60, MOST_COLORED + 4)
    others, first, second = groups_of(answers, BY_CLASS, [7, 2])
    assert (others.name, first.name, second.name) == (
        "All others",
        answers.class_names[7],
        answers.class_names[2],
    )
    assert len({each.color for each in (others, first, second)}) == 3
    assert np.array_equal(first.places, np.flatnonzero(answers.labels == 7))
    places = np.concatenate([others.places, first.places, second.places])
    assert np.array_equal(np.sort(places), np.arange(len(answers)))
    (everything,) = groups_of(answers, BY_CLASS)
    assert len(everything.places) == len(answers)


@pytest.mark.parametrize(("most", "top"), [(0.019, 0.04), (0.1, 0.1), (0.41, 1.0), (1.0000001, 1.0)])
def test_the_axis_of_probabilities_ends_where_they_do(most: float, top: float) -> None:
    line = answers_spec(["a", "b"], most=most)["layer"][1]["encoding"]["y"]
    assert line["scale"]["domain"] == [0, top]
    assert line["axis"]["values"] == pytest.approx([0, top / 4, top / 2, 3 * top / 4, top])


def test_the_reliability_diagram_shows_where_the_points_are() -> None:
    assert shown_range([Bin(10, 0.02, 0.05, 0.0, 0.2)]) == pytest.approx((0.0, 0.215))
    assert shown_range([Bin(10, 0.5, 0.6, 0.4, 0.7), Bin(10, 0.99, 0.9, 0.8, 1.0)]) == pytest.approx(
        (0.365, 1.0)
    )


@pytest.mark.parametrize(
    ("sizes", "texts"),
    [
        ((0.004, 0.03), ["0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5"]),
        ((2e-5, 0.3), ["1e\N{MINUS SIGN}05", "0.0001", "0.001", "0.01", "0.1", "1"]),
    ],
)
def test_ticks_of_a_logarithmic_axis_have_room(sizes: tuple[float, ...], texts: list[str]) -> None:
    axis = checked(
        size_figure({epoch: {"conv_1": size} for epoch, size in enumerate(sizes, 1)}, "Size")
    ).layout.yaxis
    assert list(axis.ticktext) == texts
    assert [float(each.replace("\N{MINUS SIGN}", "-")) for each in texts] == pytest.approx(
        list(axis.tickvals)
    )
