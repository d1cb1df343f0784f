"""Pictures as points on a map: in groups with a colour each, and a person's own as stars. No `st.*`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.engine.answers import RankedClass
from core.formatting import percent, shortened
from core.inspection.answers import Numbers, SplitAnswers
from pages.components.charts.plotly_figures import Figure
from pages.components.charts.plotly_marks import (
    CATEGORIES,
    GRAY,
    LEGEND_LINE,
    RED,
    TEXT,
    TOOLBAR_ROOM,
    WIDE_COLUMNS,
    figure,
    plain,
)

HEIGHT, NARROW_HEIGHT = 560, 380
OPACITY = 0.75
LONGEST_NAME = 28  # characters in the legend
NARROW_COLUMNS = 44  # characters in a line of the legend on a phone
MOST_COLORED = 16  # classes; of more, some are chosen
MOST_CHOSEN = len(CATEGORIES)
SYMBOLS = ("circle", "diamond")  # the second once all colours are used
# Two more than the theme has, told from the others on light and dark: CIFAR-10's pairs that are confused most would
# else share one.
COLORS = (*CATEGORIES, "#A3A42A", "#9A5B86")
BY_CLASS, BY_ANSWER, BY_MISTAKE = "class", "answer", "mistake"


@dataclass(frozen=True, eq=False)
class Group:
    """Points that look alike: their `places` along the map."""

    name: str
    places: Numbers
    color: str
    symbol: str = "circle"


@dataclass(frozen=True)
class OwnPoint:
    """A person's own picture: what it is called, the network's answer, and where it lies."""

    name: str
    answer: RankedClass
    x: float
    y: float


def groups_of(answers: SplitAnswers, by: str, chosen: Sequence[int] = ()) -> list[Group]:
    """The pictures of `answers`, by class, by answer or by mistake; with more than MOST_COLORED classes, those of the
    `chosen` ones, MOST_CHOSEN at most, before all others.
    """
    if by == BY_MISTAKE:
        return [
            Group("Right", np.flatnonzero(answers.right), GRAY),
            Group("Mistake", np.flatnonzero(~answers.right), RED),
        ]
    values = answers.labels if by == BY_CLASS else answers.predicted
    names = answers.class_names
    if len(names) > MOST_COLORED:
        return [
            Group("All others", np.flatnonzero(~np.isin(values, chosen)), GRAY),
            *(
                Group(names[each], np.flatnonzero(values == each), color)
                for each, color in zip(chosen, CATEGORIES, strict=False)
            ),
        ]
    return [
        Group(
            name, np.flatnonzero(values == place), COLORS[place % len(COLORS)],
            SYMBOLS[place // len(COLORS)],
        )
        for place, name in enumerate(names)
    ]  # fmt: skip


def picture_map_figure(
    places: NDArray[np.float32], groups: Sequence[Group], answers: SplitAnswers, own: Sequence[OwnPoint] = (), *,
    is_narrow: bool = False,
) -> Figure:  # fmt: skip
    """`places` (pictures, 2), `answers` to the same pictures. A point's `customdata` is its place along both."""
    size = 5 if len(places) > 500 else 8
    data = [
        {
            "type": "scatter", "mode": "markers",  # not scattergl: some browsers have no WebGL
             "name": plain(shortened(group.name, LONGEST_NAME)), "x": places[group.places, 0],
            "y": places[group.places, 1], "customdata": group.places,
            "marker": {"size": size, "color": group.color, "symbol": group.symbol, "opacity": OPACITY},
            "unselected": {"marker": {"opacity": OPACITY}},  # a click opens a picture; the others stay as they are
            "text": [_said(answers, place) for place in group.places], "hoverinfo": "text",
        }
        for group in groups
        if len(group.places)
    ]  # fmt: skip
    if own:
        data.append(
            {
                "type": "scatter", "mode": "markers+text", "name": "Your pictures", "x": [each.x for each in own],
                "y": [each.y for each in own], "customdata": [-1] * len(own),
                "marker": {"size": 16, "color": TEXT, "symbol": "star"},
                "unselected": {"marker": {"opacity": 1}, "textfont": {"color": TEXT}},
                "text": [plain(each.name, 18) for each in own], "textposition": "top center",
                "textfont": {"color": TEXT, "size": 14, "shadow": "auto"},  # legible over points
                "hovertext": [
                    f"{plain(each.name)}<br>{plain(each.answer.name)} {percent(each.answer.probability)}"
                    for each in own
                ],
                "hoverinfo": "text",
            }
        )  # fmt: skip
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "title": {"text": ""}}
    # Names beside each other, in columns as wide as the longest.
    longest = max(len(str(trace["name"])) for trace in data)
    columns = max(1, (NARROW_COLUMNS if is_narrow else WIDE_COLUMNS) // (longest + 6))
    lines = -(-len(data) // columns)
    below = 24 + LEGEND_LINE * lines
    return figure(
        data, "", [], (NARROW_HEIGHT if is_narrow else HEIGHT) + below, hovermode="closest", dragmode="pan",
        clickmode="event+select", showlegend=True, xaxis=bare, yaxis={**bare, "scaleanchor": "x"},
        margin={"l": 8, "r": 8, "t": TOOLBAR_ROOM, "b": below, "autoexpand": False},
        legend={
            "orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "itemsizing": "constant",
        },
    )  # fmt: skip


def _said(answers: SplitAnswers, place: int) -> str:
    names = answers.class_names
    truth, answer = names[answers.labels[place]], names[answers.predicted[place]]
    said = plain(truth) if answers.right[place] else f"{plain(truth)}, taken for {plain(answer)}"
    return f"{said} ({percent(answers.confidence[place])} sure)<br>Row {answers.rows[place]:,}"
