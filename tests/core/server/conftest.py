"""A server in this process, for what is tested over real sockets."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

# How long an answer is waited for, and the end of the server.
PATIENCE_SECONDS = 60.0


@contextlib.contextmanager
def served(app: Starlette) -> Iterator[int]:
    """The port where uvicorn answers, as it does under Streamlit."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", http="h11", ws="websockets-sansio"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(PATIENCE_SECONDS)


def connect(port: int) -> socket.socket:
    """A connection that waits for an answer with patience; use it as a context."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
