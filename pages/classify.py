"""Classify: a trained run's answers on your own pictures."""

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from time import monotonic

import streamlit as st

from core.formatting import percent
from core.inspection.looking import AT_ONCE, Asking
from core.runs.breakdown import caution_in_words
from core.server.services import Services
from core.store.records import Run
from pages.components.classify.cards import render_answers
from pages.components.classify.known import (
    learn_what_it_knows,
    render_classes,
    render_problem,
    render_temperature,
    shape_of,
    temperature_of,
)
from pages.components.classify.run_choice import choose_runs
from pages.components.classify.samples import are_samples_shown, draw_samples, render_samples
from pages.components.classify.several import explain_variation
from pages.components.classify.sources import choose_pictures
from pages.components.classify.table import draw_so_far, render_table
from pages.components.classify.uploads import LookedAt, Picture, look_at
from pages.components.kit import browser, session
from pages.components.kit.cropping import CROPS
from pages.components.kit.redraw import some_of
from pages.components.kit.text import literal, unbroken

MOST_CARDS, CARDS_NARROW = AT_ONCE, 8  # on a phone they stand one below the other
AS_TRAINED = "trained"
WAYS = {AS_TRAINED: "As in training", **CROPS}
REDRAW_SECONDS = 1.0


def main() -> None:
    """The page."""
    st.title("Classify", anchor=False)
    services = session.services()
    runs = choose_runs(services)
    if not runs:
        st.write("No run has weights yet. Train one first.")
        st.page_link("home.py", label="Start a run", icon=":material/play_arrow:")
        return
    _render_head(services, runs[0])
    _render_rest(services, runs)
    browser.watch_width()


def _render_rest(services: Services, runs: tuple[Run, ...]) -> None:
    shape = shape_of(services, runs[0])
    left, right = st.columns(2, gap="medium")
    with right:
        crop, vary = _choose_how()
    with ExitStack() as opened:
        with left:
            pictures = choose_pictures(services, shape, opened)
        if not pictures and not are_samples_shown():
            return
        problem = learn_what_it_knows(services, runs[0])
        render_problem(problem)
        measured = [temperature_of(services, run) for run in runs]
        render_temperature(runs, measured)
        temperatures = tuple(each and each.value for each in measured)
        known = (problem is None, *[False] * (len(runs) - 1))
        asking = Asking(runs, temperatures, known, crop, vary)
        if vary:
            explain_variation(runs, 3 if shape is None else shape[2])
        if pictures:
            _render_pictures(services, asking, pictures)
        if are_samples_shown():
            render_samples(services, asking)


def _render_head(services: Services, run: Run) -> None:
    st.caption(
        unbroken(
            f"The run “{run.name}” was trained on {run.dataset} and is right on {percent(run.best_val_accuracy)} of "
            "its validation pictures. It always chooses one of the classes that it knows, even for something it has "
            "never seen."
        )
    )
    st.page_link(
        "inspect_run.py", label="See what it gets wrong", icon=":material/troubleshoot:",
        query_params={"run": run.id},
    )  # fmt: skip
    classes = services.store.breakdowns.validation_at(run.id, run.best_epoch) if run.best_epoch else None
    if caution := caution_in_words(run, classes):
        st.warning(literal(caution), icon=":material/balance:")
    render_classes(services, run)


def _choose_how() -> tuple[str | None, bool]:
    """How pictures become square, None: as in training; and whether they are varied."""
    crop = st.segmented_control(
        "How pictures become square", list(WAYS), default=AS_TRAINED, required=True, format_func=WAYS.__getitem__,
        key="classify-crop", wrap=True, persist_state="session",
        help="The network reads small square pictures. As in training: like the pictures of its data set. “Crop” below "
        "a picture chooses its part by hand.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        vary = st.toggle(
            "Vary the picture", key="classify-vary", persist_state="session",
            help="Test-time augmentation: each picture is shown to the network in slightly different variants, too. If "
            "the answers to them differ, the answer rests on details.",
        )  # fmt: skip
        st.button("Try sample pictures", icon=":material/casino:", on_click=draw_samples)
    return None if crop == AS_TRAINED else str(crop), vary


def _render_pictures(services: Services, asking: Asking, pictures: Sequence[Picture]) -> None:
    looked = _look_at_all(asking, pictures)
    if len(looked) > MOST_CARDS:
        render_table(asking.runs, looked, folded=False)
        st.caption(f"The first {MOST_CARDS} of {len(looked):,} pictures as cards:")
    cards = looked[:MOST_CARDS]
    above = st.container()
    at_once = CARDS_NARROW if browser.is_narrow() else MOST_CARDS
    shown = some_of(cards, at_once, f"classify-cards-{len(cards)}")
    with above:
        render_answers(services, asking.runs, shown)
    if len(looked) <= MOST_CARDS:
        render_table(asking.runs, looked)


def _look_at_all(asking: Asking, pictures: Sequence[Picture]) -> list[LookedAt]:
    """With progress, and beyond the cards with the rows that are there so far."""
    looked: list[LookedAt] = []
    place = st.empty()
    drawn = monotonic()
    with st.spinner("Classifying…"):
        for part in chain(
            look_at(asking, pictures[:MOST_CARDS], with_original=True),
            look_at(asking, pictures[MOST_CARDS:], drawn=False),
        ):
            looked += part
            if len(looked) < len(pictures) and monotonic() - drawn > REDRAW_SECONDS:
                with place.container():
                    st.progress(len(looked) / len(pictures), f"{len(looked):,} of {len(pictures):,} pictures")
                    draw_so_far(asking.runs, looked)
                drawn = monotonic()
    place.empty()
    return looked


main()
