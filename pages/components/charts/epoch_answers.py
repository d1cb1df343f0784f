"""What was said of a picture after each epoch: the probability of a few classes, as a Vega-Lite chart. No `st.*`.

The chosen epoch travels as data, so that the spec stays the same while a slider moves and the chart keeps its node.
"""

import json
from typing import Any

import pandas as pd

from core.analysis.curves import downsample
from core.formatting import printable
from core.inspection.over_epochs import EpochAnswers
from pages.components.charts.curve_marks import epoch_rule

HEIGHT = 260
MOST_CLASSES = 4
TOPS = (0.04, 0.1, 0.2, 0.4, 1.0)  # of the axis: of many classes, all may be improbable
MOST_POINTS = 400
POINTS_UP_TO = 15  # with more epochs, a dot for each hides the line


def answers_data(answers: EpochAnswers, classes: list[int], chosen: int | None = None) -> pd.DataFrame:
    """What `answers_spec` draws: `epoch`, int32; `p0`, `p1`, … float32, the probabilities of `classes` in their order;
    `chosen`, 1 at that epoch, else 0, int8.
    """
    epochs = pd.Series(answers.epochs, dtype="int32")
    columns = {f"p{place}": answers.probabilities[:, each] for place, each in enumerate(classes)}
    frame = pd.DataFrame({"epoch": epochs, **columns})
    thinned = downsample(frame, MOST_POINTS, chosen)
    return thinned.assign(chosen=(thinned["epoch"] == chosen).astype("int8"))


def answers_spec(
    names: list[str], height: int = HEIGHT, *, most: float = 1.0, is_narrow: bool = False
) -> dict[str, Any]:
    """For `answers_data` of classes with these names, which differ. `most` is the largest of the probabilities."""
    top = next(each for each in TOPS if each >= min(1.0, most))
    titles = [printable(name, 40) for name in names]
    columns = [f"p{place}" for place in range(len(names))]
    folded = [{"fold": columns, "as": ["line", "value"]}, {"filter": "isValid(datum.value)"}]
    value = {
        "field": "value", "type": "quantitative", "title": None, "scale": {"domain": [0, top]},
        "axis": {"format": "~%", "values": [top * place / 4 for place in range(5)]},
    }  # fmt: skip
    color = {
        "field": "line", "type": "nominal", "scale": {"domain": columns},
        "legend": {
            "title": None, "orient": "top", "columns": 1 if is_narrow else 2, "symbolType": "stroke",
            "labelLimit": 240 if is_narrow else 200,
            "labelExpr": f"{json.dumps(titles)}[indexof({json.dumps(columns)}, datum.value)]",
        },
    }  # fmt: skip
    few = [
        {"joinaggregate": [{"op": "count", "as": "num_epochs"}]},
        {"filter": f"datum.num_epochs <= {POINTS_UP_TO} || datum.chosen == 1"},
    ]
    return {
        "height": height,
        "encoding": {
            "x": {
                "field": "epoch", "type": "quantitative", "title": "Epoch",
                "scale": {"nice": False, "zero": False, "padding": 10}, "axis": {"format": "d", "tickMinStep": 1},
            }
        },
        "layer": [
            {
                "transform": [{"filter": "datum.chosen == 1"}],
                "mark": {"type": "rule", "color": "gray", "strokeDash": [4, 3], "tooltip": False},
            },
            {
                "transform": folded,
                "mark": {"type": "line", "strokeWidth": 2, "strokeJoin": "round"},
                "encoding": {"y": value, "color": color},
            },
            {
                "transform": [*few, *folded],
                "mark": {"type": "point", "filled": True, "opacity": 1},
                "encoding": {
                    "y": value, "color": color,
                    "size": {"condition": {"test": "datum.chosen == 1", "value": 80}, "value": 28},
                },
            },
            epoch_rule(
                [
                    {"field": column, "type": "quantitative", "format": ".1%", "title": title}
                    for column, title in zip(columns, titles, strict=True)
                ]
            ),
        ],
    }  # fmt: skip
