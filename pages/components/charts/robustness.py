"""Accuracy against how much pictures are distorted, as Vega-Lite: a constant spec, growing data. No `st.*`."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.augmentation.robustness import KNOBS, Robustness

CHART_HEIGHT = 420
RUNS = ("r0", "r1")


def robustness_data(found: Sequence[Robustness]) -> pd.DataFrame:
    """A row per level: `level`, and for run number i `r{i}` (accuracy), `r{i}_low` and `r{i}_high` (trained range)."""
    columns: dict[str, Any] = {"level": np.array(found[0].levels, np.float32)}
    for name, one in zip(RUNS, found, strict=False):
        low, high = one.trained or (np.nan, np.nan)
        columns[name] = np.array([np.nan if each is None else each for each in one.accuracy], np.float32)
        # One row of them is enough: a band for each would lie on top of the others.
        columns[f"{name}_low"] = np.array([low, *[np.nan] * (len(one.levels) - 1)], np.float32)
        columns[f"{name}_high"] = np.array([high, *[np.nan] * (len(one.levels) - 1)], np.float32)
    return pd.DataFrame(columns)


def robustness_spec(knob: str, names: Sequence[str], num_classes: int) -> dict[str, Any]:
    """For `robustness_data` of runs called `names`, which have to differ."""
    ids = list(RUNS[: len(names)])
    known = KNOBS[knob]
    percent = known.unit.startswith(("share", "spread"))
    numbers = "d" if known.unit == "°" else ".0%" if percent else ".1f"
    # As many as fit on a phone, the untouched level among them.
    stride, middle = -(-len(known.levels) // 9), known.levels.index(known.untouched)
    marked = [level for place, level in enumerate(known.levels) if (place - middle) % stride == 0]
    axis = {"format": numbers, "values": marked}
    color = {
        "type": "nominal",
        "scale": {"domain": ids},
        "legend": {
            "title": None, "orient": "top", "columns": 1, "symbolType": "stroke", "labelLimit": 300,
            "labelExpr": f"({json.dumps(dict(zip(ids, names, strict=True)))})[datum.label]",
        },
    }  # fmt: skip
    scale = {"domain": [min(known.levels), max(known.levels)], "nice": False, "zero": False}
    across = {"type": "quantitative", "scale": scale}
    up = {"type": "quantitative", "scale": {"domain": [0, 1]}, "title": None, "axis": {"format": "%"}}
    title = f"{known.title} ({known.unit})"
    bands = [
        {
            "transform": [{"filter": f"isValid(datum.{name}_low) && isFinite(datum.{name}_low)"}],
            "mark": {"type": "rect", "fillOpacity": 0.13, "opacity": 1, "clip": True},
            "encoding": {
                "x": {**across, "field": f"{name}_low"}, "x2": {"field": f"{name}_high"}, "color": {"datum": name},
            },
        }
        for name in ids
    ]  # fmt: skip
    folded = [
        {"fold": ids, "as": ["run", "accuracy"]},
        {"filter": "isValid(datum.accuracy) && isFinite(datum.accuracy)"},
    ]
    tooltip = [
        {
            "field": "level",
            "type": "quantitative",
            "title": known.title,
            "format": ".0%" if percent else "~g",
        },
        *(
            {"field": own, "type": "quantitative", "format": ".1%", "title": name.replace("\\", "\\\\")}
            for own, name in zip(ids, names, strict=True)
        ),
    ]
    return {
        "title": {"text": "Accuracy on distorted validation pictures", "anchor": "start", "offset": 8},
        "height": CHART_HEIGHT,
        "layer": [
            *bands,
            {
                "mark": {"type": "rule", "strokeDash": [2, 3], "color": "gray"},
                "encoding": {"y": {**up, "datum": 1 / num_classes}},
            },
            {
                "transform": folded,
                "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 40}, "clip": False},
                "encoding": {
                    "x": {**across, "field": "level", "title": title, "axis": axis},
                    "y": {**up, "field": "accuracy"},
                    "color": {**color, "field": "run"},
                    "tooltip": tooltip,
                },
            },
        ],
    }
