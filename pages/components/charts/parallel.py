"""Parallel coordinates: an axis per setting and result, a line per run. A failed run ends at “failed”. No `st.*`.

Drawn with ordinary lines. Plotly's own `parcoords` draws by WebGL and compiles text into code, which the pages' policy
refuses, and it leaves out what has no value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pages.components.charts.plotly_figures import Figure
from pages.components.charts.plotly_marks import (
    BACKGROUND,
    GRAY,
    RED,
    SCALE,
    SEQUENCE,
    TEXT,
    figure,
    plain,
    shade,
    shares,
    wrapped,
)

HEIGHT = 460
# Below all values: where the lines of runs without one go through, a lane for each reason.
FIRST_LANE, LANE = -0.14, 0.1
MOST_WORDS = 14
MOST_DOTS = 200  # runs whose values have dots: a browser draws each as an element
FAILED = "failed"


@dataclass(frozen=True)
class Axis:
    """An axis: a value per run, numbers or words, and how people read it.

    Where a value is None, what is shown is why there is none, such as FAILED: that is a place of its own, below.
    """

    title: str
    values: Sequence[float | str | None]
    shown: Sequence[str]
    log: bool = False


@dataclass(frozen=True)
class _Placed:
    """An axis with the height of each run (0 to 1, or that of a lane) and what is written beside it."""

    axis: Axis
    heights: list[float]
    ticks: list[tuple[float, str]]


def parallel_figure(
    axes: Sequence[Axis], names: Sequence[str], failed: Sequence[bool], by: int, title: str
) -> Figure:
    """A line per run through all axes, in the colour of its value on axis number `by`; those that failed are red."""
    placed = [_place(axis) for axis in axes]
    heights = placed[by].heights if placed else []
    data: list[dict[str, Any]] = []
    lines: dict[str, list[int]] = {}
    for run, is_failed in enumerate(failed):
        color = RED if is_failed else GRAY if heights[run] < 0 else shade(heights[run])
        lines.setdefault(color, []).append(run)
    # From the lowest to the highest, so that the best lie on top; what failed below them.
    order = [RED, GRAY, *SEQUENCE]
    for color in sorted(lines, key=order.index):
        data.append(_lines(placed, names, lines[color], color, len(names)))
    data += _scale(placed, by)
    lowest = min((height for each in placed for height in each.heights), default=0.0)
    return figure(
        data, title, [], HEIGHT + 10, hovermode="closest", annotations=_annotations(placed), shapes=_rules(placed),
        xaxis={
            "range": [-0.5, len(axes) - 0.3], "tickvals": list(range(len(axes))), "showgrid": False,
            "ticktext": [wrapped(each.title, 14) for each in axes], "side": "top", "fixedrange": True, "tickangle": 0,
            "zeroline": False,
        },
        yaxis={"range": [lowest - 0.06, 1.06], "visible": False, "fixedrange": True},
        margin={"l": 4, "r": 4, "t": 96, "b": 4, "autoexpand": False},
    )  # fmt: skip


def _place(axis: Axis) -> _Placed:
    pairs = list(zip(axis.values, axis.shown, strict=True))
    reasons = sorted(
        {shown for value, shown in pairs if value is None}, key=lambda word: (word != FAILED, word)
    )
    lanes = {reason: FIRST_LANE - LANE * place for place, reason in enumerate(reasons)}
    if all(value is None or isinstance(value, int | float) for value in axis.values):
        log = axis.log and all(value is None or float(value) > 0 for value in axis.values)
        found = shares([_scaled(value, log) for value in axis.values])
        heights = [
            lanes.get(shown, FIRST_LANE) if at is None else at
            for at, (_, shown) in zip(found, pairs, strict=True)
        ]
        ticks = _number_ticks(axis, heights)
    else:
        words = sorted({shown for value, shown in pairs if value is not None}, key=_natural)
        at = {word: place / (len(words) - 1) if len(words) > 1 else 0.5 for place, word in enumerate(words)}
        heights = [lanes[shown] if value is None else at[shown] for value, shown in pairs]
        ticks = [(at[word], word) for word in words[:: -(-len(words) // MOST_WORDS)]]
    return _Placed(axis, heights, [*ticks, *((height, reason) for reason, height in lanes.items())])


def _scaled(value: float | str | None, log: bool) -> float | None:
    if value is None or isinstance(value, str) or not math.isfinite(value):
        return None
    return math.log10(value) if log else float(value)


def _natural(word: str) -> tuple[float, str]:
    """Words that begin with a number by that number, then by letter."""
    digits = word.replace(",", "").split("×")[0].split(" ")[0].rstrip("%°")
    try:
        return float(digits), word
    except ValueError:
        return math.inf, word


def _number_ticks(axis: Axis, placed: Sequence[float]) -> list[tuple[float, str]]:
    """Where there are few different values, each of them; otherwise five of them, lowest and highest among them."""
    at = {height: shown for height, shown in zip(placed, axis.shown, strict=True) if height >= 0}
    found = sorted(at)
    if len(found) > 6:
        wanted = (0.0, 0.25, 0.5, 0.75, 1.0)
        found = sorted({min(found, key=lambda each: abs(each - goal)) for goal in wanted})
    ticks: list[tuple[float, str]] = []
    for height in found:
        if not ticks or height - ticks[-1][0] >= 0.06:
            ticks.append((height, at[height]))
    return ticks


def _lines(
    placed: Sequence[_Placed], names: Sequence[str], runs: Sequence[int], color: str, num_runs: int
) -> dict[str, Any]:
    """All lines of one colour, parted by gaps."""
    x = np.tile(np.array([*range(len(placed)), np.nan]), len(runs))
    heights = np.full((len(runs), len(placed) + 1), np.nan)
    for place, each in enumerate(placed):
        heights[:, place] = np.array(each.heights)[list(runs)]
    titles = [plain(each.axis.title, 40) for each in placed]
    text = []
    for run in runs:
        name = plain(names[run], 60)
        text += [
            f"{name}<br>{title}: {plain(each.axis.shown[run], 40)}"
            for each, title in zip(placed, titles, strict=True)
        ]
        text.append("")
    return {
        "type": "scatter", "mode": "lines+markers" if num_runs <= MOST_DOTS else "lines", "x": x,
        "y": heights.ravel(), "text": np.array(text, object), "hoverinfo": "text", "connectgaps": False,
        "showlegend": False, "marker": {"size": 5, "color": color}, "line": {"width": 1.6, "color": color},
        "opacity": max(0.25, min(0.9, 30 / max(1, num_runs))),
    }  # fmt: skip


def _scale(placed: Sequence[_Placed], by: int) -> list[dict[str, Any]]:
    """The colours beside the axis that they are of, as a bar of dots."""
    if not placed or max(placed[by].heights, default=-1) < 0:
        return []
    steps = [place / 40 for place in range(41)]
    return [
        {
            "type": "scatter", "mode": "markers", "x": [by] * len(steps), "y": steps, "showlegend": False,
            "hoverinfo": "skip",
            "marker": {"symbol": "square", "size": 7, "color": steps, "colorscale": SCALE, "cmin": 0, "cmax": 1},
        }
    ]  # fmt: skip


def _annotations(placed: Sequence[_Placed]) -> list[dict[str, Any]]:
    return [
        {
            "x": place, "y": height, "text": plain(word, 18), "showarrow": False, "xanchor": "left", "xshift": 8,
            "font": {"size": 12, "color": RED if height == FIRST_LANE and word == FAILED else TEXT},
            "bgcolor": BACKGROUND, "opacity": 0.85, "borderpad": 1,
        }
        for place, each in enumerate(placed)
        for height, word in each.ticks
    ]  # fmt: skip


def _rules(placed: Sequence[_Placed]) -> list[dict[str, Any]]:
    return [
        {
            "type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "layer": "below",
            "line": {"color": GRAY, "width": 1},
        }
        for place in range(len(placed))
    ]  # fmt: skip
