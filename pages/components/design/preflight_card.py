"""The dry run of a design: a button that measures it on this machine, and the result."""

from collections.abc import Callable

import streamlit as st

from core.config import ExperimentConfig
from core.errors import PreflightBusy
from core.formatting import duration
from core.preflight.measurement import Preflight
from core.server.services import Services
from pages.components.kit import run_words, session
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import error_text, literal

TICK_SECONDS = 0.5
WHAT_IT_IS = (
    "Runs a few real training steps on this machine to see how long an epoch takes and how much memory it needs. "
    "Nothing is saved. Takes about half a minute; you can use the page meanwhile."
)
PARTS_HELP = (
    "One epoch: {train} for training steps, {evaluation} for measuring on clean training and validation pictures, "
    "{saving} for saving."
)
MEMORY_HELP = "Peak memory use, of {available} MiB that were free."


def render_preflight(services: Services, config: ExperimentConfig, *, can_start: bool) -> None:
    """The card; polled only while this design is being measured."""
    running = services.preflights.state(config.config_id).stage is not None
    with st.container(border=True):
        every = TICK_SECONDS if running else None
        draw_ticking(_draw, services, config, running, can_start, every=every)


def _draw(services: Services, config: ExperimentConfig, drawn_running: bool, can_start: bool) -> None:
    state = services.preflights.state(config.config_id)
    if (state.stage is not None) != drawn_running:
        st.rerun()  # polling begins or ends with the whole page
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Dry run**", help=WHAT_IT_IS, width="stretch")
        asked = st.button(
            "Measuring…" if drawn_running else "Measure again" if state.result else "Measure",
            key="measure-design",
            icon=":material/speed:",
            disabled=drawn_running or not can_start,
        )
    if asked:
        begin_dry_run(services.preflights.start, config)
    if state.stage is not None:
        st.caption(f"{state.stage}…")
        return
    if state.problem:
        st.error(literal(state.problem), icon=":material/block:")
    elif state.result is not None:
        session.set_measured_design(config.config_id)
        _render_result(state.result, config)
    elif (former := _former(services, config)) is not None:
        st.caption("Out of date: this was measured before the last changes to the design.")
        _render_numbers(former)
    else:
        st.caption(
            "Measure with a few real steps how long an epoch takes and whether training fits into memory."
        )


def begin_dry_run(start: Callable[[ExperimentConfig], None], config: ExperimentConfig) -> None:
    """Call `start`, then redraw the page; where another dry run is in progress, say so instead."""
    try:
        start(config)
    except PreflightBusy as error:
        st.warning(literal(error_text(error)), icon=":material/hourglass_empty:")
    else:
        st.rerun()


def _former(services: Services, config: ExperimentConfig) -> Preflight | None:
    config_id = session.measured_design()
    if config_id is None or config_id == config.config_id:
        return None
    return services.preflights.state(config_id).result


def _render_result(result: Preflight, config: ExperimentConfig) -> None:
    if result.fits:
        _render_numbers(result)
    else:
        _render_misfit(result, config)
    for note in result.notes:
        st.caption(f":material/info: {literal(note)}")


def _render_numbers(result: Preflight) -> None:
    if result.epoch_seconds is None or result.total_seconds is None:
        return
    available = "" if result.memory_available_mib is None else f"{result.memory_available_mib:,}"
    with st.grid(2, min_column_width=150):
        st.metric(
            "One epoch", duration(result.epoch_seconds),
            help=PARTS_HELP.format(
                train=duration(result.train_seconds or 0), evaluation=duration(result.evaluation_seconds or 0),
                saving=duration(result.saving_seconds or 0),
            ),
        )  # fmt: skip
        st.metric(
            f"Start and {result.epochs:,} epochs" if result.epochs > 1 else "The run", duration(result.total_seconds),
            help="At the start, TensorFlow is loaded and the network is built. Early stopping may end the run sooner.",
        )  # fmt: skip
        st.metric(
            "Memory",
            _mib(result.memory_mib),
            help=MEMORY_HELP.format(available=available) if available else None,
        )
    st.caption(
        f"{result.parameters:,} parameters, {result.images_per_second or 0:,.0f} pictures per second on "
        f"{run_words.device_name(result.device)}."
    )


def _render_misfit(result: Preflight, config: ExperimentConfig) -> None:
    free = _mib(result.memory_available_mib)
    st.error(
        f"Batches of {result.batch_size:,} pictures do not fit into the {free} of free memory.",
        icon=":material/memory:",
    )
    largest = result.largest_batch_size
    if largest is None:
        st.caption("Not even the smallest batch fits. Fewer filters or smaller pictures need less.")
        return
    st.caption(f"The largest batch size that fits is {largest:,}.")
    if st.button(f"Set the batch size to {largest:,}", key="use-largest-batch", icon=":material/check:"):
        session.alter_design(config.with_values({"training.batch_size": largest}))
        st.rerun()


def _mib(memory_mib: int | None) -> str:
    if memory_mib is None:
        return "–"
    return f"{memory_mib:,} MiB" if memory_mib < 1024 else f"{memory_mib / 1024:.1f} GiB"
