"""How the REST face answers: handlers run off the event loop, errors become JSON, bodies are bounded."""

import contextlib
import json
from collections.abc import Callable, Collection
from typing import Any

import anyio.to_thread
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message

from core.api.capacity import QUESTIONS, Line
from core.config import parse_json
from core.config.refusals import describe, unknown_key
from core.errors import (
    AlertNotFound,
    CannotWrite,
    ConfigError,
    ConvDeckError,
    DatasetError,
    EngineError,
    IllegalTransition,
    NotAllowed,
    PictureError,
    PreflightBusy,
    PreflightError,
    RunError,
    RunNotFound,
    StudyNotFound,
    SweepNotFound,
    TokenTaken,
    UploadNotFound,
    UserError,
    ViewNotFound,
)
from core.server.problems import problem
from core.server.services import Services, get_services

MAX_BODY_BYTES = 1_000_000

Handler = Callable[[Services, Request], Any]
IDEMPOTENCY_KEY = "Idempotency-Key"

# Status and code of the answer to an error; one that is not here has those of the class it derives from.
ANSWERS: dict[type[ConvDeckError], tuple[int, str]] = {
    RunNotFound: (404, "run_not_found"),
    StudyNotFound: (404, "study_not_found"),
    SweepNotFound: (404, "sweep_not_found"),
    UploadNotFound: (404, "upload_not_found"),
    ViewNotFound: (404, "view_not_found"),
    AlertNotFound: (404, "alert_not_found"),
    NotAllowed: (403, "not_allowed"),
    TokenTaken: (409, "token_taken"),
    IllegalTransition: (400, "illegal_state"),
    ConfigError: (400, "invalid_value"),
    DatasetError: (400, "data_set_refused"),
    PictureError: (400, "picture_refused"),
    RunError: (400, "run_refused"),
    UserError: (400, "refused"),
    PreflightBusy: (409, "preflight_busy"),
    PreflightError: (503, "preflight_failed"),
    CannotWrite: (503, "cannot_write"),
    EngineError: (503, "engine_failed"),
    ConvDeckError: (503, "unavailable"),
}


def route(path: str, method: str, handler: Handler, line: Line | None = None) -> Route:
    """A route whose handler reads the store: run off the event loop, errors as JSON.

    What asks the engine or takes long waits in its `line`, without a thread.
    """

    async def endpoint(request: Request) -> Response:
        return await answer(lambda: handler(get_services(), request), line=line)

    return Route(path, endpoint, methods=[method])


async def answer(work: Callable[[], Any], status: int = 200, line: Line | None = None) -> Response:
    """What `work` returns, as JSON if it is no answer yet; what it raises, as an error with the status that fits.

    It is refused where too many wait in the `line` already.
    """
    if line is not None and (refused := line.refusal()) is not None:
        return refused
    try:
        with contextlib.nullcontext() if line is None else line.place() as limiter:
            made = await anyio.to_thread.run_sync(work, limiter=limiter)
        return made if isinstance(made, Response) else JSONResponse(made, status)
    except ConvDeckError as error:
        return refusal_of(error)


def refusal_of(error: ConvDeckError) -> Response:
    """What an error is to a program: the status and the code that fit, and its sentence."""
    status, code = next(ANSWERS[each] for each in type(error).__mro__ if each in ANSWERS)
    return problem(status, str(error), code, field=error.field if isinstance(error, ConfigError) else None)


async def answer_body(
    request: Request, work: Callable[[bytes], Any], status: int = 201, line: Line | None = None
) -> Response:
    """The answer of `work` to a JSON body."""
    # A form on another site cannot send JSON without a preflight request, so it cannot start runs unnoticed.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return problem(415, "Send the config as application/json.")
    try:
        body = await limited(request, MAX_BODY_BYTES).body()
    except TooLarge:
        return problem(
            413, f"The body is larger than {MAX_BODY_BYTES // 1_000_000} MB; that is not a config."
        )

    return await answer(lambda: work(body), status, line)


