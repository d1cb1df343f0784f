"""REST about the trash: list the deleted runs, delete one of them or all for good. `runs/restore` brings them back."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from core.api.responses import route
from core.runs.trash import empty_trash, purge_run
from core.server.services import Services


def routes() -> list[Route]:
    """The routes under `/api/v1/trash`."""
    return [
        route("/api/v1/trash", "GET", _list),
        route("/api/v1/trash", "DELETE", _empty),
        route("/api/v1/trash/{id}", "DELETE", _purge),
    ]


def _list(services: Services, request: Request) -> Any:
    return [
        {
            "id": each.run.id,
            "name": each.run.name,
            "deleted_at": each.deleted_at,
            "kept_until": each.kept_until,
        }
        for each in services.store.trash.list_runs()
    ]


def _empty(services: Services, request: Request) -> Any:
    return {"deleted": empty_trash(services.workspace)}


def _purge(services: Services, request: Request) -> Any:
    purge_run(services.workspace, request.path_params["id"])
    return {"deleted": 1}
