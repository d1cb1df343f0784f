"""A run's epochs as server-sent events: one for each finished epoch, as it ends, until the run has ended.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from core.api.responses import answer
from core.api.streams import Stream
from core.epoch import CURVE_KEYS
from core.errors import ConfigError, ConvDeckError, RunNotFound
from core.runs.documents import finite_or_none
from core.runs.verdicts import summary_of
from core.server.problems import problem
from core.server.services import get_services
from core.store.store import Store

LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0  # less than the minute after which proxies give up
MOST_LISTENERS = 64
RETRY_SECONDS = 10

_num_listeners = 0


def routes() -> list[Route]:
    """`/api/v1/runs/{id}/events`."""
    return [Route("/api/v1/runs/{id}/events", _events, methods=["GET"])]


@dataclass(frozen=True)
class Seen:
    """A run at one moment: `rows` has what the curves say of each epoch; `end` is the run's summary once it has ended.

    `version` changes whenever one of them may have.
    """

    version: tuple[Any, ...]
    rows: tuple[dict[str, Any], ...]
    end: dict[str, Any] | None

    @property
    def last_epoch(self) -> int:
        return int(self.rows[-1]["epoch"]) if self.rows else 0


class EventStream(Stream):
    """Counted among the listeners until it has ended or the client has gone."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        global _num_listeners
        _num_listeners += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            _num_listeners -= 1


def num_listeners() -> int:
    """Of all runs."""
    return _num_listeners


def look_at(store: Store, run_id: str, before: Seen | None = None) -> Seen:
    """The run now; `before` where it has not changed since. Raises RunNotFound."""
    run = store.get_run(run_id)
    version = (run.attempt, run.state, run.epoch, run.ended_at)
    if before is not None and before.version == version:
        return before
    curves = store.curves(run_id)
    rows = tuple(
        {key: finite_or_none(curves[key][place]) for key in CURVE_KEYS}
        for place in range(len(curves["epoch"]))
    )
    return Seen(version, rows, summary_of(store, run) if run.state.is_finished else None)


async def stream(store: Store, run_id: str, seen: Seen, after: int) -> AsyncIterator[str]:
    """The text of the stream, from the epoch after `after` on. Between two looks it holds no thread."""
    yield f"retry: {RETRY_SECONDS * 1000}\n\n"
    spoke = time.monotonic()
    while True:
        # A run that was resumed trains epochs again that were not saved.
        after = min(after, seen.last_epoch)
        for row in seen.rows:
            if row["epoch"] > after:
                after = row["epoch"]
                yield event("epoch", row, after)
                spoke = time.monotonic()
        if seen.end is not None:
            yield event("end", seen.end)
            return
        await asyncio.sleep(LOOK_SECONDS)
        if is_stopping():
            return
        try:
            seen = await asyncio.to_thread(look_at, store, run_id, seen)
        except RunNotFound:
            return
        except ConvDeckError:
            pass  # locked for a moment, or the disk is gone: the next look may succeed
        if time.monotonic() - spoke >= HEARTBEAT_SECONDS:
            yield ": nothing new\n\n"
            spoke = time.monotonic()


def event(kind: str, data: dict[str, Any], number: int | None = None) -> str:
    """One event as it stands in the stream."""
    head = f"event: {kind}\n" if number is None else f"id: {number}\nevent: {kind}\n"
    return f"{head}data: {json.dumps(data)}\n\n"


def is_stopping() -> bool:
    """Whether the server was told to end. It waits for open answers before it says so to anything else, and uvicorn's
    handler of the signal is the one place that knows.
    """
    handler = signal.getsignal(signal.SIGTERM)
    return getattr(getattr(handler, "__self__", None), "should_exit", False) is True


async def _events(request: Request) -> Response:
    store, run_id = get_services().store, request.path_params["id"]
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

    def begin() -> Response:
        after = _last_of(request)
        seen = look_at(store, run_id)
        if after is not None and seen.end is not None and seen.last_epoch <= after:
            return Response(status_code=204)  # a browser that gets it does not connect again
        if num_listeners() >= MOST_LISTENERS:
            sentence = f"{MOST_LISTENERS} programs or pages listen to runs already. Try again later."
            return problem(503, sentence, "too_many_listeners", headers={"Retry-After": str(RETRY_SECONDS)})
        if request.method == "HEAD":
            return Response(headers=headers, media_type=EventStream.media_type)
        return EventStream(stream(store, run_id, seen, after or 0), headers=headers)

    return await answer(begin)


def _last_of(request: Request) -> int | None:
    text = request.headers.get("last-event-id", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ConfigError("Last-Event-ID", "must be the number of an epoch, as an event's id is.")
    return int(text)
