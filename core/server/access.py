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
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import ConvDeckError
from core.formatting import count_of
from core.server import joining, sign_in
from core.server.classroom import KEY_VARIABLE, announcement, kept_class_key, reachable_addresses
from core.server.crowd import counted
from core.server.headers import SECURITY_HEADERS, adding_headers
from core.server.key import (
    BLANKS,
    LATER_WRONG_KEY_DELAY_SECONDS,
    RENEWED_AFTER_SECONDS,
    SHORT_KEY,
    WRONG_KEY_DELAY_SECONDS,
    Key,
    WrongKeys,
    source_of,
)
from core.server.listening import listening_addresses, note_guard, refusal_of_base_path, refusal_to_listen
from core.server.problems import problem
from core.system.addresses import is_loopback
from core.visitors.person import MACHINE, PERSON_HEADER, STRANGER, Person, acting_as
from core.workspace import Workspace

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
        self._known_visitors: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._start(scope, receive, send)
            return
        headers = Headers(scope=scope)
        send = adding_headers(send, [*self._headers, *self._renewed_cookie(scope, headers)])
        found: Response | Person | None = self._refusal(scope, headers)
        if found is None:
            found = MACHINE if self._key is None else await self._let_in(self._key, scope, headers, receive)
        if isinstance(found, Person):
            with acting_as(found), counted(scope):
                await self._app(_with_person(scope, found), receive, send)
        elif _cannot_say_why(scope):
            await send({"type": "websocket.close", "code": 1008})  # the server makes it 403
        else:
            await found(scope, receive, send)

    def _renewed_cookie(self, scope: Scope, headers: Headers) -> Iterator[tuple[str, str]]:
        """A new cookie with a page for those whose cookie is older than a day, so that regulars stay signed in."""
        if self._key is None or not sign_in.asks_for_page(scope, headers):
            return
        found = sign_in.signed_in_as(headers, self._key)
        if found is not None and found.age > RENEWED_AFTER_SECONDS:
            yield "Set-Cookie", sign_in.cookie_header(scope, self._key, found.person)

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
            if self._key is not None and self._key.join_key is not None:
                with acting_as(MACHINE):
                    print(await asyncio.to_thread(_announce, self._key, self._key.join_key), flush=True)
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

    async def _let_in(self, key: Key, scope: Scope, headers: Headers, receive: Receive) -> Response | Person:
        """Who sends a request; the answer to one that shows no key, or to the form with the key."""
        if sign_in.is_form(scope, headers):
            return await self._answer_form(key, scope, headers, receive)
        if scope["path"] in HEALTH_PATHS:
            return STRANGER
        signed_in = sign_in.signed_in_as(headers, key)
        if signed_in is not None and await self._is_known(signed_in.person):
            if scope["path"] == "/sign-out":
                return await joining.render_sign_out(signed_in.person)
            if joining.join_key_of(scope) and sign_in.asks_for_page(scope, headers):
                return sign_in.redirect_to_itself(scope)  # without the key in its address
            return signed_in.person
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            given_key = given.strip(BLANKS).encode("latin-1")
            problem = await self._try(key, source_of(scope, headers), given_key)
            return key.holder if problem is None else _refuse(*problem)
        if sign_in.asks_for_page(scope, headers):
            if key.join_key is not None:
                return await joining.render_join(401, joining.join_key_of(scope))
            return sign_in.render_sign_in(401)
        return _refuse(
            401,
            "Reload the page to sign in. A program sends the server's key as the header Authorization: Bearer KEY.",
        )

    async def _is_known(self, person: Person) -> bool:
        """Whether the person of a cookie is the teacher or has joined this workspace; asked once for each."""
        if person.id is None or person.id in self._known_visitors:
            return True
        try:
            if await joining.has_joined(person.id):
                self._known_visitors.add(person.id)
        except ConvDeckError:
            logger.warning("Whether a visitor has joined could not be found out.", exc_info=True)
        return person.id in self._known_visitors

    async def _answer_form(self, key: Key, scope: Scope, headers: Headers, receive: Receive) -> Response:
        try:
            form = await sign_in.read_form(headers, receive)
        except TimeoutError:
            return _refuse(408, "The form came too slowly. Send it again.")
        except ValueError:
            return _refuse(413, "That is not the form of the sign-in page.")
        if "sign_out" in form:
            return sign_in.signed_out(scope, key)
        given = form.get("key", "").strip(BLANKS)
        encoded = given.encode(errors="surrogateescape")
        problem = await self._try(key, source_of(scope, headers), encoded, joins=True)
        if problem is None and key.matches(encoded):
            return sign_in.signed_in(scope, key, key.holder)
        if problem is None:
            return await joining.join(scope, key, given, form.get("name", ""))
        said = sign_in.WRONG_KEY if problem.status == 401 else problem.message
        retry = _retry_header(problem.retry_seconds)
        if "name" in form:
            return await joining.render_join(
                problem.status, given, form["name"], said, retry, is_key_wrong=True
            )
        return sign_in.render_sign_in(problem.status, said, retry)

    async def _try(self, key: Key, source: str, given: bytes, *, joins: bool = False) -> WrongKey | None:
        """The answer when `given` is not right; with `joins`, the join key of the class is right too.

        A long key is compared at any time: guessing does not find it. A short one is not compared while `source` counts
        as guessing, and the join key not while MOST_WAITING answers are held back. That limits how many guesses are
        answered in a second.
        """
        guessing = self._wrong_keys.wait_seconds(source)
        if guessing > 0 and key.is_short:
            minutes = math.ceil(guessing / 60)
            return WrongKey(
                429,
                f"Too many wrong keys were tried. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}.",
                guessing,
            )
        is_full = self._waiting >= MOST_WAITING
        if key.matches(given) or (joins and not is_full and key.admits(given)):
            return None
        self._wrong_keys.count(source)
        delay = LATER_WRONG_KEY_DELAY_SECONDS if guessing > 0 else WRONG_KEY_DELAY_SECONDS
        if is_full:
            said = (
                "Many wrong keys came just now"
                if joins and key.join_key is not None
                else "The key is wrong, as many others just now"
            )
            return WrongKey(429, f"{said}. Try again in {count_of(math.ceil(delay), 'second')}.", delay)
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


def _announce(key: Key, join_key: str) -> str:
    own = kept_class_key(Workspace.from_environment()) if key.is_kept else None
    return announcement(reachable_addresses(listening_addresses()), join_key, own)


def _with_person(scope: Scope, person: Person) -> Scope:
    """The request with a header that says whom it comes from, in a class; what a client sent as that is removed."""
    name = PERSON_HEADER.encode()
    headers = [(key, value) for key, value in scope["headers"] if key.lower() != name]
    if person.is_in_class:
        headers.append((name, person.to_header().encode()))
    return {**scope, "headers": headers}


def _cannot_say_why(scope: Scope) -> bool:
    """Whether an ASGI server lets a refused websocket have no answer of its own."""
    return scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {})


def _refuse(status: int, message: str, retry_seconds: float = 0.0) -> Response:
    headers = {"Cache-Control": "no-store", **_retry_header(retry_seconds)}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(status, message, headers=headers)


def _retry_header(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(math.ceil(seconds))} if seconds > 0 else {}
