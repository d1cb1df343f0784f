"""Long lists in pages: `?limit=` and `?cursor=`, and a header `Link` to the next page (RFC 8288).

The cursor is the id of the last entry that was given, so a page is the same whatever was added before it meanwhile.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.config.refusals import describe
from core.errors import ConfigError

MOST, USUAL = 1000, 100


class HasId(Protocol):
    """What a list can be continued after."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=HasId)


def page_asked(request: Request) -> tuple[int, str | None] | None:
    """(how many, after which id) are asked for; None where all are. Raises ConfigError."""
    text, cursor = request.query_params.get("limit"), request.query_params.get("cursor")
    if text is None and cursor is None:
        return None
    if cursor == "":
        raise ConfigError("cursor", "is empty. Leave it out for the first page.")
    return USUAL if text is None else _limit_of(text), cursor


def page_of(
    request: Request, found: Sequence[T], limit: int, document: Callable[[Sequence[T]], list[Any]]
) -> Response:
    """The first `limit` of `found`, with a link where there are more."""
    shown, headers = found[:limit], {}
    if len(found) > limit:
        query = urlencode({"limit": limit, "cursor": shown[-1].id})
        headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return JSONResponse(document(shown), headers=headers)


def listed(
    request: Request, found: Sequence[T], document: Callable[[Sequence[T]], list[Any]]
) -> list[Any] | Response:
    """All of `found`, or the page of them that is asked for. Raises ConfigError."""
    if (asked := page_asked(request)) is None:
        return document(found)
    limit, cursor = asked
    if cursor is not None:
        places = [place for place, each in enumerate(found) if each.id == cursor]
        if not places:
            raise ConfigError("cursor", "names nothing that is still there. Begin with the first page again.")
        found = found[places[0] + 1 :]
    return page_of(request, found, limit, document)


def _limit_of(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= MOST:
        return int(text)
    raise ConfigError("limit", f"must be a whole number from 1 to {MOST}, not {describe(text[:40])}.")
