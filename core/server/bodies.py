"""How much a request may send, how slowly, and how much all of them together.

Streamlit keeps uploaded files in memory until their visitor has gone, and REST keeps a form's on disk until it is
answered. Neither had a limit for all requests together, and a client that sent one byte a minute was waited for.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.server.headers import SECURITY_HEADERS
from core.server.problems import problem

UPLOAD_PATH = "/_stcore/upload_file/"
RETRY_SECONDS = 10


@dataclass(frozen=True)
class BodyLimits:
    """What is taken. A body may pause for `grace_seconds`; every `bytes_per_second` give back one of the seconds used.

    So a pause is as long at the end of a large body as at the beginning, whatever came before it.
    """

    grace_seconds: float = 20.0
    bytes_per_second: int = 10_000
    total_bytes: int = (
        420_000_000  # of all bodies that are being received or answered: two of the largest forms
    )
    visitor_bytes: int = 200_000_000  # of the files that Streamlit keeps for a visitor
    all_visitors_bytes: int = 400_000_000  # and for all of them


class BodyRefused(Exception):
    """A body is not read any further: the status of the answer, and its sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class BodyMiddleware:
    """Goes around everything that reads bodies. Only a body that is read counts, so refused requests take nothing."""

    def __init__(
        self,
        app: ASGIApp,
        kept_bytes: Callable[[str | None], int] = lambda visitor: 0,
        limits: BodyLimits = BodyLimits(),
    ) -> None:
        """`kept_bytes` says how much Streamlit keeps for a session id, or for all sessions when it gets None."""
        self._app = app
        self._kept_bytes = kept_bytes
        self._limits = limits
        self._receiving = 0
        self._uploading: dict[str, int] = {}  # by session id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        body = _Body(self, scope, receive)
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, body.receive, send_noting)
        except ClientDisconnect:
            pass  # the client closed the connection, so no answer is needed
        except BodyRefused as refused:
            if started:
                raise
            headers = {**SECURITY_HEADERS, "Cache-Control": "no-store"}
            # uvicorn drops what is left of the body. A connection closed before that would take the answer with it.
            if refused.status == 408:
                headers["Connection"] = "close"
            elif refused.status == 503:
                headers["Retry-After"] = str(RETRY_SECONDS)
            answer = problem(refused.status, refused.message, headers=headers)
            await answer(scope, receive, send)
        finally:
            body.release()

    def take(self, num_bytes: int, visitor: str | None) -> None:
        """Count bytes of a body. Raises BodyRefused when they are too many, and then counts nothing."""
        limits = self._limits
        if num_bytes > limits.total_bytes:
            raise BodyRefused(413, f"The body is larger than {_megabytes(limits.total_bytes)}.")
        if self._receiving + num_bytes > limits.total_bytes:
            raise BodyRefused(
                503,
                f"The server is receiving {_megabytes(self._receiving)} already and takes "
                f"{_megabytes(limits.total_bytes)} at a time. Try again in {RETRY_SECONDS} seconds.",
            )
        if visitor is not None:
            uploading = self._uploading.get(visitor, 0)
            if self._kept_bytes(visitor) + uploading + num_bytes > limits.visitor_bytes:
                raise BodyRefused(
                    413,
                    f"The files that you have uploaded would be more than {_megabytes(limits.visitor_bytes)}. "
                    "Remove some of them, or reload the page.",
                )
            everybody = self._kept_bytes(None) + sum(self._uploading.values())
            if everybody + num_bytes > limits.all_visitors_bytes:
                raise BodyRefused(
                    503,
                    f"The files that all visitors have uploaded would be more than "
                    f"{_megabytes(limits.all_visitors_bytes)}. Try again when others have closed their pages.",
                )
            self._uploading[visitor] = uploading + num_bytes
        self._receiving += num_bytes

    def give_back(self, num_bytes: int, visitor: str | None) -> None:
        """Stop counting what `take` has counted."""
        self._receiving -= num_bytes
        if visitor is not None and visitor in self._uploading:
            self._uploading[visitor] -= num_bytes
            if self._uploading[visitor] <= 0:
                del self._uploading[visitor]

    @property
    def limits(self) -> BodyLimits:
        return self._limits


class _Body:
    """The body of one request: how much of it was counted, and for how long it may still be waited for."""

    def __init__(self, counter: BodyMiddleware, scope: Scope, receive: Receive) -> None:
        self._counter = counter
        self._receive = receive
        _, is_upload, file = scope["path"].partition(UPLOAD_PATH)
        self._visitor = file.partition("/")[0] if is_upload else None
        length = Headers(scope=scope).get("content-length", "")
        self._announced = int(length) if length.isdecimal() else 0
        self._counted = 0
        self._received = 0
        self._seconds = counter.limits.grace_seconds  # that may still be waited
        self._complete = False

    async def receive(self) -> Message:
        """The next part. Raises BodyRefused."""
        if self._complete:
            return await self._receive()  # this waits until the client hangs up
        self._count(self._announced)
        limits = self._counter.limits
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(self._seconds, 0.0)):
                message = await self._receive()
        except TimeoutError:
            raise BodyRefused(
                408,
                f"The body stopped or became too slow after {self._received:,} bytes. Send at least "
                f"{limits.bytes_per_second:,} bytes per second, without pauses of {limits.grace_seconds:.0f} seconds.",
            ) from None
        num_bytes = len(message.get("body", b""))
        self._received += num_bytes
        self._seconds += num_bytes / limits.bytes_per_second - (time.monotonic() - began)
        self._seconds = min(self._seconds, limits.grace_seconds)
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        self._count(self._received)
        return message

    def _count(self, num_bytes: int) -> None:
        """Have `num_bytes` counted in all; a body without Content-Length counts as it comes."""
        if num_bytes > self._counted:
            self._counter.take(num_bytes - self._counted, self._visitor)
            self._counted = num_bytes

    def release(self) -> None:
        self._counter.give_back(self._counted, self._visitor)
        self._counted = 0


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1_000_000:.0f} MB"
