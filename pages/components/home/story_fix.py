"""The cure: a fork with augmentation, the pictures that it is shown, and its race against the run that overfits."""

from typing import Any

import numpy as np
import streamlit as st

from core.analysis.suggestions import augmentation_suggestion
from core.config import AugmentationConfig
from core.datasets.identity import data_problem
from core.errors import ConvDeckError, RunError
from core.server.services import Services
from core.store.records import Run
from pages.components.home.story_sample import Sample, choose_sample, render_another
from pages.components.kit import session
from pages.components.kit.cache import answer_of
from pages.components.kit.pictures import render_pixels
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.starting import start_fork
from pages.components.kit.text import error_text, literal
from pages.components.runs.live import render_live

VARIANTS = 12
SEED = 1
SIDE = 96
TICK_SECONDS = 0.5


def render_fix_button(services: Services, run: Run, label: str, *, primary: bool) -> Run | None:
    """A button that forks a run with more augmentation. Returns the fork when it was clicked."""
    if (config := run.readable_config) is None:
        return None
    suggestion = augmentation_suggestion(config)
    if suggestion is None:
        st.caption("All augmentation is on already.")
        return None
    kind = "primary" if primary else "secondary"
    if not st.button(
        label, key=f"story-fix-{run.id}", type=kind, icon=":material/healing:", help=suggestion.why
    ):
        return None
    fork = start_fork(services, run, suggestion)
    if fork is not None:
        session.set_chosen_runs((run.id, fork.id))
    return fork


def render_race(services: Services, run: Run, fork: Run) -> None:
    """What the fork is shown, and both curves while it trains."""
    try:
        augmentation = fork.config.augmentation
    except RunError as error:
        st.error(literal(error_text(error)), icon=":material/broken_image:")
    else:
        if data_problem(services.workspace, fork) is None:
            render_variants(services, augmentation, fork.dataset)
    render_live(services, [run, fork])


def render_variants(services: Services, augmentation: AugmentationConfig, dataset: str) -> None:
    """A sample of the data set, varied by the code that trains. The page does not wait for it."""
    sample = choose_sample(services, dataset)
    if sample is None:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown("**One picture as training now shows it, twelve times**", width="content")
            render_another("variants")
        waits = _variants(services, augmentation, dataset, sample) is None
        every = TICK_SECONDS if waits else None
        draw_ticking(_draw, services, augmentation, dataset, sample, waits, every=every)


def _draw(
    services: Services, augmentation: AugmentationConfig, dataset: str, sample: Sample, waits: bool
) -> None:
    found = _variants(services, augmentation, dataset, sample)
    if waits and found is not None:
        st.rerun()  # polling ends with the whole page
    if isinstance(found, str):
        st.caption(literal(found))
        return
    if found is None:
        st.caption("The variants appear once the picture engine has loaded TensorFlow.")
        st.skeleton(height=SIDE)
        return
    with st.grid(VARIANTS, min_column_width=64):
        for pixels, drawn in zip(*found, strict=True):
            words = " · ".join(drawn.values()) or "unchanged"
            render_pixels(pixels, SIDE, width="stretch", alt=f"{sample.truth}: {words}")


def _variants(
    services: Services, augmentation: AugmentationConfig, dataset: str, sample: Sample
) -> tuple[Any, Any] | str | None:
    """(pictures, what was drawn for each), or why there are none; None until there are."""
    batch = np.repeat(sample.pixels[None], VARIANTS, axis=0)
    key = ("variants", augmentation, dataset, sample.index)
    try:
        return answer_of(key, lambda: services.engine.preview(augmentation, batch, SEED))
    except ConvDeckError as error:
        return error_text(error)
