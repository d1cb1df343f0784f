"""REST about what is inside a trained run's network: layers, what they give for a picture, histograms."""

import base64
from functools import partial
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.capacity import QUESTIONS
from core.api.inspection import MAX_PICTURE_BYTES
from core.api.responses import answer_files, route
from core.errors import ConfigError, UserError
from core.images import CROPS, MAX_FILE_BYTES
from core.inspection.answers import BEST
from core.inspection.histograms import histograms_document, histograms_of
from core.inspection.layers import network_document, picture_document, stored_picture
from core.server.services import Services, get_services
from core.system.frames import Pixels

FIELDS = ("layer", "at", "epoch", "crop")


def routes() -> list[Route]:
    """The routes under `/api/v1/runs/{id}`."""
    return [
        route("/api/v1/runs/{id}/layers", "GET", _layers, QUESTIONS),
        Route("/api/v1/runs/{id}/layers", _picture, methods=["POST"]),
        route("/api/v1/runs/{id}/histograms", "GET", _histograms, QUESTIONS),
    ]


def _layers(services: Services, request: Request) -> Any:
    """Also `?epoch=N|best|last`; of the picture in row `?index=N` of the test arrays, with `?layer=` and `?at=`."""
    run, asked = services.store.get_run(request.path_params["id"]), request.query_params
    epoch, index = asked.get("epoch", BEST), asked.get("index")
    if index is None:
        for name in ("layer", "at"):
            if name in asked:
                raise ConfigError(name, "needs a picture: give index, or send a file.")
        return network_document(services.workspace, services.engine, run, epoch)[0]
    if not (index.isascii() and index.isdigit() and len(index) <= 9):
        raise ConfigError("index", f"must be a whole number from 0 to 999999999, not {index[:20]!r}.")
    pixels = stored_picture(services.workspace, run, int(index))
    return _document(services, run.id, epoch, pixels, asked.get("layer"), asked.get("at"))


def _histograms(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    return histograms_document(run.id, histograms_of(services.workspace, services.engine, run))


async def _picture(request: Request) -> Response:
    """A multipart form with one file, optionally with the fields in FIELDS."""
    run_id = request.path_params["id"]
    return await answer_files(
        request, lambda: get_services().store.get_run(run_id), partial(_of_file, run_id), most=1,
        max_bytes=MAX_PICTURE_BYTES,
    )  # fmt: skip


def _of_file(run_id: str, files: list[UploadFile], form: FormData) -> Any:
    if len(files) != 1:
        raise UserError("Send one picture as a file of a multipart form.")
    sent = {key: value for key, value in form.multi_items() if isinstance(value, str)}
    if unknown := set(sent) - set(FIELDS):
        raise ConfigError(min(unknown)[:40], f"is not known here. Known are {', '.join(FIELDS)}.")
    layer, at, epoch, crop = (sent.get(name) or None for name in FIELDS)
    if crop is not None and crop not in CROPS:
        raise ConfigError("crop", f"must be one of {', '.join(CROPS)}.")
    (file,), services = files, get_services()
    picture = file.filename or "picture", file.file.read(MAX_FILE_BYTES + 1)
    (answer,) = services.engine.predict(run_id, [picture], crop)
    if answer.seen is None:
        raise UserError(answer.error or "The picture cannot be read.")
    return _document(services, run_id, epoch or BEST, answer.seen, layer, at)


def _document(
    services: Services, run_id: str, epoch: str, pixels: Pixels, layer: str | None, at: str | None
) -> dict[str, Any]:
    """With the sheet of all maps of a layer as `png`, in base64."""
    run = services.store.get_run(run_id)
    document, sheet = picture_document(services.workspace, services.engine, run, epoch, pixels, layer, at)
    return document if sheet is None else {**document, "png": base64.b64encode(sheet).decode()}
