"""Errors as RFC 9457 says them: one sentence for people, beside it a code that programs can rely on.

`error` and `field` are the members that errors had before `detail` and `code` came beside them; they stay.
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

PROBLEM_TYPE = "application/problem+json"
LIST_PATH = "/api/v1/problems"

# What an error is about, by its code. A code keeps its meaning; a title is for people and may change.
TITLES = {
    # what was asked
    "invalid_value": "A value is not allowed",
    "refused": "The request cannot be carried out",
    "no_such_address": "There is nothing at this address",
    "method_not_allowed": "This address does not answer this method",
    "body_too_large": "The body is too large",
    "body_too_slow": "The body came too slowly",
    "json_expected": "The body must be JSON",
    "form_expected": "The body must be a form with files",
    # what it was asked of
    "run_not_found": "There is no such run",
    "run_refused": "The run cannot do this",
    "illegal_state": "The run's state does not allow this",
    "study_not_found": "There is no such study",
    "sweep_not_found": "There is no such sweep",
    "view_not_found": "There is no such view",
    "alert_not_found": "There is no such alert",
    "data_set_refused": "The data set cannot be used",
    "picture_refused": "The picture cannot be read",
    "token_taken": "The token belongs to another request",
    "upload_not_found": "There is no such upload",
    "upload_refused": "The upload is not taken",
    "upload_conflict": "The portion cannot be taken now",
    "no_space": "There is no space for it",
    # who asks
    "not_allowed": "This is for someone else to do",
    "key_missing": "The key is missing or wrong",
    "origin_refused": "The request comes from another site or computer",
    "unknown_host": "The server does not answer under this name",
    "too_many_attempts": "Too many wrong keys",
    # what the server cannot do now
    "busy": "The server is busy",
    "preflight_busy": "Another dry run is in progress",
    "preflight_failed": "The dry run failed",
    "engine_failed": "The process that answers about networks failed",
    "cannot_write": "The workspace cannot be written",
    "too_many_listeners": "Too many programs listen",
    "unavailable": "The server cannot answer now",
}
# Where nothing more exact is known.
_CODES = {
    400: "refused",
    401: "key_missing",
    403: "origin_refused",
    404: "no_such_address",
    405: "method_not_allowed",
    408: "body_too_slow",
    409: "illegal_state",
    413: "body_too_large",
    415: "json_expected",
    421: "unknown_host",
    429: "too_many_attempts",
    503: "busy",
    507: "no_space",
}


class ProblemResponse(JSONResponse):
    """`application/problem+json`; to a client that takes `application/json` alone the same body under that name."""

    media_type = PROBLEM_TYPE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _takes_only_json(scope):
            self.headers["Content-Type"] = "application/json"
        await super().__call__(scope, receive, send)


def problem(
    status: int, sentence: str, code: str | None = None, *, field: str | None = None,
    headers: Mapping[str, str] | None = None, more: Mapping[str, Any] | None = None,
) -> JSONResponse:  # fmt: skip
    """The answer to what cannot be done. `code` is a key of TITLES, by default what the status says; `field` is the
    path of the value that it is about; `more` are members of its own.
    """
    code = code or _CODES.get(status, "refused")
    body = {
        "error": sentence,
        "field": field or None,
        "type": f"{LIST_PATH}#{code}",
        "title": TITLES[code],
        "status": status,
        "detail": sentence,
        "code": code,
        **(more or {}),
    }
    return ProblemResponse(body, status, headers)


def _takes_only_json(scope: Scope) -> bool:
    """Whether Accept names `application/json`, and neither problems nor everything."""
    accepted = b",".join(value for name, value in scope.get("headers", ()) if name == b"accept").lower()
    kinds = {each.partition(b";")[0].strip() for each in accepted.split(b",")}
    return b"application/json" in kinds and not kinds & {b"*/*", b"application/*", PROBLEM_TYPE.encode()}
