"""Curves, parallel coordinates and quantities of many runs: what is drawn where, and that names stay text."""

import json

import numpy as np
import pytest

from pages.components.charts.compared_curves import Curve, curves_figure
from pages.components.charts.parallel import FAILED, Axis, parallel_figure
from pages.components.charts.plotly_marks import (
    CATEGORIES,
    GRAY,
    NO_PLACE,
    RED,
    SEQUENCE,
    plain,
    shares,
    wrapped,
)
from pages.components.charts.quantities import Dot, Quantity, quantities_figure
from tests.hostile import NAMES
from tests.pages.charts.checked import checked

EPOCHS = np.array([1.0, 2.0, 3.0, 4.0])
KNOWN = np.array([0.2, 0.4, 0.5, 0.6])


def traces(figure, **wanted):
    """Those whose properties are as wanted."""
    return [trace for trace in figure.data if all(trace[key] == value for key, value in wanted.items())]


def test_each_curve_has_its_line_band_best_value_and_words():
    group = Curve(
        "rate 0.1: 60.0 % (55.0 to 65.0), n = 5",
        EPOCHS,
        KNOWN,
        0,
        KNOWN - 0.05,
        KNOWN + 0.05,
        best=(4.0, 0.6),
        at=(3.0, 0.5),
    )
    alone = Curve("rate 0.2: 50.0 %, n = 1", EPOCHS, KNOWN - 0.1, 1, at=(3.0, 0.4))
    figure = checked(curves_figure([group, alone], "Validation accuracy", "Epoch", percent=True, line_at=3.0))
    lines = [trace for trace in traces(figure) if trace.name]
    assert [line["name"].replace("<br>", " ").replace("\u00a0", " ") for line in lines] == [
        group.legend,
        alone.legend,
    ]
    np.testing.assert_allclose(lines[0]["y"], KNOWN, atol=1e-6)
    assert [line["line"]["color"] for line in lines] == list(CATEGORIES[:2])
    (band,) = traces(figure, fill="toself")
    np.testing.assert_allclose(band["x"], [1, 2, 3, 4, 4, 3, 2, 1])
    np.testing.assert_allclose(band["y"], [0.25, 0.45, 0.55, 0.65, 0.55, 0.45, 0.35, 0.15], atol=1e-6)
    ring, dots = traces(figure, mode="markers")
    assert (list(ring["x"]), list(ring["y"])) == ([4.0], [0.6])
    assert list(dots["x"]) == [3.0, 3.0] and list(dots["y"]) == pytest.approx([0.5, 0.4])
    (line,) = figure.layout.shapes
    assert (line.x0, line.x1) == (3.0, 3.0)


def test_a_band_has_a_piece_for_each_stretch_that_is_known():
    low, high = np.array([0.1, np.nan, 0.3, 0.4]), np.array([0.3, np.nan, 0.5, 0.6])
    (band,) = traces(
        checked(curves_figure([Curve("a", EPOCHS, KNOWN, 0, low, high)], "", "", percent=True)), fill="toself"
    )
    np.testing.assert_allclose(band["x"], [1, 1, np.nan, 3, 4, 4, 3])


def test_the_ninth_curve_has_the_first_colour_and_another_dash():
    curves = [Curve(str(place), EPOCHS, KNOWN, place) for place in range(17)]
    looks = [
        (each["line"]["color"], each["line"]["dash"])
        for each in traces(checked(curves_figure(curves, "", "", percent=True)))
    ]
    assert len(set(looks)) == 17 and looks[8][0] == looks[0][0]


def test_log_axes_and_an_empty_chart():
    figure = checked(curves_figure([], "Loss", "Step", percent=False, log_x=True, log_y=True, line_at=2))
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    # Without a format the numbers between powers of ten have their first digit alone.
    assert (figure.layout.xaxis.tickformat, figure.layout.yaxis.tickformat) == (",.3~r", ",.3~r")


def test_a_failed_run_ends_at_failed_and_is_red():
    axes = [
        Axis("Learning rate", [0.001, 0.1, 0.01], ["0.001", "0.1", "0.01"], log=True),
        Axis("Optimizer", ["adam", "sgd", "adam"], ["Adam", "SGD", "Adam"]),
        Axis("Filters of block 2", [None, 32, 16], ["–", "32", "16"]),
        Axis("Validation accuracy", [0.6, None, 0.8], ["60.0 %", FAILED, "80.0 %"]),
    ]
    figure = checked(
        parallel_figure(axes, ["one", "two", "three"], [False, True, False], 3, "Settings and results")
    )
    lines = {trace["line"]["color"]: trace for trace in traces(figure, mode="lines+markers")}
    assert set(lines) == {RED, SEQUENCE[0], SEQUENCE[-1]}
    assert list(lines[RED]["y"]) == pytest.approx([1.0, 1.0, 1.0, -0.14, np.nan], nan_ok=True)
    assert list(lines[SEQUENCE[0]]["y"]) == pytest.approx([0.0, 0.0, -0.14, 0.0, np.nan], nan_ok=True)
    assert list(lines[SEQUENCE[-1]]["y"]) == pytest.approx([0.5, 0.0, 0.0, 1.0, np.nan], nan_ok=True)
    assert lines[RED]["text"][3] == "two<br>Validation accuracy: failed"
    marked = {(note.x, note.y): note.text for note in figure.layout.annotations}
    assert marked[3, -0.14] == FAILED and marked[0, 0.5] == "0.01" and marked[1, 0.0] == "Adam"


