"""Home: the first five minutes; a visitor with own runs sees those first."""

import streamlit as st

from core.onboarding.example import EXAMPLE_ID
from core.server.services import Services
from core.store.records import Run
from pages.components.home import story
from pages.components.home.followed_run import render_curves, render_verdict_line
from pages.components.home.lesson import render_lesson_links
from pages.components.home.recent_runs import render_recent_runs
from pages.components.home.starters import fallback_sentence, render_starters
from pages.components.home.story_sample import render_sample
from pages.components.kit import session
from pages.components.kit.text import literal

LOOKED_AT = 20  # of the newest runs, for one that has finished and has curves


def main() -> None:
    """The page."""
    if lesson := st.query_params.get("lesson"):
        st.switch_page("lesson.py", query_params={"lesson": lesson})
    st.title("See how a network learns", anchor=False)
    services = session.services()
    newest = services.store.list_runs(limit=LOOKED_AT)
    own = [run for run in newest if run.id != EXAMPLE_ID]
    begun = story.read_story(services.store)
    if begun.asked is not None or not own:
        story.render_story(services, begun)
        if own:
            with st.expander("Your runs", icon=":material/monitoring:"):
                render_recent_runs(services)
    else:
        _render_own(services, own)
    with st.expander("Start something else", icon=":material/play_arrow:"):
        render_starters(services)
    render_lesson_links()


def _render_own(services: Services, own: list[Run]) -> None:
    """A returning visitor: what is running, the last results, and the newest of them itself."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Watch a small network overfit", key="story-begin", icon=":material/replay:"):
            story.go_to()
        st.caption(fallback_sentence(services), width="content")
    render_recent_runs(services)
    alone = [run for run in services.store.standalone_results(LOOKED_AT) if run.id != EXAMPLE_ID]
    run = next((run for run in (*alone, *own) if run.state.is_finished and run.epoch), None)
    if run is None:
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown(f"The newest result, {literal(run.name)}")
        render_verdict_line(services, run)
    with right:
        render_sample(services, run)
    render_curves(services, run)


main()
