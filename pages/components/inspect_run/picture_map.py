"""A map of pictures, drawn once opened: what the network finds alike lies together. Points open their pictures."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.datasets.storage import load_dataset
from core.errors import ConvDeckError, DatasetError
from core.formatting import percent
from core.inspection.answers import Numbers, SplitAnswers, weights_of
from core.inspection.measures import confusion_of, most_confused
from core.inspection.picture_map import PictureMap, Placed, answers_on, picture_map, place_pictures
from core.server.services import Services
from core.store.records import Run
from pages.components.charts.picture_map import (
    BY_ANSWER,
    BY_CLASS,
    BY_MISTAKE,
    MOST_CHOSEN,
    MOST_COLORED,
    OwnPoint,
    groups_of,
    picture_map_figure,
)
from pages.components.charts.plotly_marks import CONFIG
from pages.components.inspect_run.one_picture import open_one, render_one
from pages.components.kit import session
from pages.components.kit.browser import is_narrow
from pages.components.kit.cache import KEPT, VersionedCache
from pages.components.kit.redraw import draw_alone, render_folded
from pages.components.kit.text import error_text, literal

TSNE, PCA = "tsne", "pca"
LAYOUTS = {TSNE: "t-SNE", PCA: "PCA"}
COLORS = {BY_CLASS: "Class", BY_ANSWER: "Answer", BY_MISTAKE: "Mistakes"}
MOST_OWN = 8
FIRST_CHOSEN = 4  # classes, where there are too many for a colour each
NEAREST = 12  # pictures beside the one that is opened
OPENED, LAST = "inspect-map-opened", "inspect-map-last"

_maps: VersionedCache[PictureMap] = VersionedCache(KEPT)
_placed: VersionedCache[list[Placed]] = VersionedCache(KEPT)


def render_picture_map(services: Services, run: Run, answers: SplitAnswers) -> None:
    """A fold with the map of up to 2,000 pictures of the part that is looked at."""
    render_folded(
        "Map of pictures", f"inspect-map-{run.id}", lambda: draw_alone(_render, services, run, answers),
        icon=":material/scatter_plot:",
    )  # fmt: skip


def _render(services: Services, run: Run, answers: SplitAnswers) -> None:
    try:
        found = _map_of(services, run, answers)
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/block:")
        return
    shown = answers_on(found, answers)
    names = shown.class_names
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        layout = st.segmented_control(
            "Layout", list(LAYOUTS), default=TSNE, required=True, format_func=LAYOUTS.__getitem__,
            key="inspect-map-layout",
            help="To its last layer each picture is a list of numbers, its features. **t-SNE** puts pictures with "
            "similar features together: neighbours mean something; the distance between groups and their size do not. "
            "**PCA** is a straight projection: less tidy, but distances are real.",
        )  # fmt: skip
        by = st.segmented_control(
            "Colour", list(COLORS), default=BY_CLASS, required=True, format_func=COLORS.__getitem__,
            key="inspect-map-color",
        )  # fmt: skip
        chosen: list[int] = []
        if len(names) > MOST_COLORED and by != BY_MISTAKE:
            chosen = st.multiselect(
                "Which classes", range(len(names)), most_confused(confusion_of(answers), FIRST_CHOSEN),
                format_func=names.__getitem__, key=f"inspect-map-classes-{run.id}", max_selections=MOST_CHOSEN,
                width=420, placeholder="All are grey", help="At first, classes of the largest confusions.",
            )  # fmt: skip
        with st.popover("Place your own pictures", icon=":material/add_location_alt:"):
            uploads = _choose_uploads()
    own = _own_points(services, run, found, str(layout), uploads)
    chart = (
        f"inspect-map-chart-{run.id}-{found.split}-{found.epoch}-{layout}-{by}-{'-'.join(map(str, chosen))}"
    )
    st.plotly_chart(
        picture_map_figure(
            found.places(str(layout)), groups_of(shown, str(by), chosen), shown, own, is_narrow=is_narrow()
        ),
        key=chart, config={**CONFIG, "scrollZoom": False}, width="stretch", selection_mode="points",
        on_select=lambda: _take_point(chart),
        alt=f"A map of {len(found):,} {found.split} pictures, coloured by {COLORS[str(by)].lower()}",
    )  # fmt: skip
    st.caption(literal(caption(found, len(answers), str(layout))))
    _open(services, run, shown, found.places(str(layout)))


def caption(found: PictureMap, of: int, layout: str) -> str:
    """How many pictures, of which weights, and what the layout means."""
    many = f"{len(found):,} of {of:,}" if len(found) < of else f"All {of:,}"
    means = "Pictures that lie together look alike to the network."
    if layout == PCA:
        share = percent(float(found.explained[:2].sum()))
        means = (
            f"The two directions in which pictures differ most to the network, {share} of all differences."
        )
    return (
        f"{many} {found.split} pictures after epoch {found.epoch}. {means} Click a point to open its picture."
    )


def _map_of(services: Services, run: Run, answers: SplitAnswers) -> PictureMap:
    weights = weights_of(services.workspace, run, answers.epoch)
    name = services.workspace.root, run.id, answers.split, answers.epoch

    def make() -> PictureMap:
        with st.spinner("Drawing the map. This is done once…"):
            place = st.empty()

            def advance(done: int, of: int) -> None:
                place.progress(min(1.0, done / of))

            made = picture_map(
                services.workspace, services.engine, run, answers.split, answers.epoch, advance
            )
            place.empty()
        return made

    return _maps.get(name, weights.sha256, make)


def _choose_uploads() -> list[UploadedFile]:
    uploads = st.file_uploader(
        f"Up to {MOST_OWN} pictures", accept_multiple_files=True, key="inspect-map-uploads"
    )
    st.caption(
        "By PCA they lie where they belong. On a t-SNE map they lie among the ten pictures that are nearest to the "
        "network."
    )
    return uploads[:MOST_OWN]


def _own_points(
    services: Services, run: Run, found: PictureMap, layout: str, uploads: Sequence[UploadedFile]
) -> list[OwnPoint]:
    if not uploads:
        return []

    def place() -> list[Placed]:
        weights = weights_of(services.workspace, run, found.epoch)
        pictures = [(each.name, each.getvalue()) for each in uploads]
        return place_pictures(services.engine, run, weights, found, pictures)

    key = services.workspace.root, run.id, found.split, found.epoch, tuple(each.file_id for each in uploads)
    try:
        placed = _placed.get(key, found.sha256, place)
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/block:")
        return []
    for each in placed:
        if each.answer.error:
            st.error(literal(each.answer.error), icon=":material/broken_image:")
    return [
        OwnPoint(each.answer.image, each.answer.top[0], *each.places[layout])
        for each in placed
        if each.places
    ]


def _take_point(chart: str) -> None:
    state = session.widget_value(chart)
    points = state["selection"]["points"] if state else []
    at = session.widget_value(LAST)  # a second click on a point takes it back, to Plotly
    if points:
        data = points[0].get("customdata")
        at = data[0] if isinstance(data, list) else data
        session.set_widget(LAST, at)
    if at is not None and at >= 0:
        session.set_widget(OPENED, int(at))


def _open(services: Services, run: Run, shown: SplitAnswers, places: np.ndarray) -> None:
    """The picture whose point was clicked, and beside it those that are nearest on the map."""
    at = session.widget_value(OPENED)
    if at is None or at >= len(places):
        return
    session.reset_widget(OPENED)
    nearest = _nearest(places, at)
    try:
        stored = load_dataset(services.workspace, run.dataset).x_test
    except DatasetError as error:
        st.warning(literal(error_text(error)), icon=":material/photo_library:")
        return
    open_one(0)
    render_one(services, run, shown, nearest, np.asarray(stored[shown.rows[nearest]]))


def _nearest(places: np.ndarray, at: int) -> Numbers:
    distances = ((places - places[at]) ** 2).sum(axis=1)
    distances[at] = -1  # first, also where others lie in the same place
    return np.argsort(distances, kind="stable")[: NEAREST + 1]
