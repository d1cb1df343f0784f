"""ConvDeck's server: `streamlit run app.py`. Pages, REST and the helper processes on one port."""

import functools
import os
import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent))

from core.api.mount import metrics_route, rest_route
from core.server.key import take_key
from core.server.lifespan import lifespan
from core.server.tuning import limit_malloc_arenas, share_heap_with_arrow
from core.visitors.person import tell_by
from pages.components.charts.plotly_figures import drop_plotly_classes
from pages.components.kit.person import tell_person
from pages.components.kit.server_options import middleware
from pages.components.kit.text import render_error

# All that Home needs, and the table of runs.
FIRST_PAGES = (
    "pages.components.home.lesson",
    "pages.components.home.recent_runs",
    "pages.components.runs.table",
)

limit_malloc_arenas()  # here, for the server's threads make more of them from the first request on
share_heap_with_arrow()
drop_plotly_classes()
tell_by(tell_person)
app = st.App(
    "pages/shell.py",
    lifespan=functools.partial(lifespan, first_pages=FIRST_PAGES),
    routes=[rest_route(), metrics_route()],
    middleware=middleware(take_key(os.environ)),
    on_script_error=render_error,
)
