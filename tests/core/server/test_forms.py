"""The sign-in form over a real socket: anybody may send it, so it takes little whatever its head says."""

import contextlib
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from core.server import access, sign_in
from core.server.access import AccessMiddleware
from core.server.bodies import BodyLimits, BodyMiddleware
from core.server.key import Key
from tests.core.server.conftest import connect, served

SECRET = "correct horse battery staple"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
FORM_SECONDS = 1.0


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where uvicorn asks for a key. All bodies together may have less than one form."""
    app = Starlette(
        middleware=[
            Middleware(AccessMiddleware, allowed_hosts=list, key=Key(SECRET)),
            Middleware(BodyMiddleware, limits=BodyLimits(total_bytes=1)),
        ]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "WRONG_KEY_DELAY_SECONDS", 0.0)
        patch.setattr(sign_in, "FORM_SECONDS", FORM_SECONDS)
        with served(app) as port:
            yield port


def status(port: int, headers: str, body: bytes) -> int:
    """Of the answer to a form with this head and body, of which the server may not want to read all."""
    with connect(port) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}{headers}\r\n".encode())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(body)
        return int(connection.recv(4096).split()[1])


def signs_in(port: int) -> bool:
    body = urlencode({"key": SECRET}).encode()
    return status(port, f"Content-Length: {len(body)}\r\n", body) == 303


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 10\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 10\r\n",
        "Transfer-Encoding: chunked\r\n",
    ],
)
def test_a_chunked_form_is_not_read(port: int, headers: str) -> None:
    """Its length is in its chunks: Content-Length beside them says nothing (RFC 9112, section 6.3)."""
    for body in (b"100000\r\n" + bytes(2**20) + b"\r\n0\r\n\r\n", b"5\r\nkey=x\r\n0\r\n\r\n"):
        assert status(port, headers, body) == 413
    assert signs_in(port)


@pytest.mark.parametrize("size", ["4097", "9" * 100, "4097000000000"])
def test_a_long_form_is_not_read(port: int, size: str) -> None:
    assert status(port, f"Content-Length: {size}\r\n", bytes(5000)) in (400, 413)
    assert signs_in(port)


def test_forms_that_do_not_come_are_not_waited_for_and_in_nobodys_way(port: int) -> None:
    waiting = []
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            connection = stack.enter_context(connect(port))
            head = f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}Content-Length: 4096\r\n\r\nkey="
            connection.sendall(head.encode())
            waiting.append(connection)
        assert signs_in(port)
        assert [connection.recv(4096).split()[1] for connection in waiting] == [b"408"] * 5
