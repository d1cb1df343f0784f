"""The real server: it serves nobody but this computer without a key, and everything asks for the key with one."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx2
import psutil
import pytest

from core.workspace import PROJECT_ROOT
from tests.server import START_SECONDS, STREAMLIT, Server, free_port, running_server
from tests.test_server import handshake

SECRET = "correct-horse-battery-staple"
BEARER = {"Authorization": f"Bearer {SECRET}"}
HEALTH = {"/_stcore/health", "/api/v1/health"}
OPEN = {  # what a person may do so that the server listens beyond this computer: options, environment
    "option": (["--server.address", "0.0.0.0"], {}),
    "IPv6": (["--server.address", "::"], {}),
    "empty": (["--server.address="], {}),
    "environment": ([], {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}),
    "any host": (["--server.address", "0.0.0.0", "--server.allowedHosts", "*"], {}),
    "empty key": (["--server.address", "0.0.0.0"], {"CONVDECK_TOKEN": ""}),
    "another folder": ([], {}),  # without config.toml, Streamlit listens everywhere
}
ROUTES = """
import json, app
print(json.dumps([
    [type(each).__name__, each.path, sorted(getattr(each, "methods", None) or [])]
    for each in app.app._build_starlette_app().routes
]))
"""


def test_no_way_of_listening_beyond_this_computer_goes_without_a_key(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text((PROJECT_ROOT / "app.py").read_text())
    for name in ("core", "pages"):
        (tmp_path / name).symlink_to(PROJECT_ROOT / name)
    started = {
        name: subprocess.Popen(
            [*STREAMLIT, "run", "app.py", "--server.headless", "true", "--server.port", str(free_port()), *options],
            cwd=tmp_path if name == "another folder" else PROJECT_ROOT,
            env={**os.environ, "CONVDECK_HOME": str(tmp_path / "workspace"), "HOME": str(tmp_path), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, (options, environment) in OPEN.items()
    }  # fmt: skip
    try:
        for name, process in started.items():
            said, _ = process.communicate(timeout=START_SECONDS)
            assert process.returncode not in (0, None), name
            assert said.count("ConvDeck was not started") == 1, f"{name}: {said}"
            assert "CONVDECK_TOKEN" in said and "Traceback" not in said, f"{name}: {said}"
    finally:
        for process in started.values():
            process.kill()
            process.wait()
    assert not (tmp_path / "workspace").exists()


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that every computer may reach, with a key."""
    root = tmp_path_factory.mktemp("key") / "workspace"
    environment = {"CONVDECK_TOKEN": SECRET}
    with running_server(root, options=["--server.address", "::"], environment=environment) as running:
        yield running


@cache
def client() -> httpx2.Client:
    """One for all requests: each would read the certificates anew."""
    return httpx2.Client(trust_env=False, timeout=60)


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> httpx2.Response:
    """Without the cookies of an answer before."""
    client().cookies.clear()
    return client().request(method, server.url + path, headers=headers)


def test_every_route_of_the_app_asks_for_the_key(open_server: Server) -> None:
    listed = subprocess.run(
        [sys.executable, "-c", ROUTES], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    routes = json.loads(listed.stdout.splitlines()[-1])
    kinds = {kind for kind, _, _ in routes}
    assert kinds == {"Route", "WebSocketRoute", "Mount"}
    paths = {path for _, path, _ in routes}
    for expected in (
        "/_stcore/metrics",
        "/_stcore/upload_file/{session_id}/{file_id}",
        "/_stcore/agent/interact",
    ):
        assert expected in paths
    files = [path.relative_to(static()).as_posix() for path in static().glob("static/*/*")][:20]
    concrete = [("Mount", f"/{file}", []) for file in ["", "index.html", "runs", *files]]
    num_asked = 0
    for kind, path, methods in [*routes, *concrete]:
        path = re.sub(r"\{[^}]*\}", "x", path) or "/"
        if path in HEALTH:
            continue
        if kind == "WebSocketRoute":
            assert handshake(open_server, "localhost", None) == 401
        for method in methods or ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]:
            answer = ask(open_server, path, method)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            num_asked += 1
    assert num_asked > 50
    for path in HEALTH:
        assert ask(open_server, path).status_code == 200


