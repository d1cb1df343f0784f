"""Studies: several runs that answer one question, started with one click."""

import streamlit as st

from core.errors import StudyNotFound
from core.server.services import Services
from core.store.studies import Study
from core.studies.report import num_planned
from core.visitors.person import teacher_only
from pages.components.kit import session
from pages.components.kit.redraw import some_of
from pages.components.kit.text import literal
from pages.components.studies.form import render_form, take_link
from pages.components.studies.view import render_study
from pages.components.studies.words import KINDS

STUDIES_PER_PAGE = 8


def main() -> None:
    """The page."""
    st.title("Studies", anchor=False)
    if why := teacher_only("start a study"):
        st.caption(f":material/lock: {why}")
    services = session.services()
    take_link(services)
    asked = st.query_params.get("study")
    # The key holds the study that is shown: the form closes after a start, because it would offer the same study again.
    with st.expander("New study", icon=":material/add:", expanded=asked is None, key=f"new-study-{asked}"):
        render_form(services)
    studies = services.store.studies.list_studies()
    if asked is not None:
        try:
            render_study(services, asked)
        except StudyNotFound:
            st.warning(
                f"There is no study “{literal(asked[:40])}” here. It may have been deleted.",
                icon=":material/link_off:",
            )
    if studies:
        st.subheader("All studies", anchor=False)
        for study in some_of(studies, STUDIES_PER_PAGE, "studies-page"):
            _render_line(services, study, is_shown=study.id == asked)
    else:
        st.caption("No study has been started yet.")


def _render_line(services: Services, study: Study, *, is_shown: bool) -> None:
    kind, planned = KINDS.get(study.kind), num_planned(study)
    if study.num_under_way:
        badge = f":blue-badge[:material/play_arrow: {study.num_finished} of {planned}]"
    elif study.num_finished == planned and planned:
        badge = f":green-badge[:material/check_circle: {study.num_runs} runs]"
    else:
        badge = f":orange-badge[:material/data_array: {study.num_finished} of {planned}]"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"{badge} {kind.icon if kind else ''} **{literal(study.name)}**",
            width="stretch",
        )
        st.page_link(
            "studies.py",
            label="Shown above" if is_shown else "Open",
            icon=":material/science:",
            query_params={"study": study.id},
            disabled=is_shown,
            width="content",
        )


main()
