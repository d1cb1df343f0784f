"""REST about many runs: compare, export, tags, hidden runs, saved views, deleting and restoring several as one."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.capacity import SLOW_WORK
from core.api.responses import answer, answer_body, flag_of, parse_body, route
from core.comparison.comparison import Comparison, compare
from core.comparison.documents import comparison_document, curves_document
from core.comparison.exports import CONTENT_TYPES, FORMATS, export_curves, export_runs
from core.comparison.query import check_view, read_query
from core.errors import ConfigError, UserError
from core.runs.documents import run_summary
from core.runs.trash import delete_runs, restore_runs
from core.server.services import Services, get_services
from core.store.store import Store

TABLES: dict[str, Callable[[Store, Comparison, str], bytes]] = {
    "runs": lambda store, comparison, file_format: export_runs(comparison.runs, file_format),
    "curves": lambda store, comparison, file_format: export_curves(store, comparison.runs, file_format),
}


def routes() -> list[Route]:
    """The routes under `/api/v1/compare` and `/api/v1/views`, and those that change several runs."""
    return [
        route(
            "/api/v1/compare",
            "GET",
            lambda services, request: _document(comparison_document, services, request),
        ),
        route(
            "/api/v1/compare/curves",
            "GET",
            lambda services, request: _document(curves_document, services, request),
        ),
        *[
            Route(
                f"/api/v1/compare/{table}.{file_format}",
                partial(_export, table, file_format),
                methods=["GET"],
            )
            for table in TABLES
            for file_format in FORMATS
        ],
        Route("/api/v1/runs/marks", _mark, methods=["POST"]),
        Route("/api/v1/runs/delete", partial(_several, _delete), methods=["POST"]),
        Route("/api/v1/runs/restore", partial(_several, _restore), methods=["POST"]),
        route("/api/v1/views", "GET", _views),
        Route("/api/v1/views", _save, methods=["POST"]),
        route("/api/v1/views/{id}", "DELETE", _delete_view),
    ]


def _asked(services: Services, request: Request) -> Comparison:
    """Raises UserError for whatever cannot be read."""
    comparison = compare(services.store, read_query(request.url.query))
    if comparison.missing_baseline:
        raise UserError(f"There is no run {comparison.query.baseline} to compare with.")
    return comparison


def _document(make: Callable[[Store, Comparison], Any], services: Services, request: Request) -> Any:
    return make(services.store, _asked(services, request))


async def _export(table: str, file_format: str, request: Request) -> Response:
    def export() -> Response:
        services = get_services()
        content = TABLES[table](services.store, _asked(services, request), file_format)
        name = f'attachment; filename="{table}.{file_format}"'
        return Response(content, media_type=CONTENT_TYPES[file_format], headers={"Content-Disposition": name})

    return await answer(export, line=SLOW_WORK)


async def _mark(request: Request) -> Response:
    """`{"runs": [ID, …]}` with `add` and `remove`, lists of tags, and `hidden`, true or false."""

    def mark(body: bytes) -> Any:
        asked = parse_body(body, {"runs", "add", "remove", "hidden"})
        ids, marks = _texts(asked, "runs"), get_services().store.marks
        hidden = flag_of(asked, "hidden") if "hidden" in asked else None
        marks.change(ids, add=_texts(asked, "add", []), remove=_texts(asked, "remove", []), hidden=hidden)
        return [
            {"id": run_id, "tags": list(marks.tags_of(run_id)), "hidden": marks.is_hidden(run_id)}
            for run_id in dict.fromkeys(ids)
        ]

    return await answer_body(request, mark, status=200)


async def _several(action: Callable[[Services, list[str]], Any], request: Request) -> Response:
    """`{"runs": [ID, …]}`."""

    def act(body: bytes) -> Any:
        return action(get_services(), _texts(parse_body(body, {"runs"}), "runs"))

    return await answer_body(request, act, status=200)


def _delete(services: Services, run_ids: list[str]) -> Any:
    batch = delete_runs(services.workspace, run_ids)
    return {
        "runs": [run.id for run in batch.runs],
        "deleted_at": batch.deleted_at,
        "kept_until": batch.kept_until,
    }


def _restore(services: Services, run_ids: list[str]) -> Any:
    return [run_summary(run) for run in restore_runs(services.workspace, run_ids)]


def _views(services: Services, request: Request) -> Any:
    return [asdict(view) for view in services.store.views.list_views()]


async def _save(request: Request) -> Response:
    """`{"name": NAME, "query": QUERY}`."""

    def save(body: bytes) -> Any:
        asked = parse_body(body, {"name", "query"})
        try:
            query = check_view(asked.get("query", ""))
        except UserError as error:
            raise ConfigError("query", str(error)) from error
        return asdict(get_services().store.views.save(asked.get("name", ""), query))

    return await answer_body(request, save)


def _delete_view(services: Services, request: Request) -> Any:
    return asdict(services.store.views.delete(request.path_params["id"]))


def _texts(asked: dict[str, Any], key: str, default: list[str] | None = None) -> list[str]:
    """A list of texts of a body. Raises ConfigError for anything else."""
    values = asked.get(key, default)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ConfigError(key, "must be a list of texts.")
    if default is None and not values:
        raise ConfigError(key, "must name at least one run.")
    return values
