"""One sweep: head, buttons, how it stands, the best so far, what was luck, and the charts; live while it runs."""

import statistics

import streamlit as st

from core.design.presets import PRESETS
from core.errors import SweepNotFound
from core.formatting import rough_duration
from core.runs.progress import run_fraction
from core.server.services import Services
from core.store.states import SweepState
from core.store.trials import Trial
from core.sweeps.report import SweepReport, read_report
from core.sweeps.spec import SweepSpec
from core.system.devices import list_devices
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import literal
from pages.components.sweeps.actions import render_actions
from pages.components.sweeps.best import render_best
from pages.components.sweeps.charts import render_charts
from pages.components.sweeps.confirm import render_confirm
from pages.components.sweeps.readings import read_trials
from pages.components.sweeps.trials import render_trials
from pages.components.sweeps.words import METHODS, PRUNINGS, SWEEP_LOOKS

TICK_SECONDS = 2.0


def render_sweep(services: Services, sweep_id: str) -> None:
    """The whole of it. Raises SweepNotFound."""
    report = read_report(services.workspace, services.store, sweep_id)
    st.subheader(literal(report.sweep.name), anchor=False)
    _render_head(report)
    render_actions(services, report)
    every = TICK_SECONDS if is_ticking(report) else None
    draw_ticking(_draw, services, sweep_id, signature(report), every=every)


def is_ticking(report: SweepReport) -> bool:
    """Whether it may change by itself: new trials come, or runs are under way."""
    return report.sweep.state is SweepState.RUNNING or report.sweep.num_under_way > 0


def signature(report: SweepReport) -> object:
    """What the head and the buttons depend on."""
    sweep = report.sweep
    return (
        sweep.name, sweep.state, sweep.planned, sweep.concurrency, sweep.error, sweep.num_under_way > 0,
        is_ticking(report),
    )  # fmt: skip


def _draw(services: Services, sweep_id: str, drawn: object) -> None:
    try:
        report = read_report(services.workspace, services.store, sweep_id)
    except SweepNotFound:
        st.rerun()  # deleted elsewhere: the page says so
    if signature(report) != drawn:
        st.rerun()  # the buttons above follow
    _render_standing(services, report)
    if report.problem:
        st.error(literal(report.problem), icon=":material/broken_image:")
    readings = read_trials(report)
    if readings is None:
        return
    # A place for each, so that charts and table are not built again when something comes above them.
    best, confirmed, charts, trials = (st.container() for _ in range(4))
    if report.best is not None:
        with best:
            render_best(report, readings, is_live=is_ticking(report))
        with confirmed:
            render_confirm(services, report, readings)
    if readings.numbers:
        with charts:
            render_charts(services, report, readings)
    if report.trials:
        with trials:
            render_trials(report, readings)


def _render_head(report: SweepReport) -> None:
    sweep, spec = report.sweep, report.spec
    look = SWEEP_LOOKS[sweep.state]
    parts = []
    if spec is not None:
        parts = [METHODS[spec.method].title.partition(":")[0], f"from {_source_in_words(spec)}"]
        if spec.pruning != "none":
            parts.append(f"pruning: {PRUNINGS[spec.pruning].title.lower()}")
        if spec.num_seeds > 1:
            parts.append(f"{spec.num_seeds} seeds per trial")
    parts.append(f"id {sweep.id}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":{look.color}-badge[{look.icon} {look.label}]", width="content")
        st.caption(literal(" · ".join(parts)), width="content")
    if sweep.error:
        step = f"  \n{literal(sweep.next_step)}" if sweep.next_step else ""
        st.error(f"**{literal(sweep.error)}**{step}", icon=":material/error:")


def _source_in_words(spec: SweepSpec) -> str:
    preset = PRESETS.get(spec.source.preset or "") if spec.source.run_id is None else None
    return preset.label if preset is not None else spec.source.name


def _render_standing(services: Services, report: SweepReport) -> None:
    sweep = report.sweep
    if sweep.state is SweepState.PAUSED:
        going = "Runs that have begun continue; no other trial starts until you resume."
        st.caption(f"{report.standing} {going if sweep.num_under_way else ''}")
    elif sweep.state is SweepState.RUNNING or report.num_ended < len(report.trials):
        done = report.num_ended + sum(
            _fraction(trial) for trial in report.trials if not trial.state.is_finished
        )
        left = seconds_left(report, services.store.sweeps.training_seconds(sweep.id), _num_devices())
        eta = " The first trial is starting." if not report.num_ended else ""
        if left:
            eta = f" {rough_duration(left).capitalize()} left."
        st.progress(min(1.0, done / max(1, sweep.planned)), f"{report.standing}{eta}")
    else:
        st.caption(report.standing)


def seconds_left(report: SweepReport, seconds: dict[str, float], num_devices: int) -> float | None:
    """About how long the trials take that are still to be trained; None before the first one was.

    The typical trial so far, times those that are left, shared out over what trains at once.
    """
    trained = [
        sum(seconds.get(each.run.id, 0.0) for each in trial.search_runs)
        for trial in report.trials
        if trial.state.is_finished and any(not each.is_reused for each in trial.search_runs)
    ]
    trained = [value for value in trained if value > 0]
    if not trained:
        return None
    left = report.sweep.planned - report.num_ended
    under_way = sum(_fraction(trial) for trial in report.trials if not trial.state.is_finished)
    at_once = max(1, min(num_devices, report.sweep.concurrency or num_devices))
    return statistics.fmean(trained) * max(0.0, left - under_way) / at_once


def _fraction(trial: Trial) -> float:
    runs = trial.search_runs
    return sum(1.0 if each.run.state.is_finished else run_fraction(each.run) for each in runs) / max(
        1, len(runs)
    )


def _num_devices() -> int:
    return len(list_devices().devices)
