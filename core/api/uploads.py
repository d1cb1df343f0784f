"""REST that takes files in portions, to be imported on the Datasets page."""

import os
from typing import Any

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.api.responses import answer_body, parse_body, route
from core.errors import ConfigError, UploadError
from core.importing.uploads import Portion, Upload, begin_upload, find_upload, open_portion, remove_upload
from core.server.problems import problem
from core.server.services import Services, get_services

PORTION_BYTES = 8_000_000
MAX_PORTION_BYTES = 64_000_000
CODES = {404: "upload_not_found", 409: "upload_conflict", 413: "body_too_large", 507: "no_space"}
_WRITTEN_BYTES = 1_000_000  # at a time: each write is a turn in another thread


def routes() -> list[Route]:
    """The routes under `/api/v1/uploads`."""
    return [
        Route("/api/v1/uploads", _begin, methods=["POST"]),
        route("/api/v1/uploads/{id}", "GET", _show),
        Route("/api/v1/uploads/{id}", _append, methods=["PUT"]),
        route("/api/v1/uploads/{id}", "DELETE", _remove),
    ]


async def _begin(request: Request) -> Response:
    """`{"name": "flowers.zip", "size": 123456}`."""
    found: list[UploadError] = []

    def begin(body: bytes) -> Any:
        asked = parse_body(body, {"name", "size"})
        name, size = asked.get("name"), asked.get("size")
        if not isinstance(name, str):
            raise ConfigError("name", "must be the name of a file.")
        if not isinstance(size, int) or isinstance(size, bool):
            raise ConfigError("size", "must be the number of bytes.")
        try:
            return _document(begin_upload(get_services().workspace, name, size))
        except UploadError as error:
            found.append(error)
            raise

    answered = await answer_body(request, begin)
    return _refused(found[0]) if found else answered


def _show(services: Services, request: Request) -> Any:
    return _document(find_upload(services.workspace, request.path_params["id"]))


def _remove(services: Services, request: Request) -> Any:
    remove_upload(services.workspace, request.path_params["id"])
    return {"removed": True}


async def _append(request: Request) -> Response:
    """The bytes from `?offset=` on."""
    text = request.query_params.get("offset", "")
    if not text.isdecimal() or len(text) > 12:
        sentence = "Give the place where the portion begins: ?offset=0 for the first one."
        return problem(400, sentence, "invalid_value", field="offset")
    workspace = get_services().workspace
    try:
        with open_portion(workspace, request.path_params["id"], int(text)) as portion:
            await _receive(request, portion)
        return JSONResponse({"received": portion.received})
    except UploadError as error:
        return _refused(error)
    except ClientDisconnect:
        return Response(status_code=400)  # no one reads it; what came is stored


async def _receive(request: Request, portion: Portion) -> None:
    """Write what comes while it comes, so that a megabyte or so of it is in memory."""
    first, waiting = portion.received, bytearray()
    try:
        async for data in request.stream():
            waiting += data
            if portion.received + len(waiting) - first > MAX_PORTION_BYTES:
                raise UploadError(f"A portion may have at most {MAX_PORTION_BYTES // 1_000_000} MB.", 413)
            if len(waiting) >= _WRITTEN_BYTES:
                # Not waiting any more, also when the write fails or this task is cancelled meanwhile.
                data, waiting = bytes(waiting), bytearray()
                await anyio.to_thread.run_sync(portion.write, data)
    finally:
        if waiting:
            portion.write(bytes(waiting))


def _document(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "name": upload.name,
        "size": upload.size,
        "received": upload.received,
        "portion_bytes": portion_bytes(),
    }


def portion_bytes() -> int:
    """How much the page sends at a time: CONVDECK_UPLOAD_PORTION_BYTES, for a proxy that takes less."""
    text = os.environ.get("CONVDECK_UPLOAD_PORTION_BYTES", "")
    return min(int(text), MAX_PORTION_BYTES) if text.isdecimal() and int(text) > 0 else PORTION_BYTES


def _refused(error: UploadError) -> Response:
    more = None if error.received is None else {"received": error.received}
    return problem(error.status, str(error), CODES.get(error.status, "upload_refused"), more=more)
