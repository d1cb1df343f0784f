"""A real server for tests, and the end of everything that was started for a workspace."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx2
import psutil

from core.workspace import PROJECT_ROOT

STREAMLIT = (sys.executable, "-m", "streamlit")
UNHURRIED = (sys.executable, "-m", "tests.unhurried")  # for tests that ask the engine nothing, or late
START_SECONDS = 180.0
STOP_SECONDS = 20.0


class Server:
    """`streamlit run app.py` on a free port. The port stays the same across restarts."""

    def __init__(
        self,
        root: Path,
        streamlit: Sequence[str] = STREAMLIT,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        script: str = "app.py",
    ) -> None:
        self.root = root
        self._script = script
        self._streamlit = streamlit
        self._options = options
        self._environment = environment or {}
        self.log = root.parent / "server.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        """The process id; fails when the server is stopped."""
        assert self._process is not None, "The server is not running."
        return self._process.pid

    def start(self) -> None:
        """Start and wait until the server is healthy."""
        self.root.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._streamlit, "run", self._script, "--server.port", str(self._port), *self._options],
                cwd=PROJECT_ROOT,
                env={**os.environ, "CONVDECK_HOME": str(self.root), **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        # One client: each would read the certificates anew. A proxy from the environment would be asked for
        # 127.0.0.1 too.
        with httpx2.Client(trust_env=False, timeout=5) as client:
            while not self._is_healthy(client):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise AssertionError(
                        f"The server did not become healthy:\n{self.log.read_text()[-4000:]}"
                    )
                time.sleep(0.1)

    def stop(self) -> None:
        """End the server as a terminal or service manager would; workers and scheduler live on."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """Stop and start on the same port."""
        self.stop()
        self.start()

    def _is_healthy(self, client: httpx2.Client) -> bool:
        with contextlib.suppress(httpx2.TransportError):
            return client.get(f"{self.url}/_stcore/health").status_code == 200
        return False


@contextlib.contextmanager
def running_server(
    root: Path,
    streamlit: Sequence[str] = STREAMLIT,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    script: str = "app.py",
) -> Iterator[Server]:
    """A server with the workspace `root`; afterwards nothing of it runs any more."""
    server = Server(root, streamlit, options, environment, script)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        end_processes(root)


def end_processes(root: Path) -> None:
    """Kill every process that was started with CONVDECK_HOME=`root`: scheduler, workers, engine."""
    # Again until none is found: a scheduler may have started a worker while the others were being ended.
    while processes := _processes_of(root):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        # Not psutil.wait_procs: it would reap children whose Popen still wants their exit status.
        time.sleep(0.02)


def _processes_of(root: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        # A dead one has no environment any more, and another user's cannot be read.
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get("CONVDECK_HOME") == str(root):
                found.append(process)
    return found


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
