"""Marks on the curves: best epoch, where overfitting begins, the gap since then, changes made during training.

Layers of a Vega-Lite spec that stays the same while a run grows: where a mark stands travels as data, in the columns
`r{i}_best`, `r{i}_onset` and `r{i}_change` of `pages.components.charts.curve_data`. No `st.*`.
"""

from collections.abc import Sequence
from typing import Any

# Red in both themes, apart from the colours of the curves.
ONSET_COLOR = "#e5484d"
CHANGE_COLOR = "gray"
LABEL_ROW_HEIGHT = 14
ROOM_ABOVE = 24  # pixels that the words above a ring need
CHANGE_ROWS = 3
# A label lies towards the middle of the chart, so that its edge does not cut it off.
IN_RIGHT_HALF = "datum.epoch * 2 > datum.last_epoch"

Layer = dict[str, Any]


def best_mark(index: int, alone: bool, y: Layer, number_format: str | None, end: int | None = None) -> Layer:
    """A ring around the validation of the best epoch, with a word beside it when there is a format for its value.

    `end` is the last epoch of the axis, here and below; None: it is that of the data.
    """
    own = f"r{index}"
    color = {"datum": "val" if alone else own}
    ring: Layer = {
        "mark": {
            "type": "point", "size": 130, "strokeWidth": 2.5, "filled": False, "opacity": 1, "clip": True,
        },
        "encoding": {"color": color},
    }  # fmt: skip
    words = []
    if number_format is not None:
        text = f"'best: epoch ' + datum.epoch + ', ' + format(datum.{own}_val, '{number_format}')"
        # Above the ring; below it where the upper edge of the chart would cut the words off.
        away = f"scale('y', datum.{own}_val) < {ROOM_ABOVE} ? 18 : -14"
        look = {"dy": {"expr": away}, "fontWeight": "bold"}
        # A rim in the background's colour keeps the words readable where other curves run behind them.
        rim = {**look, "stroke": {"expr": "background"}, "strokeWidth": 4, "strokeJoin": "round"}
        words = [_label(text, rim, {}, dx=-4), _label(text, look, {"color": color}, dx=-4)]
    return {
        "transform": [
            _last_epoch(end),
            {"filter": f"datum.epoch == datum.{own}_best && isValid(datum.{own}_val)"},
        ],
        "encoding": {"y": y},
        "layer": [ring, *words],
    }


def gap_shade(y: Layer) -> Layer:
    """The area between clean training and validation of a single run, from where it overfits."""
    return {
        "transform": [
            # Missing is null, and every number is at least null.
            {"filter": "isValid(datum.r0_onset) && datum.epoch >= datum.r0_onset"},
            {"filter": "isValid(datum.r0_clean_train) && isValid(datum.r0_val)"},
        ],
        "mark": {"type": "area", "color": ONSET_COLOR, "opacity": 0.13, "clip": True, "tooltip": False},
        "encoding": {"y": y, "y2": {"field": "r0_val"}},
    }


def onset_mark(index: int, alone: bool, y: Layer, at_top: bool, end: int | None = None) -> Layer:
    """Where overfitting begins: a line with words when there is one run, else a triangle on its curve."""
    own = f"r{index}"
    here: list[Layer] = [_last_epoch(end), {"filter": f"datum.epoch == datum.{own}_onset"}]
    if not alone:
        return _point(own, "triangle-down", [*here, {"filter": f"isValid(datum.{own}_val)"}], y)
    rule: Layer = {"mark": {"type": "rule", "color": ONSET_COLOR, "strokeDash": [4, 3], "clip": True}}
    look = {"color": ONSET_COLOR, "fontWeight": "bold"}
    words = _edge_label("'overfits since epoch ' + datum.epoch", look, at_top, row="0")
    return {"transform": here, "layer": [rule, words]}


def change_mark(index: int, alone: bool, y: Layer, at_top: bool, end: int | None = None) -> Layer:
    """The first epoch after a change that a person made during training: a line with words, or a diamond."""
    own = f"r{index}"
    here: list[Layer] = [_last_epoch(end), {"filter": f"isValid(datum.{own}_change)"}]
    if not alone:
        return _point(own, "diamond", [*here, {"filter": f"isValid(datum.{own}_val)"}], y)
    rule: Layer = {"mark": {"type": "rule", "color": CHANGE_COLOR, "strokeDash": [1, 3], "clip": True}}
    # Changes in successive epochs, such as a rate, a pause and a step, would cover each other.
    numbered: Layer = {"window": [{"op": "row_number", "as": "nth"}]}
    row = f"1 + (datum.nth - 1) % {CHANGE_ROWS}"
    words = _edge_label(f"datum.{own}_change", {"color": CHANGE_COLOR}, at_top, row)
    return {"transform": [*here, numbered], "layer": [rule, words]}


def epoch_rule(values: Sequence[Layer]) -> Layer:
    """A line at the epoch that is nearest to the pointer, whose tooltip has the epoch and the encodings `values`."""
    told = [{**each, "title": _in_tooltip(each["title"])} for each in values]
    return {
        "params": [
            {
                "name": "pointed_at",
                "select": {
                    "type": "point", "fields": ["epoch"], "nearest": True, "on": "pointermove", "clear": "pointerout",
                },
            }
        ],
        "mark": {"type": "rule", "color": "gray", "clip": True},
        "encoding": {
            "opacity": {"condition": {"param": "pointed_at", "empty": False, "value": 0.6}, "value": 0},
            "tooltip": [{"field": "epoch", "type": "quantitative", "format": "d", "title": "Epoch"}, *told],
        },
    }  # fmt: skip


def _in_tooltip(text: str) -> str:
    # Vega-Lite makes a title the key of an object in an expression and escapes only quotation marks: a backslash
    # in a name would escape the next character, or end the key so that the rest of the name is evaluated.
    return text.replace("\\", "\\\\")


def _last_epoch(end: int | None) -> Layer:
    """What gives each row the end of the axis, which decides on which side of a mark its words lie."""
    if end is None:
        return {"joinaggregate": [{"op": "max", "field": "epoch", "as": "last_epoch"}]}
    return {"calculate": str(end), "as": "last_epoch"}


def _point(own: str, shape: str, transform: list[Layer], y: Layer) -> Layer:
    mark = {"type": "point", "shape": shape, "size": 110, "filled": True, "opacity": 1, "clip": True}
    return {"transform": transform, "mark": mark, "encoding": {"y": y, "color": {"datum": own}}}


def _edge_label(expression: str, look: Layer, at_top: bool, row: str) -> Layer:
    """Words beside a line, at the edge of the chart that the curves leave free; `row` 0 lies at it, 1 further in."""
    # Only `height` and 0 are the chart's edges: axis and legend take a part of the height that is set.
    away = {"expr": f"{'' if at_top else '-'}(4 + {LABEL_ROW_HEIGHT} * ({row}))"}
    where = {"baseline": "top" if at_top else "bottom", "dy": away}
    return _label(expression, {**look, **where}, {"y": {"value": 0 if at_top else "height"}}, dx=6)


def _label(expression: str, look: Layer, encoding: Layer, dx: int) -> Layer:
    """A text `dx` pixels away from the mark, on the side of the chart's middle."""
    side = {
        "align": {"expr": f"{IN_RIGHT_HALF} ? 'right' : 'left'"},
        "dx": {"expr": f"{IN_RIGHT_HALF} ? {-dx} : {dx}"},
    }
    return {
        "transform": [{"calculate": expression, "as": "label"}],
        "mark": {"type": "text", **side, "clip": True, **look},
        "encoding": {"text": {"field": "label"}, **encoding},
    }
