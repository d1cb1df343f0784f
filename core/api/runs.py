"""REST about runs: list, show, start, control, fork, predict, and a dry run before the start."""

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.responses import answer_body, answer_files, flag_of, parse_body, route, values_of
from core.config import ExperimentConfig
from core.design.presets import get_preset
from core.errors import ConfigError, UserError
from core.images import CROPS, MAX_FILE_BYTES
from core.inspection.prediction import predict
from core.preflight.measurement import run_preflight
from core.runs import control
from core.runs.breakdown import breakdown_document
from core.runs.documents import run_detail
from core.runs.start import fork_experiment, start_or_share_experiment
from core.runs.trouble import trouble_of
from core.runs.verdicts import class_counts_of, summaries_of, summary_of, verdict_of
from core.server.services import Services, get_services
from core.store.records import Run, RunRequest
from core.workspace import Workspace

MAX_PICTURES = 100
MAX_PICTURES_BYTES = 200_000_000  # all pictures of a request; the engine limits each one


def routes() -> list[Route]:
    """The routes under `/api/v1/runs`, and the dry run before one. A pause ends with `resume`."""
    return [
        route("/api/v1/runs", "GET", _runs),
        Route("/api/v1/runs", _start, methods=["POST"]),
        route("/api/v1/runs/{id}", "GET", _run),
        route("/api/v1/runs/{id}/stop", "POST", partial(_change, control.stop_run)),
        route("/api/v1/runs/{id}/resume", "POST", partial(_change, control.resume_run)),
        route("/api/v1/runs/{id}/pause", "POST", partial(_change, control.pause_run)),
        route("/api/v1/runs/{id}/step", "POST", partial(_change, control.step_run)),
        Route("/api/v1/runs/{id}/learning-rate", _set_learning_rate, methods=["POST"]),
        Route("/api/v1/runs/{id}/epochs", _add_epochs, methods=["POST"]),
        route("/api/v1/runs/{id}/details", "GET", _details),
        Route("/api/v1/runs/{id}/fork", _fork, methods=["POST"]),
        Route("/api/v1/runs/{id}/predict", _predict, methods=["POST"]),
        Route("/api/v1/preflight", _preflight, methods=["POST"]),
    ]


def _runs(services: Services, request: Request) -> Any:
    return summaries_of(services.store, services.store.list_runs())


def _run(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    curves = services.store.curves(run.id)
    verdict = verdict_of(services.store, run, curves)
    history, problem = services.store.interventions.history(run.id), trouble_of(services.workspace, run)
    counts = class_counts_of(services.workspace, run)
    return run_detail(run, curves, verdict, history, problem, counts)


def _change(action: Callable[..., Any], services: Services, request: Request) -> Any:
    return summary_of(services.store, action(services.workspace, request.path_params["id"]))


async def _start(request: Request) -> Response:
    """`{"config": {…}}` or `{"preset": NAME}`, with optional `set`, `name`, `token` (starts only once) and `reuse`."""

    def start(body: bytes) -> Any:
        asked = parse_body(body, {"config", "preset", "set", "name", "token", "reuse"})
        request = RunRequest(config_of(asked), asked.get("name"), asked.get("preset"), asked.get("token"))
        reuse = flag_of(asked, "reuse")
        queued = start_or_share_experiment(get_services().workspace, request, reuse=reuse)
        return summary_of(get_services().store, queued.run) | {"shared": queued.is_shared}

    return await answer_body(request, start)


async def _fork(request: Request) -> Response:
    """`{"set": {…}}`, with optional `name` and `token`."""

    def fork(body: bytes) -> Any:
        asked = parse_body(body, {"set", "name", "token"})
        run = fork_experiment(
            get_services().workspace, request.path_params["id"], values_of(asked), asked.get("name"),
            asked.get("token"),
        )  # fmt: skip
        return summary_of(get_services().store, run)

    return await answer_body(request, fork)


def config_of(asked: dict[str, Any]) -> ExperimentConfig:
    """The config of a body with `config` or `preset`, and `set`. Raises UserError."""
    if ("config" in asked) == ("preset" in asked):
        raise ConfigError("", "Send either config or preset.")
    config = (
        ExperimentConfig.from_dict(asked["config"])
        if "config" in asked
        else get_preset(asked["preset"]).config
    )
    return config.with_values(values_of(asked))


async def _predict(request: Request) -> Response:
    """A multipart form with one or more files, and optionally `crop`: by default as the run's training pictures."""
    run_id = request.path_params["id"]
    return await answer_files(
        request,
        lambda: get_services().store.get_run(run_id),
        partial(_answers, run_id),
        most=MAX_PICTURES,
        max_bytes=MAX_PICTURES_BYTES,
    )


def _answers(run_id: str, files: list[UploadFile], form: FormData) -> Any:
    crop = form.get("crop")
    if not files:
        raise UserError("Send at least one picture as a file of a multipart form.")
    if not (crop is None or (isinstance(crop, str) and crop in CROPS)):
        raise UserError(f"crop must be one of {', '.join(CROPS)}.")
    pictures = ((file.filename or "picture", file.file.read(MAX_FILE_BYTES + 1)) for file in files)
    services = get_services()
    answers, _ = predict(services.workspace, services.engine, services.store.get_run(run_id), pictures, crop)
    return [each.to_json() for each in answers]


async def _set_learning_rate(request: Request) -> Response:
    """`{"value": 0.0005}`."""
    return await _change_value(request, "value", control.set_learning_rate)


async def _add_epochs(request: Request) -> Response:
    """`{"add": 5}`."""
    return await _change_value(request, "add", control.add_epochs)


async def _change_value(request: Request, key: str, action: Callable[[Workspace, str, Any], Run]) -> Response:
    def change(body: bytes) -> Any:
        asked = parse_body(body, {key})
        if key not in asked:
            raise ConfigError(key, "is missing.")
        services = get_services()
        return summary_of(services.store, action(services.workspace, request.path_params["id"], asked[key]))

    return await answer_body(request, change, status=200)


async def _preflight(request: Request) -> Response:
    """`{"config": {…}}` or `{"preset": NAME}`, with optional `set`. Answers when it is measured."""

    def work(body: bytes) -> Any:
        config = config_of(parse_body(body, {"config", "preset", "set"}))
        return run_preflight(get_services().workspace, config).to_dict()

    return await answer_body(request, work, status=200)


def _details(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    return breakdown_document(services.workspace, run, services.store.breakdowns.read(run.id))
