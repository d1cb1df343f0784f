"""Parts that the charts of all studies share: axes, marks, frames. No `st.*`."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from pages.components.charts.zoom import ZOOM

HEIGHT = 380


def zero(axis: str) -> dict[str, Any]:
    """A line at zero: no change."""
    return {
        "mark": {"type": "rule", "color": "gray", "strokeWidth": 1},
        "encoding": {axis: {"datum": 0}, "y" if axis == "x" else "x": None},
    }


def picked() -> dict[str, Any]:
    """Instead of zoom on a log axis: Streamlit keeps the chart's node only with some parameter."""
    return {"name": ZOOM, "select": {"type": "point", "on": "click"}}


def legend(labels: dict[str, str]) -> dict[str, Any]:
    """A name for each colour, one per line."""
    # As a JSON literal a name stays a piece of text, whatever it holds.
    return {
        "title": None, "orient": "top", "offset": 6, "columns": 1, "labelLimit": 300, "symbolType": "stroke",
        "symbolOpacity": 1, "symbolStrokeWidth": 3,
        "labelExpr": f"({json.dumps(labels)})[datum.label]",
    }  # fmt: skip


def frame(rows: Sequence[Sequence[object]], columns: Sequence[str], text: Sequence[str] = ()) -> pd.DataFrame:
    """Columns of numbers, NaN where unknown; of the right types without a row as well."""
    table = pd.DataFrame([list(row) for row in rows], columns=list(columns))
    return table.astype({name: "object" if name in text else "float64" for name in columns})


def times_100(value: float | None) -> float | None:
    """A fraction in points of a hundred; None stays None."""
    return None if value is None else 100 * value
