"""Which classes a run takes for which: the matrix, and the largest confusions in words. Each opens its pictures."""

import streamlit as st

from core.formatting import count_of, percent
from core.inspection.evaluation import SplitEvaluation
from core.inspection.measures import largest_confusions
from pages.components.charts.confusion import (
    MOST_MAPPED,
    MOST_NUMBERED,
    MOST_NUMBERED_NARROW,
    confusion_figure,
)
from pages.components.charts.plotly_marks import CONFIG
from pages.components.inspect_run.address import change, current_view
from pages.components.inspect_run.pictures import open_pictures
from pages.components.kit import browser, session
from pages.components.kit.text import literal

MOST_CONFUSIONS = 10
COUNTS, SHARES = "counts", "shares"
LAST_CELL = "inspect-last-cell"


def render_confusion(evaluation: SplitEvaluation, key: str) -> None:
    """Both, side by side where there is room. `key` tells these answers from those of others."""
    st.subheader("What is taken for what", anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _render_matrix(evaluation, key)
    with right:
        _render_in_words(evaluation)


def _render_matrix(evaluation: SplitEvaluation, key: str) -> None:
    names, is_narrow = evaluation.answers.class_names, browser.is_narrow()
    if len(names) > MOST_MAPPED:
        st.caption(
            f"A matrix of {len(names):,} classes would be too fine to see. Choose a confusion, or a class below."
        )
        return
    has_figures = len(names) <= (MOST_NUMBERED_NARROW if is_narrow else MOST_NUMBERED)
    unit = COUNTS
    if has_figures:
        unit = st.segmented_control(
            "In each cell", [COUNTS, SHARES], default=COUNTS, required=True, key="inspect-unit",
            format_func={COUNTS: "Pictures", SHARES: "% of the row"}.__getitem__, label_visibility="collapsed",
        )  # fmt: skip
    chart = f"inspect-confusion-{key}-{unit}-{is_narrow}"
    st.plotly_chart(
        confusion_figure(evaluation.confusion, names, as_share=unit == SHARES, is_narrow=is_narrow),
        key=chart, config={**CONFIG, "displayModeBar": False}, width="stretch",
        on_select=lambda: _take_cell(chart), selection_mode="points",
        alt=f"The confusion matrix of {len(names)} classes; the largest confusions are in words beside it",
    )  # fmt: skip
    st.caption(
        "A row per class, a column per answer. Blue: right. Red: mistakes, the stronger the larger their share of the "
        "row. Click a cell to see its pictures."
    )


def _render_in_words(evaluation: SplitEvaluation) -> None:
    names, confusion = evaluation.answers.class_names, evaluation.confusion
    found = largest_confusions(confusion, MOST_CONFUSIONS)
    st.markdown("**Largest confusions**")
    if not found:
        st.caption("No picture is taken for something else.")
        return
    st.caption("In brackets, the share of the class. Click one to see its pictures.")
    rows = st.container(gap="xxsmall")
    for label, answer, count in found:
        share = percent(count / int(confusion[label].sum()))
        rows.button(
            f"{count:,} × **{literal(names[label])}** taken for **{literal(names[answer])}** ({share})",
            key=f"inspect-confusion-{label}-{answer}", type="tertiary", icon=":material/arrow_forward:",
            on_click=open_pictures, args=(label, answer),
            help=f"{share} of all {count_of(int(confusion[label].sum()), 'picture')} of {literal(names[label])}.",
        )  # fmt: skip


def _take_cell(chart: str) -> None:
    state = session.widget_value(chart)
    points = state["selection"]["points"] if state else []
    view, last = current_view(), session.widget_value(LAST_CELL)
    if points:
        cell = int(points[0]["y"]), int(points[0]["x"])
        session.set_widget(LAST_CELL, cell)
        open_pictures(*cell)
    elif last is None or (view.truth, view.answer) == last:
        change(truth=None, answer=None)
    else:  # a second click on it, to Plotly; to the visitor a first one: meanwhile others were chosen elsewhere
        open_pictures(*last)
