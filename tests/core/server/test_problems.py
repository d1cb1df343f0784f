"""Errors as RFC 9457 says them."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.mount import rest_route
from core.server.problems import PROBLEM_TYPE, problem

# RFC 9457, 3.1: the members of a problem, and their types.
MEMBERS = {"type": str, "title": str, "status": int, "detail": str}


@pytest.fixture
def client(workspace):
    with TestClient(Starlette(routes=[rest_route()])) as made:
        yield made


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "runs/aaaaaaaaaa", 404, "run_not_found"),
        ("GET", "studies/aaaaaaaaaa", 404, "study_not_found"),
        ("GET", "sweeps/aaaaaaaaaa", 404, "sweep_not_found"),
        ("GET", "uploads/aaaaaaaaaa", 404, "upload_not_found"),
        ("DELETE", "views/aaaaaaaaaa", 404, "view_not_found"),
        ("GET", "nothing", 404, "no_such_address"),
        ("PUT", "runs", 405, "method_not_allowed"),
        ("POST", "runs", 415, "json_expected"),
        ("GET", "compare?where=x", 400, "refused"),
        ("GET", "runs?limit=0", 400, "invalid_value"),
    ],
)
def test_an_error_has_the_members_of_a_problem(client, method, path, status, code) -> None:
    answer = client.request(method, f"/api/v1/{path}")
    said = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert {name: type(said[name]) for name in MEMBERS} == MEMBERS
    assert (said["status"], said["code"], said["error"]) == (status, code, said["detail"])
    assert said["type"] == f"/api/v1/problems#{code}"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, PROBLEM_TYPE),
        ("*/*", PROBLEM_TYPE),
        ("application/json", "application/json"),
        ("text/html, application/json;q=0.9", "application/json"),
        ("application/json, application/problem+json", PROBLEM_TYPE),
        ("application/json, */*;q=0.1", PROBLEM_TYPE),
        ("text/html", PROBLEM_TYPE),
    ],
)
def test_a_client_that_takes_json_alone_gets_it_under_that_name(client, accept, kind) -> None:
    headers = {} if accept is None else {"Accept": accept}
    answer = client.get("/api/v1/runs/aaaaaaaaaa", headers=headers)
    assert (answer.headers["content-type"], answer.json()["code"]) == (kind, "run_not_found")
    assert client.get("/api/v1/runs", headers=headers).headers["content-type"] == "application/json"


def test_a_status_of_which_nothing_is_known_is_a_refusal() -> None:
    assert b'"code":"refused"' in problem(418, "No.").body
