"""Live curves as Vega-Lite: one constant spec for a selection of runs; only the data changes. No `st.*`.

With a `key`, a selection parameter and a spec that stays the same, Streamlit keeps the chart's DOM node across
ticks and the zoom with it. So nothing that changes while a run grows may get into the spec: the best epoch and
the number of points travel as data. The axis has all epochs from the start, so that curves grow into it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.curves import downsample
from pages.components.charts.curve_marks import best_mark, change_mark, epoch_rule, gap_shade, onset_mark
from pages.components.charts.zoom import linked, zoom

MAX_POINTS = 1000
MAX_RUNS = 8  # as many as the theme has colours
CHART_HEIGHT = 320
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
# The opacity of what lies behind, with which each of the theme's colours keeps 3:1 contrast with the background. On a
# light page that is hardly paler, so lines behind are thin too.
PALE = {"light": 0.88, "dark": 0.65}
LINE_WIDTH, PALE_WIDTH = 2, 1.25
MAX_CHANGES = 20  # marks of changes that thinning keeps, for each run


@dataclass(frozen=True)
class RunCurves:
    """A run to draw, with its curves as `core.analysis.curves.curves_frame` gives them.

    `best_epoch` and `onset_epoch` (in which overfitting began) are None where there is none. `changes` says what a
    person changed during training, by the first epoch after it. `ghost`: the curves of the run it was forked from.
    """

    name: str
    frame: pd.DataFrame
    best_epoch: int | None = None
    onset_epoch: int | None = None
    changes: Mapping[int, str] = field(default_factory=dict)
    ghost: pd.DataFrame | None = None


def curve_data(measure: str, runs: Sequence[RunCurves], most: int = MAX_POINTS) -> pd.DataFrame:
    """What `curve_spec` draws: at most `most` rows, every epoch with a mark always among them.

    Columns: `epoch` int32; for run number i, float32: `r{i}_train`, `r{i}_val`, `r{i}_clean_train`, `r{i}_best` and
    `r{i}_onset` (that epoch in each row, or missing), and `r{i}_change`, text or missing. With a ghost `g{i}_train`
    and so on.
    """
    parts = [_columns_of(measure, f"r{index}", run.frame) for index, run in enumerate(runs)]
    parts += [
        _columns_of(measure, f"g{index}", run.ghost)
        for index, run in enumerate(runs)
        if run.ghost is not None
    ]
    merged = reduce(lambda left, right: left.merge(right, on="epoch", how="outer"), parts)
    merged = merged.sort_values("epoch", ignore_index=True)
    marked = {epoch for run in runs for epoch in (run.best_epoch, run.onset_epoch) if epoch is not None}
    marked |= {epoch for run in runs for epoch in list(run.changes)[-MAX_CHANGES:]}
    if len(merged) > most:
        thinned = downsample(merged, most=most - len(marked))
        kept = merged["epoch"].isin(marked) | merged["epoch"].isin(thinned["epoch"])
        merged = merged[kept].reset_index(drop=True)
    # Built at once: to set or convert a single column takes as long as to build them all.
    columns: dict[str, Any] = {name: merged[name].to_numpy() for name in merged}
    columns["epoch"] = columns["epoch"].astype("int32")
    for index, run in enumerate(runs):
        for mark, epoch in (("best", run.best_epoch), ("onset", run.onset_epoch)):
            value = np.nan if epoch is None else epoch
            columns[f"r{index}_{mark}"] = np.full(len(merged), value, np.float32)
        changes = [run.changes.get(int(epoch)) for epoch in columns["epoch"]]
        columns[f"r{index}_change"] = pd.Series(changes, dtype="str")
    return pd.DataFrame(columns)


def _columns_of(measure: str, prefix: str, frame: pd.DataFrame) -> pd.DataFrame:
    columns = {
        f"{prefix}_{series}": frame[f"{series}_{measure}"].to_numpy().astype("float32") for series in SERIES
    }
    return pd.DataFrame({"epoch": frame["epoch"].to_numpy(), **columns})


def curve_spec(
    measure: str,
    names: Sequence[str],
    shown: Sequence[str],
    *,
    labels: Mapping[int, str] | None = None,
    pale: Collection[int] = (),
    ghost: bool = False,
    at_rest: bool = False,
    within: tuple[str, str] | None = None,
    last_epoch: int | None = None,
) -> dict[str, Any]:
    """The Vega-Lite spec for `curve_data` of runs called `names`; `shown` are the series to draw, keys of SERIES.

    The names must differ: of two equal ones, a tooltip shows only the last. `labels` stand in the legend instead of the
    names of those runs, and the runs `pale` lie behind. `ghost` says that the only run has one. `at_rest` is for small
    charts: no zoom, and no mark but the ring of the best epoch. The browser takes about half as long. `within`: the CSS
    selector of what lies around charts of the same epochs, and what they are of; these are zoomed together.
    `last_epoch` is where the axis of epochs ends, from 2 on; None: where the data do.

    One run: colour is the series. More: colour is the run, dash the series.
    """
    shown = [series for series in SERIES if series in shown]
    alone = len(names) == 1
    look = _Look(measure, names, shown, dict(labels or {}), frozenset(pale))
    layers = [_lines(look) | ({} if at_rest else {"params": [zoom()]}), _points(look)]
    if ghost:
        layers.append(_ghost(look))
    if alone and not at_rest and {"val", "clean_train"} <= set(shown):
        layers.append(gap_shade(_y(measure, "r0_clean_train")))
    if "val" in shown:
        # Not in the chart of the loss: there the best epoch by accuracy lies in the middle of the curves, and words
        # cover them.
        words = FORMATS[measure] if alone and not at_rest and measure == "accuracy" else None
        # Where a run overfits, its training accuracy is near the top and its training loss near the bottom.
        at_top = measure == "loss"
        for index in range(len(names)):
            y = _y(measure, f"r{index}_val")
            if not at_rest:
                layers.append(onset_mark(index, alone, y, at_top, last_epoch))
                layers.append(change_mark(index, alone, y, at_top, last_epoch))
            layers.append(best_mark(index, alone, y, words, last_epoch))
    layers.append(_readout(look))
    scale, config = linked("epoch", *within, last_epoch) if within and not at_rest else ({}, {})
    return {
        "title": {"text": MEASURES[measure], "anchor": "start", "offset": 8},
        "height": CHART_HEIGHT + (0 if alone else LEGEND_ROW_HEIGHT * len(names)),
        "encoding": {
            "x": {
                "field": "epoch",
                "type": "quantitative",
                "title": "Epoch",
                "scale": {**epoch_scale(last_epoch), **scale},
                "axis": {"format": "d", "tickMinStep": 1},
            }
        },
        "layer": layers,
        **({"config": config} if config else {}),
    }


def epoch_scale(last_epoch: int | None) -> dict[str, Any]:
    """Of an axis of epochs that ends at `last_epoch`; None, and of a single epoch: where the data end."""
    domain = {} if last_epoch is None or last_epoch < 2 else {"domain": [1, last_epoch]}
    return {"nice": False, "zero": False, "padding": 10, **domain}


@dataclass(frozen=True)
class _Look:
    """What decides how the curves of a selection of runs look."""

    measure: str
    names: Sequence[str]
    shown: Sequence[str]
    labels: Mapping[int, str]
    pale: frozenset[int]

    @property
    def alone(self) -> bool:
        return len(self.names) == 1

    @property
    def columns(self) -> list[str]:
        return [f"r{index}_{series}" for index in range(len(self.names)) for series in self.shown]


def _lines(look: _Look) -> dict[str, Any]:
    return {
        "transform": _folded(look.columns),
        "mark": {"type": "line", "strokeWidth": LINE_WIDTH, "strokeJoin": "round", "clip": True},
        "encoding": {
            "y": _y(look.measure, "value"),
            "color": _color(look),
            **({} if look.alone else {"strokeDash": _dash(look.shown)}),
            # Vega-Lite's name for the width of a line; its channel strokeWidth has no effect on one.
            **_behind(look, opacity=(_pale(), 1), size=(PALE_WIDTH, LINE_WIDTH)),
        },
    }


def _points(look: _Look) -> dict[str, Any]:
    """A dot per epoch while there are few: a single epoch has no line."""
    return {
        "transform": [
            {"joinaggregate": [{"op": "count", "as": "num_epochs"}]},
            {"filter": f"datum.num_epochs <= {POINTS_UP_TO}"},
            *_folded(look.columns),
        ],
        "mark": {"type": "point", "filled": True, "size": 28, "opacity": 1, "clip": True},
        "encoding": {
            "y": _y(look.measure, "value"),
            "color": _color(look),
            **_behind(look, opacity=(_pale(), 1)),
        },
    }


def _ghost(look: _Look) -> dict[str, Any]:
    """The curves of the only run's parent, pale, in the colours of the same series."""
    return {
        "transform": _folded([f"g0_{series}" for series in look.shown]),
        "mark": {
            "type": "line", "strokeWidth": PALE_WIDTH, "strokeJoin": "round", "opacity": _pale(), "clip": True,
        },
        "encoding": {"y": _y(look.measure, "value"), "color": _color(look)},
    }  # fmt: skip