def static() -> Path:
    """The files that Streamlit serves."""
    import streamlit

    return Path(streamlit.__file__).with_name("static")


def test_with_the_key_everything_is_answered_by_whatever_name(open_server: Server) -> None:
    for host in ("localhost", "box.example", "192.0.2.7:8501"):
        for path in ("/", "/runs", "/api/v1/runs", "/_stcore/host-config"):
            assert ask(open_server, path, Host=host, **BEARER).status_code == 200
        assert handshake(open_server, host, f"http://{host}", **BEARER) == 101
        assert handshake(open_server, host, "http://evil.example", **BEARER) == 403
    assert ask(open_server, "/api/v1/runs/nobody/stop", "POST", **BEARER).status_code == 404


def test_a_browser_that_signed_in_gets_pages_and_their_websocket(open_server: Server) -> None:
    with httpx2.Client(base_url=open_server.url, trust_env=False, timeout=60) as browser:
        asked = browser.get("/runs", headers={"Accept": "text/html"})
        assert asked.status_code == 401 and "<form" in asked.text
        back = browser.post("/runs?run=x", data={"key": SECRET})
        assert (back.status_code, back.headers["location"]) == (303, "/runs?run=x")
        assert "root" in browser.get("/runs?run=x").text
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    assert handshake(open_server, "localhost", "http://localhost", Cookie=cookie) == 101
    assert handshake(open_server, "localhost", "http://localhost", Cookie=cookie + "x") == 401


def test_the_key_is_in_no_log_command_line_or_child(open_server: Server, wait_for) -> None:
    ask(open_server, "/api/v1/runs", Authorization=f"Bearer {SECRET}x")
    server = psutil.Process(open_server.pid)
    children = wait_for(lambda: server.children(recursive=True), message="the engine")
    for process in (server, *children):
        assert SECRET not in " ".join(process.cmdline())
    for process in children:
        assert "CONVDECK_TOKEN" not in process.environ()
    logs = [open_server.log, *(path for path in open_server.root.rglob("*") if path.is_file())]
    for path in logs:
        assert SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("environment", [{}, {"CONVDECK_TOKEN": SECRET}])
def test_no_server_starts_under_a_path(tmp_path: Path, environment: dict[str, str]) -> None:
    options = ["--server.port", str(free_port()), "--server.baseUrlPath", "deck"]
    started = subprocess.run(
        [*STREAMLIT, "run", "app.py", *options],
        cwd=PROJECT_ROOT,
        env={**os.environ, "CONVDECK_HOME": str(tmp_path / "workspace"), **environment},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    said = started.stdout + started.stderr
    assert started.returncode != 0 and said.count("ConvDeck was not started") == 1, said
    assert "server.baseUrlPath is 'deck'" in said and "Traceback" not in said


def test_a_key_of_any_bytes_starts_a_server(tmp_path: Path) -> None:
    secret = os.fsdecode(SECRET.encode() + b"\xff\xa0")
    with running_server(tmp_path / "workspace", environment={"CONVDECK_TOKEN": secret}) as server:
        authorization = {"Authorization": b"Bearer " + os.fsencode(secret)}
        url = f"{server.url}/api/v1/runs"
        assert httpx2.get(url, headers=authorization, trust_env=False, timeout=60).json() == []
        assert ask(server, "/api/v1/runs", **BEARER).status_code == 401


def test_a_key_is_asked_for_on_this_computer_too(tmp_path: Path) -> None:
    with running_server(tmp_path / "workspace", environment={"CONVDECK_TOKEN": SECRET}) as server:
        assert ask(server, "/api/v1/runs").status_code == 401
        assert ask(server, "/api/v1/runs", **BEARER).json() == []
        with pytest.raises(OSError), socket.create_connection(("::1", server.port), timeout=5):
            pass
