"""Every route of `/api/v1`."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.api import augmentation, comparison, inspection, notebook, runs, studies, sweeps, uploads
from core.api.responses import route
from core.datasets.storage import list_datasets
from core.server.services import Services


def build_routes() -> list[Route]:
    """The routes to mount beside Streamlit's own."""
    return [
        Route("/api/v1/health", _health),
        route("/api/v1/datasets", "GET", _datasets),
        *comparison.routes(),  # before the routes of one run: `delete` is no id
        *runs.routes(),
        *inspection.routes(),
        *studies.routes(),
        *sweeps.routes(),
        *notebook.routes(),
        *augmentation.routes(),
        *inspection.routes(),
        *uploads.routes(),
    ]


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _datasets(services: Services, request: Request) -> Any:
    return [info.to_dict() for info in list_datasets(services.workspace)]
