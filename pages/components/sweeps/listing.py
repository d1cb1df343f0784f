"""A line of the list of all sweeps: how far it is, live while it runs, and the way to it."""

import streamlit as st

from core.errors import SweepNotFound
from core.server.services import Services
from core.store.states import SweepState
from core.store.sweeps import Sweep
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import literal, local_time
from pages.components.sweeps.address import close, is_left, open_sweep
from pages.components.sweeps.words import SWEEP_LOOKS

TICK_SECONDS = 2.0


def render_line(services: Services, sweep: Sweep, *, is_shown: bool) -> None:
    """State, name, how many trials, and a button. Only the text is drawn again, and only while trials may come: a click
    within what ticks would not reach the page.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        if sweep.state is SweepState.RUNNING:
            draw_ticking(_draw, services, sweep.id, every=TICK_SECONDS)
        else:
            _render_text(sweep)
        if is_shown:
            st.button("Close", icon=":material/close:", type="tertiary", on_click=close, key="close-sweep")
            return
        if is_left(sweep.id):
            st.button(
                "Open", icon=":material/travel_explore:", type="tertiary", on_click=open_sweep, args=(sweep.id,),
                key=f"open-{sweep.id}",
            )  # fmt: skip
            return
        st.page_link(
            "sweeps.py", label="Open", icon=":material/travel_explore:", query_params={"sweep": sweep.id},
            width="content",
        )  # fmt: skip


def _draw(services: Services, sweep_id: str) -> None:
    try:
        sweep = services.store.sweeps.get(sweep_id)
    except SweepNotFound:
        st.rerun()  # deleted elsewhere: the list has one line less
    if sweep.state is not SweepState.RUNNING:
        st.rerun()  # drawn once more, without a timer
    _render_text(sweep)


def _render_text(sweep: Sweep) -> None:
    look = SWEEP_LOOKS[sweep.state]
    begun = " have begun" if sweep.state is SweepState.RUNNING else ""
    st.markdown(
        f":{look.color}-badge[{look.icon} {look.label}] **{literal(sweep.name)}** "
        f":small[:gray[{sweep.num_trials} of {sweep.planned} trials{begun}, {literal(local_time(sweep.created_at))}]]",
        width="stretch",
    )
