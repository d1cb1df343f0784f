"""Curves of runs, or of groups of them, over one another: mean, band, best value and the epoch line. No `st.*`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pages.components.charts.plotly_figures import Figure
from pages.components.charts.plotly_marks import (
    GRAY,
    LEGEND_COLUMNS,
    axis,
    color_at,
    dash_at,
    figure,
    plain,
    shade,
    wrapped,
)

HEIGHT = 430
Numbers = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Curve:
    """A line of the chart. `legend` is all that is said of it: its name, mean, n and interval.

    `x` rises; `y` has NaN where nothing is known. `low` and `high` are its band; None without one. `place` is its
    number among the curves, which decides its colour, or with `share` (0 to 1) it is a shade of one scale. `best` is
    where its best value stands. `n` says of how many runs each point is the mean, where that is not the same of all.
    """

    legend: str
    x: Numbers
    y: Numbers
    place: int
    low: Numbers | None = None
    high: Numbers | None = None
    share: float | None = None
    best: tuple[float, float] | None = None
    at: tuple[float, float] | None = None
    hover: str = ""
    n: NDArray[np.int64] | None = None


def curves_figure(
    curves: Sequence[Curve], title: str, x_title: str, *, percent: bool, log_x: bool = False,
    log_y: bool = False, line_at: float | None = None, legend_columns: int = LEGEND_COLUMNS,
) -> Figure:  # fmt: skip
    """The curves with their bands; a ring at each best value; a dot at the chosen epoch, and a line at `line_at`.

    Lines of the legend have up to `legend_columns` characters.
    """
    data: list[dict[str, Any]] = []
    for curve in curves:
        data += _band(curve)
    names = [wrapped(curve.legend, legend_columns) for curve in curves]
    data += [_line(curve, name, percent) for curve, name in zip(curves, names, strict=True)]
    data += _marks(
        [(curve, curve.best) for curve in curves], {"symbol": "circle-open", "size": 11, "line": {"width": 2}}
    )
    data += _marks([(curve, curve.at) for curve in curves], {"symbol": "circle", "size": 8})
    shapes = []
    if line_at is not None:
        shapes = [
            {
                "type": "line", "x0": line_at, "x1": line_at, "y0": 0, "y1": 1, "yref": "paper",
                "line": {"color": GRAY, "width": 1.5, "dash": "dot"},
            }
        ]  # fmt: skip
    return figure(
        data, title, names, HEIGHT, shapes=shapes,
        xaxis=axis(x_title, log=log_x, values=[value for curve in curves for value in curve.x.tolist()]),
        yaxis=axis(percent=percent, log=log_y), hovermode="closest",
    )  # fmt: skip


def _color(curve: Curve) -> str:
    return color_at(curve.place) if curve.share is None else shade(curve.share)


def _dash(curve: Curve) -> str:
    return dash_at(curve.place) if curve.share is None else "solid"


def _line(curve: Curve, name: str, percent: bool) -> dict[str, Any]:
    number = "%{y:.1%}" if percent else "%{y:.4g}"
    counted = {} if curve.n is None else {"customdata": curve.n.tolist()}
    n = "" if curve.n is None else ", n = %{customdata}"
    return {
        "type": "scatter", "mode": "lines" if len(curve.x) > 1 else "markers", "x": _short(curve.x),
        "y": _short(curve.y), "name": name, "legendgroup": str(curve.place), "connectgaps": False,
        "line": {"color": _color(curve), "width": 2, "dash": _dash(curve), "simplify": False},
        "marker": {"color": _color(curve)},
        "text": plain(curve.hover or curve.legend),
        "hovertemplate": f"%{{text}}<br>%{{x:.6~g}}: {number}{n}<extra></extra>", **counted,
    }  # fmt: skip


def _band(curve: Curve) -> list[dict[str, Any]]:
    """A filled outline: out along the upper edge, back along the lower one, a piece for each stretch that is known."""
    if curve.low is None or curve.high is None:
        return []
    known = ~(np.isnan(curve.low) | np.isnan(curve.high))
    xs: list[Numbers] = []
    ys: list[Numbers] = []
    for piece in _stretches(known):
        gap = [np.array([np.nan])] if xs else []
        xs += [*gap, curve.x[piece], curve.x[piece][::-1]]
        ys += [*gap, curve.high[piece], curve.low[piece][::-1]]
    if not xs:
        return []
    return [
        {
            "type": "scatter", "mode": "lines", "x": _short(np.concatenate(xs)), "y": _short(np.concatenate(ys)),
            "fill": "toself", "fillcolor": _color(curve), "line": {"width": 0, "color": _color(curve)},
            "opacity": 0.18, "hoverinfo": "skip", "showlegend": False, "legendgroup": str(curve.place),
        }
    ]  # fmt: skip


def _stretches(known: NDArray[np.bool_]) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
    return [slice(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _marks(
    places: Sequence[tuple[Curve, tuple[float, float] | None]], look: dict[str, Any]
) -> list[dict[str, Any]]:
    known = [(_color(curve), place) for curve, place in places if place is not None]
    if not known:
        return []
    return [
        {
            "type": "scatter", "mode": "markers", "x": [x for _, (x, _) in known], "y": [y for _, (_, y) in known],
            "showlegend": False, "hoverinfo": "skip", "marker": {**look, "color": [color for color, _ in known]},
        }
    ]  # fmt: skip


def _short(values: Numbers) -> Numbers:
    """Half the bytes on the way, and more digits than pixels."""
    return values.astype(np.float32)
