"""The table of a sweep's trials, and one of them with its runs."""

import streamlit as st

from core.formatting import count_of
from core.store.trials import Trial
from core.sweeps.report import SweepReport
from pages.components.kit import run_words, session
from pages.components.kit.text import literal
from pages.components.sweeps.best import choices_line, render_links
from pages.components.sweeps.readings import Readings, trial_rows, trial_title, why_no_result
from pages.components.sweeps.words import NUMBERS_HELP, PRUNED_HELP

HIDDEN_WHERE_EMPTY = ("Why", "Reused")
MOST_HEIGHT = 420


def render_trials(report: SweepReport, readings: Readings) -> None:
    """All trials, newest first, and below them the one that is looked at."""
    st.markdown(f"**{count_of(len(report.trials), 'trial')}** :small[:gray[numbered from 0]]")
    table = trial_rows(report, readings.goals)
    for name in HIDDEN_WHERE_EMPTY:
        if not table[name].any():
            table = table.drop(columns=name)
    shown = {
        goal.title: st.column_config.NumberColumn(format="%.1f %%" if goal.in_points else "localized")
        for goal in readings.goals
    }
    st.dataframe(
        table, hide_index=True, placeholder="–", height=min(MOST_HEIGHT, 40 + 35 * len(table)),
        column_config={
            **shown, "Trial": st.column_config.NumberColumn(format="%d", width="small", help=NUMBERS_HELP),
            "State": st.column_config.TextColumn(help=PRUNED_HELP),
            "Why": st.column_config.TextColumn("Why it has no result", width="large"),
            "Reused": st.column_config.CheckboxColumn(help="Its runs existed before this sweep."),
        },
        alt="The trials of the sweep: values, result, state, epochs and runs",
    )  # fmt: skip
    _render_one(report, readings)


def _render_one(report: SweepReport, readings: Readings) -> None:
    by_number = {trial.number: trial for trial in report.trials}
    order = [*report.ranking, *(number for number in reversed(by_number) if number not in report.ranking)]
    key = f"sweep-trial-{report.sweep.id}"
    if session.widget_value(key) not in by_number:
        session.reset_widget(key)
    number = st.selectbox(
        "Look at a trial", order, index=None, key=key, placeholder="Best first",
        format_func=lambda each: trial_title(report, by_number[each], readings.goals),
    )  # fmt: skip
    if number is not None:
        with st.container(border=True):
            _render_trial(report, by_number[number])


def _render_trial(report: SweepReport, trial: Trial) -> None:
    by_hand = {"hand": " · added by hand", "found": " · found among earlier runs"}.get(trial.origin, "")
    st.markdown(f"**Trial {trial.number}**{by_hand}  \n{choices_line(trial)}")
    if reason := why_no_result(trial):
        st.caption(f":material/info: {literal(reason)}")
    for each in trial.runs:
        run = each.run
        notes = [f"seed {each.seed}", f"{run.epoch} of {run.total_epochs} epochs"]
        if run.epoch:
            notes.insert(1, f"best validation {run_words.best_in_words(run)}")
        if each.purpose == "confirm":
            notes.append("fresh seed")
        if each.is_reused:
            notes.append("existed before")
        if each.is_changed:
            notes.append("changed by hand during training")
        st.markdown(f"{run_words.badge(run)} {literal(run.name)}: {literal(', '.join(notes))}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        render_links(trial)
