"""REST about what is done to a run while it trains: pause, step, learning rate, epochs."""

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.answers import answer_body, parse_body, route
from core.errors import ConfigError
from core.runs import control
from core.runs.verdicts import summary_of
from core.server.services import Services, get_services
from core.store.records import Run
from core.workspace import Workspace


def routes() -> list[Route]:
    """The routes under `/api/v1/runs/{id}`; going on is `resume`, beside `stop`."""
    return [
        route("/api/v1/runs/{id}/pause", "POST", partial(_ask, control.pause_run)),
        route("/api/v1/runs/{id}/step", "POST", partial(_ask, control.step_run)),
        Route("/api/v1/runs/{id}/learning-rate", _set_learning_rate, methods=["POST"]),
        Route("/api/v1/runs/{id}/epochs", _add_epochs, methods=["POST"]),
    ]


def _ask(action: Callable[[Workspace, str], Run], services: Services, request: Request) -> Any:
    return summary_of(services.store, action(services.workspace, request.path_params["id"]))


async def _set_learning_rate(request: Request) -> Response:
    """`{"value": 0.0005}`."""
    return await _change(request, "value", control.set_learning_rate)


async def _add_epochs(request: Request) -> Response:
    """`{"add": 5}`."""
    return await _change(request, "add", control.add_epochs)


async def _change(request: Request, key: str, action: Callable[[Workspace, str, Any], Run]) -> Response:
    def change(body: bytes) -> Any:
        asked = parse_body(body, {key})
        if key not in asked:
            raise ConfigError(key, "is missing.")
        services = get_services()
        return summary_of(services.store, action(services.workspace, request.path_params["id"], asked[key]))

    return await answer_body(request, change, status=200)
