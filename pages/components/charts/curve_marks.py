"""Marks on the curves: best epoch, where overfitting begins, the gap since then, changes made during training.

Layers of a Vega-Lite spec that stays the same while a run grows: where a mark stands travels as data, in the columns
`r{i}_best`, `r{i}_onset` and `r{i}_change` of `pages.components.charts.curve_data`. No `st.*`.
"""

from typing import Any

# Red in both themes, apart from the colours of the curves.
ONSET_COLOR = "#e5484d"
CHANGE_COLOR = "gray"
LABEL_ROW_HEIGHT = 14
CHANGE_ROWS = 3
# A label lies towards the middle of the chart, so that its edge does not cut it off.
SIDES = (
    ("datum.epoch * 2 > datum.last_epoch", "right", -1),
    ("datum.epoch * 2 <= datum.last_epoch", "left", 1),
)

Layer = dict[str, Any]


def best_mark(index: int, alone: bool, y: Layer, number_format: str | None) -> Layer:
    """A ring around the validation of the best epoch, with a word beside it when there is a format for its value."""
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
        look = {"dy": -14, "fontWeight": "bold"}
        # A rim in the background's colour keeps the words readable where other curves run behind them.
        rim = {**look, "stroke": {"expr": "background"}, "strokeWidth": 4, "strokeJoin": "round"}
        words = [*_labels(text, rim, {}, dx=-4), *_labels(text, look, {"color": color}, dx=-4)]
    return {
        "transform": [
            _LAST_EPOCH,
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


def onset_mark(index: int, alone: bool, y: Layer, at_top: bool) -> Layer:
    """Where overfitting begins: a line with words when there is one run, else a triangle on its curve."""
    own = f"r{index}"
    here: list[Layer] = [_LAST_EPOCH, {"filter": f"datum.epoch == datum.{own}_onset"}]
    if not alone:
        return _point(own, "triangle-down", [*here, {"filter": f"isValid(datum.{own}_val)"}], y)
    rule: Layer = {"mark": {"type": "rule", "color": ONSET_COLOR, "strokeDash": [4, 3], "clip": True}}
    words = _edge_labels(
        "'overfits since epoch ' + datum.epoch",
        {"color": ONSET_COLOR, "fontWeight": "bold"},
        at_top,
        row=0,
    )
    return {"transform": here, "layer": [rule, *words]}


def change_mark(index: int, alone: bool, y: Layer, at_top: bool) -> Layer:
    """The first epoch after a change that a person made during training: a line with words, or a diamond."""
    own = f"r{index}"
    here: list[Layer] = [_LAST_EPOCH, {"filter": f"isValid(datum.{own}_change)"}]
    if not alone:
        return _point(own, "diamond", [*here, {"filter": f"isValid(datum.{own}_val)"}], y)
    rule: Layer = {"mark": {"type": "rule", "color": CHANGE_COLOR, "strokeDash": [1, 3], "clip": True}}
    # Changes in successive epochs, such as a rate, a pause and a step, would cover each other.
    words = [
        {**words, "transform": [{"filter": f"(datum.nth - 1) % {CHANGE_ROWS} == {row}"}, *words["transform"]]}
        for row in range(CHANGE_ROWS)
        for words in _edge_labels(f"datum.{own}_change", {"color": CHANGE_COLOR}, at_top, row=1 + row)
    ]
    numbered: Layer = {"window": [{"op": "row_number", "as": "nth"}]}
    return {"transform": [*here, numbered], "layer": [rule, *words]}


_LAST_EPOCH: Layer = {"joinaggregate": [{"op": "max", "field": "epoch", "as": "last_epoch"}]}


def _point(own: str, shape: str, transform: list[Layer], y: Layer) -> Layer:
    mark = {"type": "point", "shape": shape, "size": 110, "filled": True, "opacity": 1, "clip": True}
    return {"transform": transform, "mark": mark, "encoding": {"y": y, "color": {"datum": own}}}


def _edge_labels(expression: str, look: Layer, at_top: bool, row: int) -> list[Layer]:
    """Words beside a line, at the edge of the chart that the curves leave free; `row` 0 lies at it, 1 further in."""
    # Only `height` and 0 are the chart's edges: axis and legend take a part of the height that is set.
    away = 4 + LABEL_ROW_HEIGHT * row
    where = {"baseline": "top", "dy": away} if at_top else {"baseline": "bottom", "dy": -away}
    return _labels(expression, {**look, **where}, {"y": {"value": 0 if at_top else "height"}}, dx=6)


def _labels(expression: str, look: Layer, encoding: Layer, dx: int) -> list[Layer]:
    """The same text twice, for the right and the left half; `dx` pixels away from the mark."""
    return [
        {
            "transform": [{"filter": side}, {"calculate": expression, "as": "label"}],
            "mark": {"type": "text", "align": align, "dx": sign * dx, "clip": True, **look},
            "encoding": {"text": {"field": "label"}, **encoding},
        }
        for side, align, sign in SIDES
    ]
