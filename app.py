"""ConvDeck's server: `streamlit run app.py`. Pages, REST and the helper processes on one port."""

import asyncio
import contextlib
import importlib
import inspect
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

sys.path.insert(0, str(Path(__file__).resolve().parent))

from core.access import AccessMiddleware
from core.allocator import limit_arenas
from core.errors import EngineError
from core.onboarding.example import draw_shapes_ahead, import_example
from core.rest import rest_route
from core.scheduling.service import ensure_scheduler
from core.scheduling.standby_request import want_standby, withdraw_wish
from core.services import Services, get_services
from core.sockets import send_at_once
from core.system.devices import list_devices
from pages.components.errors import render_error

SCHEDULER_CHECK_SECONDS = 2.0
ENGINE_CHECK_SECONDS = 0.5
# All that Home needs, and the table of runs.
FIRST_PAGES = ("pages.components.lesson_view", "pages.components.recent_runs", "pages.components.run_table")
ENGINE_SECONDS = 3.0  # until the first page is drawn; what asks the engine before starts it at once


@contextlib.asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Warm the engine up, and keep the queue served while the server is up. A new workspace gets the example."""
    await asyncio.to_thread(send_at_once)
    services = await asyncio.to_thread(get_services)
    is_new = await asyncio.to_thread(import_example, services.workspace, services.store)
    tasks = [asyncio.create_task(keep_scheduler(services)), asyncio.create_task(warm_up(services))]
    if is_new:
        tasks.append(asyncio.create_task(asyncio.to_thread(draw_shapes_ahead, services.workspace)))
    yield
    for task in tasks:
        task.cancel()
    await asyncio.to_thread(withdraw_wish, services.workspace)
    await asyncio.to_thread(services.engine.close)


async def warm_up(services: Services, engine_seconds: float = ENGINE_SECONDS) -> None:
    """What pages need but a healthy answer does not: modules first, and after `engine_seconds` the engine.

    Once that is warm, a worker that waits for a run is wanted too: two that load TensorFlow at once take longer.
    """
    await asyncio.to_thread(load_first_pages)
    await asyncio.sleep(engine_seconds)
    # Whoever asks a failed engine something starts it again, and is told what is wrong.
    with contextlib.suppress(EngineError):
        await asyncio.to_thread(services.engine.start)
    while services.engine.state.name == "starting":
        await asyncio.sleep(ENGINE_CHECK_SECONDS)
    await asyncio.to_thread(want_standby, services.workspace)


def load_first_pages() -> None:
    """What the first visitor would wait for. Meanwhile the browser fetches and runs Streamlit's own scripts."""
    for module in FIRST_PAGES:
        importlib.import_module(module)
    list_devices()  # loads NVIDIA's library
    # With the first element that it draws, Streamlit asks for the stack, and this looks at the file of each module that
    # is loaded: 0.05 s of CPU, but once, for `inspect` remembers them.
    inspect.stack()


async def keep_scheduler(services: Services) -> None:
    """Runs go on without the server; while it is up, it sees to it that somebody serves the queue."""
    while True:
        await asyncio.to_thread(ensure_scheduler, services.workspace)
        await asyncio.sleep(SCHEDULER_CHECK_SECONDS)


limit_arenas()  # here, for the server's threads make more of them from the first request on
access = Middleware(AccessMiddleware, allowed_hosts=lambda: st.get_option("server.allowedHosts"))
app = st.App(
    "pages/shell.py",
    lifespan=lifespan,
    routes=[rest_route()],
    middleware=[access],
    on_script_error=render_error,
)