def _behind(look: _Look, **channels: tuple[Any, float]) -> dict[str, Any]:
    """Channels with (the value of runs that lie behind, that of all others)."""
    if not look.pale:
        return {}
    pale = json.dumps([f"r{index}" for index in sorted(look.pale)])
    test = f"indexof({pale}, datum.run) >= 0"
    return {
        channel: {"condition": {"test": test, "value": behind}, "value": other}
        for channel, (behind, other) in channels.items()
    }


def _pale() -> dict[str, str]:
    """The opacity for the theme at hand: the spec is the same in both."""
    return {"expr": f"luminance(background) < 0.5 ? {PALE['dark']} : {PALE['light']}"}


def _readout(look: _Look) -> dict[str, Any]:
    """A rule with the values of all curves at the epoch nearest to the pointer; a dash where a run has none."""
    columns = {
        f"r{index}_{series}": SERIES[series] if look.alone else f"{name}: {SERIES[series].lower()}"
        for index, name in enumerate(look.names)
        for series in look.shown
    }
    texts = [
        {
            "calculate": f"isValid(datum.{column}) ? format(datum.{column}, '{FORMATS[look.measure]}') : '–'",
            "as": f"{column}_text",
        }
        for column in columns
    ]
    values = [
        {"field": f"{column}_text", "type": "nominal", "title": title} for column, title in columns.items()
    ]
    return {**epoch_rule(values), "transform": texts}


def _folded(columns: Sequence[str]) -> list[dict[str, Any]]:
    """Wide columns to a row per run and series: `run` (r0, r1, …), `series`, `value`."""
    return [
        {"fold": list(columns), "as": ["column", "value"]},
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


def _color(look: _Look) -> dict[str, Any]:
    if look.alone:
        # The domain has all series, so that each keeps its colour when another is hidden.
        return {
            "field": "series",
            "type": "nominal",
            "scale": {"domain": list(SERIES)},
            "legend": {**_legend(SERIES), "values": list(look.shown)},
        }
    labels = {f"r{index}": look.labels.get(index, name) for index, name in enumerate(look.names)}
    # Below each other, because two columns of names are wider than a phone.
    legend = {**_legend(labels), "columns": 1, "labelLimit": {"expr": "width - 20"}}
    return {"field": "run", "type": "nominal", "scale": {"domain": list(labels)}, "legend": legend}


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
