"""Augment, third view: how robust a run is to each distortion, beside the range that it was trained with."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from core.augmentation.robustness import (
    KNOBS,
    MOST_PICTURES,
    ImageShape,
    Knob,
    Robustness,
    measure_robustness,
    trained_runs,
)
from core.datasets.identity import check_same_data
from core.datasets.storage import Dataset, load_dataset
from core.errors import ConvDeckError, UserError
from core.formatting import percent, within_sentence
from core.server.services import Services
from core.store.records import Run
from pages.components.augment.run_choice import choose_run, describe_run
from pages.components.charts.robustness import robustness_data, robustness_spec
from pages.components.kit import run_words, session
from pages.components.kit.cache import answer_of
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import error_text, literal

TICK_SECONDS = 0.2
# Measured per request: long enough to waste little, short enough to see the curve grow.
PORTION_SECONDS = 1.0
BESIDE = "sweep-beside"


def render_sweep(services: Services, runs: Sequence[Run]) -> None:
    """Accuracy against one distortion, for a run and for another one to compare with."""
    asked = [run for run in runs if run.has_weights and run.unreadable is None]
    if not asked:
        st.write("No run has weights yet. Train one first.")
        st.page_link("home.py", label="Start a run", icon=":material/play_arrow:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run = choose_run(asked, "Run")
        assert run is not None
        try:
            check_same_data(services.workspace, run)
            dataset = load_dataset(services.workspace, run.dataset)
        except UserError as error:
            st.error(literal(error_text(error)), icon=":material/photo_library:")
            return
        other = _choose_other(run, trained_runs(asked, dataset.id, dataset.digest))
        knob = _choose_knob(dataset.image_shape[2])
    chosen = [run] if other is None else [run, other]
    if error := session.sweep_error(_asked(chosen, knob)):
        st.error(literal(error), icon=":material/error:")
        st.button("Continue", icon=":material/refresh:", on_click=session.set_sweep_error, args=((), ""))
    ticking = not error and not all(one.is_complete for one in _advance(services, chosen, dataset, knob, 0.0))
    every = TICK_SECONDS if ticking else None
    draw_ticking(_draw, services, chosen, dataset, knob, every=every)


def _choose_other(run: Run, same_data: Sequence[Run]) -> Run | None:
    """Preselected: its parent, or else one of its forks, because they differ by one change."""
    by_id = {other.id: other for other in same_data if other.id != run.id}
    related = [each.id for each in same_data if each.id == run.parent_id or each.parent_id == run.id]
    options = ["", *by_id]
    chosen = st.selectbox(
        "Compare with", options, options.index(related[0]) if related else 0, key=f"{BESIDE}-{run.id}",
        persist_state="session",
        format_func=lambda run_id: describe_run(by_id[run_id]) if run_id else "no other run",
        help="Another run on the same data set, such as its fork without augmentation.",
    )  # fmt: skip
    return by_id.get(str(chosen))


def _choose_knob(num_channels: int) -> str:
    names = [name for name, knob in KNOBS.items() if num_channels == 3 or not knob.colored]
    return str(
        st.selectbox(
            "Distortion", names, key=f"sweep-knob-{num_channels}", persist_state="session",
            format_func=lambda name: KNOBS[name].title,
        )
    )  # fmt: skip


def _draw(services: Services, runs: Sequence[Run], dataset: Dataset, knob: str) -> None:
    """The chart so far; then some more measuring in the background, which a later tick shows."""
    found = _advance(services, runs, dataset, knob, 0.0)
    done = sum(value is not None for one in found for value in one.accuracy)
    total = sum(len(one.levels) for one in found)
    names = run_words.distinct_names(runs)
    # A container for what comes and goes, so that the chart below keeps its place.
    with st.container():
        if done < total and not session.sweep_error(_asked(runs, knob)):
            st.progress(done / total, f"Measured {done} of {total} points.")
    st.vega_lite_chart(
        robustness_data(found),
        robustness_spec(knob, names, len(dataset.class_names)),
        key="-".join(["sweep", knob, *(run.id for run in runs)]),
        width="stretch",
        alt=f"Accuracy against {KNOBS[knob].title.lower()}: {', '.join(names)}",
    )
    for name, one in zip(names, found, strict=True):
        if sentence := sweep_sentence(one):
            st.markdown(f"**{literal(name)}**: {literal(sentence)}")
    st.caption(
        f"{_pictures(found)} All pictures are distorted by the same amount; gaps at the edge are filled with the "
        "nearest pixel. The coloured band is the range used in training; the dotted line is guessing."
    )
    if done < total and not session.sweep_error(_asked(runs, knob)):
        # What is measured is kept, so each number of points that are known is another question.
        weights = tuple((run.attempt, run.best_epoch) for run in runs)
        key = ("robustness", str(services.workspace.root), *_asked(runs, knob), weights, dataset.digest, done)
        try:
            portion = answer_of(key, lambda: _advance(services, runs, dataset, knob, PORTION_SECONDS))
        except ConvDeckError as error:
            session.set_sweep_error(_asked(runs, knob), error_text(error))
            st.rerun()
        if portion is not None and all(one.is_complete for one in portion):
            st.rerun()  # without ticks from now on


def _asked(runs: Sequence[Run], knob: str) -> tuple[str, ...]:
    return (knob, *(run.id for run in runs))


def _advance(
    services: Services, runs: Sequence[Run], dataset: Dataset, knob: str, seconds: float
) -> list[Robustness]:
    """What is known of each run after measuring for `seconds`, one level of each run in turn."""
    began = time.monotonic()
    going: list[Iterator[Robustness]] = [
        measure_robustness(services.workspace, services.engine, run, knob, _shape(run, dataset))
        for run in runs
    ]
    found = [next(one) for one in going]
    while time.monotonic() - began < seconds and not all(one.is_complete for one in found):
        found = [next(one, known) for one, known in zip(going, found, strict=True)]
    return found


def _shape(run: Run, dataset: Dataset) -> ImageShape:
    return run.config.dataset.picture_shape(dataset.image_shape)


def _pictures(found: Sequence[Robustness]) -> str:
    count = max(one.num_pictures for one in found)
    if not count:
        return ""
    return f"Measured on {count:,} validation pictures{' (the maximum)' if count == MOST_PICTURES else ''}."


def sweep_sentence(found: Robustness) -> str:
    """What the curve says at its middle and half-way out, as far as it is measured, and the range of training."""
    knob = KNOBS[found.knob]
    middle = found.at(knob.untouched)
    if middle is None:
        return ""
    # Half-way: at the ends pictures are often unrecognisable, and a rotation by 360° is none.
    halves = [
        (end + knob.untouched) / 2 for end in (min(knob.levels), max(knob.levels)) if end != knob.untouched
    ]
    places = [min(knob.levels, key=lambda level: abs(level - half)) for half in halves]
    ends = [(level, found.at(level)) for level in places]
    told = " and ".join(
        f"{percent(value, 0)} at {level_in_words(knob, level)}" for level, value in ends if value is not None
    )
    trained = f"trained without {within_sentence(knob.title)}"
    if found.trained is not None:
        trained = " to ".join(level_in_words(knob, level) for level in found.trained)
        trained = f"trained with {trained}"
    if found.randaugment:
        trained += ", plus RandAugment"
    return f"{percent(middle, 0)} undistorted{f', {told}' if told else ''}; {trained}."


def level_in_words(knob: Knob, level: float) -> str:
    """`20°`, `×1.3`, `25 %`, with a true minus sign before negative numbers."""
    value: Any = 100 * level if knob.unit.startswith(("share", "spread")) else level
    number = f"{value:.4g}".replace("-", "\N{MINUS SIGN}")
    if knob.unit == "×":
        return f"×{number}"
    return f"{number}°" if knob.unit == "°" else f"{number} %"
