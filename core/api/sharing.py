"""REST about runs and studies as one HTML file that opens offline: the report, and the interactive one to share."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from core.api.capacity import SLOW_WORK
from core.api.responses import answer, route
from core.report.contents import report_of
from core.report.render import render_report
from core.report.shared_page import share_name, share_run, share_study
from core.server.services import Services, get_services


def routes() -> list[Route]:
    """The route of a run's report, and those to share a run and a study."""
    return [
        Route("/api/v1/runs/{id}/report", _report, methods=["GET"]),
        route("/api/v1/runs/{id}/share", "GET", _run),
        route("/api/v1/studies/{id}/share", "GET", _study),
    ]


async def _report(request: Request) -> Response:
    """The report as HTML, which takes seconds to make."""

    def make() -> Response:
        services = get_services()
        workspace, store, engine = services.workspace, services.store, services.engine
        run = store.get_run(request.path_params["id"])
        return HTMLResponse(render_report(report_of(workspace, store, engine, run, time.time())))

    return await answer(make, line=SLOW_WORK)


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
