"""Progress, measures, curves and log of the chosen runs, drawn again every second while one of them is not done.

Everything is read from the store at each tick, so that nothing on the page can be older than that. The curves of a
run are read again only when it has one more epoch.
"""

import time
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.analysis.curves import GAP_IN_WORDS
from core.analysis.signals import gaps_of
from core.epoch import Curves
from core.errors import RunNotFound
from core.formatting import percent, rate_in_words, rough_duration, with_minus
from core.runs.progress import (
    epoch_fraction,
    epoch_seconds,
    is_measuring,
    is_saving,
    run_fraction,
    seconds_left,
)
from core.runs.trouble import trouble_of
from core.scheduling.worker_log import output_tail
from core.server.services import Services
from core.store.records import LogLine, Run
from core.store.states import RunState
from core.store.store import Store
from core.system.processes import is_alive
from pages.components.charts.zoom import HOW
from pages.components.kit import run_words
from pages.components.kit.redraw import draw_ticking, render_folded
from pages.components.kit.text import literal, local_time
from pages.components.runs.breakdown import balanced_curve, render_breakdown
from pages.components.runs.class_pictures import render_class_pictures
from pages.components.runs.controls import render_history, render_hold
from pages.components.runs.curves import curves_of, marked_changes, render_charts
from pages.components.runs.head import render_line
from pages.components.runs.selection import signature
from pages.components.runs.verdict import diagnosed, render_suggestions, render_verdict, verdict_badge
from pages.components.runs.waiting import render_waiting

TICK_SECONDS = 1.0
SILENT_SECONDS = 60.0
MAX_LOG_LINES = 200
SPARKLINE_POINTS = 60  # a measure is about 150 pixels wide

WHY_TRAINING_CAN_BE_LOWER = (
    "Training accuracy is measured while the network learns: with dropout and augmentation on, and averaged over "
    "the epoch. So it can lie below validation. Clean training is measured after each epoch with both off. The gap is "
    f"clean training minus validation, the median of the last three epochs. {HOW}"
)


def render_live(services: Services, runs: Sequence[Run], *, linked: bool = False) -> None:
    """With `linked` both charts are zoomed together. Nothing is polled once every run has ended."""
    ticking = any(not run.state.is_finished for run in runs)
    every = TICK_SECONDS if ticking else None
    draw_ticking(_draw, services, tuple(run.id for run in runs), signature(runs), linked, every=every)


def _draw(services: Services, ids: tuple[str, ...], drawn: Any, linked: bool) -> None:
    store = services.store
    try:
        runs = [store.get_run(run_id) for run_id in ids]
    except RunNotFound:
        st.rerun()  # deleted elsewhere: the page says so
    if signature(runs) != drawn:
        st.rerun()  # buttons and badges above follow the state
    curves = [curves_of(store, run) for run in runs]
    names = run_words.distinct_names(runs)
    # One place for what comes and goes, so that the charts below keep theirs.
    with st.container(gap="xsmall"):
        for run, name, own in zip(runs, names, curves, strict=True):
            if len(runs) > 1:
                render_line(run, name)
                if own["epoch"]:
                    diagnosis = diagnosed(services, run, own)
                    # Not a caption: that makes the colours of a badge too faint to read.
                    st.markdown(f"{verdict_badge(diagnosis)} :small[{literal(diagnosis.evidence)}]")
                if changes := marked_changes(store.interventions.history(run.id)):
                    words = "; ".join(f"epoch {epoch}: {change}" for epoch, change in changes.items())
                    st.caption(literal(f"Changed during training, {words}."))
            _render_standing(services, run, own)
        if len(runs) == 1 and curves[0]["epoch"]:
            render_verdict(services, runs[0], curves[0])
    if any(own["epoch"] for own in curves):
        render_charts(services, runs, names, curves, linked=linked)
        st.caption(WHY_TRAINING_CAN_BE_LOWER)
        if len(runs) == 1:
            render_suggestions(services, runs[0], curves[0])
            _render_measures(store, runs[0], curves[0])
            render_class_pictures(services, runs[0])
    else:
        st.caption("Curves appear after the first epoch.")
    if len(runs) == 1:
        render_history(store, runs[0])
        render_breakdown(services, runs[0])
        _render_log(services, runs[0])


def _render_standing(services: Services, run: Run, curves: Curves) -> None:
    """How it stands: why it waits, or how far it is."""
    store, problem = services.store, trouble_of(services.workspace, run)
    if problem:
        st.error(literal(problem), icon=run_words.TROUBLE_ICON)
    if run.state is RunState.WAITING and not problem:
        render_waiting(services, run)
    elif run.state.is_active:
        if not problem and (silence := _silence(run)):
            st.warning(silence, icon=":material/warning:")
        render_hold(store, run)
        _render_progress(run, curves, estimate=not problem)


