"""How the numbers in a network are distributed over the epochs: one layer's as a map, all by their size. No `st.*`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.engine.histograms import Distribution, on_one_scale
from core.formatting import percent, with_minus
from pages.components.charts.plotly_figures import Figure
from pages.components.charts.plotly_marks import (
    CATEGORIES,
    TEXT,
    axis,
    color_at,
    dash_at,
    figure,
    plain,
    shade,
)

HEIGHT, NARROW_HEIGHT = 380, 320
FEW_EPOCHS = 4  # fewer are drawn as lines
FEW_POWERS, MOST_TICKS = 3, 8  # of ten on an axis: with no more, there are ticks between them


def size_figure(
    by_epoch: Mapping[int, Mapping[str, float | None]], title: str, *, is_narrow: bool = False
) -> Figure:
    """The root mean square of each layer's numbers over the epochs, on a logarithmic axis, where 0 has no place.

    Of one epoch alone, layer by layer.
    """
    epochs = list(by_epoch)
    layers = list(dict.fromkeys(layer for values in by_epoch.values() for layer in values))
    sizes = [size for values in by_epoch.values() for size in values.values() if size]
    look = {
        "yaxis": _log_axis(sizes, [with_minus(f"{size:.1g}") for size in _one_two_five(sizes)]),
        "dragmode": False,
    }
    height = NARROW_HEIGHT if is_narrow else HEIGHT
    if len(epochs) == 1:
        (values,) = by_epoch.values()
        dots = {
            "type": "scatter", "mode": "lines+markers", "x": [plain(layer) for layer in layers],
            "y": [values.get(layer) or None for layer in layers], "line": {"color": CATEGORIES[0], "width": 1},
            "marker": {"size": 8}, "hovertemplate": "%{x}: %{y:.3~g}<extra></extra>",
        }  # fmt: skip
        return figure(
            [dots], title, [], height, hovermode="closest", **look, margin={"l": 62, "r": 12, "t": 40, "b": 90},
            xaxis={"type": "category", "tickangle": -45, "fixedrange": True},
        )  # fmt: skip
    data = [
        {
            "type": "scatter", "mode": "lines+markers", "name": plain(layer), "x": epochs,
            "y": [by_epoch[epoch].get(layer) or None for epoch in epochs],
            "line": {"color": color_at(place), "dash": dash_at(place), "width": 2},
            "marker": {"size": 6}, "hovertemplate": f"{plain(layer)}, epoch %{{x}}: %{{y:.3~g}}<extra></extra>",
        }
        for place, layer in enumerate(layers)
    ]  # fmt: skip
    return figure(
        data, title, layers, height, hovermode="closest", **look,
        xaxis={**axis("Epoch", values=epochs), "fixedrange": True},
    )  # fmt: skip


def distribution_figure(
    epochs: Sequence[int], found: Sequence[Distribution], title: str, *, is_narrow: bool = False
) -> Figure:
    """The distribution of one layer's numbers in each of the `epochs`.

    As a map, coloured by the logarithm of the share of each bin, so that rare numbers can be seen; of few epochs as
    lines, which say the same along an axis.
    """
    edges, counts = on_one_scale(found)
    totals = np.maximum(1, counts.sum(axis=1, keepdims=True))
    shares = counts / totals
    middles = (edges[:-1] + edges[1:]) / 2
    height = NARROW_HEIGHT if is_narrow else HEIGHT
    if len(epochs) < FEW_EPOCHS:
        return _lines(epochs, middles, shares, title, height)
    return _map(epochs, edges, middles, shares, title, height)


def _lines(epochs: Sequence[int], middles: np.ndarray, shares: np.ndarray, title: str, height: int) -> Figure:
    names = [f"Epoch {epoch}" for epoch in epochs]
    data = [
        {
            "type": "scatter", "mode": "lines", "name": name, "x": middles.tolist(),
            "y": [float(share) or None for share in own], "connectgaps": False,
            "line": {"color": CATEGORIES[place], "width": 2, "shape": "hvh"},
            "hovertemplate": f"{name}: about %{{x:.3~g}}, %{{y:.2%}} of all<extra></extra>",
        }
        for place, (name, own) in enumerate(zip(names, shares, strict=True))
    ]  # fmt: skip
    return figure(
        data, title, names, height, hovermode="closest", dragmode=False,
        xaxis={**axis("Value"), "fixedrange": True, "tickformat": ".3~g"},
        yaxis=_log_axis(known := shares[shares > 0].tolist(), [_share(each) for each in _one_two_five(known)]),
    )  # fmt: skip


def _log_axis(values: Sequence[float], texts: Sequence[str]) -> dict[str, Any]:
    """With a tick at each of `_one_two_five(values)`: Plotly's own between powers of ten lie over each other."""
    return {**axis(log=True), "fixedrange": True, "tickvals": _one_two_five(values), "ticktext": list(texts)}


def _one_two_five(values: Sequence[float]) -> list[float]:
    """1, 2 and 5 times powers of ten around the values; over many powers the powers alone, at most MOST_TICKS."""
    if not values:
        return []
    low, high = int(np.floor(np.log10(min(values)))), int(np.ceil(np.log10(max(values))))
    steps = (1, 2, 5) if high - low <= FEW_POWERS else (1,)
    stride = max(1, -(-(high - low + 1) // MOST_TICKS))
    return [step * 10.0**power for power in range(low, high + 1, stride) for step in steps]


def _share(value: float) -> str:
    return f"{100 * value:.2g} %"


def _map(
    epochs: Sequence[int], edges: np.ndarray, middles: np.ndarray, shares: np.ndarray, title: str, height: int
) -> Figure:
    known = shares[shares > 0]
    low = float(np.log10(known.min())) if len(known) else -1.0
    cells: list[list[float | None]] = [
        [float(np.log10(share)) if share > 0 else None for share in row] for row in shares.T
    ]
    texts = [
        [
            f"Epoch {epoch}<br>{edges[row]:.3g} to {edges[row + 1]:.3g}<br>"
            f"{percent(float(shares[column, row]), 3)} of all"
            for column, epoch in enumerate(epochs)
        ]
        for row in range(len(middles))
    ]
    data: dict[str, Any] = {
        "type": "heatmap", "x": [str(epoch) for epoch in epochs], "y": middles.tolist(), "z": cells, "zmin": low,
        "zmax": 0, "colorscale": [[place / 6, shade(place / 6)] for place in range(7)], "text": texts,
        "hoverinfo": "text", "hoverongaps": False,
        "colorbar": {
            "title": {"text": "Share", "font": {"color": TEXT}}, "thickness": 10, "tickvals": _powers(low),
            "ticktext": [percent(10.0**power, max(0, -power - 2)) for power in _powers(low)],
        },
    }  # fmt: skip
    return figure(
        [data], title, [], height, hovermode="closest", dragmode=False,
        margin={"l": 62, "r": 80, "t": 40, "b": 52, "autoexpand": False},
        xaxis={**axis("Epoch"), "type": "category", "fixedrange": True},
        yaxis={**axis(), "fixedrange": True, "tickformat": ".3~g"},
    )  # fmt: skip


def _powers(low: float) -> list[int]:
    return list(range(int(np.ceil(low)), 1))
