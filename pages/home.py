"""Home: the story of the first five minutes; below its beginning, the runs that are here."""

import streamlit as st

from core.onboarding.example import EXAMPLE_ID
from core.server.services import Services
from core.store.records import Run
from pages.components.home import story
from pages.components.home.class_card import render_class
from pages.components.home.followed_run import render_curves, render_verdict_line
from pages.components.home.lesson import render_lesson_links
from pages.components.home.recent_runs import RUNS_ANCHOR, render_glance, render_recent_runs
from pages.components.home.starters import render_starters
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
    render_class(services)
    own = [run for run in services.store.list_runs(limit=LOOKED_AT) if run.id != EXAMPLE_ID]
    begun = story.read_story(services.store)
    if own and begun.run is None:
        render_glance(services)
    story.render_story(services, begun)
    if own and begun.run is None:
        _render_runs(services, own)
    elif own:
        with st.expander("Runs here", icon=":material/monitoring:"):
            render_recent_runs(services)
    with st.expander("Start something else", icon=":material/play_arrow:"):
        render_starters(services)
    render_lesson_links()


def _render_runs(services: Services, own: list[Run]) -> None:
    """What is running and the last results; where the story begins without the example, the newest of them itself."""
    st.header("Runs here", anchor=RUNS_ANCHOR)
    render_recent_runs(services)
    alone = [run for run in services.store.standalone_results(LOOKED_AT) if run.id != EXAMPLE_ID]
    run = next((run for run in (*alone, *own) if run.state.is_finished and run.epoch), None)
    if run is None or story.example_of(services.store) is not None:
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown(f"The newest result, {literal(run.name)}")
        render_verdict_line(services, run)
    with right:
        render_sample(services, run)
    render_curves(services, run)


main()
