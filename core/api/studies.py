"""REST about studies: list, show, start, stop, resume, delete."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.pages import listed
from core.api.responses import answer, answer_body, flag_of, parse_body, route, switch_of, token_of, values_of
from core.config import ExperimentConfig
from core.config.refusals import unknown_key
from core.errors import ConfigError
from core.server.services import Services, get_services
from core.store.store import Store
from core.studies.report import read_report, study_summary
from core.studies.spec import UNTIL_DECIDED, StudySource
from core.studies.start import (
    base_fork,
    base_of_preset,
    base_of_run,
    complete_study,
    delete_study,
    make_spec,
    start_study,
    stop_study,
)

SOURCES = ("config", "preset", "run")
OPTIONS = ("num_seeds", "modes", "sizes", "num_sizes", "fractions", *UNTIL_DECIDED)


def routes() -> list[Route]:
    """The routes under `/api/v1/studies`."""
    return [
        route("/api/v1/studies", "GET", _studies),
        Route("/api/v1/studies", _start, methods=["POST"]),
        route("/api/v1/studies/{id}", "GET", _study),
        route("/api/v1/studies/{id}", "DELETE", _delete),
        route("/api/v1/studies/{id}/stop", "POST", partial(_change, stop_study)),
        Route("/api/v1/studies/{id}/resume", _resume, methods=["POST"]),
    ]


def _studies(services: Services, request: Request) -> Any:
    found = services.store.studies.list_studies()
    return listed(request, found, lambda studies: [study_summary(study) for study in studies])


def _study(services: Services, request: Request) -> Any:
    return read_report(services.workspace, services.store, request.path_params["id"]).to_dict()


def _delete(services: Services, request: Request) -> Any:
    """With `?with_runs=true`, the runs that it started go to the trash too."""
    with_runs = switch_of(request, "with_runs")
    return {"kept": list(delete_study(services.workspace, request.path_params["id"], with_runs=with_runs))}


def _change(action: Any, services: Services, request: Request) -> Any:
    action(services.workspace, request.path_params["id"])
    return _study(services, request)


async def _start(request: Request) -> Response:
    """`{"kind": KIND}` with a config, preset or run, and what the kind takes. The same token starts only one study."""

    def start(body: bytes) -> Any:
        known = {"kind", "set", "against", "name", "token", "reuse", *SOURCES, *OPTIONS}
        asked, services = parse_body(body, known), get_services()
        if not isinstance(asked.get("kind"), str):
            raise ConfigError("kind", "is missing.")
        reuse = flag_of(asked, "reuse", default=True)
        first = _base_of(services.store, asked)
        second = _second_of(services.store, first, asked["against"]) if "against" in asked else None
        options = {key: asked[key] for key in OPTIONS if key in asked}
        spec = make_spec(services.workspace, asked["kind"], first, second, options)
        study = start_study(
            services.workspace, spec, asked.get("name"), token_of(request, asked), reuse=reuse
        )
        return read_report(services.workspace, services.store, study.id).to_dict()

    return await answer_body(request, start)


async def _resume(request: Request) -> Response:
    """Without a body, or with `{"max_seeds": N}` for a study that adds seeds until it is decided."""

    def resume(body: bytes) -> Any:
        services, asked = get_services(), parse_body(body, {"max_seeds"}) if body else {}
        complete_study(services.workspace, request.path_params["id"], asked.get("max_seeds"))
        return _study(services, request)

    if "content-type" in request.headers:
        return await answer_body(request, resume, 200)
    return await answer(lambda: resume(b""))


def _second_of(store: Store, first: StudySource, against: object) -> StudySource:
    """Another config, or with `set` alone the first with something changed."""
    if not isinstance(against, dict):
        raise ConfigError("against", "must be an object with config, preset, run or set.")
    if unknown := set(against) - {"set", *SOURCES}:
        raise unknown_key(f"against.{min(unknown)}", [*SOURCES, "set"])
    return base_fork(first, values_of(against)) if set(against) == {"set"} else _base_of(store, against)


def _base_of(store: Store, asked: Mapping[str, Any]) -> StudySource:
    given = [source for source in SOURCES if source in asked]
    if len(given) != 1:
        raise ConfigError("", "Send one of config, preset and run.")
    values, source = values_of(dict(asked)), asked[given[0]]
    if given[0] == "config":
        config = ExperimentConfig.from_dict(source).with_values(values)
        return StudySource("config", config, is_seed_given="seed" in values)
    if not isinstance(source, str):
        raise ConfigError(given[0], "must be text.")
    return base_of_preset(source, values) if given[0] == "preset" else base_of_run(store, source, values)
