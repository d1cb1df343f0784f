"""A number by epoch, and what a person guessed of it beforehand: a line across, or a drawn curve. No `st.*`.

As in `pages.components.charts.curves`, the spec stays the same while the run grows.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.onboarding.lessons import Guess
from pages.components.charts.curves import SERIES, epoch_scale
from pages.components.charts.zoom import zoom

CHART_HEIGHT = 320
DASH = [6, 4]
SURPRISE = "#E8590C"
# In the colour that the measure has in the charts of `pages.components.charts.curves`, or in the next one of the theme.
COLORS = {"val_accuracy": "val", "clean_train_accuracy": "clean_train"}


def guess_data(
    curve: Sequence[tuple[int, float]], drawn: Sequence[float] | None = None, furthest: int | None = None
) -> pd.DataFrame:
    """Columns `epoch`, int32, `value`, float32, of what `guessed_curve` gives, and `guess`, float32, of what was drawn
    from the first epoch on; missing where there is none. `furthest` is 1 in that epoch, else 0, int8.
    """
    known = pd.DataFrame(curve, columns=["epoch", "value"])
    guessed = pd.DataFrame({"epoch": range(1, 1 + len(drawn or ())), "guess": list(drawn or ())})
    data = known.merge(guessed, on="epoch", how="outer").sort_values("epoch", ignore_index=True)
    data = data.astype({"epoch": "int32", "value": "float32", "guess": "float32"})
    return data.assign(furthest=(data["epoch"] == furthest).astype("int8"))


def guess_spec(
    title: str, guess: Guess, guessed: float, last_epoch: int, *, is_drawn: bool = False
) -> dict[str, Any]:
    """The Vega-Lite spec for `guess_data`; the axis of epochs ends at `last_epoch`. `guessed` is the number, which is
    a line across where no curve was drawn.
    """
    # A drawn curve lies where it lay on the pad.
    scale = {"zero": is_drawn, "nice": True}
    told = [
        {"field": "epoch", "type": "quantitative", "format": "d", "title": "Epoch"},
        {"field": "value", "type": "quantitative", "format": ".1f", "title": title},
        *([{"field": "guess", "type": "quantitative", "format": ".1f", "title": "Your guess"}] if is_drawn else []),
    ]  # fmt: skip
    value = {"field": "value", "type": "quantitative", "title": None, "scale": scale}
    x = _epochs(last_epoch)
    line = {"type": "line", "strokeWidth": 2.5, "strokeJoin": "round", "clip": True}
    return {
        "title": {
            "text": title, "anchor": "start", "offset": 8,
            **({"subtitle": "dashed: your guess", "subtitleColor": "gray"} if is_drawn else {}),
        },
        "height": CHART_HEIGHT,
        "layer": [
            *(_drawn(guess, last_epoch, line, told) if is_drawn else []),
            {
                "params": [zoom()],
                "transform": [{"filter": "isValid(datum.value)"}],
                "mark": {**line, "point": {"size": 40}},
                "encoding": {"x": x, "y": value, "color": measure_color(guess), "tooltip": told},
            },
            *([] if is_drawn else _across(guess, guessed)),
        ],
    }  # fmt: skip


def _drawn(guess: Guess, end: int, line: dict[str, Any], told: Sequence[Any]) -> list[dict[str, Any]]:
    x = _epochs(end)
    guessed = {"field": "guess", "type": "quantitative"}
    furthest = [{"filter": "datum.furthest == 1"}]
    return [
        # The whole scale of the pad, without a mark.
        {"mark": {"type": "rule", "opacity": 0, "tooltip": False}, "encoding": {"y": {"datum": guess.most}}},
        {
            "transform": [{"filter": "isValid(datum.guess)"}],
            "mark": {**line, "strokeDash": DASH, "color": "gray"},
            "encoding": {"x": x, "y": guessed, "tooltip": told},
        },
        {
            "transform": furthest,
            "mark": {"type": "rule", "strokeWidth": 3, "color": SURPRISE, "clip": True},
            "encoding": {"x": x, "y": guessed, "y2": {"field": "value"}, "tooltip": told},
        },
        *(
            {
                "transform": [
                    *furthest,
                    {"filter": side},
                    {"calculate": "format(abs(datum.value - datum.guess), '.1f') + ' points'", "as": "apart"},
                    {"calculate": "(datum.value + datum.guess) / 2", "as": "middle"},
                ],
                "mark": {"type": "text", "align": align, "dx": dx, "color": SURPRISE, "fontWeight": "bold"},
                "encoding": {
                    "x": x,
                    "y": {"field": "middle", "type": "quantitative"},
                    "text": {"field": "apart"},
                },
            }
            for side, align, dx in (
                (f"datum.epoch <= {end / 2}", "left", 8),
                (f"datum.epoch > {end / 2}", "right", -8),
            )
        ),
    ]


def measure_color(guess: Guess) -> dict[str, Any]:
    """The encoding of the colour of what is guessed."""
    scale = {"domain": [*SERIES, "other"]}
    return {"datum": COLORS.get(guess.measure, "other"), "scale": scale, "legend": None}


def _across(guess: Guess, guessed: float) -> list[dict[str, Any]]:
    once = {"aggregate": [{"op": "count", "as": "num_epochs"}]}  # else once for each epoch
    y = {"datum": guessed, "type": "quantitative"}
    return [
        {
            "transform": [once],
            "mark": {"type": "rule", "strokeDash": DASH, "strokeWidth": 2, "color": "gray"},
            "encoding": {"y": y},
        },
        {
            "transform": [once],
            "mark": {
                "type": "text", "text": f"your guess: {guessed:.0f} {guess.unit}", "align": "left",
                "baseline": "bottom", "dx": 6, "dy": -4, "color": "gray", "fontWeight": "bold",
            },
            "encoding": {"x": {"value": 0}, "y": y},
        },
    ]  # fmt: skip


def _epochs(last_epoch: int) -> dict[str, Any]:
    return {
        "field": "epoch", "type": "quantitative", "title": "Epoch", "scale": epoch_scale(last_epoch),
        "axis": {"format": "d", "tickMinStep": 1},
    }  # fmt: skip
