"""How a network answers labels that were corrupted on purpose, by epoch, as a Vega-Lite chart. No `st.*`."""

import json
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.curves import downsample
from core.store.breakdowns import CorruptedLabels
from core.store.class_accuracy import Counts
from pages.components.charts.curve_marks import epoch_rule

HEIGHT = 400
MOST_POINTS = 500
POINTS_UP_TO = 15  # with more epochs, a dot for each hides the line

LINES = {
    "memorised": "Wrong labels learned by heart",
    "resisted": "True class despite a wrong label",
    "intact": "Correct labels, answered correctly",
}


def memorisation_data(epochs: Counts, corrupted: CorruptedLabels) -> pd.DataFrame:
    """What MEMORISATION_SPEC draws: `epoch`, int32, and the fractions of LINES, float32."""
    frame = pd.DataFrame(
        {
            "epoch": epochs.astype(np.int32),
            "memorised": (corrupted.memorised / corrupted.count).astype(np.float32),
            "resisted": (corrupted.resisted / corrupted.count).astype(np.float32),
            "intact": (corrupted.intact_right / (corrupted.intact or np.nan)).astype(np.float32),
        }
    )
    return downsample(frame, MOST_POINTS)


def memorisation_spec() -> dict[str, Any]:
    """For `memorisation_data`."""
    folded = [
        {"fold": list(LINES), "as": ["line", "value"]},
        {"filter": "isValid(datum.value)"},
    ]
    value = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [0, 1]},
        "axis": {"format": "%"},
    }
    color = {
        "field": "line",
        "type": "nominal",
        "scale": {"domain": list(LINES)},
        "legend": {
            "title": None, "orient": "top", "columns": 1, "symbolType": "stroke", "labelLimit": 300,
            "labelExpr": f"({json.dumps(LINES)})[datum.label]",
        },
    }  # fmt: skip
    dots = [
        {"joinaggregate": [{"op": "count", "as": "num_epochs"}]},
        {"filter": f"datum.num_epochs <= {POINTS_UP_TO}"},
    ]
    return {
        "height": HEIGHT,
        "encoding": {
            "x": {
                "field": "epoch",
                "type": "quantitative",
                "title": "Epoch",
                "scale": {"nice": False, "zero": False, "padding": 10},
                "axis": {"format": "d", "tickMinStep": 1},
            }
        },
        "layer": [
            {
                "transform": folded,
                "mark": {"type": "line", "strokeWidth": 2, "strokeJoin": "round"},
                "encoding": {"y": value, "color": color},
            },
            {
                "transform": [*dots, *folded],
                "mark": {"type": "point", "filled": True, "size": 28, "opacity": 1},
                "encoding": {"y": value, "color": color},
            },
            epoch_rule(
                [
                    {"field": line, "type": "quantitative", "format": ".1%", "title": text}
                    for line, text in LINES.items()
                ]
            ),
        ],
    }  # fmt: skip
