"""The REST face that loads itself."""

import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from core.api.mount import rest_route
from core.workspace import PROJECT_ROOT


async def streamlit_page(request) -> PlainTextResponse:
    return PlainTextResponse("a page")


@pytest.fixture
def client(workspace):
    with TestClient(Starlette(routes=[rest_route(), Route("/{path:path}", streamlit_page)])) as made:
        yield made


def test_it_answers_from_the_first_request_on(client) -> None:
    for _ in range(2):
        assert client.get("/api/v1/health").json() == {"status": "ok"}
    assert client.get("/api/v1/runs").json() == []
    answer = client.post("/api/v1/runs", content="{", headers={"content-type": "application/json"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "nothing", 404, "There is no /api/v1/nothing."),
        ("POST", "runs/aaaaaaaaaa/nothing", 404, "There is no /api/v1/runs/aaaaaaaaaa/nothing."),
        ("GET", "runs/a%0Ab", 404, "There is no run with the id 'a\\nb'."),
        ("GET", "a%0Ab", 404, "There is no /api/v1/a"),
        ("PUT", "health", 405, "PUT cannot be sent to /api/v1/health, but GET, HEAD can."),
        ("PATCH", "studies", 405, "PATCH cannot be sent to /api/v1/studies, but GET, HEAD, POST can."),
        ("GET", "runs/delete", 405, "GET cannot be sent to /api/v1/runs/delete, but POST can."),
    ],
)
def test_what_it_does_not_know_is_an_error_like_any_other(
    client, method: str, path: str, status: int, told: str
) -> None:
    answer = client.request(method, f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["field"]) == (status, None)
    assert answer.json()["error"].startswith(told)
    assert ("allow" in answer.headers) is (status == 405)


def test_the_rest_belongs_to_streamlit(client) -> None:
    assert client.get("/runs").text == "a page"


def test_a_server_that_was_asked_nothing_has_loaded_neither_it_nor_dry_runs_nor_pandas(workspace) -> None:
    code = "import sys, app; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "core.api.mount" in loaded
    assert {"core.api.routes", "core.runs.start", "core.preflight.measurement", "pandas", "keras"}.isdisjoint(
        loaded
    )
