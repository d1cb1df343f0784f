"""Charts of studies as Vega-Lite: a spec that stays, whatever the runs say, and data that changes. No `st.*`."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.statistics import Interval
from core.studies.ablation import Change, Effect
from core.studies.noise import NoiseResult
from core.studies.seeds import SeedsResult
from core.studies.volume import VolumeResult

HEIGHT = 380
ROW_HEIGHT = 32
ZOOM = "zoom"
_MIDDLE = {"value": {"expr": "height * 0.4"}}

NOISE_SERIES = {"best": "Best validation", "clean": "Clean training, last", "last": "Last validation"}


def band_data(result: SeedsResult) -> pd.DataFrame:
    """A row per config and epoch: `arm` (a0, a1), `epoch`, `mean`, `low`, `high`; no band of one seed."""
    rows = [
        (f"a{index}", point.epoch, point.accuracy.mean, point.accuracy.low, point.accuracy.high)
        for index, arm in enumerate(result.arms)
        for point in arm.band
    ]
    return _frame(rows, ["arm", "epoch", "mean", "low", "high"], text=("arm",))


def band_spec(names: Sequence[str]) -> dict[str, Any]:
    """Mean validation accuracy by epoch with its interval, a colour a config."""
    ids = [f"a{index}" for index in range(len(names))]
    color = {
        "field": "arm", "type": "nominal", "scale": {"domain": ids},
        "legend": _legend(dict(zip(ids, names, strict=True))),
    }  # fmt: skip
    y = {"type": "quantitative", "title": None, "scale": {"zero": False}, "axis": {"format": "%"}}
    return {
        "title": {"text": "Validation accuracy, mean and 95 % band", "anchor": "start", "offset": 8},
        "height": HEIGHT,
        "encoding": {
            "x": {
                "field": "epoch", "type": "quantitative", "title": "Epoch",
                "scale": {"nice": False, "zero": False, "padding": 10}, "axis": {"format": "d", "tickMinStep": 1},
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
                "params": [_zoom()],
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
    """In points, second minus first: a row for the mean, with `low` and `high`, and one a pair of runs, with `seed`.

    So it reads as what the second one changes, which is a fork more often than not.
    """
    difference = result.accuracy if measure == "accuracy" else result.gap
    rows: list[tuple[object, ...]] = []
    if difference is not None:
        low, high = (None if end is None else -100 * end for end in (difference.high, difference.low))
        rows.append(("mean", None, -100 * difference.mean, low, high))
    for row in result.rows:
        values = row.accuracies if measure == "accuracy" else row.gaps
        if len(values) == 2 and values[0] is not None and values[1] is not None:
            rows.append(("seed", row.seed, 100 * (values[1] - values[0]), None, None))
    return _frame(rows, ["kind", "seed", "value", "low", "high"], text=("kind",))


def difference_spec(measure: str, names: Sequence[str], explained: bool) -> dict[str, Any]:
    """A difference with its interval beside zero, and a small dot for each pair of runs."""
    whose = [f"{names[1]} minus {names[0]}"] if explained else []
    words = [*whose, "A dot a seed; the line is the 95 % interval of the mean"] if explained else []
    return {
        "title": {
            "text": f"{DIFFERENCES[measure]}, difference", "anchor": "start", "offset": 8, "limit": 400,
            **({"subtitle": words, "subtitleColor": "gray"} if words else {}),
        },
        "height": HEIGHT // 2 + (20 if explained else -20),
        "layer": [
            {
                "params": [_zoom()],
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
            _zero("x"),
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
            bounds = (_times_100(change.low), _times_100(change.high))
            rows.append((effect.name, 100 * change.mean, *bounds, float(bool(change.clear))))
    return _frame(rows, ["name", "value", "low", "high", "clear"], text=("name",))


def effect_spec(title: str, names: Sequence[str]) -> dict[str, Any]:
    """Bars from zero, a row a condition, with the uncertainty as a line across the end of the bar."""
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
                "params": [_zoom()],
                "mark": {"type": "bar", "height": {"band": 0.6}},
                "encoding": {
                    "x": _points_x("value"),
                    "opacity": {
                        # What may be chance is paler than what is not.
                        "condition": {"test": "datum.clear == 1", "value": 0.95},
                        "value": 0.45,
                    },
                    "tooltip": _change_tooltip("name"),
                },
            },
            *_whiskers("x"),
            _zero("x"),
        ],
    }  # fmt: skip


def ladder_data(result: VolumeResult) -> pd.DataFrame:
    """A row per size: `size`, `accuracy`, `low`, `high`, `fitted`; in points `residual`, `error` and `minus_error`."""
    rows = []
    for rung in result.rungs:
        found: Interval | None = rung.accuracy
        rows.append(
            (
                rung.size, None if found is None else found.mean, None if found is None else found.low,
                None if found is None else found.high, rung.fitted, _times_100(rung.residual),
                _times_100(rung.error), None if rung.error is None else -100 * rung.error,
            )
        )  # fmt: skip
    names = ["size", "accuracy", "low", "high", "fitted", "residual", "error", "minus_error"]
    return _frame(rows, names)


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
                "params": [_picked()],
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
    """What the line leaves over, in points, with ± one binomial standard error around zero."""
    y = {"type": "quantitative", "title": "Points above the line", "axis": {"format": "+.1f"}}
    return {
        "title": {
            "text": "What the line leaves over", "subtitle": "Grey: a standard error of the validation pictures",
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
            _zero("y"),
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "transform": [{"filter": "isValid(datum.residual)"}],
                "encoding": {"y": {**y, "field": "residual"}, "y2": {"datum": 0}, "color": {"datum": "residual"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "transform": [{"filter": "isValid(datum.residual)"}],
                "params": [_picked()],
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
        (dose.fraction, series, found.mean, found.low, found.high, 1 - dose.fraction)
        for dose in result.doses
        for series, found in (
            ("best", dose.best_validation), ("last", dose.last_validation), ("clean", dose.clean_training),
        )
        if found is not None
    ]  # fmt: skip
    return _frame(rows, ["fraction", "series", "mean", "low", "high", "honest"], text=("series",))


def noise_spec() -> dict[str, Any]:
    """Validation and clean training accuracy against the fraction of wrong labels."""
    y = {"type": "quantitative", "title": None, "scale": {"zero": False}, "axis": {"format": "%"}}
    return {
        "title": {
            "text": "Accuracy by the share of wrong labels",
            "subtitle": "Dashed: training labels that are true. Above it, wrong ones are known by heart",
            "subtitleColor": "gray", "anchor": "start", "offset": 8,
        },
        "height": HEIGHT,
        "encoding": {
            "x": {
                "field": "fraction", "type": "quantitative", "title": "Wrong training labels",
                "axis": {"format": "%", "tickCount": 8}, "scale": {"padding": 14, "nice": False},
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
                "params": [_zoom()],
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
    legend = {**_legend(NOISE_SERIES), "values": list(NOISE_SERIES)}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": legend}


def _size_x(sizes: Sequence[int]) -> dict[str, Any]:
    return {
        "field": "size", "type": "quantitative", "title": "Training pictures, on a logarithmic axis",
        "scale": {"type": "log", "nice": False, "padding": 18},
        "axis": {"format": ",", "values": list(sizes), "labelOverlap": True},
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
            "mark": {"type": "tick", "thickness": 2, "size": 12, "color": "gray"},
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


def _zero(axis: str) -> dict[str, Any]:
    return {
        "mark": {"type": "rule", "color": "gray", "strokeWidth": 1},
        "encoding": {axis: {"datum": 0}, "y" if axis == "x" else "x": None},
    }


def _change_tooltip(name: str) -> list[dict[str, Any]]:
    return [
        {"field": name, "type": "nominal", "title": "What"},
        {"field": "value", "type": "quantitative", "format": "+.1f", "title": "Points"},
        {"field": "low", "type": "quantitative", "format": "+.1f", "title": "From"},
        {"field": "high", "type": "quantitative", "format": "+.1f", "title": "To"},
    ]


def _zoom() -> dict[str, Any]:
    return {"name": ZOOM, "select": {"type": "interval", "encodings": ["x"]}, "bind": "scales"}


def _picked() -> dict[str, Any]:
    """A log axis is not zoomed; a parameter there must be, for Streamlit to keep the chart's node."""
    return {"name": ZOOM, "select": {"type": "point", "on": "click"}}


def _legend(labels: dict[str, str]) -> dict[str, Any]:
    # As a JSON literal a name stays a piece of text, whatever it holds.
    return {
        "title": None, "orient": "top", "offset": 6, "columns": 1, "labelLimit": 300, "symbolType": "stroke",
        "symbolOpacity": 1, "symbolStrokeWidth": 3,
        "labelExpr": f"({json.dumps(labels)})[datum.label]",
    }  # fmt: skip


def _frame(
    rows: Sequence[Sequence[object]], columns: Sequence[str], text: Sequence[str] = ()
) -> pd.DataFrame:
    """Columns of numbers with NaN for what is not known, also where there is no row yet."""
    frame = pd.DataFrame([list(row) for row in rows], columns=list(columns))
    return frame.astype({name: "object" if name in text else "float64" for name in columns})


def _times_100(value: float | None) -> float | None:
    return None if value is None else 100 * value
