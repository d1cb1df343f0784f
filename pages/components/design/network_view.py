"""A network as a table and as a diagram."""

import pandas as pd
import streamlit as st

from core.design.architecture import Architecture

ROW_PIXELS = 35
SHOWN_ROWS = 18


def layer_table(network: Architecture) -> pd.DataFrame:
    """A row per layer. Only layers in blocks have a receptive field: what comes after them sees the whole picture."""
    layers = network.layers
    return pd.DataFrame(
        {
            "Layer": [layer.name for layer in layers],
            "Output": ["×".join(map(str, layer.output_shape)) for layer in layers],
            "Parameters": [layer.parameters for layer in layers],
            "kFLOPs": [round(layer.flops / 1000) for layer in layers],
            "Receptive field": pd.array(
                [layer.receptive_field if layer.block is not None else None for layer in layers], "Int64"
            ),
        }
    )


def mermaid(network: Architecture) -> str:
    """The layers as a Mermaid flow chart, from top to bottom."""
    lines = ["flowchart TB"]
    for layer in network.layers:
        shape = "×".join(map(str, layer.output_shape))
        lines.append(f'  {layer.name}["{layer.name}<br/>{shape}"]')
        lines += [f"  {source} --> {layer.name}" for source in layer.inputs]
    return "\n".join(lines)


def render_network(network: Architecture, image_size: int) -> None:
    """Totals, the table, and the diagram on request."""
    with st.grid(3, min_column_width=140):
        st.metric(
            "Parameters", compact(network.parameters), border=True, help=f"{network.parameters:,} in all."
        )
        st.metric(
            "FLOPs", compact(network.flops), border=True,
            help="Additions and multiplications for one picture: a multiply-add counts as two.",
        )  # fmt: skip
        st.metric(
            "Receptive field", f"{network.receptive_field} px", border=True,
            help=f"How many of the picture's {image_size} pixels per side one position after the last block can see.",
        )  # fmt: skip
    table = layer_table(network)
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(table) <= SHOWN_ROWS else (SHOWN_ROWS + 1) * ROW_PIXELS,
        placeholder="",
        alt=f"The network's {len(table)} layers with their output shapes, parameters and FLOPs.",
        column_config={
            "Parameters": st.column_config.NumberColumn(format="localized"),
            "kFLOPs": st.column_config.NumberColumn(
                format="localized", help="Thousands of FLOPs for one picture."
            ),
            "Receptive field": st.column_config.NumberColumn(
                format="%d px", help="The side of the square of input pixels that one position sees."
            ),
        },
    )
    if st.toggle("Diagram", key="show-diagram", persist_state="session"):
        st.mermaid_chart(
            mermaid(network), alt=f"The network's {len(network.layers)} layers from input to output."
        )


def compact(number: float) -> str:
    """744874 → `745 k`."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            value = number / limit
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{number:.0f}"
