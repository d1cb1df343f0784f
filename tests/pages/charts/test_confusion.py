"""The map of confusions and the reliability diagram: what is drawn, and that each cell can be clicked."""

import numpy as np
import plotly.graph_objects as go
import pytest

from core.inspection.calibration import Bin
from pages.components.charts.confusion import MOST_NUMBERED, confusion_figure, difference_figure
from pages.components.charts.reliability import reliability_figure
from tests.pages.charts.checked import checked

CONFUSION = np.array([[8, 2], [5, 15]])


def rows_of(layer: go.Heatmap) -> tuple[tuple[float | None, ...], ...]:
    return tuple(tuple(row) for row in layer.z)


def test_cells_are_coloured_by_their_share_of_the_row() -> None:
    right, wrong, points = checked(confusion_figure(CONFUSION, ["cat", "<b>dog"])).data
    assert rows_of(right) == ((0.8, None), (None, 0.75))
    assert rows_of(wrong) == ((None, 0.2), (0.25, None))
    assert (right.zmax, wrong.zmax) == (1.0, 0.25)
    told = dict(zip(zip(points.y, points.x, strict=True), points.text, strict=True))
    assert told[0, 1] == "It is: cat<br>Taken for: &lt;b&gt;dog<br>2 pictures, 20.0 % of cat"
    assert told[1, 1] == "&lt;b&gt;dog, recognised<br>15 pictures, 75.0 % of &lt;b&gt;dog"


@pytest.mark.parametrize(
    ("as_share", "texts"), [(False, ["8", "2", "5", "15"]), (True, ["80", "20", "25", "75"])]
)
def test_few_classes_have_figures(as_share: bool, texts: list[str]) -> None:
    figure = checked(confusion_figure(CONFUSION, ["cat", "dog"], as_share=as_share))
    assert [note.text for note in figure.layout.annotations] == texts


@pytest.mark.parametrize("size", [MOST_NUMBERED + 1, 30, 31, 100])
def test_many_classes_have_none_and_fewer_names(size: int) -> None:
    confusion = np.diag(np.arange(size))
    confusion[3, 7] = 4
    figure = checked(confusion_figure(confusion, [f"class {place}" for place in range(size)]))
    assert not figure.layout.annotations
    assert len(figure.layout.xaxis.tickvals) <= 30
    points = figure.data[2]
    assert (7, 3) in set(zip(points.x, points.y, strict=True))
    # A class without pictures has a row of zeros, which is no division by zero.
    assert figure.data[0].z[0][0] == 0.0


def test_of_many_classes_some_are_drawn_with_shares_of_all() -> None:
    confusion = np.diag([3, 4, 5, 6])
    confusion[1, 3] = 4
    right, wrong, points = checked(confusion_figure(confusion, ["a", "b", "c", "d"], classes=[1, 3])).data
    assert rows_of(right) == ((0.5, None), (None, 1.0))
    assert rows_of(wrong) == ((None, 0.5), (0.0, None))
    told = dict(zip(zip(points.y, points.x, strict=True), points.text, strict=True))
    assert told[0, 1] == "It is: b<br>Taken for: d<br>4 pictures, 50.0 % of b"
    better, worse, _ = checked(
        difference_figure(confusion, np.diag([3, 8, 5, 4]), ["a", "b", "c", "d"], classes=[1, 3])
    ).data
    assert rows_of(better) == ((None, None), (None, 2.0))
    assert rows_of(worse) == ((4.0, 4.0), (None, None))


def test_names_that_begin_alike_are_told_apart_by_their_ends() -> None:
    names = ["blue circle on light ground", "blue circle on dotted paper"]
    assert checked(confusion_figure(CONFUSION, names)).layout.xaxis.ticktext == (
        "blue circle on…ht ground", "blue circle on…ted paper",
    )  # fmt: skip


def test_without_a_mistake_nothing_is_red() -> None:
    wrong = checked(confusion_figure(np.diag([3, 4]), ["a", "b"])).data[1]
    assert rows_of(wrong) == ((None, 0.0), (0.0, None))
    assert wrong.zmax == 1.0


def test_a_difference_is_blue_where_it_is_better() -> None:
    better, worse, points = checked(
        difference_figure(CONFUSION, np.array([[7, 3], [1, 19]]), ["cat", "dog"])
    ).data
    assert rows_of(better) == ((1.0, 1.0), (None, None))
    assert rows_of(worse) == ((None, None), (4.0, 4.0))
    assert list(points.text) == [
        "cat, recognised<br>+1 picture",
        "It is: cat<br>Taken for: dog<br>\N{MINUS SIGN}1 picture",
        "It is: dog<br>Taken for: cat<br>+4 pictures",
        "dog, recognised<br>\N{MINUS SIGN}4 pictures",
    ]


def test_bins_are_drawn_with_their_intervals() -> None:
    before, after = (Bin(10, 0.9, 0.7, 0.4, 0.9),), (Bin(10, 0.75, 0.7, 0.4, 0.9),)
    diagonal, first, second = checked(reliability_figure(before, after)).data
    assert (diagonal.x, diagonal.y) == ((0, 1), (0, 1))
    assert (first.x, first.y, second.x) == ((0.9,), (0.7,), (0.75,))
    assert first.error_y.array == pytest.approx((0.2,))
    assert first.error_y.arrayminus == pytest.approx((0.3,))
