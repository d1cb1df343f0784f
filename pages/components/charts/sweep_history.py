"""The course of a search: each trial's result, the best so far, and what a random order would have given. No `st.*`.

Vega-Lite, because it grows while the search runs: the spec stays the same, see `pages.components.charts.curves`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pages.components.charts.study_marks import frame, legend, picked

HEIGHT = 340
LINES = {"best": "Best so far", "random": "The same trials in random order"}


@dataclass(frozen=True)
class Step:
    """A trial in the order in which trials were chosen: its number, and its result, or why it has none."""

    trial: int
    value: float | None
    outcome: str = "finished"


def history_data(
    steps: Sequence[Step], best: Sequence[float | None], random: Sequence[tuple[float, float, float] | None]
) -> pd.DataFrame:
    """A row for each step: `trial`, `value`, `outcome`, `best`; `random` with `low` and `high`.

    `floor` is where a trial without a result is marked: below the lowest result.
    """
    values = [step.value for step in steps if step.value is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    floor = low - 0.08 * ((high - low) or abs(low) or 1.0)
    rows = []
    for step, so_far, order in zip(steps, best, random, strict=True):
        mean, least, most = order or (None, None, None)
        mark = None if step.value is not None else floor
        rows.append((step.trial, step.value, step.outcome, so_far, mean, least, most, mark))
    return frame(
        rows,
        ["trial", "value", "outcome", "best", "random", "low", "high", "floor"],
        text=("outcome",),
    )


def history_spec(title: str, *, is_percent: bool) -> dict[str, Any]:
    """For `history_data`. Results that are accuracies are in percent."""
    form = {"format": ".1%"} if is_percent else {"format": "~g"}
    axis = {"format": ".2~%"} if is_percent else {"format": ".4~s"}
    y = {"type": "quantitative", "title": None, "scale": {"zero": False}, "axis": axis}
    x = {
        "field": "trial", "type": "quantitative", "title": "Trial, in the order in which they were chosen (from 0)",
        "axis": {"format": "d", "tickMinStep": 1}, "scale": {"nice": False, "zero": False, "padding": 12},
    }  # fmt: skip
    tooltip = [
        {"field": "trial", "type": "quantitative", "format": "d", "title": "Trial"},
        {"field": "value", "type": "quantitative", **form, "title": title},
        {"field": "best", "type": "quantitative", **form, "title": LINES["best"]},
        {"field": "random", "type": "quantitative", **form, "title": LINES["random"]},
    ]
    color = {"scale": {"domain": ["skipped", *LINES]}, "legend": {**legend(LINES), "values": list(LINES)}}
    return {
        "title": {"text": title, "anchor": "start", "offset": 8},
        "height": HEIGHT,
        "encoding": {"x": x},
        "layer": [
            {
                "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.14, "color": "gray"},
                "transform": [{"filter": "isValid(datum.low)"}],
                "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2, "strokeDash": [6, 4]},
                "transform": [{"filter": "isValid(datum.random)"}],
                "encoding": {"y": {**y, "field": "random"}, "color": {"datum": "random", **color}},
            },
            {
                "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 3},
                "transform": [{"filter": "isValid(datum.best)"}],
                "encoding": {"y": {**y, "field": "best"}, "color": {"datum": "best", **color}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0.85, "color": "gray"},
                "transform": [{"filter": "isValid(datum.value)"}],
                "params": [picked()],
                "encoding": {"y": {**y, "field": "value"}, "tooltip": tooltip},
            },
            {
                "mark": {
                    "type": "point",
                    "shape": "cross",
                    "filled": True,
                    "size": 70,
                    "angle": 45,
                    "color": "#D0453A",
                },
                "transform": [{"filter": "isValid(datum.floor)"}],
                "encoding": {
                    "y": {**y, "field": "floor"},
                    "tooltip": [tooltip[0], {"field": "outcome", "type": "nominal", "title": "Outcome"}],
                },
            },
        ],
    }
