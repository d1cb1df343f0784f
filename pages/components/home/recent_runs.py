"""Runs under way and the last results, a line each."""

import streamlit as st

from core.formatting import percent, points
from core.onboarding.example import EXAMPLE_ID
from core.runs.progress import run_fraction
from core.runs.trouble import first_trouble, trouble_of
from core.server.services import Services
from core.store.records import Run
from core.store.store import Store
from core.system.devices import list_devices
from pages.components.kit import run_words
from pages.components.kit.person import started_by
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import literal

TICK_SECONDS = 1.0
SHOWN_UNDER_WAY = 5
LAST_RESULTS = 5
RUNS_ANCHOR = "runs-here"
WHAT_RESULTS_SAY = (
    "The share of the validation pictures, which a run never trains on, that it got right in its best epoch. The gap "
    "is how much better it does on its training pictures at the end (the median of the last three epochs): the larger, "
    "the more it overfits."
)


def render_glance(services: Services) -> None:
    """In a line above everything else: what is under way, the newest result, and where all of them are."""
    is_busy = bool(services.store.active_runs() or services.store.waiting_runs())
    draw_ticking(_draw_glance, services, every=TICK_SECONDS if is_busy else None)


def _draw_glance(services: Services) -> None:
    store = services.store
    counts = {"training": len(store.active_runs()), "waiting": len(store.waiting_runs())}
    parts = [f"{count:,} {word}" for word, count in counts.items() if count]
    result = next((run for run in store.standalone_results(2) if run.id != EXAMPLE_ID), None)
    if result is not None:
        best = "" if result.best_val_accuracy is None else f", {percent(result.best_val_accuracy)}"
        parts.append(f"newest result “{literal(result.name)}”{best}")
    parts.append(f"[see them all](#{RUNS_ANCHOR})")
    st.markdown(f":material/monitoring: Runs here: {', '.join(parts)}.")


def render_recent_runs(services: Services) -> None:
    """Polled while something is under way."""
    store = services.store
    ticking = bool(store.active_runs() or store.waiting_runs())
    draw_ticking(_render_runs, services, ticking, every=TICK_SECONDS if ticking else None)


def _render_runs(services: Services, ticking: bool) -> None:
    store = services.store
    active, waiting = store.active_runs(), store.waiting_runs()
    if ticking != bool(active or waiting):
        st.rerun()  # polling begins or ends with the whole page
    under_way = [*active, *waiting]
    if under_way:
        st.subheader("Under way", anchor=False)
        report = store.devices.usable(list_devices())
        problem = first_trouble(services.workspace, under_way)
        if problem:
            st.error(literal(problem), icon=run_words.TROUBLE_ICON)
        for run in under_way[:SHOWN_UNDER_WAY]:
            if run.state.is_active:
                _render_active(store, run)
            elif problem is None or trouble_of(services.workspace, run) is None:
                _render_line(store, run, run_words.waiting_reason(run, waiting, active, report))
            else:
                _render_line(store, run, "in the queue")
        if len(under_way) > SHOWN_UNDER_WAY:
            st.caption(f"And {len(under_way) - SHOWN_UNDER_WAY} more.")
    done = store.standalone_results(LAST_RESULTS)  # those of a study stand together on Studies
    if done:
        st.subheader("Last results", anchor=False, help=WHAT_RESULTS_SAY)
        for run in done:
            _render_line(store, run, _result(run))


def _render_active(store: Store, run: Run) -> None:
    best = f", best validation accuracy {percent(run.best_val_accuracy)}" if run.epoch else ""
    _render_line(store, run, run_words.active_note(run) + best)
    st.progress(run_fraction(run))


def _render_line(store: Store, run: Run, text: str) -> None:
    """Its state, name and `text`, then where to go from there."""
    with st.container(horizontal=True, vertical_alignment="center"):
        told = literal(text + started_by(store, run))
        st.markdown(f"{run_words.badge(run)} **{literal(run.name)}**: {told}", width="stretch")
        label = "Curves" if run.state.is_finished else "Watch"
        st.page_link("runs.py", label=label, icon=":material/monitoring:", query_params={"run": run.id})
        if run.state.is_finished and run.has_weights:
            st.page_link(
                "classify.py", label="Try it", icon=":material/image_search:", query_params={"run": run.id}
            )


def _result(run: Run) -> str:
    if run.error:
        return run.error
    if run.best_val_accuracy is None:
        return "no epoch finished"
    gap = "" if run.gap is None else f", gap {points(run.gap)}"
    return f"best validation accuracy {run_words.best_in_words(run)} on {run.dataset}{gap}"
