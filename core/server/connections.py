"""Closes connections on which no complete request comes: uvicorn waits for the head of a request forever.

It limits only the pause between two requests, and the first byte of the next one ends that limit
(github.com/Kludex/uvicorn/issues/157).
A thousand connections with half a request each used up a process's file numbers, and nobody else was answered.
"""

import asyncio
import importlib
from typing import Any

HEAD_SECONDS = 10.0
PROTOCOLS = (
    ("uvicorn.protocols.http.h11_impl", "H11Protocol"),
    ("uvicorn.protocols.http.httptools_impl", "HttpToolsProtocol"),
)


def limit_head_seconds(seconds: float = HEAD_SECONDS) -> int:
    """Have every connection from now on close when it takes longer than `seconds` to send the head of a request.

    Streamlit makes uvicorn's configuration and offers no way to choose another protocol, so this joins
    `connection_made` of those that are installed. Returns how many. Another ASGI server is left as it is.
    """
    found = 0
    for module, name in PROTOCOLS:
        try:
            protocol: Any = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
        original = getattr(protocol.connection_made, "without_limit", protocol.connection_made)
        protocol.connection_made = _limiting(original, seconds)
        found += 1
    return found


def _limiting(original: Any, seconds: float) -> Any:
    def connection_made(self: Any, transport: asyncio.Transport) -> None:
        original(self, transport)
        self.loop.call_later(seconds, _look, self, seconds, None, True)

    connection_made.without_limit = original  # type: ignore[attr-defined]
    return connection_made


def _look(protocol: Any, seconds: float, last_request: Any, was_waiting: bool) -> None:
    """Close a connection that waits for the head of the same request as `seconds` ago; else look again later.

    `last_request` is the newest one that it had then. Websockets have left `connections`.
    """
    if protocol not in protocol.connections or protocol.transport.is_closing():
        return
    request = protocol.cycle
    waiting = request is None or request.response_complete
    if waiting and was_waiting and request is last_request:
        protocol.transport.close()
        return
    protocol.loop.call_later(seconds, _look, protocol, seconds, request, waiting)
