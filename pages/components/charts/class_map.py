"""A map of classes by epochs, coloured by the gap or by validation accuracy, as Vega-Lite. No `st.*`.

The spec is constant while the run grows, so that its chart keeps its node: see `pages.components.charts`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.store.breakdowns import RunBreakdown
from core.store.class_accuracy import Counts
from pages.components.charts.epoch_columns import EPOCHS_TEXT, cells, columns_of, epoch_encoding, named

MOST_CLASSES = 20
ROW_HEIGHT = 24
ROOM_AROUND = 175  # title, legend and axis

MEASURES = {"gap": "Gap", "val": "Validation accuracy"}
# Orange where training is ahead, the middle nearly the page's own background.
DIVERGING = {"light": ["#0072B2", "#EFF1F6", "#C2740A"], "dark": ["#56B4E9", "#1F2532", "#F0A330"]}
SEQUENTIAL = {"light": ["#EFF1F6", "#0072B2"], "dark": ["#1F2532", "#56B4E9"]}
LEAST_POINTS = 20  # the full colour stands for at least this many, so that a gap of five looks harmless


def shown_classes(details: RunBreakdown) -> Counts:
    """All classes in their order; of more than MOST_CLASSES those with the largest gap now, the largest first."""
    if details.num_classes <= MOST_CLASSES:
        return np.arange(details.num_classes)
    gap = np.nan_to_num(details.gap[-1], nan=-np.inf)
    return np.argsort(-gap, kind="stable")[:MOST_CLASSES].astype(np.int64)


def class_data(details: RunBreakdown) -> pd.DataFrame:
    """What `class_spec` draws, a row for each shown class and column of epochs.

    Columns: `start`, `end`, `rank` as `cells` gives them; `cls`, the class, int16; `train` and `val`, accuracies, the
    mean over the column's epochs, float32. A class without pictures in one of the two has its rows too, with NaN there.
    """
    shown, columns = shown_classes(details), columns_of(details.epochs)
    frame = cells(details.epochs, len(shown))
    frame["cls"] = np.tile(shown, len(columns)).astype(np.int16)
    for name, counts in (("train", details.clean), ("val", details.validation)):
        accuracy = counts.accuracy[:, shown]
        means = np.array([accuracy[part].mean(axis=0) for part in columns])
        frame[name] = means.ravel().astype(np.float32)
    return frame


def class_spec(measure: str, names: Sequence[str], theme: str) -> dict[str, Any]:
    """For `class_data` of classes called `names`, coloured by `measure`, a key of MEASURES; `theme` light or dark."""
    rows = {
        "mark": {"type": "rect", "clip": True, "aria": False},
        "encoding": {
            **epoch_encoding(),
            "y": {
                "field": "cls",
                "type": "ordinal",
                "sort": {"field": "rank", "op": "min"},
                "title": None,
                "axis": {
                    "labelExpr": named("datum.value", names),
                    "labelLimit": 110,
                    "labelOverlap": False,
                    "ticks": False,
                },
            },
            "color": _known_or_blank(measure, _color(measure, theme)),
            "tooltip": [
                {"field": "name", "type": "nominal", "title": "Class"},
                {"field": "epochs", "type": "nominal", "title": "Epoch"},
                {"field": "train_text", "type": "nominal", "title": "Clean training"},
                {"field": "val_text", "type": "nominal", "title": "Validation"},
                {"field": "gap_text", "type": "nominal", "title": "Gap in points"},
            ],
        },
    }
    return {
        # As nodes of the page, with a text for each, six hundred cells take a browser 50 ms longer.
        "usermeta": {"embedOptions": {"renderer": "canvas"}},
        "height": ROOM_AROUND + ROW_HEIGHT * min(len(names), MOST_CLASSES),
        "transform": [
            # A missing number is null, which counts as 0: no gap is known of a class without pictures in one part.
            {"calculate": f"{_HAS_BOTH} ? 100 * (datum.train - datum.val) : null", "as": "gap"},
            *(_text(field, number_format) for field, number_format in _FORMATS.items()),
            {"calculate": named("datum.cls", names), "as": "name"},
            EPOCHS_TEXT,
        ],
        "layer": [rows, _stretch(theme)] if measure == "gap" else [rows],
    }


_HAS_BOTH = "isValid(datum.train) && isValid(datum.val)"
_FORMATS = {"train": ".1%", "val": ".1%", "gap": "+.1f"}


def _text(field: str, number_format: str) -> dict[str, Any]:
    """The field as a tooltip shows it."""
    known = f"format(datum.{field}, '{number_format}')"
    return {"calculate": f"isValid(datum.{field}) ? {known} : 'no pictures'", "as": f"{field}_text"}


def _known_or_blank(measure: str, color: dict[str, Any]) -> dict[str, Any]:
    """Nothing is drawn where nothing was measured: null would get the colour of 0."""
    return {"condition": {"test": f"isValid(datum.{measure})", **color}, "value": "transparent"}


def _color(measure: str, theme: str) -> dict[str, Any]:
    # Through the middle and not around it: by hue, orange to blue would go through pink.
    scale = {"interpolate": "lab"}
    legend = {
        "type": "gradient",
        "orient": "top",
        "gradientLength": 160,
        "gradientThickness": 10,
        "titleLimit": 240,
    }
    if measure == "gap":
        return {
            "field": "gap",
            "type": "quantitative",
            "scale": {**scale, "range": DIVERGING[theme]},
            "legend": {**legend, "title": "Gap in points", "format": "+.0f"},
        }
    return {
        "field": "val",
        "type": "quantitative",
        "scale": {**scale, "range": SEQUENTIAL[theme], "domain": [0, 1]},
        "legend": {**legend, "title": "Validation accuracy", "format": ".0%"},
    }


def _stretch(theme: str) -> dict[str, Any]:
    """A cell without size that widens the colour scale, so that zero lies in its middle.

    `domainMid` would not give equal gaps equal colours; in Vega 6 its legend fails where two layers share the scale.
    """
    return {
        "transform": [
            {"calculate": "abs(datum.gap)", "as": "size"},
            {"aggregate": [{"op": "max", "field": "size", "as": "most"}]},
            {"calculate": f"max({LEAST_POINTS}, datum.most)", "as": "above"},
            {"calculate": "-datum.above", "as": "below"},
            {"fold": ["above", "below"], "as": ["side", "gap"]},
        ],
        "mark": {"type": "rect", "tooltip": None},
        "encoding": {
            **{side: {"value": 0} for side in ("x", "x2", "y", "y2")},
            "color": _color("gap", theme),
        },
    }
