"""Two quantities of each run against one another, with the front that no run beats in both. No `st.*`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pages.components.charts.plotly_figures import Figure
from pages.components.charts.plotly_marks import (
    GRAY,
    axis,
    color_at,
    dash_at,
    figure,
    plain,
    shade,
    wrapped,
)

HEIGHT = 440


@dataclass(frozen=True)
class Quantity:
    """What an axis shows: its title, and whether values are fractions of 1, shown in percent."""

    title: str
    percent: bool = False
    log: bool = False


@dataclass(frozen=True)
class Dot:
    """A run or a group at (x, y). `place` decides its colour; with `share` it is a shade of one scale. The spans are
    intervals of means.
    """

    name: str
    x: float
    y: float
    place: int = 0
    share: float | None = None
    is_on_front: bool = False
    is_baseline: bool = False
    x_span: tuple[float, float] | None = None
    y_span: tuple[float, float] | None = None


def quantities_figure(
    dots: Sequence[Dot], x: Quantity, y: Quantity, title: str, legend: Sequence[str] = (), *,
    with_front: bool = True,
) -> Figure:  # fmt: skip
    """Dots in colours that `legend` names by place; those on the front are joined. `title` names `y`."""
    groups: dict[int, list[Dot]] = {}
    for dot in dots:
        groups.setdefault(dot.place, []).append(dot)
    data = [_front(dots)] if with_front and any(dot.is_on_front for dot in dots) else []
    data += [
        _dots(found, x, y, wrapped(legend[place]) if 0 <= place < len(legend) else "")
        for place, found in sorted(groups.items())
    ]
    data += _baseline(dots)
    names = [trace["name"] for trace in data if trace["showlegend"]]
    return figure(
        data, title, names, HEIGHT, hovermode="closest", 
        xaxis=axis(x.title, percent=x.percent, log=x.log, values=[dot.x for dot in dots]),
        yaxis=axis(percent=y.percent, log=y.log, values=[dot.y for dot in dots]),
    )  # fmt: skip


def _dots(dots: Sequence[Dot], x: Quantity, y: Quantity, name: str) -> dict[str, Any]:
    shades = [shade(dot.share) if dot.share is not None else color_at(dot.place) for dot in dots]
    return {
        "type": "scatter", "mode": "markers", "x": [dot.x for dot in dots], "y": [dot.y for dot in dots],
        "name": name, "showlegend": bool(name), "text": [plain(dot.name, 80) for dot in dots],
        "hovertemplate": f"%{{text}}<br>{_said(x, 'x')}<br>{_said(y, 'y')}<extra></extra>",
        "marker": {
            "size": 9, "opacity": 0.85, "color": shades,
            "symbol": "circle" if dash_at(dots[0].place) == "solid" else "diamond",
        },
        **_bars("error_x", [(dot.x, dot.x_span) for dot in dots]),
        **_bars("error_y", [(dot.y, dot.y_span) for dot in dots]),
    }  # fmt: skip


def _bars(axis_name: str, values: Sequence[tuple[float, tuple[float, float] | None]]) -> dict[str, Any]:
    """Error bars out to the ends of the spans."""
    if not any(span for _, span in values):
        return {}
    return {
        axis_name: {
            "type": "data", "symmetric": False, "array": [span[1] - value if span else 0 for value, span in values],
            "arrayminus": [value - span[0] if span else 0 for value, span in values],
            "thickness": 1, "width": 0, "color": GRAY,
        }
    }  # fmt: skip


def _front(dots: Sequence[Dot]) -> dict[str, Any]:
    front = sorted((dot.x, dot.y) for dot in dots if dot.is_on_front)
    return {
        "type": "scatter", "mode": "lines+markers", "x": [x for x, _ in front], "y": [y for _, y in front],
        "name": "Pareto front: nothing is better in both", "showlegend": True, "hoverinfo": "skip",
        "line": {"color": GRAY, "width": 1.5, "dash": "dot"},
        "marker": {"symbol": "circle-open", "size": 15, "color": GRAY, "line": {"width": 1.5}},
    }  # fmt: skip


def _baseline(dots: Sequence[Dot]) -> list[dict[str, Any]]:
    found = [dot for dot in dots if dot.is_baseline]
    if not found:
        return []
    return [
        {
            "type": "scatter", "mode": "markers", "x": [dot.x for dot in found], "y": [dot.y for dot in found],
            "name": "Baseline", "showlegend": True, "hoverinfo": "skip",
            "marker": {"symbol": "star", "size": 15, "color": GRAY},
        }
    ]  # fmt: skip


def _said(quantity: Quantity, letter: str) -> str:
    """Its line in a template, whose title cannot have anything filled in."""
    title = plain(quantity.title, 60).replace("%{", "% {")
    return f"{title}: %{{{letter}:{'.1%' if quantity.percent else ',.6~g'}}}"
