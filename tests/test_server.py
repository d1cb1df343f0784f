"""What the `workspace` fixture promises, and whom the real server answers."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from core.workspace import Workspace
from tests.server import UNHURRIED, Server, end_processes, running_server


@pytest.fixture
def sleepers(tmp_path: Path) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """Two processes in sessions of their own, as workers are, each with another workspace."""
    started = {
        name: subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            env={**os.environ, "CONVDECK_HOME": str(tmp_path / name)},
            start_new_session=True,
        )
        for name in ("mine", "other")
    }
    yield started
    for process in started.values():
        process.kill()
        process.wait()


def test_processes_of_one_workspace_are_ended(
    tmp_path: Path, sleepers: dict[str, "subprocess.Popen[bytes]"]
) -> None:
    end_processes(tmp_path / "mine")
    assert sleepers["mine"].wait(60) == -signal.SIGKILL
    assert sleepers["other"].poll() is None


def test_workspace_is_the_one_of_the_environment(workspace: Workspace) -> None:
    assert Workspace.from_environment() == workspace
    assert workspace.datasets.is_dir()
    assert workspace.runs.is_dir()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server") / "workspace", UNHURRIED) as running:
        yield running


def test_the_server_guards_everything_but_its_health(server: Server) -> None:
    def status(path: str, method: str = "GET", **headers: str) -> int:
        return httpx2.request(
            method, server.url + path, headers=headers, trust_env=False, timeout=30
        ).status_code

    for path in ("/", "/api/v1/runs", "/api/v1/datasets"):
        assert status(path) == 200
        assert status(path, Host="localhost") == 200
        assert status(path, Host="evil.example") == 421
    for path in ("/_stcore/health", "/api/v1/health"):
        assert status(path, Host="evil.example") == 200
    assert status("/api/v1/runs/nobody/stop", "POST", Origin="https://evil.example") == 403
    assert status("/api/v1/runs/nobody/stop", "POST", Origin=server.url) == 404
    # A page is there once its websocket is.
    assert handshake(server, "localhost", "http://localhost") == 101
    assert handshake(server, "evil.example", "http://evil.example") == 403
    # Streamlit alone would let in every page of this computer.
    assert handshake(server, "localhost:8501", "http://localhost:3000") == 403
    assert handshake(server, "localhost", None) == 101


def test_whoever_hangs_up_in_mid_body_leaves_no_traceback(server: Server) -> None:
    head = "POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(f"{head}Content-Length: 90\r\n\r\n{{".encode())
    # Answered after those, for the server looks at its connections in turn.
    assert httpx2.get(f"{server.url}/api/v1/runs", trust_env=False, timeout=30).json() == []
    assert "Traceback" not in server.log.read_text()


def handshake(server: Server, host: str, origin: str | None, **headers: str) -> int:
    """The status that a websocket gets; `origin` is None for a program, and a page's own otherwise."""
    lines = [
        "GET /_stcore/stream HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: streamlit", *(f"{name}: {value}" for name, value in headers.items()),
    ]  # fmt: skip
    if origin is not None:
        lines.append(f"Origin: {origin}")
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(1000).split()[1])
