"""ConvDeck's server: `streamlit run app.py`. Pages, REST and the helper processes on one port."""

import functools
import os
import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

sys.path.insert(0, str(Path(__file__).resolve().parent))

from core.api.mount import rest_route
from core.server.access import AccessMiddleware
from core.server.key import take_key
from core.server.lifespan import lifespan
from core.server.tuning import limit_malloc_arenas
from pages.components.kit import server_options
from pages.components.kit.text import render_error

# All that Home needs, and the table of runs.
FIRST_PAGES = (
    "pages.components.home.lesson",
    "pages.components.home.recent_runs",
    "pages.components.runs.table",
)

limit_malloc_arenas()  # here, for the server's threads make more of them from the first request on
key = take_key(os.environ)
if key is not None:
    server_options.allow_every_host()  # a page of another site has no key to show, by whatever name it came
app = st.App(
    "pages/shell.py",
    lifespan=functools.partial(lifespan, first_pages=FIRST_PAGES),
    routes=[rest_route()],
    middleware=[Middleware(AccessMiddleware, allowed_hosts=server_options.allowed_hosts, key=key)],
    on_script_error=render_error,
)
