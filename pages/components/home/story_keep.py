"""What a visitor keeps: the link to this comparison, the settings, and where all the controls are."""

import math
from urllib.parse import urlsplit

import streamlit as st

from core.analysis.significance import standard_error
from core.datasets.storage import describe_dataset
from core.formatting import percent, points, with_minus
from core.runs.documents import settings_json
from core.server.services import Services
from core.store.records import Run
from pages.components.home.followed_run import curves_of
from pages.components.runs.verdict import diagnosed, verdict_badge

ANCHOR = "keep-it"
STANDARD_ERRORS = 2.0  # beyond which a difference is more than chance


def race_result(services: Services, run: Run, fork: Run) -> str:
    """How the race ended: a badge, both accuracies, both gaps."""
    start = "The race is over: the same network with the same initial weights and one change, augmentation."
    if fork.epoch < run.epoch:
        start += f" It ended after {fork.epoch} of {run.epoch} epochs."
    if run.best_val_accuracy is not None and fork.best_val_accuracy is not None:
        before_after = from_to(run.best_val_accuracy, fork.best_val_accuracy)
        start += f" {_race_badge(services, run, fork)} Right on new pictures: **{before_after}**."
    gaps = [diagnosed(services, each, curves_of(services.store, each)).gap for each in (run, fork)]
    without, varied = (with_minus(f"{100 * gap:.1f}") if gap is not None else None for gap in gaps)
    if without is None or varied is None:
        return start
    return (
        f"{start} The gap between training pictures and new ones was **{varied} points** at the end, "
        f"and **{without}** without it."
    )


def from_to(before: float, after: float) -> str:
    """Two accuracies as `62 → 85 %`; with a decimal where they would look the same."""
    digits = 0 if f"{100 * before:.0f}" != f"{100 * after:.0f}" else 1
    return f"{100 * before:.{digits}f} → {percent(after, digits)}"


def _race_badge(services: Services, run: Run, fork: Run) -> str:
    """Whether the fork is more accurate than its pictures leave to chance, or else whether it overfits less."""
    better = (fork.best_val_accuracy or 0.0) - (run.best_val_accuracy or 0.0)
    chance = math.hypot(*(_accuracy_error(services, each) for each in (run, fork)))
    if better > STANDARD_ERRORS * chance:
        return f":green-badge[:material/trending_up: {points(better)} better]"
    if better < -STANDARD_ERRORS * chance:
        return f":red-badge[:material/trending_down: {points(-better)} worse]"
    if run.gap is not None and fork.gap is not None and run.gap - fork.gap > STANDARD_ERRORS * chance:
        return ":green-badge[:material/compress: As accurate, and it overfits less]"
    return ":gray-badge[:material/drag_handle: No clear difference]"


def _accuracy_error(services: Services, run: Run) -> float:
    """The standard error of its validation accuracy; 0 where it is not known how many pictures that rests on."""
    known = run.data or describe_dataset(services.workspace, run.dataset)
    if known is None or run.best_val_accuracy is None:
        return 0.0
    return standard_error(run.best_val_accuracy, known.num_validation)


def render_keep(services: Services, run: Run, fork: Run) -> None:
    """Both runs with their verdicts, and what can be kept of them."""
    st.subheader("Keep it", anchor=ANCHOR)
    both = ",".join((run.id, fork.id))
    for each, words in ((run, "Without augmentation"), (fork, "With augmentation")):
        diagnosis = diagnosed(services, each, curves_of(services.store, each))
        best = percent(each.best_val_accuracy)
        st.markdown(f"{words}: {verdict_badge(diagnosis)} best validation accuracy **{best}**")
    left, right = st.columns(2, gap="large")
    with left:
        st.caption("The link to this comparison")
        st.code(page_address(f"runs?run={both}"), language=None, wrap_lines=True)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link("runs.py", label="Open it", icon=":material/monitoring:", query_params={"run": both})
            st.download_button(
                "Settings as JSON",
                settings_json([fork]),
                file_name=f"{fork.id}-config.json",
                mime="application/json",
                icon=":material/data_object:",
                on_click="ignore",
                help="For `python -m core train --config FILE`, on this machine or another.",
            )
    with right:
        st.caption("Continue with all controls")
        st.page_link(
            "design.py",
            label="Design: change this network layer by layer",
            icon=":material/view_agenda:",
            query_params={"from": fork.id},
        )
        st.page_link(
            "studies.py",
            label="Studies: is one of the two better, or was it chance?",
            icon=":material/science:",
            query_params={"kind": "seeds", "runs": both},
        )
        st.page_link(
            "augment.py",
            label="Augment: choose how training varies pictures",
            icon=":material/auto_awesome_motion:",
        )
        st.page_link("runs.py", label="Runs: everything that was trained", icon=":material/monitoring:")
        st.page_link(
            "notebook.py", label="Notebook: what you expected, and the outcome", icon=":material/menu_book:"
        )


def page_address(path: str) -> str:
    """A page of this dashboard as a link that can be sent: `path` behind the address in the browser."""
    parts = urlsplit(st.context.url or "")
    if not parts.netloc:
        return path
    folder = parts.path.rpartition("/")[0]
    return f"{parts.scheme}://{parts.netloc}{folder}/{path}"
