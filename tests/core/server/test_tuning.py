"""What a connection that is accepted from a listening socket has inherited, told by the operating system."""

import socket
import sys
from pathlib import Path

import pytest

from core.server.tuning import disable_nagle

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell sockets by number.")


def accepted(listening: socket.socket) -> int:
    """Whether TCP_NODELAY is set at a connection, seen from the side of the server."""
    with socket.create_connection(listening.getsockname()):
        connection, _ = listening.accept()
        with connection:
            return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_is_accepted_sends_at_once() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        assert accepted(listening) == 0
        numbers = len(list(Path("/dev/fd").iterdir()))
        assert disable_nagle() >= 1
        assert accepted(listening) != 0
        assert len(list(Path("/dev/fd").iterdir())) == numbers
