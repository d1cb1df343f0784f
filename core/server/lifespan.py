"""What lives as long as the server: the watch over the scheduler, the engine, the request for a standby worker."""

import asyncio
import contextlib
import importlib
import inspect
from collections.abc import AsyncIterator, Sequence

from core.errors import EngineError
from core.onboarding.example import draw_shapes_ahead, import_example
from core.runs.trash import purge_expired
from core.scheduling.service import ensure_scheduler
from core.scheduling.standby_request import cancel_standby_request, request_standby
from core.server.connections import limit_head_seconds
from core.server.key import taken_key
from core.server.services import Services, get_services
from core.server.tuning import disable_nagle
from core.system.devices import list_devices
from core.visitors.person import MACHINE, acting_as

SCHEDULER_CHECK_SECONDS = 2.0
PURGE_SECONDS = 3600.0
ENGINE_CHECK_SECONDS = 0.5
ENGINE_SECONDS = 3.0  # until the first page is drawn; what asks the engine before starts it at once


@contextlib.asynccontextmanager
async def lifespan(app: object, first_pages: Sequence[str] = ()) -> AsyncIterator[None]:
    """Warm up the engine, and keep a scheduler running while the server is up. A new workspace gets the example.

    `first_pages` are modules that the first visitor needs, loaded beforehand.
    """
    limit_head_seconds()
    await asyncio.to_thread(disable_nagle)
    services = await asyncio.to_thread(get_services)
    with acting_as(MACHINE):  # the tasks too, but nothing of what is served meanwhile
        if (key := taken_key()) is not None and key.join_key is not None:
            await asyncio.to_thread(services.store.visitors.begin_class, key.id)
        await asyncio.to_thread(services.store.devices.forget_aside)
        is_new = await asyncio.to_thread(import_example, services.workspace, services.store)
        tasks = [
            asyncio.create_task(keep_scheduler(services)),
            asyncio.create_task(keep_trash_fresh(services)),
            asyncio.create_task(warm_up(services, first_pages)),
        ]
        if is_new:
            tasks.append(asyncio.create_task(asyncio.to_thread(draw_shapes_ahead, services.workspace)))
    yield
    for task in tasks:
        task.cancel()
    with acting_as(MACHINE):
        await asyncio.to_thread(cancel_standby_request, services.workspace)
        await asyncio.to_thread(services.engine.close)
        await asyncio.to_thread(services.netron.close)


async def warm_up(
    services: Services, first_pages: Sequence[str] = (), engine_seconds: float = ENGINE_SECONDS
) -> None:
    """What pages need but a healthy answer does not: modules first, and after `engine_seconds` the engine.

    Once that is warm, a standby worker is requested too: two processes that load TensorFlow at once take longer.
    """
    await asyncio.to_thread(load_first_pages, first_pages)
    await asyncio.sleep(engine_seconds)
    # The next request to a failed engine starts it again, or reports what is wrong.
    with contextlib.suppress(EngineError):
        await asyncio.to_thread(services.engine.start)
    while services.engine.state.name == "starting":
        await asyncio.sleep(ENGINE_CHECK_SECONDS)
    await asyncio.to_thread(request_standby, services.workspace)


def load_first_pages(modules: Sequence[str]) -> None:
    """What the first visitor would wait for. Meanwhile the browser fetches and runs Streamlit's own scripts."""
    for module in modules:
        importlib.import_module(module)
    list_devices()  # loads NVIDIA's library
    # With the first element that it draws, Streamlit asks for the stack, and this looks at the file of each module that
    # is loaded: 0.05 s of CPU, but once, for `inspect` remembers them.
    inspect.stack()


def remove_interrupted_imports(services: Services) -> None:
    """As in `core.bundles.importing`, which is loaded only where something was imported: it is 68 modules."""
    if services.workspace.imports.is_dir():
        from core.bundles import importing

        importing.remove_interrupted_imports(services.workspace, services.store)


async def keep_trash_fresh(services: Services) -> None:
    """Delete what has been in the trash for too long, and what a killed import left, at the start and every hour."""
    while True:
        await asyncio.to_thread(purge_expired, services.workspace)
        await asyncio.to_thread(remove_interrupted_imports, services)
        await asyncio.sleep(PURGE_SECONDS)


async def keep_scheduler(services: Services) -> None:
    """Keep a scheduler running while the server is up. Runs continue without the server."""
    while True:
        await asyncio.to_thread(ensure_scheduler, services.workspace)
        await asyncio.sleep(SCHEDULER_CHECK_SECONDS)
