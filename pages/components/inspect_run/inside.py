"""Inside the network: feature maps of a picture, filters, units that never respond. Drawn once it is opened."""

import secrets

import numpy as np
import streamlit as st

from core.errors import ConvDeckError
from core.inspection.answers import SplitAnswers
from core.inspection.layers import stored_picture
from core.inspection.selection import select
from core.server.services import Services
from core.store.records import Run
from core.system.frames import Pixels
from pages.components.inspect_run.address import View
from pages.components.inspect_run.dead_units import render_dead_units
from pages.components.inspect_run.filters import render_filters
from pages.components.inspect_run.histograms import render_histograms
from pages.components.kit import session
from pages.components.kit.feature_maps import render_feature_maps
from pages.components.kit.network import Network
from pages.components.kit.picture_grid import scroll_here
from pages.components.kit.pictures import render_pixels
from pages.components.kit.redraw import draw_alone, render_folded
from pages.components.kit.text import error_text, literal
from pages.components.kit.widget_values import show_value

MAPS, FILTERS, DEAD, HISTOGRAMS = "Feature maps", "Filters", "Dead units", "Histograms"
PART, ROW, SCROLL = "inspect-inside-part", "inspect-inside-row", "inspect-inside-scroll"
SIDE = 96


def fold_key(run: Run) -> str:
    """Of the fold."""
    return f"inspect-inside-{run.id}"


def show_inside(row: int) -> None:
    """Of the picture in this row of the stored test arrays, the next time that it is drawn."""
    session.set_widget(ROW, row)


def open_inside(run: Run, row: int) -> None:
    """Open the fold with the feature maps of this picture, and scroll to it."""
    show_inside(row)
    session.set_widget(fold_key(run), True)
    session.set_widget(PART, MAPS)
    session.set_widget(SCROLL, secrets.token_hex(4))


def render_inside(services: Services, run: Run, answers: SplitAnswers, view: View) -> None:
    """The fold."""
    if token := session.widget_value(SCROLL):
        scroll_here(token, "inside")
    render_folded(
        "Inside the network", fold_key(run), lambda: draw_alone(_render, services, run, answers, view),
        icon=":material/account_tree:",
    )  # fmt: skip


def _render(services: Services, run: Run, answers: SplitAnswers, view: View) -> None:
    show_value(PART, session.widget_value(PART, MAPS))
    part = st.segmented_control(
        "Part", (MAPS, FILTERS, DEAD, HISTOGRAMS), required=True, key=PART, label_visibility="collapsed"
    )  # fmt: skip
    try:
        network = Network.of(services, run, answers.epoch)
        if part == MAPS:
            _render_maps(network, answers, view)
        elif part == FILTERS:
            render_filters(network)
        elif part == DEAD:
            render_dead_units(network)
        else:
            render_histograms(network)
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/error:")


def _render_maps(network: Network, answers: SplitAnswers, view: View) -> None:
    rows = (
        answers.rows[select(answers, view.pictures, view.truth, view.answer)].tolist()
        or answers.rows.tolist()
    )
    row = session.widget_value(ROW)
    if row not in answers.rows:
        row = rows[0]
    seen = stored_picture(network.services.workspace, network.run, row)
    _render_choice(answers, rows, row, seen)
    render_feature_maps(network, seen, "inspect-inside")


def _render_choice(answers: SplitAnswers, rows: list[int], row: int, pixels: Pixels) -> None:
    """The picture, what it was taken for, and a way to the ones beside it among those that Pictures lists."""
    place = int(np.flatnonzero(answers.rows == row)[0])
    names = answers.class_names
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        render_pixels(pixels, SIDE, width=SIDE, alt=f"Picture {row:,}")
        with st.container(width="stretch", gap="small"):
            st.markdown(
                f"Picture {row:,}: **{literal(names[answers.labels[place]])}**, taken for "
                f"**{literal(names[answers.predicted[place]])}**"
            )
            at = rows.index(row) if row in rows else -1
            with st.container(horizontal=True, gap="small"):
                for label, icon, step in (("Previous", "arrow_back", -1), ("Next", "arrow_forward", 1)):
                    there = 0 <= at + step < len(rows)
                    st.button(
                        label, key=f"inspect-inside-{step}", icon=f":material/{icon}:", disabled=not there,
                        on_click=session.set_widget, args=(ROW, rows[at + step] if there else row),
                        help="Among the pictures that are chosen above, under Pictures.",
                    )  # fmt: skip
