"""REST about what was measured in a run's epochs beyond its curves."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from core.api.answers import route
from core.runs.breakdown import details_document
from core.server.services import Services


def routes() -> list[Route]:
    """The route under `/api/v1/runs/{id}`."""
    return [route("/api/v1/runs/{id}/details", "GET", _details)]


def _details(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    return details_document(services.workspace, run, services.store.details.read(run.id))
