"""Two runs on the same pictures: how far apart they are, whether that is chance, and where they disagree."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from core.errors import ConvDeckError
from core.formatting import count_of, points
from core.inspection.answers import BEST, SplitAnswers
from core.inspection.evaluation import SplitEvaluation
from core.inspection.pairs import Pair, pair_of
from core.server.services import Services
from core.store.records import Run
from pages.components.charts.confusion import difference_figure
from pages.components.charts.plotly_marks import CONFIG
from pages.components.inspect_run.address import NO_RUN, View, field
from pages.components.inspect_run.choices import in_words
from pages.components.inspect_run.confusion import choose_classes
from pages.components.inspect_run.evaluations import Evaluated, evaluate_here
from pages.components.inspect_run.pictures import render_sheet
from pages.components.kit import browser
from pages.components.kit.text import error_text, literal, unbroken

DISAGREEMENTS = {"first": "Only this run right", "second": "Only the other right", "any": "All disagreements"}
CLEAR_P = 0.05


def render_side_by_side(
    services: Services, evaluated: Evaluated, runs: Mapping[str, Run], view: View
) -> None:
    """The choice of another run on the same data, and both compared on the same pictures."""
    st.subheader("Two runs side by side", anchor=False)
    run = evaluated.run
    comparable = {each.id: each for each in runs.values() if each.id != run.id and is_same_data(run, each)}
    if view.other is not None and view.other not in comparable:
        st.warning(literal(why_not(run, view.other, runs)), icon=":material/link_off:")
    if not comparable:
        st.caption("No other run with weights was trained on the same data set.")
        return
    chosen = view.other if view.other in comparable else NO_RUN
    st.selectbox(
        "Compare with", [NO_RUN, *comparable], width=420, **field("other", chosen),
        help="Runs on the same data set, with the weights of their best epoch.",
        format_func=lambda run_id: "Choose a run" if run_id == NO_RUN else in_words(comparable[run_id]),
    )  # fmt: skip
    if chosen == NO_RUN:
        st.caption(
            "Runs on the same data set can be compared picture by picture: only where they disagree counts."
        )
        return
    # Its best weights: which epochs it has weights of differs from run to run.
    second = evaluate_here(services, comparable[chosen], BEST)
    if second is not None:
        _render_pair(services, evaluated, second, view.split)


def is_same_data(first: Run, second: Run) -> bool:
    """Whether both were trained on the same data set, so that their test pictures are the same.

    Of a run of an older version, and of the one that comes with ConvDeck, only the name of its data is known: both
    are measured here on what has this name.
    """
    if None in (first.dataset_digest, second.dataset_digest):
        return first.dataset == second.dataset
    return first.dataset_digest == second.dataset_digest and first.class_names == second.class_names


def why_not(run: Run, other: str, runs: Mapping[str, Run]) -> str:
    """Why the other run of the address cannot be compared with this one."""
    if other == run.id:
        return "A run cannot be compared with itself: choose another one."
    if other not in runs:
        return f"There is no run “{other[:40]}” with weights here to compare with."
    return (
        f"“{runs[other].name}” was trained on another data set than “{run.name}”, so they have no pictures in common: "
        "choose a run on the same one."
    )


def _render_pair(services: Services, first: Evaluated, second: Evaluated, split: str) -> None:
    one, other = first.on(split), second.on(split)
    try:
        pair = pair_of(one.answers, other.answers)
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/block:")
        return
    st.markdown(unbroken(pair_in_words(pair, first.run.name, second.run.name, split)))
    left, right = st.columns([3, 2], gap="large")
    with left:
        _render_difference(one, other, f"{first.run.id}-{second.run.id}-{split}-{one.answers.epoch}")
    with right:
        _render_counts(pair)
    _render_disagreements(services, first.run, one.answers, other.answers, pair)


def pair_in_words(pair: Pair, first: str, second: str, split: str) -> str:
    """How far apart two runs are on the same pictures, and whether that is more than chance."""
    lead = pair.difference
    gap = "Both are equally accurate" if lead == 0 else (
        f"“{first}” is {points(abs(lead))} {'more' if lead > 0 else 'less'} accurate than “{second}”"
    )  # fmt: skip
    one, other = len(pair.only_first), len(pair.only_second)
    verdict = (
        "That is more than chance on these pictures explains"
        if pair.p < CLEAR_P
        else "That can be chance on these pictures"
    )
    return (
        f"{gap} on the {pair.count:,} {split} pictures (95 % interval {points(pair.low).removesuffix(' points')} to "
        f"{points(pair.high)}). The first alone gets {count_of(one, 'picture')} right, the second alone {other:,}. "
        f"{verdict} ({p_in_words(pair.p)}). Another seed would move both: a study tells how far."
    )


def p_in_words(p: float) -> str:
    """`p = 0.031`, `p < 0.001`"""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _render_difference(one: SplitEvaluation, other: SplitEvaluation, key: str) -> None:
    is_narrow, names = browser.is_narrow(), one.answers.class_names
    # Where mistakes differ most: recognised pictures are not confusions.
    apart = np.abs(one.confusion - other.confusion)
    classes = choose_classes(apart, names, "inspect-difference-classes", "where the runs differ most")
    st.plotly_chart(
        difference_figure(one.confusion, other.confusion, names, is_narrow=is_narrow, classes=classes),
        key=f"inspect-difference-{key}-{is_narrow}", config={**CONFIG, "displayModeBar": False}, width="stretch",
        alt="The confusion matrix of this run minus that of the other",
    )  # fmt: skip
    st.caption(
        "This run's pictures minus the other's. Blue: better here, that is more right or fewer mistakes. "
        "Red: worse."
    )


def _render_counts(pair: Pair) -> None:
    st.table(
        {
            "": ["This run right", "This run wrong"],
            "Other right": [f"{pair.both:,}", f"{len(pair.only_second):,}"],
            "Other wrong": [f"{len(pair.only_first):,}", f"{pair.neither:,}"],
        },
        border="horizontal",
        hide_index=True,
        alt="How many pictures both runs get right, one of them, or none",
    )
    st.caption(
        "Only pictures that one gets right and the other wrong say which is better. p is that of McNemar's exact test: "
        "how often chance alone would split these so unevenly."
    )


def _render_disagreements(
    services: Services, run: Run, first: SplitAnswers, second: SplitAnswers, pair: Pair
) -> None:
    places = {"first": pair.only_first, "second": pair.only_second, "any": pair.disagree}
    kind = st.segmented_control(
        "Pictures on which they disagree", list(DISAGREEMENTS), default="first", required=True, wrap=True,
        format_func=lambda each: f"{DISAGREEMENTS[each]} ({len(places[each]):,})", key="inspect-disagree",
    )  # fmt: skip
    if not len(places[kind]):
        st.caption("There are none.")
        return
    st.caption("Below each picture: what it is, this run's answer, the other's answer.")
    key = f"inspect-pair-{run.id}-{first.split}-{first.epoch}-{second.epoch}-{kind}"
    render_sheet(services, run, first, places[kind], key, second)
