"""Charts of data volume and of label noise: constant specs, and data that change. No `st.*`."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.analysis.significance import Interval
from core.studies.noise import NoiseResult
from core.studies.volume import VolumeResult
from pages.components.charts.study_marks import HEIGHT, frame, legend, picked, times_100, zero
from pages.components.charts.zoom import clamped, zoom

NOISE_SERIES = {"best": "Best validation", "clean": "Clean training, last", "last": "Last validation"}


def ladder_data(result: VolumeResult) -> pd.DataFrame:
    """A row per size: `size`, `accuracy`, `low`, `high`, `fitted`; in points `residual`, `error` and `minus_error`."""
    rows = []
    for level in result.levels:
        found: Interval | None = level.accuracy
        rows.append(
            (
                level.size, None if found is None else found.mean, None if found is None else found.low,
                None if found is None else found.high, level.fitted, times_100(level.residual),
                times_100(level.error), None if level.error is None else -100 * level.error,
            )
        )  # fmt: skip
    names = ["size", "accuracy", "low", "high", "fitted", "residual", "error", "minus_error"]
    return frame(rows, names)


def ladder_spec(sizes: Sequence[int]) -> dict[str, Any]:
    """Accuracy against size on a log axis, with the fitted line."""
    y = {"type": "quantitative", "title": None, "scale": {"zero": False}, "axis": {"format": "%"}}
    return {
        "title": {"text": "Best validation accuracy and the fitted line", "anchor": "start", "offset": 8},
        "height": HEIGHT,
        "encoding": {"x": _size_x(sizes)},
        "layer": [
            {
                "mark": {"type": "line", "strokeDash": [6, 4], "strokeWidth": 2, "color": "gray"},
                "transform": [{"filter": "isValid(datum.fitted)"}],
                "encoding": {"y": {**y, "field": "fitted"}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "transform": [{"filter": "isValid(datum.low)"}],
                "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": {"datum": "accuracy"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "transform": [{"filter": "isValid(datum.accuracy)"}],
                "params": [picked()],
                "encoding": {
                    "y": {**y, "field": "accuracy"},
                    "color": {"datum": "accuracy", "legend": None},
                    "tooltip": [
                        {"field": "size", "type": "quantitative", "format": ",", "title": "Pictures"},
                        {"field": "accuracy", "type": "quantitative", "format": ".1%", "title": "Accuracy"},
                        {"field": "fitted", "type": "quantitative", "format": ".1%", "title": "Line"},
                    ],
                },
            },
        ],
    }  # fmt: skip


def residual_spec(sizes: Sequence[int]) -> dict[str, Any]:
    """The residuals of the line in points, with ± one standard error (Agresti and Coull) around zero."""
    y = {"type": "quantitative", "title": "Points above the line", "axis": {"format": "+.1f"}}
    return {
        "title": {
            "text": "Distance from the fitted line",
            "subtitle": "Grey: ± one standard error of the validation pictures",
            "subtitleColor": "gray",
            "anchor": "start", "offset": 8,
        },
        "height": HEIGHT,
        "encoding": {"x": _size_x(sizes)},
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.18, "color": "gray"},
                "transform": [{"filter": "isValid(datum.error)"}],
                "encoding": {"y": {**y, "field": "minus_error"}, "y2": {"field": "error"}},
            },
            zero("y"),
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "transform": [{"filter": "isValid(datum.residual)"}],
                "encoding": {"y": {**y, "field": "residual"}, "y2": {"datum": 0}, "color": {"datum": "residual"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "transform": [{"filter": "isValid(datum.residual)"}],
                "params": [picked()],
                "encoding": {
                    "y": {**y, "field": "residual"},
                    "color": {"datum": "residual", "legend": None},
                    "tooltip": [
                        {"field": "size", "type": "quantitative", "format": ",", "title": "Pictures"},
                        {"field": "residual", "type": "quantitative", "format": "+.1f", "title": "Points"},
                    ],
                },
            },
        ],
    }  # fmt: skip


def noise_data(result: NoiseResult) -> pd.DataFrame:
    """A row per fraction and series: `fraction`, `series`, `mean`, `low`, `high`, and `honest`, 1 - fraction."""
    rows = [
        (level.fraction, series, found.mean, found.low, found.high, 1 - level.fraction)
        for level in result.levels
        for series, found in (
            ("best", level.best_validation), ("last", level.last_validation), ("clean", level.clean_training),
        )
        if found is not None
    ]  # fmt: skip
    return frame(rows, ["fraction", "series", "mean", "low", "high", "honest"], text=("series",))


def noise_spec() -> dict[str, Any]:
    """Validation and clean training accuracy against the fraction of wrong labels."""
    y = {"type": "quantitative", "title": None, "scale": {"zero": False}, "axis": {"format": "%"}}
    scale, config = clamped("fraction")
    return {
        "config": config,
        "title": {
            "text": "Accuracy by share of wrong labels",
            "subtitle": "Dashed: share of correct training labels. Above it, wrong labels are memorised",
            "subtitleColor": "gray", "anchor": "start", "offset": 8,
        },
        "height": HEIGHT,
        "encoding": {
            "x": {
                "field": "fraction", "type": "quantitative", "title": "Wrong training labels",
                "axis": {"format": "%", "tickCount": 8}, "scale": {"padding": 14, "nice": False, **scale},
            },
        },
        "layer": [
            {
                "mark": {"type": "line", "strokeDash": [6, 4], "color": "gray", "strokeWidth": 2},
                "encoding": {"y": {**y, "field": "honest", "aggregate": "max"}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "transform": [{"filter": "isValid(datum.low)"}],
                "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": _noise_color()},
            },
            {
                "params": [zoom()],
                "mark": {"type": "line", "strokeWidth": 2, "point": {"filled": True, "size": 60}},
                "encoding": {
                    "y": {**y, "field": "mean"},
                    "color": _noise_color(),
                    "tooltip": [
                        {"field": "fraction", "type": "quantitative", "format": ".0%", "title": "Wrong labels"},
                        {"field": "mean", "type": "quantitative", "format": ".1%", "title": "Accuracy"},
                    ],
                },
            },
        ],
    }  # fmt: skip


def _noise_color() -> dict[str, Any]:
    # The theme's first colour is that of training accuracy, which is not drawn: the others have their own.
    scale = {"domain": ["train", *NOISE_SERIES]}
    drawn = {**legend(NOISE_SERIES), "values": list(NOISE_SERIES)}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": drawn}


def _size_x(sizes: Sequence[int]) -> dict[str, Any]:
    return {
        "field": "size", "type": "quantitative", "title": "Training pictures (logarithmic)",
        "scale": {"type": "log", "nice": False, "padding": 18},
        "axis": {"format": ",", "values": list(sizes), "labelOverlap": True},
    }  # fmt: skip
