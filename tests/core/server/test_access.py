"""Whose requests are answered: by the names that the server goes by, and not for other sites' pages."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.design.presets import PRESETS
from core.server.access import AccessMiddleware, is_host_allowed
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from tests.problem_members import PROBLEM_MEMBERS

LOCAL = ["localhost", "127.0.0.1", "::1"]
OWN = "http://localhost:8501"
CHANGES = [(route.path, method) for route in build_routes() for method in route.methods - {"GET", "HEAD"}]


@pytest.fixture
def client():
    access = Middleware(AccessMiddleware, allowed_hosts=lambda: LOCAL)
    with TestClient(Starlette(routes=build_routes(), middleware=[access]), base_url=OWN) as made:
        yield made


@pytest.mark.parametrize(
    ("host", "allowed", "expected"),
    [
        ("localhost", LOCAL, True),
        ("LOCALHOST.:8501", LOCAL, True),
        ("127.0.0.1:1", LOCAL, True),
        ("[::1]:8501", LOCAL, True),
        ("evil.example", LOCAL, False),
        ("localhost.evil.example", LOCAL, False),
        ("evil.example@localhost", LOCAL, False),
        ("localhost:8501/evil.example", LOCAL, False),
        ("localhost:port", LOCAL, False),
        ("[::1", LOCAL, False),
        ("", LOCAL, False),
        ("", [], True),
        ("evil.example", [], True),
        ("evil.example", ["*"], True),
        ("", ["*"], False),
        ("a.example.com", ["*.example.com"], True),
        ("example.com", ["*.example.com"], False),
        ("evilexample.com", ["*.example.com"], False),
    ],
)
def test_hosts_are_read_as_streamlit_reads_them(
    host: str, allowed: list[str], expected: bool, monkeypatch
) -> None:
    from streamlit import config
    from streamlit.web.server.starlette import starlette_websocket

    monkeypatch.setattr(config, "get_option", lambda name: allowed)
    assert is_host_allowed(host, allowed) is expected
    assert starlette_websocket.is_host_allowed(host) is expected


def test_another_name_for_this_server_is_refused(workspace, client) -> None:
    for host in ("evil.example", "evil.example:8501", "localhost.evil.example"):
        answer = client.get("/api/v1/runs", headers={"Host": host})
        assert (answer.status_code, answer.json()["field"]) == (421, None)
        assert host in answer.json()["error"]
        assert client.get("/api/v1/health", headers={"Host": host}).status_code == 200
    for host in ("localhost", "127.0.0.1:8501", "[::1]:8501"):
        assert client.get("/api/v1/runs", headers={"Host": host}).json() == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:9999", "http://["])
@pytest.mark.parametrize(("path", "method"), CHANGES)
def test_a_page_of_another_site_changes_nothing(
    workspace, client, path: str, method: str, origin: str
) -> None:
    with Store(workspace) as store:
        run = store.transition(
            store.queue_run(RunRequest(PRESETS["tiny"].config)).id,
            RunState.STOPPED,
            expected=RunState.WAITING,
        )
        path = path.format(id=run.id, name="phone")
        answer = client.request(method, path, headers={"Origin": origin}, json={"preset": "tiny"})
        assert (answer.status_code, list(answer.json())) == (403, PROBLEM_MEMBERS)
        assert store.list_runs() == [run]


def test_the_own_page_and_programs_change_what_they_like(workspace, client) -> None:
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config))
    assert client.post(f"/api/v1/runs/{run.id}/stop", headers={"Origin": OWN}).status_code == 200
    assert client.post(f"/api/v1/runs/{run.id}/stop").status_code == 400  # stopped already
    assert client.get("/api/v1/runs", headers={"Origin": "https://evil.example"}).status_code == 200
