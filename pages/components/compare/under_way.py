"""Runs that are under way while they are compared: as of when they are shown, and what brings news of them."""

import time
from collections.abc import Sequence

import streamlit as st

from core.comparison.comparison import Comparison
from core.comparison.facts import UNDER_WAY, RunFacts, read_facts
from core.formatting import count_of
from core.store.store import Store
from pages.components.compare.table import num_ticked
from pages.components.kit.redraw import call_every
from pages.components.kit.text import local_time

# A redraw of a thousand runs takes a third of a second, and a chart whose curves have grown loses its zoom.
REFRESH_SECONDS = 10.0
BY_ITSELF = "compare-refreshes"


def render_under_way(store: Store, facts: Sequence[RunFacts], comparison: Comparison) -> None:
    """How many of the runs that match are under way, while there are any. The page is drawn again when they have news,
    unless the visitor has turned that off, which is kept, or has ticked rows: ticks and an open dialog stay.
    """
    waiting = [run for run in comparison.matching if run.outcome == UNDER_WAY]
    if not waiting:
        return
    verb = "is" if len(waiting) == 1 else "are"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f"{count_of(len(waiting), 'run')} {verb} under way; shown as of {local_time(time.time())}.",
            width="content",
        )
        st.button("Refresh", key="compare-refresh", icon=":material/refresh:", type="tertiary")
        by_itself = st.toggle(
            "Automatically", True, key=BY_ITSELF, persist_state="session",
            help=f"Look for news every {REFRESH_SECONDS:g} seconds. It waits while rows are ticked.",
        )  # fmt: skip
    if by_itself:
        ids = frozenset(run.id for run in waiting)
        call_every(_look, store, ids, news_of(facts, ids), every=REFRESH_SECONDS)


def news_of(facts: Sequence[RunFacts], ids: frozenset[str]) -> object:
    """Another value when one of these runs has come further, or a run has been added or deleted."""
    return len(facts), [
        (run.id, run.run.state, run.run.attempt, run.run.epoch) for run in facts if run.id in ids
    ]


def _look(store: Store, ids: frozenset[str], known: object) -> None:
    if not num_ticked() and news_of(read_facts(store), ids) != known:
        st.rerun()
