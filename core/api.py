"""The REST face, `/api/v1`: the same functions as the pages and the command line, in the same JSON."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.config import ExperimentConfig, parse_json
from core.datasets.storage import list_datasets
from core.errors import ConfigError, ConvDeckError, RunNotFound, UserError
from core.experiments import start_experiment
from core.presets import get_preset
from core.runs import control
from core.runs.serialize import run_detail, run_summary
from core.services import Services, get_services

MAX_BODY_BYTES = 1_000_000
MAX_PICTURES = 100

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
        return _error(404, error)
    except UserError as error:
        return _error(400, error)
    except ConvDeckError as error:
        return _error(503, error)


def _error(status: int, error: Exception) -> JSONResponse:
    field = error.field if isinstance(error, ConfigError) and error.field else None
    return JSONResponse({"error": str(error), "field": field}, status_code=status)


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _datasets(services: Services, request: Request) -> Any:
    return [info.to_dict() for info in list_datasets(services.workspace)]


def _runs(services: Services, request: Request) -> Any:
    return [run_summary(run) for run in services.store.list_runs()]


def _run(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    return run_detail(run, services.store.curves(run.id))


def _change(action: Callable[..., Any], services: Services, request: Request) -> Any:
    return run_summary(action(services.workspace, request.path_params["id"]))


async def _start(request: Request) -> Response:
    """`{"config": {…}}` or `{"preset": NAME}`, with optional `set`, `name` and `token` (starts only once)."""
    # A form from another site cannot send JSON without asking first: no run is started behind a person's back.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return JSONResponse({"error": "Send the config as application/json.", "field": None}, status_code=415)
    body = await _limited_body(request)
    if body is None:
        return JSONResponse({"error": f"At most {MAX_BODY_BYTES:,} bytes.", "field": None}, status_code=413)

    def start() -> Any:
        asked = _parse_start(body)
        config = _config_of(asked)
        run = start_experiment(
            get_services().workspace, config, name=asked.get("name"), preset=asked.get("preset"),
            token=asked.get("token"),
        )  # fmt: skip
        return run_summary(run)

    return await _answer(start, status=201)


async def _limited_body(request: Request) -> bytes | None:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            return None
    return body


def _parse_start(body: bytes) -> dict[str, Any]:
    try:
        asked = parse_json(body.decode())
    except UnicodeDecodeError:
        raise ConfigError("", "The body is not text in UTF-8.") from None
    if not isinstance(asked, dict):
        raise ConfigError("", "The body must be a JSON object.")
    unknown = set(asked) - {"config", "preset", "set", "name", "token"}
    if unknown:
        raise ConfigError(sorted(unknown)[0], "is not known here; send config or preset, set, name, token.")
    for key in ("preset", "name", "token"):
        if asked.get(key) is not None and not isinstance(asked[key], str):
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
    values = asked.get("set") or {}
    if not isinstance(values, dict):
        raise ConfigError("set", f"must be an object of paths and values, not {json.dumps(values)[:40]}.")
    return config.with_values(values)


async def _predict(request: Request) -> Response:
    """A multipart form with one or more files, and optionally `crop`."""
    async with request.form(max_files=MAX_PICTURES, max_fields=10) as form:
        uploads = [value for _, value in form.multi_items() if not isinstance(value, str)]
        pictures = [(upload.filename or "picture", await upload.read()) for upload in uploads]
        crop = form.get("crop", "center")

    def predict() -> Any:
        services = get_services()
        run = services.store.get_run(request.path_params["id"])
        if not pictures:
            raise UserError("Send at least one picture as a file of a multipart form.")
        if crop not in ("center", "pad", "stretch"):
            raise UserError("crop must be center, pad or stretch.")
        rows = services.engine.predict(run.id, pictures, crop)
        return [{key: row[key] for key in ("image", "ok", "error", "top")} for row in rows]

    return await _answer(predict)
