"""What each layer of a network gives for a picture: its maps as a sheet, and one of them with its numbers."""

import numpy as np
import streamlit as st

from core.design.layer_summary import LayerSummary
from core.engine.calculation import digits
from core.engine.layers import Layers, Numbers
from core.engine.map_sheet import SILENT, arranged, is_signed, paint_maps, silent_maps
from core.errors import ConvDeckError
from core.formatting import listed
from core.system.frames import Pixels
from pages.components.kit import session
from pages.components.kit.browser import is_narrow
from pages.components.kit.calculation import render_calculation
from pages.components.kit.network import Network, digest_of
from pages.components.kit.number_grid import number_grid
from pages.components.kit.picture_grid import picture_grid
from pages.components.kit.pictures import contact_sheet
from pages.components.kit.redraw import some_of
from pages.components.kit.text import error_text, literal

COLUMNS = 12  # of the sheet that is sent
MOST_SHOWN, MOST_SHOWN_NARROW = 144, 36
SHEET_BYTES = 6_000_000
MOST_LISTED = 12
FEW = 24  # maps of a layer: they are drawn larger
IN_ORDER, STRONGEST = "In order", "Strongest first"
CLICK = "Click a number to see the products that it is the sum of."


def render_feature_maps(network: Network, pixels: Pixels, key: str) -> None:
    """Of `pixels` (height, width, channels) of the shape that the network reads.

    `key` begins those of all fields. Call it where it is open, for it asks at once, and in a fragment.
    """
    try:
        layers = network.layers()
        layer = _choose_layer(layers, f"{key}-{network.run.id}")
        maps = network.maps(pixels, layer.name)
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/error:")
        return
    own = f"{key}-{network.key}-{layer.name}"
    if layer.is_map:
        _render_maps(network, layers, layer, pixels, maps, own)
    else:
        _render_units(network, layers, layer, pixels, maps, own)


def _choose_layer(layers: Layers, key: str) -> LayerSummary:
    names = [each.name for each in layers.layers]
    first = next((each.name for each in layers.layers if each.kernel_size), names[0])
    chosen = st.selectbox(
        "Layer", names, names.index(first), format_func=lambda name: layers.named(name).in_words,
        key=f"{key}-layer", persist_state="session", width=360,
        help="In the order in which the picture passes through them. Early layers see edges and colours in fine "
        "detail. Late ones see whole shapes, coarsely.",
    )  # fmt: skip
    return layers.named(chosen)


def _render_maps(
    network: Network, layers: Layers, layer: LayerSummary, pixels: Pixels, maps: Numbers, key: str
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        order = st.segmented_control(
            "Order", (IN_ORDER, STRONGEST), default=IN_ORDER, required=True, key=f"{key}-order",
            label_visibility="collapsed",
        )  # fmt: skip
        one_scale = not st.toggle(
            "Each by its own scale", key=f"{key}-own-scale",
            help="By one scale, the same colour is the same number in all maps, so that a weak map looks weak. By its "
            "own, each map uses all colours, so that its pattern can be seen even where it hardly responds.",
        )  # fmt: skip
    left, right = st.columns([3, 2], gap="large")
    with left:
        _render_sheet(maps, str(order), one_scale, key)
    # After the sheet, in which it may have been clicked.
    picked = session.widget_value(f"{key}-channel")
    channel = int(np.argmax(_strengths(maps))) if picked is None else int(picked)
    chosen = session.widget_value(f"{key}-place-{channel}")
    with right:
        st.markdown(f"**Map {channel}**")
        number_grid(
            maps[..., channel], f"{key}-grid-{channel}-{digest_of(pixels)}", hint=CLICK, chosen=chosen,
            label=f"Map {channel} of {layer.name}, {maps.shape[1]}×{maps.shape[0]} numbers",
            most=float(_strengths(maps).max()) if one_scale else None, signed=is_signed(maps),
            on_pick=lambda place: session.set_widget(f"{key}-place-{channel}", place),
        )  # fmt: skip
    if chosen is not None:
        render_calculation(network, layers, layer, pixels, (*chosen, channel), f"{key}-{channel}")


def _render_sheet(maps: Numbers, order: str, one_scale: bool, key: str) -> None:
    """All maps; a click keeps the channel."""
    strengths = _strengths(maps)
    channels = list(range(maps.shape[-1]))
    if order == STRONGEST:
        channels.sort(key=lambda each: -strengths[each])
    most = MOST_SHOWN_NARROW if is_narrow() else MOST_SHOWN
    above = st.container()
    shown = some_of(
        channels, max(COLUMNS, min(most, SHEET_BYTES // (3 * maps[..., 0].size))), f"{key}-{order}"
    )
    painted = paint_maps(maps, one_scale=one_scale)
    painted[silent_maps(maps)] = SILENT
    told = [f"Map {each}: {_strength_in_words(strengths[each])}" for each in shown]
    with above:
        picked = picture_grid(
            contact_sheet(painted[list(shown)], COLUMNS, scale=1, gap=0), (maps.shape[1], maps.shape[0]), COLUMNS,
            [("", told)], f"{key}-sheet-{order}", picks=True, is_roomy=len(channels) <= FEW,
        )  # fmt: skip
    st.caption(_colors_in_words(maps, strengths, one_scale))
    if picked is not None:
        session.set_widget(f"{key}-channel", int(shown[picked]))


def _strengths(maps: Numbers) -> Numbers:
    """(channels,) the largest number of each map, whatever its sign; 0 of what is not a number."""
    return np.asarray(np.nan_to_num(np.abs(maps)).max(axis=(0, 1)))


def _strength_in_words(strength: float) -> str:
    return "0 everywhere" if strength == 0 else f"up to {digits(float(strength))}"


def _colors_in_words(maps: Numbers, strengths: Numbers, one_scale: bool) -> str:
    signed = is_signed(maps)
    colors = (
        "Blue is below 0, white is 0, red is above" if signed else "Violet is 0, yellow is the largest number"
    )
    most = digits(float(strengths.max()))
    scale = (
        f"The scale is the same for all maps, up to {most}." if one_scale else "Each map has its own scale."
    )
    silent = np.flatnonzero(silent_maps(maps)).tolist()
    if not silent:
        return f"{colors}. {scale}"
    noun = "map" if len(silent) == 1 else "maps"
    which = listed([str(each) for each in silent], MOST_LISTED)
    return f"{colors}. {scale} Grey: 0 everywhere in this picture ({noun} {which})."


def _render_units(
    network: Network, layers: Layers, layer: LayerSummary, pixels: Pixels, units: Numbers, key: str
) -> None:
    grid = arranged(units)
    names = [f"Unit {place}" for place in range(len(units))]
    if layer.activation == "softmax":
        names = list(layers.class_names)
    place_key = f"{key}-unit"
    chosen = session.widget_value(place_key)
    columns = grid.shape[1]
    number_grid(
        grid, f"{key}-units-{digest_of(pixels)}", hint=CLICK, label=f"The {len(units)} numbers of {layer.name}",
        names=names, chosen=None if chosen is None else divmod(chosen, columns), widest=1120,
        on_pick=lambda place: session.set_widget(place_key, place[0] * columns + place[1]),
    )  # fmt: skip
    colors = (
        "Blue is below 0, white 0, red above." if is_signed(units) else "Violet is 0, yellow the largest."
    )
    st.caption(f"One square per unit, in rows of {columns}. {colors}")
    if chosen is not None:
        render_calculation(network, layers, layer, pixels, (chosen,), f"{key}-unit-{chosen}")
