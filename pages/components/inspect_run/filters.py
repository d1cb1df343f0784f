"""The filters of a convolution: of the first one as pictures, of deeper ones input by input, below 0 in blue."""

import numpy as np
import streamlit as st

from core.design.layer_summary import CONVOLUTIONS, LayerSummary
from core.engine.calculation import digits
from core.engine.layers import Layers, Numbers
from core.engine.map_sheet import paint_filters, paint_maps
from core.formatting import count_of
from pages.components.kit import session
from pages.components.kit.browser import is_narrow
from pages.components.kit.feature_maps import FEW
from pages.components.kit.network import Network
from pages.components.kit.number_grid import number_grid
from pages.components.kit.picture_grid import picture_grid
from pages.components.kit.pictures import contact_sheet
from pages.components.kit.redraw import some_of

COLUMNS = 12
MOST_SHOWN, MOST_SHOWN_NARROW = 144, 36
GRID_WIDTH, NARROW_GRID_WIDTH = 190, 100
PIXELS = ("input", "rescaling")
OF_FILTER, OF_INPUT = "One filter", "One input"


def render_filters(network: Network) -> None:
    """Of a convolution that is chosen."""
    layers = network.layers()
    names = [each.name for each in layers.layers if each.kind in CONVOLUTIONS]
    if not names:
        st.caption("This network has no convolution.")
        return
    name = st.selectbox(
        "Convolution", names, format_func=lambda name: in_words(layers, layers.named(name)), width=420,
        key=f"inspect-filters-{network.run.id}", persist_state="session",
    )  # fmt: skip
    layer, kernels = layers.named(str(name)), network.filters(str(name))
    key = f"inspect-filters-{network.key}-{layer.name}"
    if kernels.shape[:2] == (1, 1) and kernels.shape[2] > 1:
        _render_matrix(layer, kernels, key)
    elif reads_pixels(layers, layer) and kernels.shape[2] in (1, 3):
        _render_pictures(kernels, key)
    else:
        _render_slices(kernels, key)


def in_words(layers: Layers, layer: LayerSummary) -> str:
    """`conv_1: 64 filters of 3×3, 3 inputs`"""
    rows, columns = layer.kernel_size or (1, 1)
    inputs = layers.named(layer.inputs[0]).channels
    return (
        f"{layer.name}: {count_of(layer.channels, 'filter')} of {rows}×{columns}, {count_of(inputs, 'input')}"
    )


def reads_pixels(layers: Layers, layer: LayerSummary) -> bool:
    """Whether its inputs are the colours of a picture."""
    return layers.named(layer.inputs[0]).kind in PIXELS


def _render_pictures(kernels: Numbers, key: str) -> None:
    is_color = kernels.shape[2] == 3
    left, right = st.columns([3, 2], gap="large")
    with left:
        chosen = _sheet(paint_filters(kernels), "Filter", list(range(kernels.shape[3])), f"{key}-sheet")
        if is_color:
            st.caption(
                "Each filter as a picture of what it responds to: grey is a weight of 0, brighter is above, darker "
                "below, for red, green and blue. Each has its own scale."
            )
        else:
            st.caption(
                "Each filter as a picture: grey is a weight of 0, brighter is above, darker below. Each has its own "
                "scale."
            )
    with right:
        filter_weights = kernels[..., chosen]
        st.markdown(f"**Filter {chosen}**")
        is_small = is_narrow() and is_color and kernels.shape[1] <= 3
        width = NARROW_GRID_WIDTH if is_small else GRID_WIDTH
        with st.container(horizontal=True, gap="xsmall" if is_small else "small"):
            for channel, name in enumerate(("red", "green", "blue") if is_color else ("",)):
                with st.container(width=width, gap="xsmall"):
                    if name:
                        st.caption(name.capitalize() if is_small else f"Weights of {name}")
                    number_grid(
                        filter_weights[..., channel], f"{key}-{chosen}-{channel}", signed=True, widest=width,
                        most=float(np.abs(filter_weights).max()), label=f"Weights of filter {chosen} {name}".strip(),
                    )  # fmt: skip


def _render_slices(kernels: Numbers, key: str) -> None:
    """A sheet of one filter's inputs, or of what all filters do with one input."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        by = st.segmented_control(
            "Show", (OF_FILTER, OF_INPUT), default=OF_FILTER, required=True, key=f"{key}-by",
            help="**One filter**: its weights for every input channel. **One input**: what every filter does with "
            "this channel.",
        )  # fmt: skip
        count = kernels.shape[3 if by == OF_FILTER else 2]
        which = st.number_input(
            "Filter" if by == OF_FILTER else "Input channel", 0, count - 1, key=f"{key}-{by}-which", width=140
        )
    which = min(max(0, int(which)), count - 1)
    slices = kernels[..., which] if by == OF_FILTER else kernels[:, :, which]
    shown, named = ("Input", "filter") if by == OF_FILTER else ("Filter", "input")
    left, right = st.columns([3, 2], gap="large")
    with left:
        painted = paint_maps(slices, one_scale=True, signed=True)
        chosen = _sheet(painted, shown, list(range(len(painted))), f"{key}-{by}-sheet")
        st.caption(
            f"White is a weight of 0, red above and blue below, up to {digits(float(np.abs(slices).max()))} either way."
        )
    with right:
        st.markdown(f"**{shown} {chosen} of {named} {which}**")
        number_grid(
            slices[..., chosen], f"{key}-{by}-{which}-{chosen}", most=float(np.abs(slices).max()), widest=280,
            label=f"Weights of {shown.lower()} {chosen} of {named} {which}", signed=True,
        )  # fmt: skip


def _render_matrix(layer: LayerSummary, kernels: Numbers, key: str) -> None:
    """A 1×1 filter has one weight for each input."""
    matrix = kernels[0, 0]
    names = [
        f"Input {row}, filter {column}" for row in range(matrix.shape[0]) for column in range(matrix.shape[1])
    ]
    number_grid(
        matrix, f"{key}-matrix", names=names, label=f"Weights of {layer.name}, inputs by filters", widest=720,
        signed=True,
    )  # fmt: skip
    st.caption(
        "A row per input channel, a column per filter: a 1×1 filter has one weight for each input. White is 0, red "
        f"above and blue below, up to {digits(float(np.abs(matrix).max()))} either way."
    )


def _sheet(painted: Numbers, noun: str, places: list[int], key: str) -> int:
    """All of them; returns which was clicked last, at first the first."""
    most = MOST_SHOWN_NARROW if is_narrow() else MOST_SHOWN
    above = st.container()
    shown = some_of(places, most, key)
    size = painted.shape[2], painted.shape[1]
    with above:
        picked = picture_grid(
            contact_sheet(painted[list(shown)], COLUMNS, scale=1, gap=0), size, COLUMNS,
            [("", [f"{noun} {each}" for each in shown])], f"{key}-grid", picks=True, is_roomy=len(places) <= FEW,
        )  # fmt: skip
    if picked is not None:
        session.set_widget(f"{key}-chosen", int(shown[picked]))
    return min(int(session.widget_value(f"{key}-chosen", 0)), len(places) - 1)
