"""Half a request, a slow body, a hang-up and too many bodies, over real sockets."""

import contextlib
import json
import logging
import socket
import time
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from uvicorn.protocols.http.h11_impl import H11Protocol

from core.server.bodies import BodyLimits, BodyMiddleware
from core.server.connections import limit_head_seconds
from tests.core.server.conftest import PATIENCE_SECONDS, connect, served

GRACE_SECONDS = 3.0
HEAD_SECONDS = 0.4
LIMITS = BodyLimits(
    grace_seconds=GRACE_SECONDS,
    bytes_per_second=10,
    total_bytes=1000,
    visitor_bytes=500,
    all_visitors_bytes=800,
)
kept = {"one": 0, "two": 0}


async def read(request: Request) -> JSONResponse:
    """Reads a body to its end, and keeps what is uploaded."""
    body = await request.body()
    visitor = request.path_params.get("visitor")
    if visitor is not None:
        kept[visitor] += len(body)
    return JSONResponse({"received": len(body)})


async def ignore(request: Request) -> JSONResponse:
    """Answers without a look at the body."""
    return JSONResponse({"received": 0})


async def wait(websocket) -> None:
    await websocket.accept()
    await websocket.receive()


def kept_bytes(visitor: str | None) -> int:
    return sum(kept.values()) if visitor is None else kept.get(visitor, 0)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where uvicorn answers with the middleware, as under Streamlit but with small limits."""
    app = Starlette(
        routes=[
            Route("/read", read, methods=["POST"]),
            Route("/ignore", ignore, methods=["POST"]),
            Route("/_stcore/upload_file/{visitor}/{file}", read, methods=["PUT"]),
            WebSocketRoute("/stream", wait),
        ],
        middleware=[Middleware(BodyMiddleware, kept_bytes=kept_bytes, limits=LIMITS)],
    )
    original = H11Protocol.connection_made
    assert limit_head_seconds(HEAD_SECONDS) >= 1
    with served(app) as port:
        yield port
    H11Protocol.connection_made = original


def head(path: str, length: int | None, method: str = "POST") -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{size}\r\n\r\n".encode()


def answer(connection: socket.socket) -> tuple[int, dict]:
    """Status and JSON of the next answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        assert part, f"The connection was closed after {data!r}."
        data += part
    headers, _, body = data.partition(b"\r\n\r\n")
    length = int(headers.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return int(headers.split()[1]), json.loads(body)


def is_closed(connection: socket.socket) -> bool:
    """Whether the server ends the connection, which this waits for."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_whole_body_is_read(port: int) -> None:
    with connect(port) as connection:
        for _ in range(2):  # on the same connection
            connection.sendall(head("/read", 5) + b"hello")
            assert answer(connection) == (200, {"received": 5})
        connection.sendall(head("/read", None) + b"5\r\nhello\r\n0\r\n\r\n")
        assert answer(connection) == (200, {"received": 5})


@pytest.mark.parametrize("sent", [b"", b"GET /read", b"GET /read HTTP/1.1\r\nHost: localhost\r\n"])
def test_half_a_request_is_not_waited_for(port: int, sent: bytes) -> None:
    began = time.monotonic()  # before the server can have begun to wait
    with connect(port) as connection:
        connection.sendall(sent)
        assert is_closed(connection)
        assert time.monotonic() - began >= HEAD_SECONDS / 2


def test_half_a_second_request_is_not_waited_for_either(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/read", 2) + b"ab")
        assert answer(connection)[0] == 200
        connection.sendall(b"GET /read HTTP/1.1\r\nHost: ")
        assert is_closed(connection)


def test_the_rest_of_a_body_that_was_answered_is_not_waited_for(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/ignore", 900) + b"a")
        assert answer(connection)[0] == 200
        deadline = time.monotonic() + PATIENCE_SECONDS
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(800):  # less than the rest
                connection.sendall(b"a")
                assert time.monotonic() < deadline, "The connection is still open."
                time.sleep(HEAD_SECONDS / 4)


def test_an_open_websocket_is_left_alone(port: int) -> None:
    lines = (
        "GET /stream HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
    )  # fmt: skip
    with connect(port) as connection:
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(4096).split()[1] == b"101"
        connection.settimeout(HEAD_SECONDS * 4)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_slow_body_is_refused_in_words(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/read", 100) + b"slow")
        status, said = answer(connection)
        assert (status, said["field"]) == (408, None)
        assert "4 bytes" in said["error"] and "10 bytes per second" in said["error"]
        assert is_closed(connection)


def test_a_body_that_comes_fast_enough_has_its_time(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/read", 900))
        for _ in range(9):  # more than the grace in all, and each gives all of it back
            time.sleep(GRACE_SECONDS / 8)
            connection.sendall(bytes(100))
        assert answer(connection) == (200, {"received": 900})


@pytest.mark.parametrize("length", [900, None])
def test_many_bytes_buy_no_long_silence(port: int, length: int | None) -> None:
    """At the lowest rate they would be worth a minute and a half, longer than the answer is waited for."""
    body = bytes(899) if length else b"383\r\n" + bytes(899) + b"\r\n"
    with connect(port) as connection:
        connection.sendall(head("/read", length) + body)
        status, said = answer(connection)
        assert status == 408 and "899 bytes" in said["error"] and "pauses of 3 seconds" in said["error"]
        assert is_closed(connection)


def test_neither_do_drops(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/read", 1000) + bytes(900))
        deadline = time.monotonic() + PATIENCE_SECONDS
        connection.settimeout(GRACE_SECONDS / 10)
        while True:  # three bytes per second
            try:
                connection.sendall(b"a")
                assert connection.recv(4096).split()[1] == b"408"
                break
            except TimeoutError:
                assert time.monotonic() < deadline, "The body is still waited for."
            except (BrokenPipeError, ConnectionResetError):
                break  # closed after the answer, which this byte has crossed


@pytest.mark.parametrize("length", [800, None])
def test_bodies_that_are_too_many_together_are_refused_until_there_is_room(
    port: int, length: int | None
) -> None:
    body = bytes(800) if length else b"320\r\n" + bytes(800)
    with connect(port) as first, connect(port) as second:
        first.sendall(head("/read", length) + body[:-1])
        statuses = {}
        while 503 not in statuses:  # once the first has arrived
            second.sendall(head("/read", 300) + bytes(300))
            status, said = answer(second)
            statuses[status] = said["error"] if status != 200 else None
        assert set(statuses) <= {200, 503} and "Try again" in statuses[503]
        first.sendall(body[-1:] + (b"" if length else b"\r\n0\r\n\r\n"))
        assert answer(first) == (200, {"received": 800})
    with connect(port) as third:
        third.sendall(head("/read", 300) + bytes(300))
        assert answer(third) == (200, {"received": 300})


@pytest.mark.parametrize(("length", "body"), [(1001, b""), (None, b"3e9\r\n" + bytes(1001) + b"\r\n")])
def test_a_body_that_is_too_large_by_itself_is_refused(port: int, length: int | None, body: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(head("/read", length) + body)
        assert answer(connection)[0] == 413


def test_a_hang_up_in_mid_body_is_forgotten(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            with connect(port) as connection:
                connection.sendall(head("/read", 900) + bytes(500))
        with connect(port) as connection:  # all of it is free again
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                connection.sendall(head("/read", 1000) + bytes(1000))
                status, _ = answer(connection)
                if status == 200:
                    break
                assert time.monotonic() < deadline
    assert "Traceback" not in caplog.text and "Exception" not in caplog.text


def test_uploads_are_bounded_for_a_visitor_and_for_all(port: int) -> None:
    def upload(visitor: str, size: int) -> int:
        with connect(port) as connection:
            connection.sendall(head(f"/_stcore/upload_file/{visitor}/file", size, "PUT") + bytes(size))
            return answer(connection)[0]

    kept.update(one=0, two=0)
    assert upload("one", 400) == 200
    assert upload("one", 101) == 413
    assert upload("one", 100) == 200
    assert upload("two", 301) == 503
    assert upload("two", 300) == 200
    kept.update(one=0)  # closed the page
    assert upload("two", 200) == 200
    kept.update(one=0, two=0)
