"""Live curves as Vega-Lite: one constant spec for a selection of runs, and the data that alone changes. No `st.*`.

With a `key`, a selection parameter and a spec that stays the same, Streamlit keeps the chart's DOM node across
ticks and the zoom with it. So nothing that changes while a run grows may get into the spec: the best epoch and
the number of points travel as data.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from core.runs.curves import downsample

MAX_POINTS = 1000
MAX_RUNS = 8  # as many as the theme has colours
CHART_HEIGHT = 360
LEGEND_ROW_HEIGHT = 17
POINTS_UP_TO = 15  # with more epochs, a dot for each hides the line

# Their order is that of the theme's colours.
SERIES = {"train": "Training", "val": "Validation", "clean_train": "Clean training"}
MEASURES = {"accuracy": "Accuracy", "loss": "Loss"}
FORMATS = {"accuracy": ".1%", "loss": ".4f"}
AXIS_FORMATS = {"accuracy": "%", "loss": "~g"}
# With more than one run, colour says which run, so the dash has to say which series.
DASHES = {"val": [1, 0], "clean_train": [6, 3], "train": [2, 2]}
DASHES_IN_WORDS = {"val": "solid", "clean_train": "dashed", "train": "dotted"}
ZOOM = "zoom"


@dataclass(frozen=True)
class RunCurves:
    """A run to draw: its curves as `core.runs.curves.curves_frame` gives them, and its best epoch, if there is one."""

    name: str
    frame: pd.DataFrame
    best_epoch: int | None


def curve_data(measure: str, runs: Sequence[RunCurves]) -> pd.DataFrame:
    """What `curve_spec` draws: at most MAX_POINTS rows, each run's best epoch always among them.

    Columns: `epoch` int32; for run number i `r{i}_train`, `r{i}_val`, `r{i}_clean_train` and `r{i}_best` (its best
    epoch in each row, or missing), float32.
    """
    merged = reduce(
        lambda left, right: left.merge(right, on="epoch", how="outer"),
        (_columns_of(measure, index, run) for index, run in enumerate(runs)),
    )
    merged = merged.sort_values("epoch", ignore_index=True)
    best = {run.best_epoch for run in runs if run.best_epoch is not None}
    if len(merged) > MAX_POINTS:
        thinned = downsample(merged, most=MAX_POINTS - len(best))
        kept = merged["epoch"].isin(best) | merged["epoch"].isin(thinned["epoch"])
        merged = merged[kept].reset_index(drop=True)
    for index, run in enumerate(runs):
        merged[f"r{index}_best"] = np.float32(np.nan if run.best_epoch is None else run.best_epoch)
    return merged.astype({"epoch": "int32"})


def _columns_of(measure: str, index: int, run: RunCurves) -> pd.DataFrame:
    columns = {f"r{index}_{series}": run.frame[f"{series}_{measure}"].astype("float32") for series in SERIES}
    return pd.DataFrame({"epoch": run.frame["epoch"], **columns})


def curve_spec(measure: str, names: Sequence[str], shown: Sequence[str]) -> dict[str, Any]:
    """The Vega-Lite spec for `curve_data` of runs called `names`; `shown` are the series to draw, keys of SERIES.

    The names have to differ: a tooltip shows of two equal ones the last.

    One run: colour is the series. More: colour is the run, dash the series.
    """
    shown = [series for series in SERIES if series in shown]
    layers = [
        _lines(measure, names, shown),
        _points(measure, names, shown),
        *(_best(measure, index, len(names) == 1) for index in range(len(names)) if "val" in shown),
        _readout(measure, names, shown),
    ]
    return {
        "title": {"text": MEASURES[measure], "anchor": "start", "offset": 8},
        "height": CHART_HEIGHT + (LEGEND_ROW_HEIGHT * len(names) if len(names) > 1 else 0),
        "encoding": {
            "x": {
                "field": "epoch",
                "type": "quantitative",
                "title": "Epoch",
                "scale": {"nice": False, "zero": False, "padding": 10},
                "axis": {"format": "d", "tickMinStep": 1},
            }
        },
        "layer": layers,
    }


def _lines(measure: str, names: Sequence[str], shown: Sequence[str]) -> dict[str, Any]:
    return {
        "params": [{"name": ZOOM, "select": {"type": "interval", "encodings": ["x"]}, "bind": "scales"}],
        "transform": _folded(names, shown),
        "mark": {"type": "line", "strokeWidth": 2, "strokeJoin": "round", "clip": True},
        "encoding": {
            "y": _y(measure, "value"),
            "color": _color(names, shown),
            **({"strokeDash": _dash(shown)} if len(names) > 1 else {}),
        },
    }


def _points(measure: str, names: Sequence[str], shown: Sequence[str]) -> dict[str, Any]:
    """A dot an epoch while there are few: a first epoch alone has no line to be seen by."""
    return {
        "transform": [
            {"joinaggregate": [{"op": "count", "as": "num_epochs"}]},
            {"filter": f"datum.num_epochs <= {POINTS_UP_TO}"},
            *_folded(names, shown),
        ],
        "mark": {"type": "point", "filled": True, "size": 28, "opacity": 1, "clip": True},
        "encoding": {"y": _y(measure, "value"), "color": _color(names, shown)},
    }


def _best(measure: str, index: int, alone: bool) -> dict[str, Any]:
    """A ring around the validation of the best epoch, with a word beside it when there is one run.

    Not in the chart of the loss: there the best epoch by accuracy lies in the middle of the curves, words cover them.
    """
    own = f"r{index}"
    ring: dict[str, Any] = {
        "mark": {
            "type": "point",
            "size": 130,
            "strokeWidth": 2.5,
            "filled": False,
            "opacity": 1,
            "clip": True,
        },
        "encoding": {"color": {"datum": "val" if alone else own}},
    }
    text = f"'best: epoch ' + datum.epoch + ', ' + format(datum.{own}_val, '{FORMATS[measure]}')"
    # The text lies towards the middle of the chart, so that its edge does not cut it off.
    words = [
        {
            "transform": [{"filter": side}, {"calculate": text, "as": "label"}],
            "mark": {"type": "text", "align": align, "dx": dx, "dy": -14, "fontWeight": "bold", "clip": True},
            "encoding": {"text": {"field": "label"}, "color": {"datum": "val"}},
        }
        for side, align, dx in (
            ("datum.epoch * 2 > datum.last_epoch", "right", 4),
            ("datum.epoch * 2 <= datum.last_epoch", "left", -4),
        )
    ]
    return {
        "transform": [
            {"joinaggregate": [{"op": "max", "field": "epoch", "as": "last_epoch"}]},
            {"filter": f"datum.epoch == datum.{own}_best && isValid(datum.{own}_val)"},
        ],
        "encoding": {"y": _y(measure, f"{own}_val")},
        "layer": [ring, *words] if alone and measure == "accuracy" else [ring],
    }


def _readout(measure: str, names: Sequence[str], shown: Sequence[str]) -> dict[str, Any]:
    """A line under the pointer, with the values of its epoch; a dash where a run has none."""
    columns = {
        f"r{index}_{series}": SERIES[series] if len(names) == 1 else f"{name}: {SERIES[series].lower()}"
        for index, name in enumerate(names)
        for series in shown
    }
    texts = [
        {
            "calculate": f"isValid(datum.{column}) ? format(datum.{column}, '{FORMATS[measure]}') : '–'",
            "as": f"{column}_text",
        }
        for column in columns
    ]
    values = [
        {"field": f"{column}_text", "type": "nominal", "title": _in_tooltip(title)}
        for column, title in columns.items()
    ]
    return {
        "params": [
            {
                "name": "pointed_at",
                "select": {
                    "type": "point", "fields": ["epoch"], "nearest": True, "on": "pointermove", "clear": "pointerout",
                },
            }
        ],
        "transform": texts,
        "mark": {"type": "rule", "color": "gray", "clip": True},
        "encoding": {
            "opacity": {"condition": {"param": "pointed_at", "empty": False, "value": 0.6}, "value": 0},
            "tooltip": [{"field": "epoch", "type": "quantitative", "format": "d", "title": "Epoch"}, *values],
        },
    }  # fmt: skip


def _in_tooltip(text: str) -> str:
    # Vega-Lite makes a title the key of an object in an expression and escapes only quotation marks: a backslash
    # in a name would escape the next character, or end the key so that the rest of the name is evaluated.
    return text.replace("\\", "\\\\")


def _folded(names: Sequence[str], shown: Sequence[str]) -> list[dict[str, Any]]:
    """Wide columns to a row per run and series: `run` (r0, r1, …), `series`, `value`."""
    columns = [f"r{index}_{series}" for index in range(len(names)) for series in shown]
    return [
        {"fold": columns, "as": ["column", "value"]},
        {"filter": "isValid(datum.value) && isFinite(datum.value)"},
        {"calculate": "split(datum.column, '_')[0]", "as": "run"},
        {"calculate": "slice(datum.column, indexof(datum.column, '_') + 1)", "as": "series"},
    ]


def _y(measure: str, field: str) -> dict[str, Any]:
    return {
        "field": field,
        "type": "quantitative",
        "title": None,
        "scale": {"zero": False, "nice": True},
        "axis": {"format": AXIS_FORMATS[measure]},
    }


def _color(names: Sequence[str], shown: Sequence[str]) -> dict[str, Any]:
    if len(names) == 1:
        # The domain has all series, so that each keeps its colour when another is hidden.
        return {
            "field": "series",
            "type": "nominal",
            "scale": {"domain": list(SERIES)},
            "legend": {**_legend(SERIES), "values": list(shown)},
        }
    ids = [f"r{index}" for index in range(len(names))]
    # Below each other, because two columns of names are wider than a phone.
    legend = {**_legend(dict(zip(ids, names, strict=True))), "columns": 1}
    return {"field": "run", "type": "nominal", "scale": {"domain": ids}, "legend": legend}


def _dash(shown: Sequence[str]) -> dict[str, Any]:
    drawn = [series for series in DASHES if series in shown]
    scale = {"domain": drawn, "range": [DASHES[series] for series in drawn]}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": None}


def _legend(labels: dict[str, str]) -> dict[str, Any]:
    # As a JSON literal a name stays a piece of text, whatever it holds.
    return {
        "title": None,
        "orient": "top",
        "offset": 6,
        "symbolType": "stroke",
        "labelLimit": 300,
        "labelExpr": f"({json.dumps(labels)})[datum.label]",
    }
