"""REST about dry runs: measure a config before it is trained."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.answers import answer_body, parse_body
from core.api.runs import config_of
from core.preflight.measurement import measure
from core.server.services import get_services


def routes() -> list[Route]:
    """The route `/api/v1/preflight`."""
    return [Route("/api/v1/preflight", _preflight, methods=["POST"])]


async def _preflight(request: Request) -> Response:
    """`{"config": {…}}` or `{"preset": NAME}`, with optional `set`. Answers when it is measured."""

    def work(body: bytes) -> Any:
        config = config_of(parse_body(body, {"config", "preset", "set"}))
        return measure(get_services().workspace, config).to_dict()

    return await answer_body(request, work, status=200)
