"""What a visitor keeps: the link to this comparison, the settings, and where all the controls are."""

from urllib.parse import urlsplit

import streamlit as st

from core.formatting import percent
from core.runs.documents import settings_json
from core.server.services import Services
from core.store.records import Run
from pages.components.home.followed_run import curves_of
from pages.components.runs.verdict import diagnosed, verdict_badge

ANCHOR = "keep-it"


def race_result(services: Services, run: Run, fork: Run) -> str:
    """How the race ended, in a sentence or two."""
    start = "The race is over: the same network with the same initial weights and one change, augmentation."
    gaps = [diagnosed(services, each, curves_of(services.store, each)).gap for each in (run, fork)]
    without, varied = (f"{100 * gap:.1f}" if gap is not None else None for gap in gaps)
    if without is None or varied is None:
        return start
    return (
        f"{start} The gap between training pictures and new ones was **{varied} points** at the end, "
        f"and **{without}** without it."
    )


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
