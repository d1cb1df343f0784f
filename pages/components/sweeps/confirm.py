"""Confirm the best trials: fresh seeds for the top three, progress, and then an interval or no clear winner."""

import math

import pandas as pd
import streamlit as st

from core.config.fields import Limits
from core.formatting import count_of
from core.server.services import Services
from core.sweeps.confirmation import Confirmation, ConfirmedTrial
from core.sweeps.report import SweepReport
from core.sweeps.spec import MAX_SEEDS
from core.sweeps.start import CONFIRM_SEEDS, best_trials, confirm_sweep, num_to_confirm
from core.visitors.person import teacher_only
from pages.components.kit import session
from pages.components.kit.numbers import render_problem, why_refused
from pages.components.kit.redraw import act_and_redraw
from pages.components.kit.text import unbroken
from pages.components.sweeps.readings import Readings, choice_columns

LOW, HIGH = "95 % from", "to"
WHY = (
    "The winner was chosen for its results with the seeds of the search, so part of them is luck. Fresh seeds had no "
    "part in that choice. The best trials are trained again with the same new seeds and compared in pairs, once all "
    "runs have ended. Seeds that you add later are judged by wider intervals, which hold however often you look. So "
    "choose enough at first."
)


def render_confirm(services: Services, report: SweepReport, readings: Readings) -> None:
    """The button before; progress and the answer afterwards."""
    found = report.confirmation
    if found is None and len(best_trials(report)) < 2:
        return
    with st.container(border=True):
        st.markdown("**Confirm**", help=WHY)
        if found is None:
            st.caption(
                "Part of the best result is luck. Train the top trials with fresh seeds to see whether one is really "
                "better."
            )
        else:
            _render_answer(report, readings, found)
        if len(best_trials(report)) > 1:
            _render_button(services, report, found)


def _render_answer(report: SweepReport, readings: Readings, found: Confirmation) -> None:
    runs = [each.run for trial in report.trials for each in trial.confirm_runs]
    done = sum(run.state.is_finished for run in runs)
    if done < len(runs):
        st.progress(done / len(runs))  # the sentence below has the numbers
    st.markdown(unbroken(found.sentence))
    if found.take_sentence:
        st.markdown(unbroken(found.take_sentence))
    if found.num_reused:
        had = "was" if found.num_reused == 1 else "were"
        st.caption(
            f"{count_of(found.num_reused, 'run')} {had} trained before. No trial here was chosen by its seed."
        )
    goal = readings.goals[0]
    times = 100 if goal.in_points else 1
    shown = {each.number: choice_columns(report, report.trials[each.number]) for each in found.trials}
    # The best mean first; a setting that is the same in all of them says nothing.
    ranked = sorted(found.trials, key=lambda each: _place(each, maximise=goal.maximise))
    same = [name for name in shown[ranked[0].number] if len({each[name] for each in shown.values()}) == 1]
    rows = [
        {
            "Trial": each.number,
            "Mean": None if each.interval is None else times * each.interval.mean,
            LOW: None if each.interval is None or each.interval.low is None else times * each.interval.low,
            HIGH: None if each.interval is None or each.interval.high is None else times * each.interval.high,
            "In the search": times * report.reached[each.number][0]
            if each.number in report.reached
            else None,
            "Seeds": len(each.by_seed),
            **{name: value for name, value in shown[each.number].items() if name not in same},
        }
        for each in ranked
    ]
    table = pd.DataFrame(rows).astype(dict.fromkeys(("Mean", LOW, HIGH, "In the search"), "float64"))
    number = st.column_config.NumberColumn(format="%.1f %%" if goal.in_points else "%.4g")
    st.dataframe(
        table, hide_index=True, placeholder="–",
        column_config={
            "Trial": st.column_config.NumberColumn(format="%d", width="small"),
            **dict.fromkeys(("Mean", LOW, HIGH, "In the search"), number),
        },
        alt=f"{goal.title} of the confirmed trials with fresh seeds: mean, 95 percent interval, and in the search",
    )  # fmt: skip


def _place(each: ConfirmedTrial, *, maximise: bool) -> float:
    if each.interval is None:
        return math.inf
    return -each.interval.mean if maximise else each.interval.mean


def _render_button(services: Services, report: SweepReport, found: Confirmation | None) -> None:
    num_trials = len(best_trials(report))
    key = f"{report.sweep.id}-{0 if found is None else found.num_seeds}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        usual = CONFIRM_SEEDS if found is None else min(MAX_SEEDS, found.num_seeds + CONFIRM_SEEDS)
        seeds = st.number_input(
            "Fresh seeds" if found is None else "Fresh seeds in all", value=usual, step=1,
            key=f"confirm-seeds-{key}", width=150,
            help="Each of the best trials is trained with this many new seeds.",
        )  # fmt: skip
        label = f"Confirm the top {num_trials}" if found is None else "Add fresh seeds"
        reason = why_refused(seeds, Limits(2, MAX_SEEDS, whole=True))
        why = teacher_only("change a sweep")
        if (
            st.button(
                label, key=f"confirm-{key}", icon=":material/verified:", disabled=why is not None, help=why
            )
            and reason is None
        ):
            act_and_redraw(lambda: _confirm(services, report.sweep.id, int(seeds)))
        if reason is not None:
            render_problem(f"{reason} Nothing is started.")
            return
        st.caption(f"{count_of(num_to_confirm(report, int(seeds)), 'run')} to train.", width="content")


def _confirm(services: Services, sweep_id: str, num_seeds: int) -> None:
    added = confirm_sweep(services.workspace, sweep_id, num_seeds)
    session.flash(f"{count_of(added, 'run')} with fresh seeds {'is' if added == 1 else 'are'} queued.")
