"""An exported model drawn by Netron, where that is installed: by its own server, in a process of its own.

The server listens on this computer alone. Netron's page would look up where its visitor is and report its use; the
browser is told to contact nothing but this server, so that neither happens.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from importlib.util import find_spec
from pathlib import Path

from core.errors import ConvDeckError, UserError
from core.system.lines import conversation, receive_request
from core.workspace import PROJECT_ROOT

INSTALL = "pip install netron"
SECONDS = 20.0  # until the server listens; it takes a few tenths
LOOPBACK = "127.0.0.1"
SAVED_MODEL = "saved_model.pb"  # the network, in a SavedModel's folder
# Besides Netron's own rule for scripts, which is as strict.
POLICY = "default-src 'self' 'unsafe-inline' data: blob:"


def is_installed() -> bool:
    """Whether Netron is. It is not loaded to find out."""
    return find_spec("netron") is not None


class NetronServer:
    """Shows the model that was opened last. It ends with `close`, or with the process that has it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = contextlib.ExitStack()
        self._process: subprocess.Popen[str] | None = None

    def open(self, path: Path) -> str:
        """The address at which Netron draws the file or SavedModel. The file is read once and need not stay.

        Raises:
            UserError: Netron is not installed.
            ConvDeckError: its server does not start.
        """
        if not is_installed():
            raise UserError(f"Netron is not installed. Install with: .venv/bin/{INSTALL}")
        with self._lock:
            self._running.close()
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "core.export.netron_server"], cwd=PROJECT_ROOT, text=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )  # fmt: skip
            shown = path / SAVED_MODEL if path.is_dir() else path
            lines = self._running.enter_context(conversation(process, {"path": str(shown.resolve())}))
            with contextlib.suppress(queue.Empty):
                line = lines.get(timeout=SECONDS)
                if line.endswith("\n"):
                    return str(json.loads(line)["url"])
            self._running.close()
        raise ConvDeckError(f"Netron did not start. Try it by itself: netron {path.name}")

    def wait(self) -> None:
        """Until somebody ends the server."""
        if self._process is not None:
            self._process.wait()

    def close(self) -> None:
        """End the server, if there is one."""
        with self._lock:
            self._running.close()


def main() -> None:
    """Serve the file that the request names until whoever asked is gone."""
    request, say = receive_request()
    import netron

    path = Path(request["path"])
    data = bytearray(path.read_bytes())
    # Beside the model its server gives away whatever lies in the current folder: that is its own now.
    os.chdir(Path(netron.__file__).parent)
    _keep_to_this_server()
    host, port = netron.serve(path.name, data, (LOOPBACK, 0), browse=False)
    say({"url": f"http://{host}:{port}"})
    threading.Event().wait()


def _keep_to_this_server() -> None:
    """Send the policy with every answer that this process gives."""
    end_headers = BaseHTTPRequestHandler.end_headers

    def with_policy(handler: BaseHTTPRequestHandler) -> None:
        handler.send_header("Content-Security-Policy", POLICY)
        end_headers(handler)

    BaseHTTPRequestHandler.end_headers = with_policy  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    main()
