"""Which classes are taken for which, as a map, and how two such maps differ. No `st.*`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.formatting import count_of, percent, shortened, with_minus
from pages.components.charts.plotly_figures import Figure
from pages.components.charts.plotly_marks import TEXT, figure, plain

# Over the background of light and dark. White can be read on the full colours, the theme's text on paler ones.
RIGHT, WRONG = "34, 115, 176", "200, 50, 75"
WHITE, WHITE_FROM = "#FFFFFF", 0.8
MOST_NUMBERED, MOST_NUMBERED_NARROW = 12, 10  # classes: more have no room for figures in their cells
MOST_NAMED, MOST_NAMED_NARROW = 30, 12  # of more classes some are named
LONGEST_NAME, LONGEST_NAME_SMALL = 24, 14  # characters, the latter on a phone and beside small cells
MOST_MAPPED = 200  # of more, a cell is smaller than a pixel
MOST_CELLS = 900  # of more, those without a picture cannot be clicked
AROUND, NARROW_PIXELS = 100, 270  # names and title; the map itself on a phone

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]


def confusion_figure(
    confusion: Counts, names: Sequence[str], *, as_share: bool = False, is_narrow: bool = False,
    classes: Sequence[int] | None = None,
) -> Figure:  # fmt: skip
    """(classes, classes) counts, rows what it is and columns what it was taken for, coloured by their share of the row.

    What is right is blue, 0 to 100 %; what is wrong is red, up to the largest such share. Each cell is a point at
    (column, row) that can be clicked. With `classes` only these are drawn, a point being their places among them;
    shares are still of all pictures of a row.
    """
    shares = row_shares(confusion)
    if classes is not None:
        confusion, names = _part(confusion, classes), [names[each] for each in classes]
        shares = _part(shares, classes)
    size = len(names)
    is_right = np.eye(size, dtype=bool)
    most = float(shares[~is_right].max(initial=0.0)) or 1.0
    data = [
        _layer(np.where(is_right, shares, np.nan), RIGHT, 1.0),
        _layer(np.where(is_right, np.nan, shares), WRONG, most),
        _points(confusion, shares, names, is_narrow),
    ]
    strength = np.where(is_right, shares, shares / most)
    texts = [
        (row, column, _figure_of(confusion[row, column], shares[row, column], as_share))
        for row, column in np.argwhere(confusion)
    ]
    return _map(data, names, texts, strength, is_narrow)


def difference_figure(
    first: Counts, second: Counts, names: Sequence[str], *, is_narrow: bool = False,
    classes: Sequence[int] | None = None,
) -> Figure:  # fmt: skip
    """`first` minus `second`, in pictures: blue where that is better for `first`, red where it is worse.

    With `classes` only these are drawn.
    """
    difference = first - second
    if classes is not None:
        difference, names = _part(difference, classes), [names[each] for each in classes]
    size = len(names)
    better = np.where(np.eye(size, dtype=bool), difference, -difference)
    most = float(np.abs(difference).max(initial=0)) or 1.0
    data = [
        _layer(np.where(better > 0, better, np.nan).astype(float), RIGHT, most),
        _layer(np.where(better < 0, -better, np.nan).astype(float), WRONG, most),
        _hover(
            np.argwhere(difference),
            [
                f"{_pair_of_names(names, row, column)}<br>{_pictures(difference[row, column])}"
                for row, column in np.argwhere(difference)
            ],
        ),
    ]
    texts = [(row, column, _signed(difference[row, column])) for row, column in np.argwhere(difference)]
    return _map(data, names, texts, np.abs(difference) / most, is_narrow)


def row_shares(confusion: Counts) -> Shares:
    """Each cell as a fraction of its row; 0 in a row without pictures."""
    rows = confusion.sum(axis=1, keepdims=True)
    shares: Shares = np.divide(confusion, rows, out=np.zeros(confusion.shape), where=rows > 0)
    return shares


def _part(matrix: Any, classes: Sequence[int]) -> Any:
    return matrix[np.ix_(classes, classes)]


def map_pixels(size: int, is_narrow: bool) -> int:
    """The side of a map of `size` classes, in pixels of the page."""
    return NARROW_PIXELS if is_narrow else max(280, min(560, 80 + 48 * size))


def _map(
    data: list[dict[str, Any]], names: Sequence[str], texts: Sequence[tuple[int, int, str]], strength: Shares,
    is_narrow: bool,
) -> Figure:  # fmt: skip
    size = len(names)
    has_figures = size <= (MOST_NUMBERED_NARROW if is_narrow else MOST_NUMBERED)
    notes = [
        {
            "x": int(column), "y": int(row), "text": text, "showarrow": False,
            "font": {
                "size": 10 if is_narrow and size > 5 else 12,
                "color": WHITE if strength[row, column] >= WHITE_FROM else TEXT,
            },
        }
        for row, column, text in (texts if has_figures else ())
    ]  # fmt: skip
    step = -(-size // (MOST_NAMED_NARROW if is_narrow else MOST_NAMED))
    shown = list(range(0, size, step))
    longest = LONGEST_NAME if has_figures and not is_narrow else LONGEST_NAME_SMALL
    axis: dict[str, Any] = {
        "tickvals": shown, "ticktext": [plain(shortened(names[place], longest)) for place in shown],
        "tickfont": {"size": 10 if size > MOST_NUMBERED or is_narrow else 12}, "fixedrange": True,
        "showgrid": False, "zeroline": False, "automargin": True, "constrain": "domain",
    }  # fmt: skip
    return figure(
        data, "", [], map_pixels(size, is_narrow) + AROUND, hovermode="closest",
        hoverdistance=-1 if size**2 <= MOST_CELLS else 12, dragmode=False,
        margin={"l": 8, "r": 8, "t": 8, "b": 8}, annotations=notes,
        xaxis={**axis, "range": [-0.5, size - 0.5], "title": {"text": "Taken for"},
            "tickangle": -45 if size > 3 else 0,
        },
        yaxis={
            **axis, "range": [size - 0.5, -0.5], "title": {"text": "It is"}, "scaleanchor": "x",
        },
    )  # fmt: skip


def _layer(values: Shares, color: str, most: float) -> dict[str, Any]:
    size = len(values)
    gap = 2 if size <= MOST_NUMBERED else 0.5 if size <= MOST_NAMED else 0
    # Small cells without figures are hard to tell from the background.
    stops = ((0, 0.05), (1, 1)) if size <= MOST_NUMBERED else ((0, 0.03), (0.02, 0.25), (0.3, 0.7), (1, 1))
    cells: list[list[float | None]] = [
        [None if np.isnan(value) else float(value) for value in row] for row in values
    ]
    return {
        "type": "heatmap", "x": list(range(size)), "y": list(range(size)), "z": cells, "zmin": 0, "zmax": most,
        "colorscale": [[place, f"rgba({color}, {opacity})"] for place, opacity in stops], "showscale": False,
        "hoverinfo": "skip", "hoverongaps": False, "xgap": gap, "ygap": gap,
    }  # fmt: skip


def _points(confusion: Counts, shares: Shares, names: Sequence[str], is_narrow: bool) -> dict[str, Any]:
    """A point per cell: Plotly selects points, not cells of a map. The chosen one gets a frame."""
    size = len(names)
    cells = np.argwhere(confusion) if size**2 > MOST_CELLS else np.argwhere(np.ones_like(confusion))
    told = [
        f"{_pair_of_names(names, row, column)}<br>{count_of(int(confusion[row, column]), 'picture')}, "
        f"{percent(float(shares[row, column]))} of {plain(names[row], 40)}"
        for row, column in cells
    ]
    side = max(5, 0.9 * map_pixels(size, is_narrow) / size)
    return {
        **_hover(cells, told), "selected": {"marker": {"opacity": 1}}, "unselected": {"marker": {"opacity": 0}},
        "marker": {"symbol": "square-open", "size": side, "color": TEXT, "opacity": 0, "line": {"width": 2}},
    }  # fmt: skip


def _hover(cells: NDArray[np.int64], told: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "markers", "x": cells[:, 1].tolist(), "y": cells[:, 0].tolist(),
        "text": list(told), "hoverinfo": "text", "showlegend": False, "marker": {"opacity": 0},
    }  # fmt: skip


def _signed(count: int) -> str:
    return with_minus(f"{count:+,}")


def _pictures(count: int) -> str:
    """`−1 picture`, `+4 pictures`"""  # noqa: RUF002
    return f"{_signed(count)} picture" + ("" if abs(count) == 1 else "s")


def _pair_of_names(names: Sequence[str], row: int, column: int) -> str:
    if row == column:
        return f"{plain(names[row], 40)}, recognised"
    return f"It is: {plain(names[row], 40)}<br>Taken for: {plain(names[column], 40)}"


def _figure_of(count: int, share: float, as_share: bool) -> str:
    return f"{100 * share:.0f}" if as_share else f"{count:,}"
