"""Why a run answers so: the training pictures that are nearest, and what it looks at. Drawn once opened."""

import numpy as np
import streamlit as st

from core.datasets.identity import check_same_data
from core.datasets.storage import load_dataset
from core.engine.answers import Answer
from core.engine.explanation import Explanation
from core.errors import DatasetError, UserError
from core.inspection.answers import BEST
from core.inspection.prediction import calibrated_explanation
from core.server.services import Services
from core.store.records import Run
from pages.components.kit.explanations import render_explanations
from pages.components.kit.feature_maps import render_feature_maps
from pages.components.kit.network import Network
from pages.components.kit.pictures import render_pixels
from pages.components.kit.redraw import draw_alone
from pages.components.kit.text import error_text, literal

NEIGHBOUR_SIDE, NEIGHBOUR_WIDTH = 80, 100  # the latter has room for a name


def render_reasons(services: Services, run: Run, answer: Answer, key: str) -> None:
    """A button that opens them in a dialog: they need more room than a card has. Nothing else is drawn again."""
    draw_alone(_render_button, services, run, answer, key)


def _render_button(services: Services, run: Run, answer: Answer, key: str) -> None:
    if st.button("Why this answer?", icon=":material/search:", type="tertiary", key=f"reasons-{key}"):
        title = f"Why “{answer.best}”?"
        st.dialog(literal(title), width="medium")(_render_dialog)(services, run, answer, key)


def _render_dialog(services: Services, run: Run, answer: Answer, key: str) -> None:
    _render_explanations(services, run, answer, key)
    _render_neighbours(services, run, answer)
    if st.toggle(
        "Look inside the network", key=f"inside-{key}", help="What each layer gives for this picture."
    ):
        _render_inside(services, run, answer, key)


def _render_inside(services: Services, run: Run, answer: Answer, key: str) -> None:
    assert answer.seen is not None
    try:
        network = Network.of(services, run, BEST)
    except UserError as error:
        st.error(literal(error_text(error)), icon=":material/error:")
        return
    render_feature_maps(network, answer.seen, f"inside-{key}")


def _render_neighbours(services: Services, run: Run, answer: Answer) -> None:
    if answer.knowledge is None:
        return
    st.markdown(
        "**Nearest training pictures**",
        help="Those that lie nearest to this picture in the network's features, the nearest first. Distances are from "
        "0, the same, to 2, the opposite.",
    )
    try:
        check_same_data(services.workspace, run)
        pictures = load_dataset(services.workspace, run.dataset).x_train
    except DatasetError as error:
        st.caption(literal(error_text(error)))
        return
    with st.container(horizontal=True, gap="small"):
        for each in answer.knowledge.neighbours:
            distance = f"distance {each.distance:.2f}"
            with st.container(width=NEIGHBOUR_WIDTH, gap=None):
                render_pixels(
                    np.asarray(pictures[each.row]), NEIGHBOUR_SIDE, width=NEIGHBOUR_SIDE,
                    alt=f"Training picture {each.row + 1}: {each.name}, {distance}",
                )  # fmt: skip
                st.caption(literal(each.name), help=distance.capitalize())


def _render_explanations(services: Services, run: Run, answer: Answer, key: str) -> None:
    pixels = answer.seen
    assert pixels is not None

    def ask(method: str, layer: str | None, class_name: str | None) -> Explanation:
        explained = services.engine.explain_pixels(run.id, pixels, method, layer, class_name, answer.image)
        return calibrated_explanation(explained, answer.temperature)

    render_explanations(ask, key)
