"""REST about runs: list, show, start, control, fork, predict, and a dry run before the start."""

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.capacity import SLOW_WORK
from core.api.pages import page_asked, page_of
from core.api.responses import answer_body, answer_files, flag_of, parse_body, route, token_of, values_of
from core.config import ExperimentConfig
from core.design.presets import get_preset
from core.errors import ConfigError, RunNotFound, UserError
from core.images import CROPS, MAX_FILE_BYTES, Box
from core.importing.picture_files import PictureFile
from core.inspection.answers import BEST
from core.inspection.kept_epochs import delete_kept, kept_of
from core.inspection.looking import asking_of, look_at, look_document
from core.preflight.measurement import run_preflight
from core.preflight.rate_range import run_rate_range
from core.runs import control
from core.runs.breakdown import breakdown_document
from core.runs.documents import run_detail
from core.runs.start import fork_or_share_experiment, start_or_share_experiment
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
        route("/api/v1/runs/{id}/epoch-weights", "GET", _epoch_weights),
        route("/api/v1/runs/{id}/epoch-weights", "DELETE", _delete_epoch_weights),
        Route("/api/v1/runs/{id}/rename", _rename, methods=["POST"]),
        Route("/api/v1/runs/{id}/fork", _fork, methods=["POST"]),
        Route("/api/v1/runs/{id}/predict", _predict, methods=["POST"]),
        Route("/api/v1/preflight", _preflight, methods=["POST"]),
        Route("/api/v1/rate-range", _rate_range, methods=["POST"]),
    ]


def _runs(services: Services, request: Request) -> Any:
    store = services.store
    if (asked := page_asked(request)) is None:
        return summaries_of(store, store.list_runs())
    limit, cursor = asked
    try:
        found = store.find_runs(limit=limit + 1, older_than=cursor)
    except RunNotFound as error:
        raise ConfigError("cursor", f"{error} Begin with the first page again.") from None
    return page_of(request, found.runs, limit, lambda runs: summaries_of(store, runs))


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
        token, reuse = token_of(request, asked), flag_of(asked, "reuse")
        wanted = RunRequest(config_of(asked), asked.get("name"), asked.get("preset"), token)
        queued = start_or_share_experiment(get_services().workspace, wanted, reuse=reuse)
        return summary_of(get_services().store, queued.run) | {"shared": queued.is_shared}

    return await answer_body(request, start)


async def _rename(request: Request) -> Response:
    """`{"name": "another"}`."""

    def rename(body: bytes) -> Any:
        asked, services = parse_body(body, {"name"}), get_services()
        if "name" not in asked:
            raise ConfigError("name", "is missing.")
        run = control.rename_run(services.workspace, request.path_params["id"], asked["name"])
        return summary_of(services.store, run)

    return await answer_body(request, rename, 200)


async def _fork(request: Request) -> Response:
    """`{"set": {…}}`, with optional `name`, `token` and `reuse`."""

    def fork(body: bytes) -> Any:
        asked = parse_body(body, {"set", "name", "token", "reuse"})
        queued = fork_or_share_experiment(
            get_services().workspace, request.path_params["id"], values_of(asked), asked.get("name"),
            token_of(request, asked), reuse=flag_of(asked, "reuse"),
        )  # fmt: skip
        return summary_of(get_services().store, queued.run) | {"shared": queued.is_shared}

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
    """A multipart form with one or more files, and optionally `crop`, by default as the run's training pictures, or
    `box`; `epoch`: `best`, `last` or a number; `vary`: `true`; and `with`: up to three other runs.
    """
    run_id = request.path_params["id"]
    return await answer_files(
        request,
        lambda: get_services().store.get_run(run_id),
        partial(_answers, run_id),
        most=MAX_PICTURES,
        max_bytes=MAX_PICTURES_BYTES,
    )


def _answers(run_id: str, files: list[UploadFile], form: FormData) -> Any:
    if not files:
        raise UserError("Send at least one picture as a file of a multipart form.")
    crop, box, vary, others = (_text(form, key) for key in ("crop", "box", "vary", "with"))
    epoch = _text(form, "epoch") or BEST
    if not (crop is None or crop in CROPS):
        raise UserError(f"crop must be one of {', '.join(CROPS)}.")
    if crop is not None and box is not None:
        raise UserError("Send crop or box, not both.")
    if vary not in (None, "true", "false"):
        raise UserError("vary must be true or false.")
    part = None if box is None else Box.parse(box)
    pictures = [
        PictureFile(name, name, partial(file.file.read, MAX_FILE_BYTES + 1), part)
        for file in files
        for name in [file.filename or "picture"]
    ]
    services = get_services()
    runs = [services.store.get_run(each) for each in (run_id, *(others.split(",") if others else ()))]
    workspace, engine = services.workspace, services.engine
    asking, _ = asking_of(workspace, engine, runs, crop, vary=vary == "true", epoch=epoch)
    looks = [each for found in look_at(workspace, engine, asking, pictures) for each in found]
    return [look_document(asking, each, picture.name) for each, picture in zip(looks, pictures, strict=True)]


def _text(form: FormData, key: str) -> str | None:
    """A field of the form; None where it is missing or empty, as forms of browsers send it."""
    value = form.get(key)
    if isinstance(value, UploadFile):
        raise UserError(f"{key} must be a field of the form, not a file.")
    return value or None


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

    return await answer_body(request, work, 200, SLOW_WORK)


async def _rate_range(request: Request) -> Response:
    """As `_preflight`: which learning rate suits the config."""

    def work(body: bytes) -> Any:
        config = config_of(parse_body(body, {"config", "preset", "set"}))
        return run_rate_range(get_services().workspace, config).to_dict()

    return await answer_body(request, work, 200, SLOW_WORK)


def _details(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    return breakdown_document(services.workspace, run, services.store.breakdowns.read(run.id))


def _epoch_weights(services: Services, request: Request) -> Any:
    return kept_of(services.workspace, services.store.get_run(request.path_params["id"])).to_json()


def _delete_epoch_weights(services: Services, request: Request) -> Any:
    """Answers with what is kept then, and how many epochs were `deleted` and `freed_bytes`."""
    run = services.store.get_run(request.path_params["id"])
    deleted, freed = delete_kept(services.workspace, run)
    return {**kept_of(services.workspace, run).to_json(), "deleted": deleted, "freed_bytes": freed}
