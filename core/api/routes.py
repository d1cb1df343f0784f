"""Every route of `/api/v1`."""

from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from core.api import (
    alerts,
    augmentation,
    comparison,
    datasets,
    events,
    exports,
    inspection,
    layers,
    notebook,
    picture_map,
    runs,
    sharing,
    studies,
    sweeps,
    trash,
    uploads,
)
from core.api.responses import route
from core.doctor import examine
from core.server.problems import LIST_PATH, TITLES, problem
from core.server.services import Services
from core.visitors.person import check_not_visitor


def build_routes() -> list[Route]:
    """The routes to mount beside Streamlit's own."""
    return [
        Route("/api/v1/health", _health, methods=["GET"]),
        route("/api/v1/openapi.json", "GET", _openapi),
        route(LIST_PATH, "GET", _problems),
        route("/api/v1/doctor", "GET", _doctor),
        *datasets.routes(),
        route("/api/v1/visitors", "GET", _visitors),
        *comparison.routes(),  # before the routes of one run: `delete` is no id
        *runs.routes(),
        *trash.routes(),
        *events.routes(),
        *inspection.routes(),
        *exports.routes(),
        *sharing.routes(),
        *picture_map.routes(),
        *layers.routes(),
        *studies.routes(),
        *sweeps.routes(),
        *notebook.routes(),
        *augmentation.routes(),
        *uploads.routes(),
        *alerts.routes(),
    ]


def build_router() -> ASGIApp:
    """The same as one endpoint, which answers what is no route, or not by this method, like every other error."""
    by_path: dict[str, list[Route]] = {}
    for each in build_routes():
        by_path.setdefault(each.path, []).append(each)
    router = Router([Route(path, Address(found)) for path, found in by_path.items()])
    return ExceptionMiddleware(router, handlers={HTTPException: _refuse})


class Address:
    """One address with the routes that share it. So 405 can say every method that it answers (RFC 9110, 15.5.6)."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = {method: each for each in routes for method in each.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._routes.get(scope["method"])
        if found is None:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self._routes))})
        await found.app(scope, receive, send)


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    allowed, path = (error.headers or {}).get("Allow", ""), request.url.path
    messages = {
        404: f"There is no {path}. docs/rest.md lists every address.",
        405: f"{request.method} cannot be sent to {path}, but {allowed} can.",
    }
    answer = problem(error.status_code, messages.get(error.status_code, error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _openapi(services: Services, request: Request) -> Any:
    return _document()


@cache
def _document() -> dict[str, Any]:
    from core.api.openapi.document import openapi_document  # late: most programs never ask for it

    return openapi_document(build_routes())


def _doctor(services: Services, request: Request) -> Any:
    check_not_visitor("see what this computer has")
    return examine(services.workspace)


def _problems(services: Services, request: Request) -> Any:
    return [{"code": code, "title": title} for code, title in TITLES.items()]


def _visitors(services: Services, request: Request) -> Any:
    return [asdict(visitor) for visitor in services.store.visitors.list_all()]