async def answer_files(
    request: Request,
    find: Callable[[], Any],
    work: Callable[[list[UploadFile], FormData], Any],
    *,
    most: int,
    max_bytes: int,
    what: str = "The pictures are",
    line: Line = QUESTIONS,
) -> Response:
    """The answer of `work` to up to `most` files of a multipart form, of `max_bytes` in total, when it is its turn.

    `find` says first, by what it raises, whether that is there which the files are for.
    """
    known = await answer(lambda: bool(find()))
    if known.status_code != 200:
        return known  # without reading what was sent along
    if (refused := line.refusal()) is not None:
        return refused
    too_large = problem(
        413, f"{what} larger than {max_bytes // 1_000_000} MB in total. Send fewer at a time."
    )
    if int(request.headers.get("content-length", 0)) > max_bytes:
        return too_large
    try:
        # Starlette writes a file that is larger than 1 MB to disk; it is read from there when it is asked about.
        async with limited(request, max_bytes).form(max_files=most, max_fields=10) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            return await answer(lambda: work(files, form), line=line)
    except TooLarge:
        return too_large
    except HTTPException as error:
        number = "1 file" if most == 1 else f"1 to {most} files"
        sentence = f"The form cannot be read: {error.detail} Send {number} as multipart/form-data."
        return problem(400, sentence, "form_expected")
    except OSError as error:
        return problem(
            503,
            f"The pictures could not be stored while they were received: {error.strerror}.",
            "cannot_write",
        )


class TooLarge(Exception):
    """A body has more bytes than are taken."""


def limited(request: Request, max_bytes: int) -> Request:
    """The same request, whose body can be read up to `max_bytes`; after that, reading raises TooLarge."""
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise TooLarge
        return message

    return Request(request.scope, receive)


def parse_body(body: bytes, known: set[str], nullable: Collection[str] = ()) -> dict[str, Any]:
    """The JSON object of a body, without what is null, but for the `nullable`.

    Raises ConfigError for anything else and for unknown keys.
    """
    try:
        asked = parse_json(body.decode())
    except UnicodeDecodeError:
        raise ConfigError("", "The body is not UTF-8 text.") from None
    if not isinstance(asked, dict):
        raise ConfigError("", "The body must be a JSON object.")
    asked = {key: value for key, value in asked.items() if value is not None or key in nullable}
    unknown = set(asked) - known
    if unknown:
        raise unknown_key(min(unknown), sorted(known))
    for key in ("preset", "name", "token"):
        if key in asked and not isinstance(asked[key], str):
            raise ConfigError(key, "must be text.")
    return asked


def token_of(request: Request, asked: dict[str, Any]) -> str | None:
    """What makes a repeated request start nothing again: `token` of the body, or the header Idempotency-Key, whose text
    may stand in quotes. Raises ConfigError where they differ.
    """
    token: str | None = asked.get("token")
    header = request.headers.get(IDEMPOTENCY_KEY)
    if header is None:
        return token
    if len(header) > 1 and header[0] == header[-1] == '"':
        header = header[1:-1]
    if token is not None and token != header:
        raise ConfigError("token", f"is not what the header {IDEMPOTENCY_KEY} says. Send one of them.")
    return header


def values_of(asked: dict[str, Any]) -> dict[str, Any]:
    """The `set` of a body: paths and values. Raises ConfigError when it is no object."""
    values = asked.get("set")
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError("set", f"must be an object of paths and values, not {json.dumps(values)[:40]}.")
    return values


def flag_of(asked: dict[str, Any], key: str, default: bool = False) -> bool:
    """A switch of a body. Raises ConfigError when it is not true or false."""
    value = asked.get(key, default)
    if not isinstance(value, bool):
        raise ConfigError(key, f"must be true or false, not {json.dumps(value)[:40]}.")
    return value


def switch_of(request: Request, key: str) -> bool:
    """A switch of a query, off by default. Raises ConfigError when it is not true or false."""
    text = request.query_params.get(key, "false")
    if text not in ("true", "false"):
        raise ConfigError(key, f"must be true or false, not {describe(text)}.")
    return text == "true"
