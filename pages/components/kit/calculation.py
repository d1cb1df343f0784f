"""How one number inside a network comes about, drawn: what a layer reads there, its weights, and their products."""

from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st

from core.design.layer_summary import MAXIMUM, LayerSummary
from core.engine.calculation import Calculation, Product, digits
from core.engine.layers import Layers
from core.errors import ConvDeckError
from core.system.frames import Pixels
from pages.components.kit.browser import is_narrow
from pages.components.kit.network import Network
from pages.components.kit.number_grid import number_grid
from pages.components.kit.text import error_text, literal

COLORS = {1: ("grey",), 3: ("red", "green", "blue")}  # by how many there are
MOST_ROWS = 200  # of the table of products
GRID_WIDTH, NARROW_GRID_WIDTH = 170, 100  # on a phone, three of 3×3 have room beside each other
TABLE_HEIGHT, FEW_ROWS = 250, 5


def render_calculation(
    network: Network, layers: Layers, layer: LayerSummary, pixels: Pixels, place: tuple[int, ...], key: str
) -> None:
    """Of the number at `place` of what `layer` gives for `pixels`, in words and, where it is a sum, as products."""
    if not layer.inputs:
        st.caption("This is the picture itself: nothing is calculated here.")
        return
    try:
        found = network.calculation(pixels, layer, place)
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/error:")
        return
    st.markdown(f"**{_where(layers, layer, place)}: {digits(found.value)}**")
    st.markdown(literal(found.sentence))
    if found.rule == MAXIMUM:
        _render_window(found, key)
    elif found.num_products > 1:
        _render_products(layers, found, key)


def _where(layers: Layers, layer: LayerSummary, place: tuple[int, ...]) -> str:
    if layer.is_map:
        return literal(f"{layer.name}, map {place[2]}, row {place[0]}, column {place[1]}")
    if layer.activation == "softmax":
        return literal(f"{layer.name}, {layers.class_names[place[0]]}")
    return literal(f"{layer.name}, unit {place[0]}")


def _render_window(found: Calculation, key: str) -> None:
    values = np.where(found.is_inside, found.inputs[..., 0], np.nan)
    at = np.unravel_index(int(np.nanargmax(values)), values.shape)
    number_grid(
        values, f"{key}-window", label="The numbers that are compared; the largest has a frame", widest=GRID_WIDTH,
        chosen=(int(at[0]), int(at[1])),
    )  # fmt: skip


def _render_products(layers: Layers, found: Calculation, key: str) -> None:
    order = np.argsort(-np.abs(found.of_channels), kind="stable").tolist()
    has_window = found.is_inside.size > 1
    if has_window:
        channel = order[0]
        if len(order) > 1:
            channel = st.selectbox(
                "Input channel", order, format_func=lambda each: _channel_in_words(layers, found, each),
                key=f"{key}-input", width=360, help="The one whose products add the most, whatever the sign, is first.",
            )  # fmt: skip
        _render_grids(found, channel, f"{key}-{channel}")
    left, right = (
        st.columns([2, 3], gap="medium") if has_window and len(order) > 1 else (None, st.container())
    )
    if left is not None:
        with left:
            st.caption("Sum of the products of each input channel")
            st.dataframe(
                _of_channels(layers, found, order), hide_index=True, height=_height(len(order)), key=f"{key}-sums"
            )  # fmt: skip
    with right:
        listed = found.largest(MOST_ROWS)
        rest = found.num_products - len(listed)
        st.caption("All products, the largest first" if not rest else f"The largest {len(listed):,} products")
        st.dataframe(
            pd.DataFrame([_row(layers, each) for each in listed]), hide_index=True,
            height=_height(len(listed)), key=f"{key}-products",
        )  # fmt: skip


def _render_grids(found: Calculation, channel: int, key: str) -> None:
    inside = found.is_inside
    read, weights, products = (
        np.where(inside, each[..., channel], np.nan) for each in (found.inputs, found.weights, found.products)
    )
    names = [
        f"Row {found.corner[0] + found.dilation[0] * row}, column {found.corner[1] + found.dilation[1] * column}"
        for row in range(inside.shape[0])
        for column in range(inside.shape[1])
    ]
    titles = ("It reads", "times the weights", f"gives {digits(float(found.of_channels[channel]))} in all")
    is_small = is_narrow() and inside.shape[1] <= 3
    width = NARROW_GRID_WIDTH if is_small else GRID_WIDTH
    with st.container(horizontal=True, gap="xsmall" if is_small else "medium", vertical_alignment="bottom"):
        for title, values in zip(titles, (read, weights, products), strict=True):
            with st.container(width=width, gap="xsmall"):
                st.caption(title)
                signed = None if values is read else True
                number_grid(
                    values, f"{key}-{title.split()[0]}", label=title, names=names, widest=width, signed=signed
                )  # fmt: skip
    if not inside.all():
        st.caption("Grey lies outside of what the layer reads: padding with zeros, which adds nothing.")


def _channel_in_words(layers: Layers, found: Calculation, channel: int) -> str:
    name = _channel_name(layers, found.sources[0], found.corner[2] + channel)
    return f"{name}: {digits(float(found.of_channels[channel]))}"


def _channel_name(layers: Layers, source: str, channel: int) -> str:
    """`red` or `grey`, of what reads pixels; else `map 7`."""
    found = layers.named(source)
    colors = COLORS.get(found.channels) if found.kind in ("input", "rescaling") else None
    return f"map {channel}" if colors is None else colors[channel]


def _height(num_rows: int) -> int | Literal["auto"]:
    """Of a table: it scrolls when it has more than a few rows."""
    return "auto" if num_rows <= FEW_ROWS else TABLE_HEIGHT


def _of_channels(layers: Layers, found: Calculation, order: list[int]) -> pd.DataFrame:
    rows = []
    for each in order:
        row = {"Channel": _channel_name(layers, found.sources[0], found.corner[2] + each)}
        if len(found.step_sums) == len(order):
            row |= {"First step": float(found.step_sums[each]), "Weight": float(found.step_weights[each])}
        rows.append({**row, "Sum": float(found.of_channels[each])})
    return pd.DataFrame(rows)


def _row(layers: Layers, product: Product) -> dict[str, object]:
    source = layers.named(product.source)
    place: dict[str, object] = {"From": product.source}
    if source.is_map:
        place |= {"Channel": _channel_name(layers, source.name, product.channel)}
        place |= {"Row": product.row, "Column": product.column}
    else:
        place |= _unit_place(layers, source, product.channel)
    return {**place, "Input": product.input, "Weight": product.weight, "Product": product.value}


def _unit_place(layers: Layers, source: LayerSummary, unit: int) -> dict[str, object]:
    """Of a unit that flatten has lined up, its place in the maps before."""
    if source.kind == "dropout":
        source = layers.named(source.inputs[0])
    if source.kind == "flatten":
        before = layers.named(source.inputs[0])
        row, column, channel = (int(each) for each in np.unravel_index(unit, before.output_shape))
        return {"From": before.name, "Channel": f"map {channel}", "Row": row, "Column": column}
    return {"Unit": unit}
