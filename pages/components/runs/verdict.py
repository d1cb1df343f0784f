"""What the curves of a run say so far, and changes to try: each can be read before it is taken, and forks the run."""

from collections.abc import Hashable
from dataclasses import dataclass

import streamlit as st

from core.analysis.diagnosis import Diagnosis, Verdict
from core.analysis.suggestions import Suggestion
from core.config.changes import setting_in_words
from core.config.labels import label_of, shown_value
from core.datasets.identity import data_problem
from core.datasets.storage import describe_dataset
from core.epoch import Curves
from core.runs.verdicts import suggestions_of, verdict_of
from core.server.services import Services
from core.store.records import Run
from pages.components.kit.cache import epoch_version, per_epoch
from pages.components.kit.run_words import Color
from pages.components.kit.starting import open_runs, start_fork
from pages.components.kit.text import literal

MOST_SUGGESTIONS = 4

LOOKS: dict[Verdict, tuple[str, Color]] = {
    Verdict.TOO_EARLY: (":material/hourglass_empty:", "gray"),
    Verdict.HEALTHY: (":material/trending_up:", "green"),
    Verdict.OVERFITTING: (":material/call_split:", "red"),
    Verdict.PLATEAU: (":material/trending_flat:", "orange"),
    Verdict.UNDERFITTING: (":material/trending_down:", "orange"),
    Verdict.NOISY: (":material/ssid_chart:", "orange"),
    Verdict.DIVERGED: (":material/error:", "red"),
    Verdict.GUESSING: (":material/casino:", "orange"),
}


def render_verdict(services: Services, run: Run, curves: Curves) -> None:
    """A line with the verdict and its evidence."""
    diagnosis, _ = judged(services, run, curves)
    st.markdown(f"{verdict_badge(diagnosis)} {literal(diagnosis.evidence)}")


def render_suggestions(services: Services, run: Run, curves: Curves) -> None:
    """A row of changes to try, or why the run's data allows none."""
    _, suggestions = judged(services, run, curves)
    if suggestions:
        with st.container(border=True, gap="xsmall"):
            st.caption(
                "Try a change: the fork starts from the same weights and, if it has as many pictures, sees them in the "
                "same order."
            )
            with st.container(horizontal=True, gap="small"):
                for offer in suggestions:
                    _render_suggestion(services, run, offer)
    elif problem := data_problem(services.workspace, run):
        st.caption(literal(problem))


@dataclass(frozen=True)
class Offer:
    """A suggestion, and what it changes, a line for each setting."""

    suggestion: Suggestion
    changes: str


def _version(services: Services, run: Run) -> Hashable:
    """What both below are made from: a data set can go and come back, and with it what can be said and offered."""
    return epoch_version(run), describe_dataset(services.workspace, run.dataset)


@per_epoch(64, _version)
def diagnosed(services: Services, run: Run, curves: Curves) -> Diagnosis:
    """The diagnosis alone, made once per epoch: the suggestions take six times as long."""
    return verdict_of(services.store, run, curves)


@per_epoch(64, _version)
def judged(services: Services, run: Run, curves: Curves) -> tuple[Diagnosis, tuple[Offer, ...]]:
    """The diagnosis and the likeliest suggestions, made once per epoch and not at each tick."""
    diagnosis = diagnosed(services, run, curves)
    suggestions = suggestions_of(services.workspace, run, diagnosis)[:MOST_SUGGESTIONS]
    return diagnosis, tuple(Offer(suggestion, _changes(run, suggestion)) for suggestion in suggestions)


def verdict_badge(diagnosis: Diagnosis) -> str:
    """The headline as a coloured badge, in Markdown."""
    icon, color = LOOKS[diagnosis.verdict]
    if diagnosis.verdict is Verdict.HEALTHY and not diagnosis.headline.startswith("Healthy"):
        icon, color = ":material/hourglass_empty:", "gray"
    return f":{color}-badge[{icon} {literal(diagnosis.headline)}]"


def _render_suggestion(services: Services, run: Run, offer: Offer) -> None:
    suggestion = offer.suggestion
    # A key of its own: the popover stays open while the page around it is drawn again.
    with st.popover(suggestion.title, icon=":material/healing:", key=f"mend-{run.id}-{suggestion.id}"):
        st.markdown(literal(suggestion.why))
        st.code(offer.changes, language=None)
        if st.button(
            "Fork with this change",
            key=f"take-{run.id}-{suggestion.id}",
            type="primary",
            icon=":material/fork_right:",
        ) and (fork := start_fork(services, run, suggestion)):
            open_runs(run, fork)  # the fork races its parent's curve


def _changes(run: Run, suggestion: Suggestion) -> str:
    config = run.config
    return "\n".join(
        f"{label_of(path)}: {setting_in_words(config, path)} → {shown_value(path, value)}"
        for path, value in suggestion.changes.items()
    )
