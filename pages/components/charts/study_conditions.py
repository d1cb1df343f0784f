"""Charts of differences, by seed and by part of the augmentation: constant specs, and data that change. No `st.*`."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.analysis.significance import Difference, Interval
from core.studies.ablation import Change, Effect
from core.studies.decision import Decision
from core.studies.seeds import SeedsResult
from pages.components.charts.study_marks import HEIGHT, frame, legend, times_100, zero
from pages.components.charts.zoom import clamped, zoom

ROW_HEIGHT = 32
_MIDDLE = {"value": {"expr": "height * 0.4"}}


def band_data(result: SeedsResult) -> pd.DataFrame:
    """A row per config and epoch: `arm` (a0, a1), `epoch`, `mean`, `low`, `high`; no band of one seed."""
    rows = [
        (f"a{index}", point.epoch, point.accuracy.mean, point.accuracy.low, point.accuracy.high)
        for index, condition in enumerate(result.conditions)
        for point in condition.band
    ]
    return frame(rows, ["arm", "epoch", "mean", "low", "high"], text=("arm",))


def band_spec(names: Sequence[str]) -> dict[str, Any]:
    """Mean validation accuracy by epoch with its interval, a colour per config."""
    ids = [f"a{index}" for index in range(len(names))]
    color = {
        "field": "arm", "type": "nominal", "scale": {"domain": ids},
        "legend": legend(dict(zip(ids, names, strict=True))),
    }  # fmt: skip
    y = {"type": "quantitative", "title": None, "scale": {"zero": False}, "axis": {"format": "%"}}
    scale, config = clamped("epoch")
    return {
        "config": config,
        "title": {"text": "Validation accuracy, mean and 95 % band", "anchor": "start", "offset": 8},
        "height": HEIGHT,
        "encoding": {
            "x": {
                "field": "epoch", "type": "quantitative", "title": "Epoch",
                "scale": {"nice": False, "zero": False, "padding": 10, **scale},
                "axis": {"format": "d", "tickMinStep": 1},
            },
            "color": color,
        },
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.22, "clip": True},
                "transform": [{"filter": "isValid(datum.low)"}],
                "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {
                "params": [zoom()],
                "mark": {"type": "line", "strokeWidth": 2, "clip": True, "point": {"filled": True, "size": 26}},
                "encoding": {
                    "y": {**y, "field": "mean"},
                    "tooltip": [
                        {"field": "epoch", "type": "quantitative", "title": "Epoch"},
                        {"field": "mean", "type": "quantitative", "format": ".1%", "title": "Mean"},
                        {"field": "low", "type": "quantitative", "format": ".1%", "title": "From"},
                        {"field": "high", "type": "quantitative", "format": ".1%", "title": "To"},
                    ],
                },
            },
        ],
    }  # fmt: skip


DIFFERENCES = {"accuracy": "Best validation accuracy", "gap": "Gap at the end"}


def difference_data(result: SeedsResult, measure: str) -> pd.DataFrame:
    """In points, the leader minus the other one, as in the headline: a row for the mean, with `low` and `high`, and one
    per pair of runs, with `seed`.
    """
    difference = result.accuracy if measure == "accuracy" else result.gap
    rows: list[tuple[object, ...]] = []
    if difference is not None:
        rows.append(("mean", None, *_turned(difference, result.leader)))
    for row in result.rows:
        values = row.accuracies if measure == "accuracy" else row.gaps
        if len(values) == 2 and values[0] is not None and values[1] is not None:
            change = values[result.leader] - values[1 - result.leader]
            rows.append(("seed", row.seed, 100 * change, None, None))
    return frame(rows, ["kind", "seed", "value", "low", "high"], text=("kind",))


def _turned(difference: Difference | Interval, leader: int) -> tuple[float, float | None, float | None]:
    """Mean, low and high in points, as the leader minus the other one."""
    low, high = times_100(difference.low), times_100(difference.high)
    if leader == 0:
        return 100 * difference.mean, low, high
    return -100 * difference.mean, None if high is None else -high, None if low is None else -low


def difference_spec(measure: str) -> dict[str, Any]:
    """A difference with its interval beside zero, and a small dot for each pair of runs.

    Whose difference it is stands above the chart: names of runs are longer than a title in it may be.
    """
    return {
        "title": {"text": f"{DIFFERENCES[measure]}, difference", "anchor": "start", "offset": 8},
        "height": HEIGHT // 2 - 20,
        "layer": [
            {
                "params": [zoom()],
                "mark": {"type": "point", "filled": True, "size": 40, "opacity": 0.5, "color": "gray"},
                "transform": [{"filter": "datum.kind == 'seed'"}],
                "encoding": {
                    "x": _points_x("value"), "y": {"value": {"expr": "height * 0.72"}},
                    "tooltip": [
                        {"field": "seed", "type": "quantitative", "title": "Seed"},
                        {"field": "value", "type": "quantitative", "format": "+.1f", "title": "Points"},
                    ],
                },
            },
            *({**layer, "encoding": {**layer["encoding"], "y": _MIDDLE}} for layer in _whiskers("x")),
            {
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "transform": [{"filter": "datum.kind == 'mean'"}],
                "encoding": {
                    "x": _points_x("value"), "y": _MIDDLE, "tooltip": _change_tooltip("kind"),
                },
            },
            zero("x"),
        ],
    }  # fmt: skip


def looks_data(decision: Decision, leader: int) -> pd.DataFrame:
    """In points, the leader minus the other one after each pair of runs: `pairs`, `value`, `low`, `high`; no interval
    of few.
    """
    rows = [(look.n, *_turned(look, leader)) for look in decision.looks]
    return frame(rows, ["pairs", "value", "low", "high"])


def looks_spec(smallest: float | None) -> dict[str, Any]:
    """The interval after each seed beside zero, and the smallest difference that matters as dashed lines."""
    dashed = [
        {"mark": {"type": "rule", "strokeDash": [4, 4], "color": "gray"}, "encoding": {"y": {"datum": end}, "x": None}}
        for end in (() if smallest is None else (-100 * smallest, 100 * smallest))
    ]  # fmt: skip
    scale, config = clamped("pairs")
    return {
        "config": config,
        "title": {
            "text": "Difference in accuracy after each seed", "anchor": "start", "offset": 8,
        },
        "height": HEIGHT * 3 // 4,
        "encoding": {
            "x": {
                "field": "pairs", "type": "quantitative", "title": "Seeds", "axis": {"format": "d", "tickMinStep": 1},
                "scale": {"zero": False, "nice": False, "padding": 16, **scale},
            },
        },
        "layer": [
            zero("y"),
            *dashed,
            *_whiskers("y"),
            {
                "params": [zoom()],
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {
                    "y": _points_x("value"),
                    "tooltip": [
                        {"field": "pairs", "type": "quantitative", "title": "Seeds"}, *_change_tooltip("pairs")[1:],
                    ],
                },
            },
        ],
    }  # fmt: skip


def effect_data(effects: Sequence[Effect], measure: str) -> pd.DataFrame:
    """In points: a row per condition with `name`, `value`, `low`, `high`, and `clear`, 1 where it is more than chance.

    `measure` is accuracy or gap.
    """
    rows = []
    for effect in effects:
        change: Change | None = getattr(effect, measure)
        if change is not None:
            bounds = (times_100(change.low), times_100(change.high))
            rows.append((effect.name, 100 * change.mean, *bounds, float(bool(change.clear))))
    return frame(rows, ["name", "value", "low", "high", "clear"], text=("name",))


def effect_spec(title: str, names: Sequence[str]) -> dict[str, Any]:
    """Bars from zero, a row per condition, with the uncertainty as a line across the end of the bar."""
    return {
        "title": {"text": title, "anchor": "start", "offset": 8},
        "height": 100 + ROW_HEIGHT * len(names),
        "encoding": {
            "y": {
                "field": "name", "type": "nominal", "title": None, "scale": {"domain": list(names)},
                "axis": {"labelLimit": 150, "labelOverlap": False},
            },
        },
        "layer": [
            {
                "params": [zoom()],
                "mark": {"type": "bar", "height": {"band": 0.6}},
                "encoding": {
                    "x": _points_x("value"),
                    "opacity": {
                        # Paler where it may be chance.
                        "condition": {"test": "datum.clear == 1", "value": 0.95},
                        "value": 0.45,
                    },
                    "tooltip": _change_tooltip("name"),
                },
            },
            *_whiskers("x"),
            zero("x"),
        ],
    }  # fmt: skip


def _points_x(field: str) -> dict[str, Any]:
    return {
        "field": field, "type": "quantitative", "title": "Points",
        "axis": {"format": "+~f", "labelExpr": "datum.value === 0 ? '0' : datum.label"},
        "scale": {"padding": 12, "nice": True},
    }  # fmt: skip


def _whiskers(axis: str) -> list[dict[str, Any]]:
    """The interval as a line with ends."""
    known: list[dict[str, Any]] = [{"filter": "isValid(datum.low)"}]
    ends = [
        {
            "mark": {
                "type": "tick",
                "thickness": 2,
                "size": 12,
                "color": "gray",
                "orient": "vertical" if axis == "x" else "horizontal",
            },
            "transform": known,
            "encoding": {axis: _points_x(end)},
        }
        for end in ("low", "high")
    ]
    line = {
        "mark": {"type": "rule", "strokeWidth": 2, "color": "gray"},
        "transform": known,
        "encoding": {axis: _points_x("low"), f"{axis}2": {"field": "high"}},
    }
    return [line, *ends]


def _change_tooltip(name: str) -> list[dict[str, Any]]:
    return [
        {"field": name, "type": "nominal", "title": "What"},
        {"field": "value", "type": "quantitative", "format": "+.1f", "title": "Points"},
        {"field": "low", "type": "quantitative", "format": "+.1f", "title": "From"},
        {"field": "high", "type": "quantitative", "format": "+.1f", "title": "To"},
    ]
