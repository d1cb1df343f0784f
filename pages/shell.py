"""The only script that Streamlit runs: page settings, navigation, and the requested page."""

import sys
from pathlib import Path

import streamlit as st

PAGES = Path(__file__).resolve().parent
if str(PAGES.parent) not in sys.path:
    sys.path.insert(0, str(PAGES.parent))

from core.scheduling.standby_request import touch_standby_request  # noqa: E402
from pages.components.kit import session  # noqa: E402
from pages.components.kit.address import enter_page  # noqa: E402

# A file of its own: the browser would fetch a Material icon's picture for the tab from another machine.
ICON = PAGES / "components" / "icon.svg"
HEADER = PAGES / "components" / "kit" / "assets" / "header.css"
st.set_page_config(page_title="ConvDeck", page_icon=str(ICON), layout="wide")
st.html(HEADER)

page = st.navigation(
    [
        st.Page("home.py", title="Home", icon=":material/home:", default=True),
        st.Page("design.py", title="Design", icon=":material/view_agenda:"),
        st.Page("augment.py", title="Augment", icon=":material/auto_awesome_motion:"),
        st.Page("runs.py", title="Runs", icon=":material/monitoring:"),
        st.Page("compare.py", title="Compare", icon=":material/stacked_line_chart:"),
        st.Page("inspect_run.py", title="Inspect", icon=":material/troubleshoot:", url_path="inspect"),
        st.Page("sweeps.py", title="Sweeps", icon=":material/travel_explore:"),
        st.Page("studies.py", title="Studies", icon=":material/science:"),
        st.Page("notebook.py", title="Notebook", icon=":material/menu_book:"),
        st.Page("classify.py", title="Classify", icon=":material/image_search:"),
        st.Page("datasets.py", title="Datasets", icon=":material/photo_library:"),
        st.Page("system.py", title="System", icon=":material/memory:"),
        st.Page("lesson.py", title="Lesson", icon=":material/school:", visibility="hidden"),
    ],
    # A lesson has everything set beforehand; its own links are all there is to click.
    position="hidden" if "lesson" in st.query_params else "top",
)
touch_standby_request(session.services().workspace)
for message in session.take_flashes():
    st.toast(message)
enter_page(page.url_path)
page.run()
