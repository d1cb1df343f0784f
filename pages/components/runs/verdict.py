"""What the curves of a run say so far, and changes to try: each can be read before it is taken, and forks the run."""

from collections.abc import Hashable
from dataclasses import dataclass

import streamlit as st

from core.analysis.diagnosis import Diagnosis, Verdict
from core.analysis.suggestions import Mend
from core.datasets.storage import describe_dataset
from core.errors import UserError
from core.runs.start import fork_experiment, fork_name
from core.runs.verdicts import mends_of, verdict_of
from core.server.services import Services
from core.store.records import Run
from core.store.store import Curves
from pages.components.kit import run_words, session
from pages.components.kit.cache import Kept, epochs_of
from pages.components.kit.run_words import Color
from pages.components.kit.text import literal

MOST_MENDS = 4

LOOKS: dict[Verdict, tuple[str, Color]] = {
    Verdict.TOO_EARLY: (":material/hourglass_empty:", "gray"),
    Verdict.HEALTHY: (":material/trending_up:", "green"),
    Verdict.OVERFITTING: (":material/call_split:", "red"),
    Verdict.PLATEAU: (":material/trending_flat:", "orange"),
    Verdict.UNDERFITTING: (":material/trending_down:", "orange"),
    Verdict.NOISY: (":material/ssid_chart:", "orange"),
    Verdict.DIVERGED: (":material/error:", "red"),
}


def render_verdict(services: Services, run: Run, curves: Curves) -> None:
    """A line with the verdict and its evidence, and a row of mends."""
    diagnosis, mends = judged(services, run, curves)
    with st.container(border=True):
        st.markdown(f"{verdict_badge(diagnosis)} {literal(diagnosis.evidence)}")
        if mends:
            st.caption(
                "Try it with a change: the fork starts from the same weights and sees the pictures in the same order."
            )
            with st.container(horizontal=True, gap="small"):
                for offer in mends:
                    _render_mend(services, run, offer)


@dataclass(frozen=True)
class Offer:
    """A mend, and what it changes, a line for each setting."""

    mend: Mend
    changes: str


_diagnoses: Kept[Diagnosis] = Kept(64)
_judgements: Kept[tuple[Diagnosis, tuple[Offer, ...]]] = Kept(64)


def diagnosed(services: Services, run: Run, curves: Curves) -> Diagnosis:
    """The diagnosis alone, made once an epoch: the mends take six times as long."""
    return _diagnoses.get(
        (services, run.id), _version(services, run), lambda: verdict_of(services.workspace, run, curves)
    )


def judged(services: Services, run: Run, curves: Curves) -> tuple[Diagnosis, tuple[Offer, ...]]:
    """The diagnosis and the likeliest mends, made once an epoch and not at each tick."""
    return _judgements.get((services, run.id), _version(services, run), lambda: _judge(services, run, curves))


def _version(services: Services, run: Run) -> Hashable:
    """What both are made from: a data set can go and come back, and with it what can be said and offered."""
    return epochs_of(run), describe_dataset(services.workspace, run.dataset)


def _judge(services: Services, run: Run, curves: Curves) -> tuple[Diagnosis, tuple[Offer, ...]]:
    diagnosis = diagnosed(services, run, curves)
    mends = mends_of(services.workspace, run, diagnosis)[:MOST_MENDS]
    return diagnosis, tuple(Offer(mend, _changes(run, mend)) for mend in mends)


def verdict_badge(diagnosis: Diagnosis) -> str:
    """The headline as a coloured badge, in Markdown."""
    icon, color = LOOKS[diagnosis.verdict]
    if diagnosis.verdict is Verdict.HEALTHY and not diagnosis.headline.startswith("Healthy"):
        icon, color = ":material/hourglass_empty:", "gray"
    return f":{color}-badge[{icon} {literal(diagnosis.headline)}]"


def _render_mend(services: Services, run: Run, offer: Offer) -> None:
    mend = offer.mend
    # A key of its own: the popover stays open while the page around it is drawn anew.
    with st.popover(mend.title, icon=":material/healing:", key=f"mend-{run.id}-{mend.id}"):
        st.markdown(literal(mend.why))
        st.code(offer.changes, language=None)
        if st.button(
            "Fork with this change",
            key=f"take-{run.id}-{mend.id}",
            type="primary",
            icon=":material/fork_right:",
        ):
            _take(services, run, mend)


def _changes(run: Run, mend: Mend) -> str:
    config = run.config
    return "\n".join(
        f"{path}: {run_words.setting(config.value(path))} → {run_words.setting(value)}"
        for path, value in mend.changes.items()
    )


def _take(services: Services, run: Run, mend: Mend) -> None:
    try:
        config = run.config.with_values(mend.changes)
        name = fork_name(run.name, mend.title)
        token = session.idempotency_token(config, run.id)
        fork = fork_experiment(services.workspace, run.id, mend.changes, name, token)
    except UserError as error:
        st.error(literal(str(error)))
        return
    session.use_token()
    both = (run.id, fork.id)
    session.set_chosen_runs(both)
    # A page of its own, so that the address holds both and the fork races its parent's curve.
    st.switch_page("runs.py", query_params={"run": ",".join(both)})
