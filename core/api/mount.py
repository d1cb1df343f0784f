"""The REST face as one endpoint that loads itself when it is first asked."""

import asyncio

from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send


class RestFace:
    """`/api/v1`. What it calls takes 0.1 s of CPU to load, a quarter of what a server needs to be healthy."""

    def __init__(self) -> None:
        self._router: Router | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._router is None:
            self._router = await asyncio.to_thread(_load)
        await self._router(scope, receive, send)


def rest_route() -> Route:
    """Where it stands beside Streamlit's own routes."""
    return Route("/api/v1/{path:path}", RestFace())


def _load() -> Router:
    from core.api.routes import build_routes  # see above

    return Router(build_routes())