def test_every_run_has_its_line_also_of_a_thousand_and_each_reason_its_lane():
    values = [None if number % 3 == 0 else float(number) for number in range(1000)]
    shown = [
        "under way" if number % 6 == 0 else FAILED if number % 3 == 0 else str(number)
        for number in range(1000)
    ]
    names = [f"run {number}" for number in range(1000)]
    figure = checked(
        parallel_figure([Axis("a", values, shown)], names, [word == FAILED for word in shown], 0, "")
    )
    drawn = [
        height for trace in traces(figure, mode="lines") for height in trace["y"] if not np.isnan(height)
    ]
    assert len(drawn) == 1000
    assert sorted({round(height, 2) for height in drawn if height < 0}) == [-0.24, -0.14]


def test_one_run_one_axis_and_none():
    assert not any(trace.x for trace in checked(parallel_figure([], [], [], 0, "")).data)
    (line, bar) = traces(checked(parallel_figure([Axis("a", [3], ["3"])], ["one"], [False], 0, "")))
    assert line["y"][0] == 1.0 and len(bar["y"]) == 41


def test_dots_front_and_baseline():
    dots = [
        Dot("a", 10, 0.5, is_on_front=True),
        Dot("b", 30, 0.4),
        Dot("c", 20, 0.7, 1, is_on_front=True, is_baseline=True),
    ]
    figure = checked(
        quantities_figure(
            dots, Quantity("Parameters", log=True), Quantity("Accuracy", percent=True), "", ["32", "64"]
        )
    )
    front, first, second, baseline = traces(figure)
    assert (front["x"], front["y"]) == ((10, 20), (0.5, 0.7))
    assert (first["name"], first["x"], second["name"], second["x"]) == ("32", (10, 30), "64", (20,))
    assert (baseline["x"], baseline["y"]) == ((20,), (0.7,))
    assert figure.layout.xaxis.type == "log" and figure.layout.yaxis.tickformat == ".3~%"


def test_what_has_no_value_is_gray_beside_shades():
    dots = [Dot("a", 1, 0.5, share=0.0), Dot("b", 2, 0.4, share=1.0), Dot("c", 3, 0.3, NO_PLACE)]
    unknown, shaded = traces(checked(quantities_figure(dots, Quantity("x"), Quantity("y"), "")))
    assert list(unknown["marker"]["color"]) == [GRAY]
    assert list(shaded["marker"]["color"]) == [SEQUENCE[0], SEQUENCE[-1]]


def test_ticks_of_whole_numbers_are_whole():
    figure = checked(curves_figure([Curve("a", EPOCHS, KNOWN, 0)], "", "Epoch", percent=True))
    assert figure.layout.xaxis.dtick == 1
    long = np.arange(1.0, 101.0)
    assert (
        checked(curves_figure([Curve("a", long, long, 0)], "", "Epoch", percent=True)).layout.xaxis.nticks
        == 12
    )
    seconds = checked(
        curves_figure([Curve("a", EPOCHS * 1.5, KNOWN, 0)], "", "Seconds", percent=True)
    ).layout.xaxis
    assert (seconds.dtick, seconds.nticks) == (None, None)
    dots = checked(
        quantities_figure([Dot("a", 4338, 0.5)], Quantity("Parameters"), Quantity("y", percent=True), "")
    )
    assert (dots.layout.xaxis.dtick, dots.layout.yaxis.dtick) == (1, None)


def test_a_name_is_shown_letter_by_letter():
    for name in NAMES:
        assert "<" not in plain(name).replace("&lt;", "") and "<" not in wrapped(name).replace("<br>", "")
        figure = checked(curves_figure([Curve(name, EPOCHS, KNOWN, 0)], "", "", percent=True))
        json.loads(figure.to_json())
        assert "%{" not in figure.data[0].hovertemplate.replace("%{text}", "").replace("%{x", "").replace(
            "%{y", ""
        )
    assert plain("<b>&") == "&lt;b&gt;&amp;"


def test_shares():
    assert shares([2.0, None, 4.0, float("nan"), 3.0]) == [0.0, None, 1.0, None, 0.5]
    assert shares([5, 5]) == [1.0, 1.0] and shares([None]) == [None]


def test_a_legend_of_many_lines_is_scrolled_and_holds_them_all():
    """Its lines below the axes are 18 pixels high: 12 of them are seen, 24 curves or 6."""

    def drawn(number: int):
        legends = [
            f"a group with a name of two lines, number {place}: 50.0 %, n = 5" for place in range(number)
        ]
        curves = [Curve(words, EPOCHS, KNOWN, place) for place, words in enumerate(legends)]
        return checked(curves_figure(curves, "", "Epoch", percent=True))

    few, some, many = drawn(2), drawn(6), drawn(24)
    assert some.layout.height - few.layout.height == 8 * 18
    assert many.layout.height == some.layout.height and many.layout.legend.maxheight == 12 * 18 + 12
    assert len({trace.name for trace in many.data}) == 24
    assert many.layout.margin.b == some.layout.margin.b
