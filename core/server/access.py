"""Which requests are answered: none without the key where there is one, none from another site's page.

Without a key, only this computer is served, and only under the names in `server.allowedHosts`. Streamlit looks at
those for its websocket alone, so a page of any site could start runs by REST, and one whose name is turned to this
computer (DNS rebinding) could read the answers. With a key such a page has nothing to show, so every name is answered.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.server import sign_in
from core.server.addresses import is_loopback
from core.server.headers import SECURITY_HEADERS, adding_headers
from core.server.key import (
    BLANKS,
    KEY_VARIABLE,
    LATER_WRONG_KEY_DELAY_SECONDS,
    RENEWED_AFTER_SECONDS,
    SHORT_KEY,
    WRONG_KEY_DELAY_SECONDS,
    Key,
    WrongKeys,
    source_of,
)
from core.server.listening import listening_addresses, note_guard, refusal_of_base_path, refusal_to_listen

# Service managers and load balancers ask them, before there is a key to show; each answers one word.
HEALTH_PATHS = ("/_stcore/health", "/api/v1/health")

MOST_WAITING = 100  # wrong keys whose answers are held back at the same time

logger = logging.getLogger(__name__)


class WrongKey(NamedTuple):
    """The answer to a wrong key: status, sentence, and after how many seconds another may be sent."""

    status: int
    message: str
    retry_seconds: float = 0.0


class AccessMiddleware:
    """Goes around the whole app: pages, files, uploads, REST, and the websocket that pages live on."""

    def __init__(
        self,
        app: ASGIApp,
        allowed_hosts: Callable[[], Sequence[str]],
        key: Key | None = None,
        policy: str = "default-src 'self'; frame-ancestors 'none'",
        base_path: str = "",
    ) -> None:
        """`allowed_hosts` gives the names without port, as `is_host_allowed` takes them, for each request.

        `policy` is the Content-Security-Policy of answers that have none of their own. With a `base_path` before all
        addresses, the server does not start.
        """
        self._app = app
        self._allowed_hosts = allowed_hosts
        self._key = key
        self._headers = [*SECURITY_HEADERS.items(), ("Content-Security-Policy", policy)]
        self._base_path = base_path
        self._wrong_keys = WrongKeys()
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._start(scope, receive, send)
            return
        headers = Headers(scope=scope)
        send = adding_headers(send, [*self._headers, *self._renewed_cookie(scope, headers)])
        refusal = self._refusal(scope, headers)
        if refusal is None and self._key is not None:
            refusal = await self._without_key(self._key, scope, headers, receive)
        if refusal is not None and _cannot_say_why(scope):
            await send({"type": "websocket.close", "code": 1008})  # the server makes it 403
            return
        await (refusal or self._app)(scope, receive, send)

    def _renewed_cookie(self, scope: Scope, headers: Headers) -> Iterator[tuple[str, str]]:
        """A new cookie with a page for those whose cookie is older than a day, so that regulars stay signed in."""
        if self._key is None or not sign_in.asks_for_page(scope, headers):
            return
        cookie = sign_in.cookie_of(headers, self._key)
        age = None if cookie is None else self._key.cookie_age(cookie)
        if age is not None and age > RENEWED_AFTER_SECONDS:
            yield "Set-Cookie", sign_in.cookie_header(scope, self._key)

    async def _start(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The sockets are there already: this looks at where they listen, not at what made them listen there.
        problem = refusal_of_base_path(self._base_path)
        if self._key is not None and self._key.is_short:
            logger.warning(
                "The key in %s is short. Choose one of at least %d characters: a short one can be guessed, so after "
                "too many wrong ones the right one has to wait as well.",
                KEY_VARIABLE,
                SHORT_KEY,
            )
        if self._key is None and problem is None:
            problem = refusal_to_listen(await asyncio.to_thread(listening_addresses))
        if problem is None:
            note_guard()
            await self._app(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.failed", "message": problem})

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if scope["path"] in HEALTH_PATHS:
            return None
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._key is None and not is_loopback((scope.get("server") or ("",))[0]):
            # Some ASGI servers listen only after the lifespan has begun.
            return _refuse(403, "This server has no key, so it answers only on the computer that it runs on.")
        is_websocket = scope["type"] == "websocket"
        if self._key is None and not is_host_allowed(host, self._allowed_hosts()):
            return _refuse(
                403 if is_websocket else 421,
                f"This server does not answer requests for {host[:60]!r}. Use a name listed in server.allowedHosts in "
                ".streamlit/config.toml, or add this one there.",
            )
        changes = is_websocket or scope["method"] not in ("GET", "HEAD")
        if changes and origin is not None and not is_own_origin(origin, host):
            return _refuse(
                403,
                f"Requests from pages of {origin[:60]!r} are refused. Send this request from a program instead.",
            )
        return None

    async def _without_key(
        self, key: Key, scope: Scope, headers: Headers, receive: Receive
    ) -> Response | None:
        """The answer to a request that shows no key, or to the form with the key; None for every other request."""
        if sign_in.is_form(scope, headers):
            return await self._answer_form(key, scope, headers, receive)
        if scope["path"] in HEALTH_PATHS:
            return None
        cookie = sign_in.cookie_of(headers, key)
        if cookie is not None and key.cookie_age(cookie) is not None:
            return sign_in.render_sign_out() if scope["path"] == "/sign-out" else None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            problem = await self._try(key, source_of(scope, headers), given.strip(BLANKS).encode("latin-1"))
            return problem and _refuse(*problem)
        if sign_in.asks_for_page(scope, headers):
            return sign_in.render_sign_in(401)
        return _refuse(
            401,
            "Reload the page to sign in. A program sends the server's key as the header Authorization: Bearer KEY.",
        )

    async def _answer_form(self, key: Key, scope: Scope, headers: Headers, receive: Receive) -> Response:
        try:
            form = await sign_in.read_form(headers, receive)
        except TimeoutError:
            return _refuse(408, "The form came too slowly. Send it again.")
        except ValueError:
            return _refuse(413, "That is not the form of the sign-in page.")
        if "sign_out" in form:
            return sign_in.signed_out(scope, key)
        given = form.get("key", "").strip(BLANKS).encode(errors="surrogateescape")
        problem = await self._try(key, source_of(scope, headers), given)
        if problem is None:
            return sign_in.signed_in(scope, key)
        said = sign_in.WRONG_KEY if problem.status == 401 else problem.message
        return sign_in.render_sign_in(problem.status, said, _retry_header(problem.retry_seconds))

    async def _try(self, key: Key, source: str, given: bytes) -> WrongKey | None:
        """The answer when `given` is not the key. The right key is accepted at once, also while others guess.

        That answers as many guesses as come, which finds no long key. A short one is not even compared while `source`
        counts as guessing.
        """
        guessing = self._wrong_keys.wait_seconds(source)
        if guessing > 0 and key.is_short:
            minutes = math.ceil(guessing / 60)
            return WrongKey(
                429,
                f"Too many wrong keys were tried. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}.",
                guessing,
            )
        if key.matches(given):
            return None
        self._wrong_keys.count(source)
        delay = LATER_WRONG_KEY_DELAY_SECONDS if guessing > 0 else WRONG_KEY_DELAY_SECONDS
        if self._waiting >= MOST_WAITING:
            return WrongKey(
                429,
                f"The key is wrong, as many others just now. Try again in {math.ceil(delay)} seconds.",
                delay,
            )
        self._waiting += 1
        try:
            await asyncio.sleep(delay)
        finally:
            self._waiting -= 1
        return WrongKey(401, "The key is wrong.")


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


def _cannot_say_why(scope: Scope) -> bool:
    """Whether an ASGI server lets a refused websocket have no answer of its own."""
    return scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {})


def _refuse(status: int, message: str, retry_seconds: float = 0.0) -> JSONResponse:
    headers = {"Cache-Control": "no-store", **_retry_header(retry_seconds)}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": message, "field": None}, status, headers)


def _retry_header(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(math.ceil(seconds))} if seconds > 0 else {}
