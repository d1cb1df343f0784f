"""REST about sweeps: list, show, price, start, pause, resume, stop, extend, confirm, delete."""

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.capacity import SLOW_WORK
from core.api.pages import listed
from core.api.responses import answer_body, flag_of, parse_body, route, switch_of, token_of, values_of
from core.errors import ConfigError
from core.preflight.measurement import run_preflight
from core.server.services import Services, get_services
from core.sweeps.control import change_sweep, delete_sweep, pause_sweep, resume_sweep, stop_sweep
from core.sweeps.estimate import Pace, estimate_sweep
from core.sweeps.report import read_report, sweep_summary
from core.sweeps.spec import KEYS
from core.sweeps.start import CONFIRM_SEEDS, add_trial, confirm_sweep, parse_sweep, start_sweep
from core.system.devices import list_devices

_ONE = "/api/v1/sweeps/{id}"


def routes() -> list[Route]:
    """The routes under `/api/v1/sweeps`."""
    return [
        route("/api/v1/sweeps", "GET", _sweeps),
        Route("/api/v1/sweeps", _start, methods=["POST"]),
        Route("/api/v1/sweeps/estimate", _estimate, methods=["POST"]),
        route(_ONE, "GET", _sweep),
        route(_ONE, "DELETE", _delete),
        route(f"{_ONE}/pause", "POST", partial(_change, pause_sweep)),
        route(f"{_ONE}/resume", "POST", partial(_change, resume_sweep)),
        route(f"{_ONE}/stop", "POST", partial(_change, stop_sweep)),
        Route(f"{_ONE}/change", _change_numbers, methods=["POST"]),
        Route(f"{_ONE}/trials", _add_trial, methods=["POST"]),
        Route(f"{_ONE}/confirm", _confirm, methods=["POST"]),
    ]


def _sweeps(services: Services, request: Request) -> Any:
    found = services.store.sweeps.list_sweeps()
    return listed(request, found, lambda sweeps: [sweep_summary(sweep) for sweep in sweeps])


def _sweep(services: Services, request: Request) -> Any:
    return read_report(services.workspace, services.store, request.path_params["id"]).to_dict()


def _change(action: Callable[..., Any], services: Services, request: Request) -> Any:
    action(services.workspace, request.path_params["id"])
    return _sweep(services, request)


def _delete(services: Services, request: Request) -> Any:
    """With `?with_runs=true`, the runs that it started go to the trash too."""
    with_runs = switch_of(request, "with_runs")
    return {"kept": list(delete_sweep(services.workspace, request.path_params["id"], with_runs=with_runs))}


async def _start(request: Request) -> Response:
    """A sweep's file as the body, optionally with `token`. The same token starts only one sweep."""

    def start(body: bytes) -> Any:
        asked, services = parse_body(body, {*KEYS, "token"}), get_services()
        token = token_of(request, asked)
        asked.pop("token", None)
        spec = parse_sweep(services.workspace, services.store, asked)
        sweep = start_sweep(services.workspace, spec, asked.get("name"), token)
        return read_report(services.workspace, services.store, sweep.id).to_dict()

    return await answer_body(request, start)


async def _estimate(request: Request) -> Response:
    """A sweep's file as the body: counts and seconds, with `"dry_run": true` measured first."""

    def estimate(body: bytes) -> Any:
        asked, services = parse_body(body, {*KEYS, "dry_run"}), get_services()
        dry_run = flag_of(asked, "dry_run")
        asked.pop("dry_run", None)
        spec, pace = parse_sweep(services.workspace, services.store, asked), None
        if dry_run:
            found = run_preflight(services.workspace, spec.base)
            if found.epoch_seconds is not None:
                pace = Pace(spec.base, found.epoch_seconds, found.start_seconds or 0.0)
        num_devices = len(list_devices().devices)
        return estimate_sweep(services.workspace, services.store, spec, num_devices, pace).to_dict()

    return await answer_body(request, estimate, 200, SLOW_WORK)  # a dry run takes a minute or two


async def _change_numbers(request: Request) -> Response:
    """`{"trials": 40, "concurrency": 2, "name": "…"}`, those that are to change; `concurrency` null: all devices."""

    def change(body: bytes) -> Any:
        asked = parse_body(body, {"trials", "concurrency", "name"}, nullable=("concurrency",))
        services = get_services()
        if asked.get("concurrency") == 0 and asked["concurrency"] is not False:
            asked["concurrency"] = None
        change_sweep(services.workspace, request.path_params["id"], asked)
        return _sweep(services, request)

    return await answer_body(request, change, status=200)


async def _add_trial(request: Request) -> Response:
    """`{"set": {PATH: VALUE}}`: a trial by hand."""

    def add(body: bytes) -> Any:
        asked, services = parse_body(body, {"set"}), get_services()
        if "set" not in asked:
            raise ConfigError("set", "is missing: it has the values of the trial.")
        sweep_id = request.path_params["id"]
        trial = add_trial(services.workspace, sweep_id, values_of(asked))
        report = read_report(services.workspace, services.store, sweep_id)
        return report.to_dict()["trials"][trial.number]

    return await answer_body(request, add)


async def _confirm(request: Request) -> Response:
    """`{"seeds": 5}`: train the best three trials with this many fresh seeds."""

    def confirm(body: bytes) -> Any:
        asked, services = parse_body(body, {"seeds"}), get_services()
        confirm_sweep(services.workspace, request.path_params["id"], asked.get("seeds", CONFIRM_SEEDS))
        return _sweep(services, request)

    return await answer_body(request, confirm)
