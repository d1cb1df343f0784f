"""A sweep's result against one setting: a point per trial. No `st.*`."""

from statistics import fmean
from typing import Any

from core.formatting import count_of
from pages.components.charts.plotly_figures import Figure
from pages.components.charts.plotly_marks import CATEGORIES, GRAY, RED, TOOLBAR_ROOM, figure, plain
from pages.components.charts.sweep_axes import Axis, ShownTrials, plotly_axis

HEIGHT = 318
BEST, POINT = CATEGORIES[0], CATEGORIES[1]
# Points on an axis of words lie a little beside each other, in a pattern that is the same at each drawing.
SPREAD = (0.0, 0.12, -0.12, 0.06, -0.06, 0.18, -0.18)
HALF_A_BAR = 0.3


def slice_figure(axis: Axis, result: Axis, trials: ShownTrials) -> Figure:
    """The result against the setting on `axis`. Bars on an axis of words: the mean of all with that word.

    Trials without a result are crosses along the lower edge. A trial without this setting is left out.
    """
    low, high = result.span
    room = 0.08 * (high - low)
    data = [*_bars(axis, result), _points(axis, result, trials), _crosses(axis, result, trials, low - room)]
    up = plotly_axis(result)
    return figure(
        data, "", [], HEIGHT, hovermode="closest", dragmode=False, margin={"l": 8, "r": 8, "t": TOOLBAR_ROOM, "b": 8},
        xaxis={**plotly_axis(axis), "fixedrange": True, "automargin": True},
        yaxis={**up, "range": [low - 1.6 * room, high + room], "fixedrange": True, "automargin": True},
    )  # fmt: skip


def _points(axis: Axis, result: Axis, trials: ShownTrials) -> dict[str, Any]:
    chosen = [
        index
        for index, outcome in enumerate(trials.outcomes)
        if outcome is None and None not in (axis.values[index], result.values[index])
    ]
    return {
        "type": "scatter", "mode": "markers", "x": [_beside(axis, index) for index in chosen],
        "y": [result.place(index) for index in chosen], "showlegend": False,
        "marker": {
            "size": [15 if index == trials.best else 8 for index in chosen], "opacity": 0.85,
            "symbol": ["star" if index == trials.best else "circle" for index in chosen],
            "color": [BEST if index == trials.best else POINT for index in chosen],
        },
        "text": [trials.told(index, [axis, result]) for index in chosen], "hoverinfo": "text",
    }  # fmt: skip


def _crosses(axis: Axis, result: Axis, trials: ShownTrials, floor: float) -> dict[str, Any]:
    chosen = [
        index
        for index, outcome in enumerate(trials.outcomes)
        if outcome is not None and axis.values[index] is not None
    ]
    failed = trials.are_failed
    strokes = [RED if failed[index] else GRAY for index in chosen]
    return {
        "type": "scatter", "mode": "markers", "x": [_beside(axis, index) for index in chosen],
        "y": [floor] * len(chosen), "showlegend": False, "cliponaxis": False,
        "marker": {"size": 8, "symbol": "x-thin", "color": strokes, "line": {"width": 2, "color": strokes}},
        "text": [trials.told(index, [axis]) for index in chosen], "hoverinfo": "text",
    }  # fmt: skip


def _bars(axis: Axis, result: Axis) -> list[dict[str, Any]]:
    """The mean of each word as a short line, with the number of trials in its tooltip."""
    found = []
    for place, word in enumerate(axis.words):
        values = [
            value
            for value, own in zip(result.values, axis.values, strict=True)
            if own == word and value is not None
        ]
        if values:
            mean = fmean(values)
            told = f"{plain(word)}<br>mean of {count_of(len(values), 'trial')}: {plain(result.show(mean))}"
            found.append(
                {
                    "type": "scatter", "mode": "lines", "x": [place - HALF_A_BAR, place + HALF_A_BAR],
                    "y": [result.place_of(mean)] * 2, "line": {"color": GRAY, "width": 2}, "text": [told] * 2,
                    "hoverinfo": "text", "showlegend": False,
                }
            )  # fmt: skip
    return found


def _beside(axis: Axis, index: int) -> float | None:
    place = axis.place(index)
    return place if place is None or axis.kind != "words" else place + SPREAD[index % len(SPREAD)]
