"""Pictures of a design that change as it is edited: SVG that the server draws, in the page's colours."""

import base64
from pathlib import Path

import streamlit as st

from core.config import DatasetConfig, ExperimentConfig
from core.datasets.lookup import find_dataset
from core.datasets.samples import unseen_pictures
from core.datasets.splits import as_read
from core.design.network_drawing import network_svg
from core.design.schedule import planned_rates, schedule_in_words
from core.design.schedule_drawing import schedule_svg
from core.design.stages import stages_of
from core.errors import UserError
from pages.components.design.plan import NetworkPlan
from pages.components.kit import session
from pages.components.kit.browser import mount
from pages.components.kit.cache import VersionedCache
from pages.components.kit.pictures import png_bytes
from pages.components.kit.text import literal

PACKAGE = "convdeck_design"
HERE = Path(__file__).parent
FILES: dict[str, tuple[str, str | None]] = {"drawing": ("drawing.js", "drawing.css")}
LEAST_SCHEDULE = 260  # pixels
LEAST_SHARE = 0.9  # of a network's picture; in less room it is scrolled
MOST_PICTURES = 32

_pictures: VersionedCache[str | None] = VersionedCache(MOST_PICTURES)


def draw_svg(svg: str, key: str, *, least: int) -> None:
    """An SVG picture of our own, without a text of anybody else in it; `least` is its smallest width in pixels."""
    mount(PACKAGE, HERE, FILES, "drawing", key, {"svg": svg, "least": least})


def render_network_picture(config: ExperimentConfig, plan: NetworkPlan) -> None:
    """The network to scale, behind a picture of the data set with what each block sees of it."""
    failed = plan.problem.layer if plan.problem is not None else None
    if failed in {layer.name for layer in plan.layers}:
        failed = None  # it can be drawn, and is only too large
    source = _picture_source(config.dataset, plan.image_shape)
    drawing = network_svg(plan.image_shape, stages_of(plan.layers), source, failed)
    draw_svg(drawing.svg, "network", least=round(LEAST_SHARE * drawing.width))


def _picture_source(dataset: DatasetConfig, image_shape: tuple[int, int, int]) -> str | None:
    """A picture of the data set at the size that the network reads, as the `src` of an image; None without any."""
    workspace = session.services().workspace

    def make() -> str | None:
        try:
            picture = as_read(unseen_pictures(workspace, dataset.id).pictures[0], image_shape)
        except UserError:
            return None
        return "data:image/png;base64," + base64.b64encode(png_bytes(picture)).decode()

    try:
        info = find_dataset(workspace, dataset.id)
    except UserError:
        return None
    return _pictures.get((workspace.root, dataset.id, image_shape), (info.state, info.digest), make)


def render_schedule(config: ExperimentConfig) -> None:
    """The learning rate over the epochs. Nothing where it stays the same, or the data set is unknown."""
    optimizer = config.optimizer
    if optimizer.schedule == "constant":
        return
    num_train = config.dataset.num_train or _pictures_of(config.dataset.id)
    if not num_train:
        return
    steps_per_epoch, epochs = config.training.steps_per_epoch(num_train), config.training.epochs
    words = schedule_in_words(optimizer, steps_per_epoch, epochs)
    if optimizer.schedule != "plateau":  # which depends on how it goes
        svg = schedule_svg(planned_rates(optimizer, steps_per_epoch, epochs), words)
        draw_svg(svg, "schedule", least=LEAST_SCHEDULE)
    st.caption(f"Learning rate: {literal(words[0].lower() + words[1:])}")


def _pictures_of(dataset_id: str) -> int:
    """The number of its training pictures; 0 where the data set is unknown."""
    try:
        return find_dataset(session.services().workspace, dataset_id).num_train
    except UserError:
        return 0
