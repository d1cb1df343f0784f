"""REST about the map of pictures of a run, with new ones placed on it."""

from functools import partial
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.capacity import QUESTIONS
from core.api.responses import answer_files, route
from core.api.runs import MAX_PICTURES, MAX_PICTURES_BYTES
from core.errors import UserError
from core.images import CROPS, MAX_FILE_BYTES
from core.inspection.answers import BEST, answers_of, weights_of
from core.inspection.picture_map import map_document, picture_map, place_pictures
from core.server.services import Services, get_services


def routes() -> list[Route]:
    """`/api/v1/runs/{id}/map`, with `?split=validation|test` and `?epoch=N|best|last`; POST places pictures on it."""
    return [
        route("/api/v1/runs/{id}/map", "GET", _map, QUESTIONS),
        Route("/api/v1/runs/{id}/map", _place, methods=["POST"]),
    ]


def _map(services: Services, request: Request) -> Any:
    return _document(services, request.path_params["id"], *_asked(request))


def _asked(request: Request) -> tuple[str, str]:
    return request.query_params.get("split", "test"), request.query_params.get("epoch", BEST)


async def _place(request: Request) -> Response:
    """A multipart form with one or more files, and optionally `crop`."""
    run_id = request.path_params["id"]
    return await answer_files(
        request,
        lambda: get_services().store.get_run(run_id),
        partial(_placed, run_id, _asked(request)),
        most=MAX_PICTURES,
        max_bytes=MAX_PICTURES_BYTES,
    )


def _placed(run_id: str, asked: tuple[str, str], files: list[UploadFile], form: FormData) -> Any:
    crop = form.get("crop")
    if not files:
        raise UserError("Send at least one picture as a file of a multipart form.")
    if not (crop is None or (isinstance(crop, str) and crop in CROPS)):
        raise UserError(f"crop must be one of {', '.join(CROPS)}.")
    pictures = [(file.filename or "picture", file.file.read(MAX_FILE_BYTES + 1)) for file in files]
    return _document(get_services(), run_id, *asked, pictures, crop)


def _document(
    services: Services, run_id: str, split: str, epoch: str,
    pictures: list[tuple[str, bytes]] | None = None, crop: str | None = None,
) -> Any:  # fmt: skip
    workspace, engine, run = services.workspace, services.engine, services.store.get_run(run_id)
    answers = answers_of(workspace, engine, run, split, epoch)
    found = picture_map(workspace, engine, run, split, answers.epoch)
    placed = []
    if pictures:
        placed = place_pictures(engine, run, weights_of(workspace, run, answers.epoch), found, pictures, crop)
    return map_document(run.id, found, answers, placed)
