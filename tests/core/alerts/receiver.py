"""A server on this computer that takes messages, and answers as it is told."""

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """`answers` are statuses, one for each request, the last for all others; None: it never answers."""

    def __init__(self, answers: Sequence[int | None]) -> None:
        self.answers = list(answers)
        self.received: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.url = ""
        self.over = threading.Event()

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        answer = self.answers[min(len(self.received), len(self.answers) - 1)]
        self.paths.append(handler.path)
        self.received.append(json.loads(body))
        if answer is None:
            self.over.wait(60)
            return
        handler.send_response(answer)
        if 300 <= answer < 400:
            handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        handler.wfile.write(b"heard")


@contextlib.contextmanager
def receiving(*answers: int | None) -> Iterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver(answers or [200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook?key=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
