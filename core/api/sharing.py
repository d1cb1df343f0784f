"""REST about runs and studies as one interactive HTML file that opens offline."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.responses import route
from core.report.shared_page import share_name, share_run, share_study
from core.server.services import Services


def routes() -> list[Route]:
    """The routes to share a run and a study."""
    return [
        route("/api/v1/runs/{id}/share", "GET", _run),
        route("/api/v1/studies/{id}/share", "GET", _study),
    ]


def _run(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    return _page(share_name(run), share_run(services.workspace, services.store, run, time.time()))


def _study(services: Services, request: Request) -> Any:
    study = services.store.studies.get(request.path_params["id"])
    return _page(share_name(study), share_study(services.workspace, services.store, study.id, time.time()))


def _page(name: str, text: str) -> Response:
    """To be saved: opened from here, it would belong to this server's pages."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/html", headers=headers)
