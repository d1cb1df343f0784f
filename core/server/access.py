"""Which requests are answered: those for a name that is not this server's, or from another site's page, are refused.

Streamlit looks at `server.allowedHosts` for its websocket and its agent routes, never for the REST routes beside
them. There a page of any site could start runs, and one whose name is turned to this computer read the answers.
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HEALTH_PATHS = ("/_stcore/health", "/api/v1/health")
API_PREFIX = "/api/"


class AccessMiddleware:
    """Goes around the whole app; the websocket it leaves to Streamlit, which guards it by the same hosts."""

    def __init__(self, app: ASGIApp, allowed_hosts: Callable[[], Sequence[str]]) -> None:
        """`allowed_hosts` gives the names without port, as `is_host_allowed` takes them, for each request."""
        self._app = app
        self._allowed_hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        if scope["path"] in HEALTH_PATHS:
            return None
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not is_host_allowed(host, self._allowed_hosts()):
            return _refuse(
                421,
                f"This server does not answer requests for {host[:60]!r}. Use a name listed in server.allowedHosts in "
                ".streamlit/config.toml, or add this one there.",
            )
        changes = scope["method"] not in ("GET", "HEAD") and scope["path"].startswith(API_PREFIX)
        if changes and origin is not None and not is_own_origin(origin, host):
            return _refuse(
                403,
                f"Requests from pages of {origin[:60]!r} are refused. Send this request from a program instead.",
            )
        return None


def is_host_allowed(host: str, allowed: Sequence[str]) -> bool:
    """Whether a Host header names one of `allowed`, on any port, as Streamlit reads `server.allowedHosts`.

    `*.example.com` stands for what ends in `.example.com`, `*` for any host; an empty list allows every host.
    """
    if not allowed:
        return True
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises ValueError when it is no port
    except ValueError:
        return False
    name = (parts.hostname or "").rstrip(".")
    if not name or "@" in host or parts.netloc != host:
        return False
    patterns = [pattern.strip().lower().rstrip(".") for pattern in allowed]
    return any(
        pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))
        for pattern in patterns
    )


def is_own_origin(origin: str, host: str) -> bool:
    """Whether an Origin header names the very host and port that were asked; `null` does not."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def _refuse(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message, "field": None}, status_code=status)
