"""REST about data sets: list, add, remove."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.capacity import SLOW_WORK
from core.api.responses import answer_body, flag_of, parse_body, route
from core.config.refusals import describe, whole_number
from core.datasets.prepare import ensure_dataset
from core.datasets.splits import counts_of
from core.datasets.storage import MAX_SIDE, Dataset, delete_dataset, list_datasets
from core.errors import ConfigError
from core.images import CROPS
from core.importing.process import import_dataset
from core.importing.reading import Reading
from core.importing.report import ImportReport, load_report
from core.importing.uploads import find_upload, keep_upload, remove_upload
from core.runs.control import check_dataset_unused
from core.server.services import Services, get_services
from core.workspace import Workspace


def routes() -> list[Route]:
    """The routes under `/api/v1/datasets`."""
    return [
        route("/api/v1/datasets", "GET", _list),
        Route("/api/v1/datasets", _add, methods=["POST"]),
        route("/api/v1/datasets/{id}", "DELETE", _remove),
    ]


def _list(services: Services, request: Request) -> Any:
    return [info.to_dict() for info in list_datasets(services.workspace)]


async def _add(request: Request) -> Response:
    """`{"name": "flowers", "upload": ID}` imports an uploaded file; `{"name": "cifar10"}` downloads an official one."""

    def add(body: bytes) -> Any:
        asked = parse_body(body, {"name", "upload", "image_size", "crop", "skip_damaged"})
        workspace = get_services().workspace
        if "name" not in asked:
            raise ConfigError("name", "is missing.")
        dataset = (
            _imported(workspace, asked) if "upload" in asked else ensure_dataset(workspace, asked["name"])
        )
        report = load_report(workspace, dataset.id) or ImportReport(counts_of(dataset))
        return {"name": dataset.id, **report.to_json()}

    return await answer_body(request, add, line=SLOW_WORK)


def _imported(workspace: Workspace, asked: dict[str, Any]) -> Dataset:
    reading = _reading(asked)
    upload = find_upload(workspace, str(asked["upload"]))
    if not upload.is_whole:
        raise ConfigError("upload", f"has {upload.received:,} of {upload.size:,} bytes. Send the rest first.")
    keep_upload(upload)
    dataset = import_dataset(workspace, asked["name"], upload.path, reading, shown_name=upload.name)
    remove_upload(workspace, upload.id)
    return dataset


def _reading(asked: dict[str, Any]) -> Reading:
    size, crop = asked.get("image_size"), asked.get("crop", "center")
    if size is not None:
        whole_number("image_size", size, 8, MAX_SIDE)
    if crop not in CROPS:
        raise ConfigError("crop", f"must be one of {', '.join(CROPS)}, not {describe(crop)}.")
    return Reading(size, crop, flag_of(asked, "skip_damaged"))


def _remove(services: Services, request: Request) -> Any:
    check_dataset_unused(services.workspace, request.path_params["id"])
    delete_dataset(services.workspace, request.path_params["id"])
    return {"removed": True}
