"""A sweep's result over two settings as a map, and which settings decide it as bars. No `st.*`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.formatting import count_of
from pages.components.charts.plotly_figures import Figure
from pages.components.charts.plotly_marks import (
    BACKGROUND,
    CATEGORIES,
    GRAY,
    SCALE,
    TEXT,
    TOOLBAR_ROOM,
    figure,
    plain,
    wrapped,
)
from pages.components.charts.sweep_axes import Axis, ShownTrials, plotly_axis

HEIGHT = 448
GRID = 40
# How far a trial speaks for its surroundings, as a share of the axis. Farther from the nearest trial than BLANK of
# these the map is blank.
REACH, WORD_REACH, BLANK = 0.09, 0.1, 2.2
BAR_PIXELS, AROUND_BARS = 36, 98
Places = NDArray[np.float64]
BEST, BAR = CATEGORIES[0], CATEGORIES[1]
_FIXED = {"fixedrange": True, "showgrid": False, "automargin": True}


def map_figure(
    across: Axis, up: Axis, result: Axis, trials: ShownTrials, *, low_is_good: bool = False
) -> Figure:
    """The result of each trial at its two settings.

    With two axes of words, the mean of each pair of them; otherwise a map between the points, which is a weighted mean
    of those nearby and blank where none is near.
    """
    known = [
        index
        for index in range(len(trials.names))
        if None not in (across.values[index], up.values[index], result.values[index])
    ]
    notes: list[dict[str, Any]] = []
    if across.kind == up.kind == "words":
        surface, notes = _cells(across, up, result, known)
        data = [surface]
    else:
        data = [_surface(across, up, result, known), _dots(across, up, result, trials, known)]
    data[0] |= {"colorscale": SCALE, "reversescale": low_is_good, "colorbar": _bar(result), "opacity": 0.85}
    return figure(
        data, "", [], HEIGHT, hovermode="closest", dragmode=False, margin={"l": 8, "r": 8, "t": TOOLBAR_ROOM, "b": 8},
        xaxis=plotly_axis(across) | _FIXED, yaxis=plotly_axis(up) | _FIXED, annotations=notes,
    )  # fmt: skip


def importance_figure(
    names: Sequence[str],
    shares: Sequence[float],
    intervals: Sequence[tuple[float, float] | None],
    *,
    is_chance: bool = False,
) -> Figure:
    """A bar for each setting, the most important on top, with the interval in which the bootstrap found it.

    Gray where chance alone explains them (`is_chance`).
    """
    order = sorted(range(len(names)), key=lambda index: shares[index])
    ends = [intervals[index] or (shares[index], shares[index]) for index in order]
    bars = {
        "type": "bar", "orientation": "h", "width": 0.6, "x": [shares[index] for index in order],
        "y": list(range(len(order))), "marker": {"color": GRAY if is_chance else BAR}, "showlegend": False,
        "textposition": "none",
        "error_x": {
            "type": "data", "symmetric": False, "color": GRAY, "thickness": 2, "width": 5,
            "array": [max(0.0, high - shares[index]) for index, (_, high) in zip(order, ends, strict=True)],
            "arrayminus": [max(0.0, shares[index] - low) for index, (low, _) in zip(order, ends, strict=True)],
        },
        "text": [
            f"{plain(names[index])}<br>{shares[index]:.0%}{_interval(intervals[index])}" for index in order
        ],
        "hoverinfo": "text",
    }  # fmt: skip
    most = max([1e-9, *shares, *(high for _, high in ends)])
    return figure(
        [bars], "", [], AROUND_BARS + BAR_PIXELS * len(names), hovermode="closest", dragmode=False,
        margin={"l": 8, "r": 8, "t": TOOLBAR_ROOM, "b": 8},
        yaxis={
            "tickvals": list(range(len(order))), "ticktext": [wrapped(names[index], 22) for index in order],
            **_FIXED,
        },
        xaxis={
            "tickformat": ".0%", "range": [0, min(1.05, 1.08 * most)], "fixedrange": True, "zeroline": False,
            "title": {"text": "Share of the difference between trials"},
        },
    )  # fmt: skip


def smoothed(
    points: Sequence[tuple[float, float, float]], grids: tuple[Places, Places], reaches: tuple[float, float]
) -> list[list[float | None]]:
    """The Gaussian-weighted mean of the points (x, y, value) at each pair of places, a row for each place upwards.

    `grids` are the places along both axes, `reaches` the standard deviations. None where no point is near.
    """
    across, up = grids
    if not points:
        return [[None] * len(across) for _ in up]
    table = np.array(points, dtype=float)
    x = (across[None, :, None] - table[:, 0]) / reaches[0]
    y = (up[:, None, None] - table[:, 1]) / reaches[1]
    squares = x**2 + y**2  # (up, across, points)
    nearest = squares.min(axis=-1)
    # Less the nearest: far from all of them, the weights would all be zero.
    weights = np.exp(-0.5 * (squares - nearest[..., None]))
    means = (weights * table[:, 2]).sum(axis=-1) / weights.sum(axis=-1)
    found: list[list[float | None]] = np.where(nearest > BLANK**2, None, means).tolist()
    return found


def _surface(across: Axis, up: Axis, result: Axis, known: Sequence[int]) -> dict[str, Any]:
    points = [
        (across.place_of(across.values[i]), up.place_of(up.values[i]), result.place_of(result.values[i]))
        for i in known
    ]
    grids, reaches = zip(*(_grid(axis) for axis in (across, up)), strict=True)
    values = smoothed(points, (grids[0], grids[1]), (reaches[0], reaches[1]))
    return {
        "type": "heatmap", "x": grids[0].tolist(), "y": grids[1].tolist(), "z": values,
        "hoverinfo": "skip", "hoverongaps": False,
        "zmin": result.span[0], "zmax": result.span[1],
    }  # fmt: skip


def _grid(axis: Axis) -> tuple[Places, float]:
    """Places along an axis, and how far a trial speaks for its surroundings. A word says nothing of the next word."""
    if axis.kind == "words":
        return np.arange(len(axis.words), dtype=float), WORD_REACH
    low, high = plotly_axis(axis)["range"]
    return np.linspace(low, high, GRID), REACH * (high - low)


def _dots(across: Axis, up: Axis, result: Axis, trials: ShownTrials, known: Sequence[int]) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "markers", "x": [across.place(index) for index in known],
        "y": [up.place(index) for index in known], "showlegend": False, "hoverinfo": "text",
        "text": [trials.told(index, [across, up, result]) for index in known],
        "marker": {
            "size": [16 if index == trials.best else 7 for index in known],
            "symbol": ["star" if index == trials.best else "circle" for index in known],
            "color": [BEST if index == trials.best else BACKGROUND for index in known],
            "line": {"width": 1, "color": TEXT},
        },
    }  # fmt: skip


def _cells(
    across: Axis, up: Axis, result: Axis, known: Sequence[int]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The mean of each pair of words, and its figures as notes."""
    cells: dict[tuple[int, int], list[float]] = {}
    for index in known:
        at = int(up.place_of(up.values[index])), int(across.place_of(across.values[index]))
        cells.setdefault(at, []).append(float(result.values[index]))
    means: list[list[float | None]] = [[None] * len(across.words) for _ in up.words]
    told = [[""] * len(across.words) for _ in up.words]
    notes = []
    for (row, column), values in cells.items():
        mean = sum(values) / len(values)
        means[row][column] = result.place_of(mean)
        told[row][column] = "<br>".join(
            [
                plain(f"{up.title}: {up.words[row]}"), plain(f"{across.title}: {across.words[column]}"),
                f"mean of {count_of(len(values), 'trial')}: {plain(result.show(mean))}",
            ]
        )  # fmt: skip
        notes.append(
            {
                "x": column, "y": row, "showarrow": False, "text": plain(f"{result.show(mean)} ({len(values)})"),
                "font": {"size": 12, "color": TEXT}, "bgcolor": BACKGROUND, "borderpad": 2, "opacity": 0.9,
            }
        )  # fmt: skip
    surface = {
        "type": "heatmap", "x": list(range(len(across.words))), "y": list(range(len(up.words))), "z": means,
        "text": told, "hoverinfo": "text", "hoverongaps": False, "xgap": 3, "ygap": 3,
    }  # fmt: skip
    return surface, notes


def _bar(result: Axis) -> dict[str, Any]:
    ticks = result.ticks
    return {
        "thickness": 10, "outlinewidth": 0, "tickvals": [place for place, _ in ticks],
        "ticktext": [plain(text) for _, text in ticks],
    }  # fmt: skip


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"<br>in 90 % of resamples {interval[0]:.0%} to {interval[1]:.0%}"
