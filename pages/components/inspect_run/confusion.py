"""Which classes a run takes for which: the matrix, and the largest confusions in words. Each opens its pictures."""

from collections.abc import Sequence

import streamlit as st

from core.formatting import count_of, percent, shortened
from core.inspection.answers import Numbers
from core.inspection.evaluation import SplitEvaluation
from core.inspection.measures import largest_confusions, most_confused
from pages.components.charts.confusion import (
    MOST_MAPPED,
    MOST_NAMED,
    MOST_NAMED_NARROW,
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
MOST_SHOWN_NARROW = 8  # classes of a matrix on a phone, beside names that are not all alike
ROOM, ROOM_NARROW = 52, 26  # characters for both names of a confusion, which stays in one line
COUNTS, SHARES = "counts", "shares"
CONFUSED, ALL = "confused", "all"
LAST_CELL = "inspect-last-cell"


def render_confusion(evaluation: SplitEvaluation, key: str) -> None:
    """Both, side by side where there is room. `key` tells these answers from those of others."""
    st.subheader("What is taken for what", anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _render_matrix(evaluation, key)
    with right:
        _render_in_words(evaluation)


def choose_classes(
    confusion: Numbers, names: Sequence[str], key: str, which: str = "those of the largest confusions"
) -> list[int] | None:  # fmt: skip
    """Which classes a matrix shows: those of the largest confusions where all would be too fine; None: all.

    A field for both where both can be drawn, and a caption that says `which` these are.
    """
    is_narrow = browser.is_narrow()
    if len(names) <= (MOST_NAMED_NARROW if is_narrow else MOST_NAMED):
        return None
    shown: str | None = CONFUSED
    if len(names) <= MOST_MAPPED:
        shown = st.segmented_control(
            "Classes", [CONFUSED, ALL], default=CONFUSED, required=True, key=key, label_visibility="collapsed",
            format_func={CONFUSED: "Most confused classes", ALL: f"All {len(names):,}"}.__getitem__,
        )  # fmt: skip
    if shown == ALL:
        return None
    most = MOST_SHOWN_NARROW if is_narrow else MOST_NUMBERED
    found = most_confused(confusion, most) or list(range(most))
    st.caption(f"{len(found)} of {len(names):,} classes: {which}.")
    return found


def _render_matrix(evaluation: SplitEvaluation, key: str) -> None:
    names, is_narrow = evaluation.answers.class_names, browser.is_narrow()
    classes = choose_classes(evaluation.confusion, names, "inspect-matrix-classes")
    size = len(names) if classes is None else len(classes)
    has_figures = size <= (MOST_NUMBERED_NARROW if is_narrow else MOST_NUMBERED)
    unit = COUNTS
    if has_figures:
        unit = st.segmented_control(
            "In each cell", [COUNTS, SHARES], default=COUNTS, required=True, key="inspect-unit",
            format_func={COUNTS: "Pictures", SHARES: "% of the row"}.__getitem__, label_visibility="collapsed",
        )  # fmt: skip
    chart = f"inspect-confusion-{key}-{unit}-{is_narrow}-{'all' if classes is None else 'confused'}"
    st.plotly_chart(
        confusion_figure(
            evaluation.confusion, names, as_share=unit == SHARES, is_narrow=is_narrow, classes=classes
        ),
        key=chart, config={**CONFIG, "displayModeBar": False}, width="stretch",
        on_select=lambda: _take_cell(chart, classes), selection_mode="points",
        alt=f"The confusion matrix of {size:,} classes; the largest confusions are in words beside it",
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
        pictures = int(confusion[label].sum())
        share = percent(count / pictures).replace(" ", "\u00a0")
        truth, taken = fitting(names[label], names[answer], ROOM_NARROW if browser.is_narrow() else ROOM)
        rows.button(
            f"{count:,} × **{literal(truth)}** taken for **{literal(taken)}** ({share})",
            key=f"inspect-confusion-{label}-{answer}", type="tertiary", icon=":material/arrow_forward:",
            on_click=open_pictures, args=(label, answer), wrap=False,  # Streamlit centres the second line
            help=f"{share} of all {count_of(pictures, 'picture')} of {literal(names[label])} "
            f"{'is' if count == 1 else 'are'} taken for {literal(names[answer])}.",
        )  # fmt: skip


def fitting(first: str, second: str, room: int) -> tuple[str, str]:
    """Two names in `room` characters together: what the shorter one leaves is the longer one's."""
    half = room // 2
    most = max(half, room - len(second)), max(half, room - len(first))
    return shortened(first, most[0]), shortened(second, most[1])


def _take_cell(chart: str, classes: Sequence[int] | None) -> None:
    state = session.widget_value(chart)
    points = state["selection"]["points"] if state else []
    view, last = current_view(), session.widget_value(LAST_CELL)
    if points:
        row, column = int(points[0]["y"]), int(points[0]["x"])
        cell = (row, column) if classes is None else (classes[row], classes[column])
        session.set_widget(LAST_CELL, cell)
        open_pictures(*cell)
    elif last is None or (view.truth, view.answer) == last:
        change(truth=None, answer=None)
    else:  # a second click on it, to Plotly; to the visitor a first one: meanwhile others were chosen elsewhere
        open_pictures(*last)
