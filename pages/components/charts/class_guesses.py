"""What a class guessed and what came out, in one chart: drawn guesses faint, the trained curves over them, and on the
right a dot for each guess of the end, so that thirty of them show where most people are. No `st.*`.

As in `pages.components.charts.curves`, the spec stays the same while runs grow and guesses come in.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.onboarding.lessons import Guess
from pages.components.charts.guess import DASH, SURPRISE, measure_color
from pages.components.charts.zoom import zoom

CHART_HEIGHT = 420
NUM_BINS = 30  # along the scale of guesses: dots of about the height of a bin
DOTS_BEGIN, DOTS_END = 1.04, 1.24  # as multiples of the axis of epochs
DOT_STEP = 0.026
OTHER, OWN = "gray", SURPRISE
DTYPES = {
    "kind": "str", "is_own": "int8", "line": "int16", "epoch": "float32", "value": "float32", "told": "float32",
    "name": "str",
}  # fmt: skip


@dataclass(frozen=True)
class GuessLine:
    """One guess: its value at the end, and its curve from the first epoch on where one was drawn."""

    name: str
    value: float
    curve: Sequence[float] | None
    is_own: bool


@dataclass(frozen=True)
class TrainedLine:
    """What came out, as `guessed_curve` gives it. `is_own`: of the person who looks; others' lie thinner behind it."""

    curve: Sequence[tuple[int, float]]
    is_own: bool


def class_data(
    guess: Guess, guesses: Sequence[GuessLine], trained: Sequence[TrainedLine], last_epoch: int
) -> pd.DataFrame:
    """Rows for `class_spec`: `kind` is drawn, trained, level (where a trained curve is now, as a line into the dots)
    or dot; `is_own` 0 or 1; `line` tells lines apart; `epoch` and `value` are places, float32; `told` is the number
    that a tooltip says; `name` is whose it is, empty where that is not to be said.
    """
    rows: list[tuple[str, int, int, float, float, float, str]] = []
    for line, each in enumerate(guesses):
        for epoch, value in enumerate(each.curve or (), start=1):
            rows.append(("drawn", int(each.is_own), line, epoch, value, value, each.name))
    for place, run in enumerate(trained):
        line = len(guesses) + place
        rows += [("trained", int(run.is_own), line, epoch, value, value, "") for epoch, value in run.curve]
        if run.curve:
            value = run.curve[-1][1]
            for end in (1.0, DOTS_END):
                rows.append(("level", int(run.is_own), line, _beyond(last_epoch, end), value, value, ""))
    rows += _dots(guess, guesses, last_epoch)
    columns = list(zip(*rows, strict=True)) or [()] * len(DTYPES)
    return pd.DataFrame(
        {
            name: pd.Series(column, dtype=dtype)
            for (name, dtype), column in zip(DTYPES.items(), columns, strict=True)
        }
    )


def class_spec(title: str, guess: Guess, last_epoch: int, *, named: bool, with_own: bool) -> dict[str, Any]:
    """The Vega-Lite spec for `class_data`; `named`: tooltips say whose a guess is; `with_own`: one is marked."""
    colors = "yours orange, others grey" if with_own else "grey: guesses"
    told = {"field": "told", "type": "quantitative", "format": ".1f", "title": title}
    who = [{"field": "name", "type": "nominal", "title": "Guess of"}] if named else []
    epoch = {"field": "epoch", "type": "quantitative", "format": "d", "title": "Epoch"}
    x = _epochs(last_epoch)
    y = {"field": "value", "type": "quantitative", "title": None, "scale": {"zero": True, "nice": True}}
    place = {"x": x, "y": y, "detail": {"field": "line", "type": "nominal"}}
    line = {"type": "line", "strokeJoin": "round", "clip": True}
    color = {"color": measure_color(guess)}
    return {
        "title": {
            "text": title, "anchor": "start", "offset": 8, "subtitleColor": "gray",
            "subtitle": f"{colors}; dots: guesses for the end",
        },
        "height": CHART_HEIGHT,
        "layer": [
            # The whole scale of guesses, without a mark.
            {"mark": {"type": "rule", "opacity": 0, "tooltip": False}, "encoding": {"y": {"datum": guess.most}}},
            {
                "transform": _only("drawn", 0),
                "mark": {**line, "color": OTHER, "strokeWidth": 1.5, "opacity": 0.45},
                "encoding": {**place, "tooltip": [*who, epoch, told]},
            },
            {
                "transform": _only("drawn", 1),
                "mark": {**line, "color": OWN, "strokeWidth": 2.5, "strokeDash": DASH},
                "encoding": {**place, "tooltip": [epoch, told]},
            },
            {
                "transform": _only("trained", 0),
                "mark": {**line, "strokeWidth": 1.5, "opacity": 0.6},
                "encoding": {**place, **color, "tooltip": [epoch, told]},
            },
            {
                "params": [zoom()],
                "transform": _only("trained", 1),
                "mark": {**line, "strokeWidth": 3.5, "point": {"size": 50}},
                "encoding": {**place, **color, "tooltip": [epoch, told]},
            },
            {
                "transform": [{"filter": "datum.kind == 'level'"}],
                "mark": {**line, "strokeWidth": 2, "strokeDash": [2, 3]},
                "encoding": {**place, **color, "tooltip": [told]},
            },
            *(
                {
                    "transform": _only("dot", is_own),
                    "mark": {
                        "type": "point", "filled": True, "size": 70, "color": fill, "opacity": opacity, "clip": True,
                    },
                    "encoding": {"x": x, "y": y, "tooltip": [*who, told]},
                }
                for is_own, fill, opacity in ((0, OTHER, 0.8), (1, OWN, 1))
            ),
        ],
    }  # fmt: skip


def _dots(
    guess: Guess, guesses: Sequence[GuessLine], last_epoch: int
) -> list[tuple[str, int, int, float, float, float, str]]:
    """A dot for each guess of the end, in bins of equal height that fill up from the left, the own one first."""
    height = guess.most / NUM_BINS
    ordered = sorted(enumerate(guesses), key=lambda each: not each[1].is_own)
    bins = [min(NUM_BINS - 1, int(each.value / height)) for _, each in ordered]
    widest = max(Counter(bins).values(), default=1)
    step = min(DOT_STEP, (DOTS_END - DOTS_BEGIN) / widest)
    filled: Counter[int] = Counter()
    rows = []
    for (line, each), own_bin in zip(ordered, bins, strict=True):
        filled[own_bin] += 1
        x = _beyond(last_epoch, DOTS_BEGIN + (filled[own_bin] - 0.5) * step)
        rows.append(("dot", int(each.is_own), line, x, (own_bin + 0.5) * height, each.value, each.name))
    return rows


def _beyond(last_epoch: int, share: float) -> float:
    """A place on the axis, on which the first epoch is at 0 and the last at 1."""
    return 1 + share * max(1, last_epoch - 1)


def _only(kind: str, is_own: int) -> list[dict[str, Any]]:
    return [{"filter": f"datum.kind == '{kind}' && datum.is_own == {is_own}"}]


def _epochs(last_epoch: int) -> dict[str, Any]:
    step = 1 if last_epoch <= 8 else 2 if last_epoch <= 16 else 5
    ticks = sorted({1, *range(step, last_epoch + 1, step)})
    scale = {"nice": False, "zero": False, "padding": 10, "domain": [1, _beyond(last_epoch, DOTS_END)]}
    return {
        "field": "epoch", "type": "quantitative", "title": "Epoch", "scale": scale,
        "axis": {"format": "d", "values": ticks},
    }  # fmt: skip
