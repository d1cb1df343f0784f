"""The REST face and the metrics as endpoints that load themselves when they are first asked."""

import asyncio
import time

from starlette.convertors import PathConvertor, register_url_convertor
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.server.timings import ANSWERS

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})


class Everything(PathConvertor):
    """Starlette's own for paths ends at a line break, so that such an address would get Streamlit's answer."""

    regex = "(?s:.*)"


class RestFace:
    """`/api/v1`. What it calls takes 0.1 s of CPU to load, a quarter of what a server needs to be healthy."""

    def __init__(self) -> None:
        self._router: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        if self._router is None:
            self._router = await asyncio.to_thread(_load_rest)

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                method = scope["method"] if scope["method"] in METHODS else "other"
                # The router has put the route of its own there; of an unknown address it is this one's.
                labels = (method, scope["route"].path, str(message["status"]))
                ANSWERS.record(labels, time.perf_counter() - began)
            await send(message)

        await self._router(scope, receive, send_timed)


class Metrics:
    """`/metrics`, for Prometheus."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = await asyncio.to_thread(_load_metrics)
        await endpoint(scope, receive, send)


def rest_route() -> Route:
    """Where it stands beside Streamlit's own routes."""
    register_url_convertor("everything", Everything())
    return Route("/api/v1/{path:everything}", RestFace())


def metrics_route() -> Route:
    """The same for the metrics."""
    return Route("/metrics", Metrics(), methods=["GET"])


def _load_rest() -> ASGIApp:
    from core.api.routes import build_router  # see above

    return build_router()


def _load_metrics() -> ASGIApp:
    from core.api.metrics import metrics_endpoint

    return metrics_endpoint
