"""A run on other pictures than those of its data set, such as an imported folder: drawn once opened."""

import numpy as np
import streamlit as st

from core.errors import ConvDeckError
from core.formatting import count_of, listed, percent, points
from core.inspection.answers import SplitAnswers, weights_of
from core.inspection.elsewhere import ALL, fitting_datasets
from core.inspection.evaluation import SplitEvaluation, evaluate
from core.inspection.measures import (
    accuracy_difference,
    interval_in_words,
    largest_confusions,
    span_in_words,
)
from core.inspection.selection import select
from core.server.services import Services
from core.store.records import Run
from pages.components.charts.confusion import confusion_figure
from pages.components.charts.plotly_marks import CONFIG
from pages.components.inspect_run.confusion import choose_classes
from pages.components.inspect_run.evaluations import Evaluated
from pages.components.inspect_run.how_good import INTERVAL
from pages.components.inspect_run.pictures import render_sheet
from pages.components.kit import browser
from pages.components.kit.cache import VersionedCache
from pages.components.kit.redraw import draw_alone, render_folded
from pages.components.kit.text import error_text, literal, unbroken

MOST_CONFUSIONS = 6
MOST_CLASSES_NAMED = 5
SHOWN = {
    "loss": "Worst mistakes",
    "confidence": "Surest mistakes",
    "doubt": "Most doubtful",
    "right": "Right answers",
}

_kept: VersionedCache[SplitEvaluation] = VersionedCache(8)


def render_elsewhere(services: Services, evaluated: Evaluated) -> None:
    """A fold with the choice of an imported data set, and how good the run is on all of its pictures."""
    render_folded(
        "On other pictures", f"inspect-elsewhere-{evaluated.run.id}",
        lambda: draw_alone(_render, services, evaluated), icon=":material/travel_explore:",
    )  # fmt: skip


def _render(services: Services, evaluated: Evaluated) -> None:
    run = evaluated.run
    found = {info.id: info for info in fitting_datasets(services.workspace, run)}
    if not found:
        names = evaluated.test.answers.class_names
        st.write(
            "How good is it on pictures of your own? Import them in folders that are called like classes of this run "
            f"({literal(listed(names, MOST_CLASSES_NAMED))}). Some of the classes are enough."
        )
        st.page_link("datasets.py", label="Import pictures", icon=":material/add_photo_alternate:")
        return
    chosen = st.selectbox(
        "Data set", list(found), width=320, key=f"inspect-elsewhere-set-{run.id}",
        format_func=lambda each: found[each].title,
        help="Data sets whose classes this run knows, by their names. All of their pictures are measured; the run was "
        "trained on none of them. Pictures of another size are resized.",
    )  # fmt: skip
    try:
        there = _evaluate(services, run, evaluated.which, chosen, found[chosen].digest)
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/block:")
        return
    _render_how_good(evaluated, there, found[chosen].title)
    _render_confusions(there, f"{run.id}-{chosen}-{there.answers.epoch}")
    kind = st.segmented_control(
        "Show", list(SHOWN), default="loss", required=True, format_func=SHOWN.__getitem__, wrap=True,
        key=f"inspect-elsewhere-show-{run.id}",
    )  # fmt: skip
    _render_pictures(services, run, there.answers, str(kind))


def _evaluate(
    services: Services, run: Run, which: str, dataset_id: str, digest: str | None
) -> SplitEvaluation:
    weights = weights_of(services.workspace, run, which)

    def make() -> SplitEvaluation:
        with st.spinner("Asking about every picture. This is done once…"):
            place = st.empty()

            def advance(done: int, of: int) -> None:
                place.progress(min(1.0, done / max(1, of)), f"{done:,} of {of:,} pictures")

            made = evaluate(services.workspace, services.engine, run, ALL, weights.which, advance, dataset_id)
            place.empty()
        return made

    name = services.workspace.root, run.id, weights.epoch, dataset_id
    return _kept.get(name, (weights.sha256, digest), make)


def _render_how_good(evaluated: Evaluated, there: SplitEvaluation, name: str) -> None:
    accuracy = there.accuracy
    with st.container(horizontal=True, gap="small"):
        st.metric(
            "Accuracy there", percent(accuracy.value), interval_in_words(accuracy), delta_color="off",
            delta_arrow="off", border=True, width=170,
            help=f"The share of its pictures that are answered rightly. {INTERVAL}",
        )  # fmt: skip
        st.metric("Loss", f"{there.loss:.3f}", border=True, width=120, height="stretch")
        st.metric("Pictures", f"{len(there.answers):,}", border=True, width=130, height="stretch")
    st.markdown(literal(unbroken(comparison_in_words(evaluated, there, name))))


def comparison_in_words(evaluated: Evaluated, there: SplitEvaluation, name: str) -> str:
    """How far the accuracy there lies from that on the run's own test pictures, and whether that is chance."""
    found = accuracy_difference(there.accuracy, evaluated.test.accuracy)
    where = (
        "as high as"
        if not found.value
        else f"{points(abs(found.value))} {'above' if found.value > 0 else 'below'}"
    )
    chance = "which is within chance" if found.low <= 0 <= found.high else "which is more than chance"
    return (
        f"On “{name}” its accuracy is {where} that on its own test pictures (95 % interval of the difference: "
        f"{span_in_words(found)}), {chance}. Other classes, light or cameras make pictures easier or harder."
    )


def _render_confusions(there: SplitEvaluation, key: str) -> None:
    names, confusion = there.answers.class_names, there.confusion
    left, right = st.columns([3, 2], gap="large")
    with left:
        classes = choose_classes(confusion, names, f"inspect-elsewhere-classes-{key}")
        st.plotly_chart(
            confusion_figure(confusion, names, is_narrow=browser.is_narrow(), classes=classes),
            key=f"inspect-elsewhere-map-{key}", config={**CONFIG, "displayModeBar": False}, width="stretch",
            alt="The confusion matrix of these pictures",
        )  # fmt: skip
    with right:
        st.markdown("**Largest confusions**")
        lines = [
            f"{count:,} × **{literal(names[label])}** taken for **{literal(names[answer])}**"
            for label, answer, count in largest_confusions(confusion, MOST_CONFUSIONS)
        ]
        st.markdown("\n".join(f"- {line}" for line in lines) or "No picture is taken for something else.")


def _render_pictures(services: Services, run: Run, answers: SplitAnswers, kind: str) -> None:
    places = np.asarray(select(answers, kind))
    noun = {"doubt": "picture", "right": "right answer"}.get(kind, "mistake")
    st.caption(count_of(len(places), noun) if len(places) else f"No {noun}s.")
    if len(places):
        render_sheet(
            services, run, answers, places,
            f"inspect-elsewhere-sheet-{run.id}-{answers.kind}-{answers.epoch}-{kind}",
        )  # fmt: skip
