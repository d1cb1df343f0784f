"""The learning-rate range test of a design: a button that tries rising rates, the curve, and the rate to take."""

import streamlit as st

from core.config import ExperimentConfig
from core.design.rate_range import RateRange, without_rate
from core.design.rate_range_drawing import rate_range_svg
from core.formatting import rate_in_words
from core.server.services import Services
from pages.components.design.drawing import draw_svg
from pages.components.design.preflight_card import begin_dry_run
from pages.components.kit import session
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import literal

TICK_SECONDS = 0.5
LEAST_CURVE = 260  # pixels
WHAT_IT_IS = (
    "Trains some hundred steps while the rate rises from 0.000001 to 10, and stops when training diverges "
    "(learning-rate range test, arXiv 1506.01186). Nothing is saved."
)


def render_rate_range(services: Services, config: ExperimentConfig, *, can_start: bool) -> None:
    """The card; polled only while this design is being tried. Another rate leaves the answer as it is."""
    asked = without_rate(config)
    running = services.rate_ranges.state(asked.config_id).stage is not None
    with st.container(border=True):
        every = TICK_SECONDS if running else None
        draw_ticking(_draw, services, config, asked, running, can_start, every=every)


def _draw(
    services: Services, config: ExperimentConfig, asked: ExperimentConfig, drawn_running: bool, can_start: bool
) -> None:  # fmt: skip
    state = services.rate_ranges.state(asked.config_id)
    if (state.stage is not None) != drawn_running:
        st.rerun()  # polling begins or ends with the whole page
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Which learning rate?**", help=WHAT_IT_IS, width="stretch")
        begun = st.button(
            "Trying…" if drawn_running else "Try again" if state.result else "Try rates",
            key="try-rates", icon=":material/show_chart:", disabled=drawn_running or not can_start,
        )  # fmt: skip
    if begun:
        begin_dry_run(services.rate_ranges.start, asked)
    if state.stage is not None:
        st.caption(f"{state.stage}…")
    elif state.problem:
        st.error(literal(state.problem), icon=":material/block:")
    elif state.result is not None:
        _render_result(state.result, config)
    else:
        st.caption("Raise the rate step by step, see where the loss falls and where training diverges.")


def _render_result(found: RateRange, config: ExperimentConfig) -> None:
    draw_svg(rate_range_svg(found), "rate-range", least=LEAST_CURVE)
    st.caption(literal(found.sentence))
    rate = found.suggestion
    if rate is not None and rate != config.optimizer.learning_rate:
        st.button(
            f"Set the learning rate to {rate_in_words(rate)}", key="use-rate", icon=":material/check:",
            on_click=session.alter_design, args=(config.with_values({"optimizer.learning_rate": rate}),),
        )  # fmt: skip