def _silence(run: Run) -> str | None:
    """What the store does not say yet: its process is gone, or silent."""
    if run.pid is not None and run.pid_started is not None and not is_alive(run.pid, run.pid_started):
        return "The training process is gone. The run is being marked as interrupted."
    silent = 0.0 if run.heartbeat is None else time.time() - run.heartbeat
    # A paused one reports too.
    if run.state in (RunState.RUNNING, RunState.PAUSED) and silent > SILENT_SECONDS:
        return f"No update from the training process for {rough_duration(silent).removeprefix('about ')}."
    return None


def _render_progress(run: Run, curves: Curves, *, estimate: bool) -> None:
    place = run_words.device_name(run.device)
    if run.state is RunState.STARTING:
        st.progress(0.0, f"Starting on {place}: reading the data, loading TensorFlow, building the network.")
        return
    left = seconds_left(run, curves) if estimate else None
    whole = f"Epoch {min(run.epoch + 1, run.total_epochs)} of {run.total_epochs} on {place}"
    if run.state is RunState.PAUSED:
        whole += ", paused"
    elif left is not None:
        whole += f", {rough_duration(left)} left"
    batch = f"Batch {run.batch:,} of {run.total_batches:,}"
    if is_saving(run):
        batch = "Saving the weights"
    elif is_measuring(run):
        batch = "Measuring on training and validation pictures"
    elif run.batch and run.batch_accuracy is not None:
        batch += f", training accuracy so far {percent(run.batch_accuracy)}"
    columns = st.columns(2, gap="medium")
    columns[0].progress(run_fraction(run), whole)
    columns[1].progress(1.0 if is_saving(run) else epoch_fraction(run), batch)


def _render_measures(store: Store, run: Run, curves: Curves) -> None:
    gaps = [100 * gap for gap in gaps_of(curves)]
    rates, seconds = _known(curves["learning_rate"]), _known(curves["seconds"])
    speeds = _known(curves["images_per_second"])
    speed = (
        run.images_per_second
        if run.state.is_active and run.images_per_second
        else next(reversed(speeds), None)
    )
    each = epoch_seconds(run, curves)
    balanced = run.balanced_where_uneven
    with st.grid(5 if balanced is None else 6, min_column_width=150):
        st.metric(
            "Best" if run.best_epoch is None else f"Best, at epoch {run.best_epoch}",
            percent(run.best_val_accuracy),
            border=True,
            chart_data=_sparkline(_known(curves["val_accuracy"])),
            help="The highest validation accuracy, and the first epoch that reached it. Its weights are kept.",
        )
        if balanced is not None:
            st.metric(
                "Balanced",
                percent(balanced),
                border=True,
                chart_data=_sparkline(balanced_curve(store, run)),
                help=f"Balanced accuracy at epoch {run.best_epoch}: the mean of the classes' validation accuracies, "
                "each class counting the same. Classes are uneven here, so they do not count the same in accuracy.",
            )
        st.metric(
            "Gap in points",
            "–" if run.gap is None else with_minus(f"{100 * run.gap:.1f}"),
            border=True,
            chart_data=_sparkline(gaps),
            help=f"{GAP_IN_WORDS} Overfitting makes it grow.",
        )
        st.metric(
            "Learning rate",
            "–" if not rates else rate_in_words(rates[-1]),
            border=True,
            chart_data=_sparkline(rates),
            help="The size of each step. A schedule changes it from epoch to epoch.",
        )
        st.metric(
            "Seconds per epoch",
            "–" if each is None else f"{each:.1f}",
            border=True,
            chart_data=_sparkline(seconds),
            help="The median of the last five epochs.",
        )
        st.metric(
            "Pictures per second",
            "–" if speed is None else f"{speed:,.0f}",
            border=True,
            chart_data=_sparkline(speeds),
            help="How many training pictures pass through the network per second.",
        )


def _render_log(services: Services, run: Run) -> None:
    failed = run.state in (RunState.FAILED, RunState.INTERRUPTED)
    render_folded(
        "Log", f"log-{run.id}-{failed}", lambda: _render_lines(services, run), icon=":material/notes:", expanded=failed
    )  # fmt: skip


def _render_lines(services: Services, run: Run) -> None:
    lines = services.store.log(run.id)[-MAX_LOG_LINES:]
    if lines:
        st.code(
            "\n".join(_log_text(line) for line in lines),
            language=None,
            wrap_lines=True,
            height=_height(lines),
        )
    else:
        st.caption("No messages yet.")
    if output := output_tail(services.workspace, run):
        st.caption("What the training process printed")
        st.code(output, language=None, wrap_lines=True, height=_height(output.splitlines()))


def _log_text(line: LogLine) -> str:
    return f"{local_time(line.time)}  {'' if line.level == 'info' else line.level + ': '}{line.text}"


def _height(lines: Sequence[object]) -> int:
    return min(320, 40 + 22 * len(lines))


def _sparkline(values: Sequence[float]) -> Sequence[float] | None:
    """At most SPARKLINE_POINTS of the values, evenly spread, the first and the last among them."""
    if len(values) <= SPARKLINE_POINTS:
        return values or None
    last = SPARKLINE_POINTS - 1
    return [values[round(place * (len(values) - 1) / last)] for place in range(SPARKLINE_POINTS)]


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
