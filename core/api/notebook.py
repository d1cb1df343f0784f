"""REST about the notebook: its notes, and the whole of it as a document."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.capacity import SLOW_WORK
from core.api.pages import listed
from core.api.responses import answer, answer_body, parse_body, route
from core.errors import ConfigError
from core.notebook import all_entries, entry_of, render_html, render_markdown
from core.server.services import Services, get_services

DOCUMENTS = {"md": (render_markdown, "text/markdown"), "html": (render_html, "text/html")}


def routes() -> list[Route]:
    """The routes `/api/v1/notes` and `/api/v1/notebook.…`."""
    return [
        route("/api/v1/notes", "GET", _notes),
        Route("/api/v1/notes", _write, methods=["POST"]),
        route("/api/v1/notes/{id}", "DELETE", _delete),
        Route("/api/v1/notebook.md", _markdown, methods=["GET"]),
        Route("/api/v1/notebook.html", _html, methods=["GET"]),
    ]


def _notes(services: Services, request: Request) -> Any:
    store = services.store
    found = store.notes.list_notes()
    return listed(request, found, lambda notes: [entry_of(store, note).to_dict() for note in notes])


def _delete(services: Services, request: Request) -> Any:
    services.store.notes.delete(request.path_params["id"])
    return {"removed": True}


async def _write(request: Request) -> Response:
    """`{"runs": [ID, …]}` with `expectation`, `outcome` or both."""

    def write(body: bytes) -> Any:
        asked = parse_body(body, {"runs", "expectation", "outcome"})
        runs = asked.get("runs")
        if not isinstance(runs, list) or not all(isinstance(each, str) for each in runs):
            raise ConfigError("runs", "must be a list of ids of runs.")
        store = get_services().store
        note = store.notes.write(runs, expectation=asked.get("expectation"), outcome=asked.get("outcome"))
        return entry_of(store, note).to_dict()

    return await answer_body(request, write)


async def _markdown(request: Request) -> Response:
    return await _document("md")


async def _html(request: Request) -> Response:
    return await _document("html")


async def _document(suffix: str) -> Response:
    render, media_type = DOCUMENTS[suffix]

    def make() -> Response:
        headers = {
            "Content-Disposition": f'attachment; filename="notebook.{suffix}"',
            "X-Content-Type-Options": "nosniff",
        }
        text = render(all_entries(get_services().store), time.time())
        return Response(text, media_type=media_type, headers=headers)

    return await answer(make, line=SLOW_WORK)
