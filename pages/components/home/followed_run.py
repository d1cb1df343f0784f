"""One run as the story follows it: how far it is, the verdict in words, the curves. No more."""

from typing import Any

import streamlit as st

from core.analysis.diagnosis import Verdict
from core.errors import RunNotFound
from core.runs.control import resume_run, stop_run
from core.runs.progress import is_measuring, is_saving, run_fraction
from core.runs.trouble import trouble_of
from core.runs.verdicts import first_said
from core.server.services import Services
from core.store.records import Run
from core.store.states import RunState
from pages.components.kit import run_words
from pages.components.kit.cache import per_epoch
from pages.components.kit.person import own_of
from pages.components.kit.redraw import act_and_redraw, draw_ticking
from pages.components.kit.text import literal
from pages.components.runs.curves import curves_of, render_charts
from pages.components.runs.selection import signature
from pages.components.runs.verdict import diagnosed, verdict_badge
from pages.components.runs.waiting import render_waiting

TICK_SECONDS = 0.5
WHAT_THE_CURVES_ARE = (
    "Validation: pictures that the network never trains on. Clean training: its training pictures, measured after "
    "each epoch with dropout and augmentation off. The gap between the two, the median of the last three epochs, is "
    "what it knows by heart."
)


def render_verdict_line(services: Services, run: Run) -> None:
    """What the curves say, and how that is known."""
    curves = curves_of(services.store, run)
    if curves["epoch"]:
        diagnosis = diagnosed(services, run, curves)
        st.markdown(f"{verdict_badge(diagnosis)} {literal(diagnosis.evidence)}")


def render_problem(run: Run) -> None:
    """Why a run ended before it was done, and what to try next; nothing where it did not."""
    if run.state.is_finished and run.error:
        step = f" {literal(run.next_step)}" if run.next_step else ""
        st.error(f"**{literal(run.name)}**: {literal(run.error)}{step}", icon=":material/error:")


def stopped_sentence(run: Run) -> str:
    """Of a run that a person stopped: how far it came."""
    if not run.epoch:
        return "It was stopped before its first epoch ended."
    return f"It was stopped after {run.epoch} of {run.total_epochs} epochs."


def render_stop(services: Services, run: Run, *, cancels: bool = False, name: str | None = None) -> None:
    """A button that stops a run while it trains, and one that resumes it after that; `cancels`: also while it waits.

    Of another's run they are disabled and say why. `name` says which run of several it is for.
    """
    which = f" “{literal(name)}”" if name else ""
    if run.state.is_active or (cancels and run.state is RunState.WAITING):
        _, why = own_of(services, [run], "stop")
        label = "Stopping…" if run.stop_requested else "Stop" if run.state.is_active else "Cancel"
        if st.button(
            label + which, key=f"stop-{run.id}", icon=":material/stop:", disabled=run.stop_requested or why is not None,
            help=why or "Stops after the current batch and keeps what was learned. It can be resumed.",
        ):  # fmt: skip
            act_and_redraw(lambda: stop_run(services.workspace, run.id))
    elif run.can_resume:
        _, why = own_of(services, [run], "resume")
        if st.button(
            f"Resume{which}", key=f"resume-{run.id}", icon=":material/play_arrow:", disabled=why is not None,
            help=why or "Continues from the last finished epoch.",
        ):  # fmt: skip
            act_and_redraw(lambda: resume_run(services.workspace, run.id))


def render_curves(services: Services, run: Run) -> None:
    """Accuracy and loss of one run, as they are now."""
    curves = curves_of(services.store, run)
    if curves["epoch"]:
        render_charts(services, [run], [run.name], [curves])
        st.caption(WHAT_THE_CURVES_ARE)
    else:
        st.caption("Curves appear after the first epoch.")


@per_epoch(64)
def has_overfit(services: Services, run: Run) -> bool:
    """Whether the verdict has ever been overfitting. It may change back for an epoch; what it opened stays open."""
    curves = curves_of(services.store, run)
    return first_said(services.workspace, run, curves, Verdict.OVERFITTING) is not None


def render_followed(services: Services, run: Run) -> None:
    """A run, drawn again twice a second while it is not done.

    The whole page is drawn again when the run's state changes or the verdict is overfitting for the first time.
    """
    every = None if run.state.is_finished else TICK_SECONDS
    draw_ticking(_draw, services, run.id, _drawn(services, run), every=every)


def _drawn(services: Services, run: Run) -> tuple[Any, ...]:
    return *signature([run]), has_overfit(services, run)


def _draw(services: Services, run_id: str, drawn: tuple[Any, ...]) -> None:
    try:
        run = services.store.get_run(run_id)
    except RunNotFound:
        st.rerun()  # deleted elsewhere: the page says so
    if _drawn(services, run) != drawn:
        st.rerun()
    # One place for what comes and goes, so that the charts below keep theirs.
    with st.container():
        _render_progress(services, run)
        render_verdict_line(services, run)
    render_curves(services, run)


def _render_progress(services: Services, run: Run) -> None:
    problem = trouble_of(services.workspace, run)
    if problem:
        st.error(literal(problem), icon=run_words.TROUBLE_ICON)
    if run.state is RunState.WAITING and not problem:
        render_waiting(services, run, with_cancel=True)
    elif run.state is RunState.STARTING:
        st.progress(0.0, "Starting: reading the pictures, loading TensorFlow, building the network.")
    elif run.state.is_active:
        st.progress(run_fraction(run), _progress_in_words(services, run))


def _progress_in_words(services: Services, run: Run) -> str:
    if is_saving(run):
        return f"All {run.total_epochs} epochs are trained: saving the weights"
    words = f"Epoch {run.epoch + 1} of {run.total_epochs}"
    if is_measuring(run):
        return f"{words}: measuring on training and validation pictures"
    last = curves_of(services.store, run)["seconds"]
    if last and last[-1] is not None:
        words += f", {last[-1]:.1f} seconds per epoch"
    return words
