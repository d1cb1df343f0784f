"""A picture that a run has never seen, and what the run makes of it, as soon as the engine is warm."""

from dataclasses import dataclass

import streamlit as st

from core.datasets.identity import data_problem
from core.datasets.samples import SAMPLES, unseen_pictures
from core.engine.answers import Answer
from core.errors import ConvDeckError, DatasetError
from core.server.services import Services
from core.store.records import Run
from core.system.frames import Pixels
from pages.components.kit import session
from pages.components.kit.answers import render_bars, render_seen, right_or_wrong
from pages.components.kit.cache import answer_of
from pages.components.kit.pictures import png_bytes
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import error_text, literal

TICK_SECONDS = 0.5
NUMBER = "story-sample"


@dataclass(frozen=True, eq=False)
class Sample:
    """Picture number `index` of the samples of a data set, and its true class."""

    index: int
    pixels: Pixels
    truth: str


def choose_sample(services: Services, dataset_id: str) -> Sample | None:
    """The sample that this visitor has reached; None when the data set is no longer available."""
    try:
        samples = unseen_pictures(services.workspace, dataset_id)
    except DatasetError:
        return None
    index = (int(session.widget_value(NUMBER) or 1) - 1) % len(samples.truths)
    return Sample(index, samples.pictures[index], samples.truths[index])


def sample_for(services: Services, run: Run) -> Sample | None:
    """The same, of the data that the run was started on; None also where another data set has its name now."""
    return None if data_problem(services.workspace, run) else choose_sample(services, run.dataset)


def render_another(place: str) -> None:
    """A button for the next sample; `place` tells it from others on the same page."""
    st.button(
        "Another", key=f"story-another-{place}", type="tertiary", icon=":material/casino:",
        on_click=session.next_draw, args=(NUMBER, SAMPLES),
    )  # fmt: skip


def render_sample(services: Services, run: Run) -> None:
    """Nothing waits for the engine: until it has answered there is the picture alone."""
    sample = sample_for(services, run)
    if sample is None or not run.has_weights:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown("**A picture it has never seen**", width="content")
            render_another("sample")
        waits = _answer(services, run, sample) is None
        every = TICK_SECONDS if waits else None
        draw_ticking(_draw, services, run, sample, waits, every=every)


def _draw(services: Services, run: Run, sample: Sample, waits: bool) -> None:
    answer = _answer(services, run, sample)
    if waits and answer is not None:
        st.rerun()  # polling ends with the whole page
    picture, words = st.columns([1, 2], gap="medium", vertical_alignment="center")
    with picture:
        render_seen(sample.pixels, f"A picture of the data set {run.dataset} that no run has seen")
    with words:
        if answer is None:
            st.caption("The answer appears once the picture engine has loaded TensorFlow.")
            st.skeleton(height=96)
        elif answer.error:
            st.caption(literal(answer.error))
        else:
            st.markdown(right_or_wrong(answer.best, sample.truth))
            render_bars(answer)


def _answer(services: Services, run: Run, sample: Sample) -> Answer | None:
    """The engine's answer, or one that says what went wrong; None until there is one."""
    # A run saves its best weights before it says that it has new ones.
    key = ("sample", run.id, run.attempt, run.best_epoch, sample.index)
    picture = [("sample", png_bytes(sample.pixels))]
    try:
        answers = answer_of(key, lambda: services.engine.predict(run.id, picture, "stretch"))
    except ConvDeckError as error:
        return Answer("sample", error_text(error))
    return None if answers is None else answers[0]
