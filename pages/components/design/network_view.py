"""A network's totals and its layers as a table."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.design.architecture import Layer, NotBuildable
from pages.components.design.plan import NetworkPlan

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler  # takes a template engine with it, which few visits need

Row = tuple[str, str, int | None, int | None, int | None]
ROW_PIXELS = 35
SHOWN_ROWS = 18
CHARACTER_PIXELS, LEAST_REASON_PIXELS, MOST_REASON_PIXELS = 6.5, 75, 420
RED = "background-color: #B91C1C; color: #FFFFFF"  # to be read on a light page and a dark one


def layer_table(layers: Sequence[Layer], weights: Mapping[str, str] | None = None) -> pd.DataFrame:
    """A row per layer. Only layers in blocks have a receptive field: what comes after them sees the whole picture.

    `weights` says of layers by name where theirs come from, in a column of its own.
    """
    table = _table([_row(layer) for layer in layers], "int64")
    if weights:
        table.insert(1, "Weights", [weights.get(layer.name, "") for layer in layers])
    return table


def table_up_to(problem: NotBuildable) -> "Styler":
    """The same up to the layer that cannot be built, whose row is red and has the reason in place of its shape."""
    rows = {layer.name: _row(layer) for layer in problem.layers}
    known = rows.get(problem.layer, (problem.layer, "", None, None, None))
    rows[problem.layer] = (problem.layer, problem.reason, *known[2:])
    table = _table(list(rows.values()), "Int64")
    failed = list(table["Layer"] == problem.layer)
    # The style's own format stands in the place of the columns'.
    shown = table.style.format(precision=0, thousands=",", na_rep="")
    shown = shown.format("{} px", subset=["Receptive field"], na_rep="")
    return shown.apply(lambda column: [RED if each else "" for each in failed])


def _row(layer: Layer) -> Row:
    field = layer.receptive_field if layer.block is not None else None
    shape = "×".join(map(str, layer.output_shape))
    return layer.name, shape, layer.parameters, round(layer.flops / 1000), field


def _table(rows: Sequence[Row], kind: str) -> pd.DataFrame:
    """`kind` is that of the columns in which a number may be missing, or may not."""
    names, shapes, parameters, flops, fields = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "Layer": names,
            "Output": shapes,
            "Parameters": pd.array(parameters, kind),
            "kFLOPs": pd.array(flops, kind),
            "Receptive field": pd.array(fields, "Int64"),
        }
    )


def render_network(plan: NetworkPlan, weights: Mapping[str, str] | None = None) -> None:
    """Totals and the table, with `weights` as in `layer_table`. Of a network that cannot be built only the table, up to
    that layer.
    """
    if plan.network is None:
        if plan.problem is not None:
            _render_table(
                table_up_to(plan.problem), len(plan.problem.layers) + 1,
                f"The network's layers up to {plan.problem.layer}, which cannot be built: {plan.problem.reason}.",
            )  # fmt: skip
        return
    network = plan.network
    with st.grid(3, min_column_width=110):
        st.metric("Parameters", compact(network.parameters), help=f"{network.parameters:,} in all.")
        st.metric(
            "FLOPs", compact(network.flops),
            help="Additions and multiplications for one picture: a multiply-add counts as two.",
        )  # fmt: skip
        st.metric(
            "Receptive field", f"{network.receptive_field} px",
            help=f"How many of the picture's {plan.image_size} pixels per side one position after the last block can "
            "see.",
        )  # fmt: skip
    count = len(network.layers)
    alt = f"The network's {count} layers with their output shapes, parameters and FLOPs."
    _render_table(layer_table(network.layers, weights), count, alt)


def _render_table(table: "pd.DataFrame | Styler", count: int, alt: str) -> None:
    st.dataframe(
        table,
        hide_index=True,
        height="content" if count <= SHOWN_ROWS else (SHOWN_ROWS + 1) * ROW_PIXELS,
        placeholder="",
        alt=alt,
        column_config={
            "Weights": st.column_config.TextColumn(
                width=_reason_pixels(table),
                help="Taken from the run that this design starts from, taken and frozen, or new: random at first.",
            ),
            "Parameters": st.column_config.NumberColumn(format="localized"),
            "kFLOPs": st.column_config.NumberColumn(
                format="localized", help="Thousands of FLOPs for one picture."
            ),
            "Receptive field": st.column_config.NumberColumn(
                format="%d px", help="The side of the square of input pixels that one position sees."
            ),
        },
    )


def _reason_pixels(table: "pd.DataFrame | Styler") -> int | None:
    """Wide enough for the longest reason why a layer's weights are new: a table cuts off what is longer."""
    if not isinstance(table, pd.DataFrame) or "Weights" not in table:
        return None
    longest = max(map(len, table["Weights"]), default=0)
    return min(MOST_REASON_PIXELS, max(LEAST_REASON_PIXELS, round(longest * CHARACTER_PIXELS) + 20))


def compact(number: float) -> str:
    """744874 → `745 k`."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            value = number / limit
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{number:.0f}"
