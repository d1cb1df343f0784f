"""Zoom along x: by Ctrl and wheel or after a click, within the data, and together with the charts beside it. No `st.*`.

A wheel that turned over a chart would else zoom it where a person only wants to scroll down the page.
"""

import json
from typing import Any

ZOOM = "zoom"
# Where the visible range is shared and where it is read.
SHARED, SHOWN = "shared_range", "shown_range"
EVENT = "convdeck-zoom"
ROOM = 0.02  # on either side, as a fraction of the data's range
# Command is what a Mac has for Ctrl. A click on the chart counts until the pointer leaves it.
WHEEL = (
    "wheel![event.ctrlKey || event.metaKey], "
    "[click, view:pointerleave] > wheel![!event.ctrlKey && !event.metaKey]"
)
HOW = (
    "Ctrl and wheel zoom, drag moves, double-click resets. After a click on a chart the wheel zooms without Ctrl "
    "until the pointer leaves it."
)


def zoom() -> dict[str, Any]:
    """The selection parameter of a layer whose chart can be zoomed along x."""
    select = {"type": "interval", "encodings": ["x"], "zoom": WHEEL}
    return {"name": ZOOM, "select": select, "bind": "scales"}


def clamped(field: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the scale of x needs, what the config needs) so that the zoom of a single chart stays in the data.

    `field` is the quantitative field along x; the chart has `zoom()` in a layer.
    """
    own, known = f"{ZOOM}_{field}", f"extent(pluck(data('source'), '{field}'))"
    room = f"{ROOM} * span({known})"
    shown = {
        "name": SHOWN,
        "update": f"!length(data('source')) || !{own} || abs(span({own})) >= span({known}) ? null : "
        f"clampRange({own}, {known}[0] - {room}, {known}[1] + {room})",
    }
    return {"domainRaw": {"expr": SHOWN}}, {"signals": [shown]}


def linked(
    field: str, element: str, of: str, end: int | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the scale of x needs, what the config needs) so that the zoom stays in the data and is shared.

    `field` is the quantitative field along x, in rising order in the data; the chart has `zoom()` in a layer. Charts
    whose `element`, the CSS selector of something around them on the page, is the same show the same range: Vega binds
    a signal to a property of an element (https://vega.github.io/vega/docs/signals/#bind-external). The element
    may later be around other charts, so a range counts only where it is `of` the same. `end` is where the axis ends
    if it goes on after the data.
    """
    own, asked = f"{ZOOM}_{field}", json.dumps(of)
    range_of = f"({SHARED} && {SHARED}.of === {asked} ? {SHARED}.at : null)"
    first, last = f"data('source')[0].{field}", f"peek(data('source')).{field}"
    if end is not None:
        last = f"max({end}, {last})"
    room = f"{ROOM} * ({last} - {first})"
    shared = {
        "name": SHARED,
        "bind": {"element": element, "event": EVENT},
        "on": [
            {"events": {"signal": own}, "update": f"{own} ? {{of: {asked}, at: {own}}} : {SHARED}"},
            {"events": "dblclick", "update": f"{{of: {asked}, at: null}}"},
        ],
    }
    shown = {
        "name": SHOWN,
        # All of the data is no zoom: the axis then follows a run that grows.
        "update": f"!length(data('source')) || !{range_of} || abs(span({range_of})) >= {last} - {first} ? null : "
        f"clampRange({range_of}, {first} - {room}, {last} + {room})",
    }
    return {"domainRaw": {"expr": SHOWN}}, {"signals": [shared, shown]}
