"""Parts that the Plotly charts share: the theme's colours, names that stay text, axes and legends. No `st.*`."""

import html
import math
import textwrap
from collections.abc import Sequence
from typing import Any

from pages.components.charts.plotly_figures import Figure

# Streamlit puts the theme's own colours in the place of these and of BACKGROUND and TEXT.
CATEGORIES = tuple(f"#{number:06d}" for number in range(1, 9))
# The first three shades are too close to the background to be lines.
SEQUENCE = tuple(f"#{number:06d}" for number in range(14, 21))
SCALE = [[place / (len(SEQUENCE) - 1), color] for place, color in enumerate(SEQUENCE)]
BACKGROUND, TEXT = "#000038", "#000037"
GRAY = "#7A8194"  # 3:1 on the light and on the dark background
RED = "#D6455D"
DASHES = ("solid", "dash", "dot", "dashdot")
NO_PLACE = -1  # among categories: without a value

LEGEND_COLUMNS = 46  # characters in a line of the legend, which fit on a phone; more is wrapped
WIDE_COLUMNS = 110  # the same, where the window is known to be wide
MOST_LEGEND_LINES = 12  # more are scrolled, so that what is below the chart is not pushed away
MOST_TICKS = 12
LEGEND_LINE = 18  # pixels
TOOLBAR_ROOM = 40  # pixels above the axes: the toolbar lies there while the pointer is over the chart
CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"]}


def plain(text: str, most: int = 120) -> str:
    """`text` as Plotly shows it letter by letter: it reads a little HTML in every name."""
    shown = text if len(text) <= most else text[: most - 1] + "…"
    return html.escape(shown, quote=False)


def wrapped(text: str, columns: int = LEGEND_COLUMNS) -> str:
    """The same, in lines of a given length. No number loses its percent sign to the next line."""
    lines = textwrap.wrap(text.replace(" %", "\u00a0%"), columns)
    return "<br>".join(html.escape(line, quote=False) for line in lines) or " "


def color_at(place: int) -> str:
    """A colour of the theme for the number `place` among categories; gray at NO_PLACE."""
    return GRAY if place == NO_PLACE else CATEGORIES[place % len(CATEGORIES)]


def dash_at(place: int) -> str:
    """Where colours are used up, the next ones are told apart by their dashes."""
    return DASHES[0] if place == NO_PLACE else DASHES[place // len(CATEGORIES) % len(DASHES)]


def shade(share: float) -> str:
    """A colour of the theme's sequence for a share from 0 to 1."""
    return SEQUENCE[min(len(SEQUENCE) - 1, max(0, int(share * len(SEQUENCE))))]


def shares(values: Sequence[float | None]) -> list[float | None]:
    """Where each lies between the lowest (0) and the highest (1); 1 where all are the same."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return [None] * len(values)
    low, width = min(known), max(known) - min(known)
    return [
        None if value is None or not math.isfinite(value) else (value - low) / width if width else 1.0
        for value in values
    ]


def figure(
    data: Sequence[dict[str, Any]], title: str, names: Sequence[str], height: int, **layout: Any
) -> Figure:
    """A figure of these traces. `names` are those of its legend, which stands below, a name per line; many scroll."""
    all_lines = sum(name.count("<br>") + 1 for name in names)
    lines = min(all_lines, MOST_LEGEND_LINES)
    below = 12 + LEGEND_LINE * lines if lines else 0
    return {
        "data": list(data) or [{"type": "scatter", "x": [], "y": []}],  # Plotly refuses a figure without any
        "layout": {
            "title": {"text": title, "x": 0, "xanchor": "left", "y": 1, "yanchor": "top", "pad": {"t": 6}},
            "height": height + below,
            # Not expanded: Plotly would make room for the legend beside the axes, which a phone does not have.
            "margin": {"l": 62, "r": 12, "t": TOOLBAR_ROOM, "b": 52 + below, "autoexpand": False},
            "showlegend": bool(lines),
            "legend": {
                "orientation": "v", "x": 0, "xanchor": "left", "xref": "container", "yref": "container",
                "y": 0, "yanchor": "bottom", "itemsizing": "constant", "title": {"text": ""}, "tracegroupgap": 0,
                "maxheight": below if lines < all_lines else 1,
            },
            "hoverlabel": {"align": "left"},
            **layout,
        },
    }  # fmt: skip


def axis(
    title: str = "",
    *,
    percent: bool = False,
    log: bool = False,
    points: bool = False,
    values: Sequence[float] = (),
) -> dict[str, Any]:
    """An axis of numbers; `percent`: fractions of 1 in percent; `points`: of a hundred, in points. Of whole `values`
    the ticks are whole, too.
    """
    form: dict[str, Any] = {}
    if percent:
        form = {"tickformat": ".3~%"}  # as many digits as tell ticks apart
    elif points:
        form = {"tickformat": "+.0f", "ticksuffix": ""}
    elif not log:
        form = _whole_ticks(values)
    if log and not percent:
        # Without a format Plotly writes the first digit alone between powers of ten: 2 for 20.
        form = {"tickformat": ",.3~r", "nticks": 6, **form}
    return {
        "title": {"text": plain(title)}, "type": "log" if log else "linear", "zeroline": False,
        **form,
    }  # fmt: skip


def _whole_ticks(values: Sequence[float]) -> dict[str, Any]:
    if not values or any(not math.isfinite(value) or value != int(value) for value in values):
        return {}
    return {"dtick": 1} if max(values) - min(values) <= MOST_TICKS else {"nticks": MOST_TICKS}
