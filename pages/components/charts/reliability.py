"""How often a network is right when it is how sure: the reliability diagram. No `st.*`."""

from collections.abc import Sequence
from typing import Any

from core.formatting import count_of, percent
from core.inspection.calibration import Bin, shown_range
from pages.components.charts.plotly_figures import Figure
from pages.components.charts.plotly_marks import CATEGORIES, GRAY, TOOLBAR_ROOM, axis, figure

HEIGHT = 380
BEFORE, AFTER = "As it answers", "With the temperature"


def reliability_figure(before: Sequence[Bin], after: Sequence[Bin]) -> Figure:
    """Accuracy over mean confidence of each bin, with its interval; on the diagonal the network is as right as sure."""
    diagonal = {
        "type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "hoverinfo": "skip", "name": "As right as sure",
        "line": {"color": GRAY, "width": 1.5, "dash": "dash"},
    }  # fmt: skip
    data = [
        diagonal,
        _line(before, BEFORE, CATEGORIES[0], "circle"),
        _line(after, AFTER, CATEGORIES[1], "diamond"),
    ]
    start, end = shown_range((*before, *after))
    shown = [start, end + 0.02 * (end - start)]  # a point at the end is not cut off
    return figure(
        data, "How often it is right", [BEFORE, AFTER, "diagonal"], HEIGHT, hovermode="closest", dragmode=False,
        margin={"l": 62, "r": 12, "t": TOOLBAR_ROOM, "b": 52 + 12 + 18 * 3, "autoexpand": False},
        xaxis={**axis("How sure it is", percent=True), "range": shown, "fixedrange": True},
        yaxis={**axis(percent=True), "range": shown, "fixedrange": True},
    )  # fmt: skip


def _line(bins: Sequence[Bin], name: str, color: str, symbol: str) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines+markers", "name": name,
        "x": [each.confidence for each in bins], "y": [each.accuracy for each in bins],
        "line": {"color": color, "width": 2}, "marker": {"color": color, "size": 8, "symbol": symbol},
        "error_y": {
            "type": "data", "symmetric": False, "thickness": 1, "width": 0, "color": color,
            "array": [each.high - each.accuracy for each in bins],
            "arrayminus": [each.accuracy - each.low for each in bins],
        },
        "text": [
            f"{name}: {count_of(each.count, 'picture')}<br>{percent(each.confidence)} sure, "
            f"{percent(each.accuracy)} right<br>95 % interval {percent(each.low)} to {percent(each.high)}"
            for each in bins
        ],
        "hoverinfo": "text",
    }  # fmt: skip
