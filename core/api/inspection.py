"""REST about a trained run's answers: how good they are, which are wrong, and what it looks at in a picture."""

import base64
import re
from functools import partial
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.api.capacity import QUESTIONS
from core.api.responses import answer_body, answer_files, parse_body, route
from core.datasets.file_names import file_names
from core.engine.heat_map import render_explanation
from core.errors import ConfigError, UserError
from core.images import CROPS, MAX_FILE_BYTES
from core.inspection.answers import BEST, which_weights
from core.inspection.elsewhere import answers_about
from core.inspection.evaluation import evaluate, evaluation_document
from core.inspection.mistakes import mistakes_of
from core.inspection.picture_tags import change_picture_tags, picture_tags_document
from core.inspection.prediction import explain
from core.runs.breakdown import confusions_document
from core.server.services import Services, get_services

MAX_PICTURE_BYTES = MAX_FILE_BYTES + 1_000_000  # with the other fields of the form
NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def routes() -> list[Route]:
    """The routes under `/api/v1/runs/{id}`. Where the engine is asked, `?split=validation|test` and
    `?epoch=N|best|last` say what, and `?dataset=NAME` asks about another data set instead.
    """
    return [
        route("/api/v1/runs/{id}/evaluate", "GET", _evaluate, QUESTIONS),
        route("/api/v1/runs/{id}/mistakes", "GET", _mistakes, QUESTIONS),
        route("/api/v1/runs/{id}/picture-tags", "GET", _picture_tags),
        Route("/api/v1/runs/{id}/picture-tags", _tag_picture, methods=["POST"]),
        route("/api/v1/runs/{id}/confusions", "GET", _confusions),
        Route("/api/v1/runs/{id}/explain", _explain, methods=["POST"]),
    ]


def _evaluate(services: Services, request: Request) -> Any:
    run, asked = services.store.get_run(request.path_params["id"]), request.query_params
    split, epoch, dataset = asked.get("split", "test"), asked.get("epoch", BEST), asked.get("dataset")
    measured = evaluate(services.workspace, services.engine, run, split, epoch, dataset=dataset)
    return evaluation_document(run.id, measured)


def _mistakes(services: Services, request: Request) -> Any:
    """Also `?by=loss|confidence|doubt`, and `?limit=N`: the first N alone."""
    run, asked = services.store.get_run(request.path_params["id"]), request.query_params
    split, epoch, limit = asked.get("split", "test"), asked.get("epoch", BEST), asked.get("limit")
    most = None if limit is None else _number_of("limit", limit)
    dataset = asked.get("dataset")
    answers = answers_about(services.workspace, services.engine, run, split, epoch, dataset=dataset)
    files = file_names(services.workspace, answers.dataset or run.dataset)
    return [each.to_json() for each in mistakes_of(answers, asked.get("by", "loss"), most, files)]


def _confusions(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    epoch = request.query_params.get("epoch")
    at = None if epoch is None else _number_of("epoch", epoch)
    return confusions_document(services.workspace, run, services.store.breakdowns.confusions(run.id), at)


def _picture_tags(services: Services, request: Request) -> Any:
    run = services.store.get_run(request.path_params["id"])
    return picture_tags_document(services.workspace, services.store, run)


async def _tag_picture(request: Request) -> Response:
    """`{"index": 17, "add": ["wrong label"], "remove": []}`."""

    def change(body: bytes) -> Any:
        asked = parse_body(body, {"index", "add", "remove"})
        index, add, remove = asked.get("index"), asked.get("add", []), asked.get("remove", [])
        if not isinstance(index, int) or isinstance(index, bool):
            raise ConfigError("index", "must be the row of a picture, a whole number.")
        for key, tags in (("add", add), ("remove", remove)):
            if not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
                raise ConfigError(key, "must be a list of tags.")
        services = get_services()
        run = services.store.get_run(request.path_params["id"])
        return change_picture_tags(services.workspace, services.store, run, index, add=add, remove=remove)

    return await answer_body(request, change, status=200)


def _number_of(name: str, text: str) -> int:
    if not NUMBER.fullmatch(text):
        raise UserError(f"{name} must be a whole number from 1 to 999999999, not {text[:20]!r}.")
    return int(text)


async def _explain(request: Request) -> Response:
    """A multipart form with one file and `method`, optionally with `layer`, `class`, `crop` and `epoch`."""
    run_id = request.path_params["id"]
    return await answer_files(
        request,
        lambda: get_services().store.get_run(run_id),
        partial(_explanation, run_id),
        most=1,
        max_bytes=MAX_PICTURE_BYTES,
    )


def _explanation(run_id: str, files: list[UploadFile], form: FormData) -> Any:
    if len(files) != 1:
        raise UserError("Send one picture as a file of a multipart form.")
    unknown = {key for key, value in form.multi_items() if isinstance(value, str)} - {
        "method", "layer", "class", "crop", "epoch",
    }  # fmt: skip
    if unknown:
        raise ConfigError(
            min(unknown)[:40], "is not known here. Known are method, layer, class, crop and epoch."
        )
    method, layer, class_name, crop = (_text(form, key) for key in ("method", "layer", "class", "crop"))
    if crop is not None and crop not in CROPS:
        raise ConfigError("crop", f"must be one of {', '.join(CROPS)}.")
    (file,) = files
    services = get_services()
    run, picture = services.store.get_run(run_id), file.file.read(MAX_FILE_BYTES + 1)
    which = which_weights(services.workspace, run, _text(form, "epoch") or BEST)
    explained = explain(
        services.workspace, services.engine, run, file.filename or "picture", picture, method or "grad-cam", layer,
        class_name, crop, which,
    )  # fmt: skip
    return {**explained.to_json(), "png": base64.b64encode(render_explanation(explained)).decode()}


def _text(form: FormData, key: str) -> str | None:
    """A field of the form; None where it is missing or empty, as forms of browsers send it."""
    value = form.get(key)
    return value if isinstance(value, str) and value else None
