"""The REST face, `/api/v1`: the same functions as the pages and the command line, in the same JSON."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message

from core.config import ExperimentConfig, parse_json
from core.datasets.storage import list_datasets
from core.errors import ConfigError, ConvDeckError, RunNotFound, UserError
from core.experiments import fork_experiment, start_experiment
from core.images.decode import CROPS, MAX_FILE_BYTES
from core.presets import get_preset
from core.runs import control
from core.runs.records import Run
from core.runs.serialize import run_detail, run_summary
from core.services import Services, get_services
from core.verdicts import verdict_of

MAX_BODY_BYTES = 1_000_000
MAX_PICTURES = 100
MAX_PICTURES_BYTES = 200_000_000  # of all pictures of a request; one by itself the engine bounds

Handler = Callable[[Services, Request], Any]


def build_routes() -> list[Route]:
    """The routes to mount beside Streamlit's own."""
    return [
        Route("/api/v1/health", _health),
        _route("/api/v1/datasets", "GET", _datasets),
        _route("/api/v1/runs", "GET", _runs),
        Route("/api/v1/runs", _start, methods=["POST"]),
        _route("/api/v1/runs/{id}", "GET", _run),
        _route("/api/v1/runs/{id}/stop", "POST", partial(_change, control.stop_run)),
        _route("/api/v1/runs/{id}/resume", "POST", partial(_change, control.resume_run)),
        Route("/api/v1/runs/{id}/fork", _fork, methods=["POST"]),
        Route("/api/v1/runs/{id}/predict", _predict, methods=["POST"]),
    ]


def _route(path: str, method: str, handler: Handler) -> Route:
    """A route whose handler reads the store: run off the event loop, errors as JSON."""

    async def endpoint(request: Request) -> Response:
        return await _answer(lambda: handler(get_services(), request))

    return Route(path, endpoint, methods=[method])


async def _answer(work: Callable[[], Any], status: int = 200) -> Response:
    try:
        return JSONResponse(await anyio.to_thread.run_sync(work), status_code=status)
    except RunNotFound as error:
        return _refuse(404, str(error))
    except UserError as error:
        return _refuse(400, str(error), error.field if isinstance(error, ConfigError) else None)
    except ConvDeckError as error:
        return _refuse(503, str(error))


def _refuse(status: int, message: str, field: str | None = None) -> JSONResponse:
    return JSONResponse({"error": message, "field": field or None}, status_code=status)


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _datasets(services: Services, request: Request) -> Any:
    return [info.to_dict() for info in list_datasets(services.workspace)]


def _runs(services: Services, request: Request) -> Any:
    return [run_summary(run) for run in services.store.list_runs()]


def _run(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    curves = services.store.curves(run.id)
    return run_detail(run, curves, verdict_of(services.workspace, run, curves))


def _change(action: Callable[..., Any], services: Services, request: Request) -> Any:
    return run_summary(action(services.workspace, request.path_params["id"]))


async def _start(request: Request) -> Response:
    """`{"config": {…}}` or `{"preset": NAME}`, with optional `set`, `name` and `token` (starts only once)."""

    def start(body: bytes) -> Any:
        asked = _parse_start(body, {"config", "preset", "set", "name", "token"})
        config = _config_of(asked)
        return start_experiment(
            get_services().workspace, config, name=asked.get("name"), preset=asked.get("preset"),
            token=asked.get("token"),
        )  # fmt: skip

    return await _answer_start(request, start)


async def _fork(request: Request) -> Response:
    """`{"set": {…}}`, with optional `name` and `token`."""

    def fork(body: bytes) -> Any:
        asked = _parse_start(body, {"set", "name", "token"})
        return fork_experiment(
            get_services().workspace, request.path_params["id"], _values_of(asked), asked.get("name"),
            asked.get("token"),
        )  # fmt: skip

    return await _answer_start(request, fork)


async def _answer_start(request: Request, start: Callable[[bytes], Run]) -> Response:
    """201 with the run that `start` makes of the body."""
    # A form from another site cannot send JSON without asking first: no run is started behind a person's back.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return _refuse(415, "Send the config as application/json.")
    try:
        body = await _limited(request, MAX_BODY_BYTES).body()
    except _TooLarge:
        return _refuse(413, f"The body is larger than {MAX_BODY_BYTES // 1_000_000} MB; that is no config.")

    return await _answer(lambda: run_summary(start(body)), status=201)


class _TooLarge(Exception):
    """A body has more bytes than are taken."""


def _limited(request: Request, max_bytes: int) -> Request:
    """The same request, whose body can be read up to `max_bytes`; after that, reading raises _TooLarge."""
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise _TooLarge
        return message

    return Request(request.scope, receive)


def _parse_start(body: bytes, known: set[str]) -> dict[str, Any]:
    try:
        asked = parse_json(body.decode())
    except UnicodeDecodeError:
        raise ConfigError("", "The body is not text in UTF-8.") from None
    if not isinstance(asked, dict):
        raise ConfigError("", "The body must be a JSON object.")
    asked = {key: value for key, value in asked.items() if value is not None}
    unknown = set(asked) - known
    if unknown:
        raise ConfigError(sorted(unknown)[0], f"is not known here. Known are: {', '.join(sorted(known))}.")
    for key in ("preset", "name", "token"):
        if key in asked and not isinstance(asked[key], str):
            raise ConfigError(key, "must be text.")
    return asked


def _config_of(asked: dict[str, Any]) -> ExperimentConfig:
    if ("config" in asked) == ("preset" in asked):
        raise ConfigError("", "Send either config or preset.")
    config = (
        ExperimentConfig.from_dict(asked["config"])
        if "config" in asked
        else get_preset(asked["preset"]).config
    )
    return config.with_values(_values_of(asked))


def _values_of(asked: dict[str, Any]) -> dict[str, Any]:
    values = asked.get("set") or {}
    if not isinstance(values, dict):
        raise ConfigError("set", f"must be an object of paths and values, not {json.dumps(values)[:40]}.")
    return values


async def _predict(request: Request) -> Response:
    """A multipart form with one or more files, and optionally `crop`."""
    run_id = request.path_params["id"]
    known = await _answer(lambda: get_services().store.get_run(run_id).id)
    if known.status_code != 200:
        return known  # without reading what was sent along
    too_large = _refuse(
        413,
        f"The pictures are larger than {MAX_PICTURES_BYTES // 1_000_000} MB together. Send fewer at a time.",
    )
    if int(request.headers.get("content-length", 0)) > MAX_PICTURES_BYTES:
        return too_large
    try:
        async with _limited(request, MAX_PICTURES_BYTES).form(max_files=MAX_PICTURES, max_fields=10) as form:
            uploads = [value for _, value in form.multi_items() if not isinstance(value, str)]
            pictures = [
                (upload.filename or "picture", await upload.read(MAX_FILE_BYTES + 1)) for upload in uploads
            ]
            crop = form.get("crop", "center")
    except _TooLarge:
        return too_large
    except HTTPException as error:
        return _refuse(
            400,
            f"The form cannot be read: {error.detail} Send 1 to {MAX_PICTURES} files as multipart/form-data.",
        )

    def predict() -> Any:
        if not pictures:
            raise UserError("Send at least one picture as a file of a multipart form.")
        if crop not in CROPS:
            raise UserError(f"crop must be one of {', '.join(CROPS)}.")
        rows = get_services().engine.predict(run_id, pictures, crop)
        return [{key: row[key] for key in ("image", "ok", "error", "top")} for row in rows]

    return await _answer(predict)
