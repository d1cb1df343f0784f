"""REST: the command line's JSON, errors with a status and a sentence."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api import build_routes
from tests.core.conftest import picture_file, run_json


@pytest.fixture
def client():
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def test_it_gives_what_the_command_line_gives(home, client) -> None:
    assert client.get("/api/v1/health").json() == {"status": "ok"}
    assert client.get("/api/v1/runs").json() == run_json("runs")[1]
    assert client.get(f"/api/v1/runs/{home.run_id}").json() == run_json("show", home.run_id)[1]
    assert client.get("/api/v1/datasets").json() == run_json("datasets")[1]


def test_a_start_with_the_same_token_starts_one_run(workspace, client) -> None:
    body = {"preset": "tiny", "set": {"dataset.id": "shapes", "dataset.num_train": 40}, "token": "once"}
    first, second = (client.post("/api/v1/runs", json=body) for _ in range(2))
    assert first.status_code == 201
    assert first.json()["id"] == second.json()["id"]
    assert client.post(f"/api/v1/runs/{first.json()['id']}/stop").status_code == 200
    assert len(client.get("/api/v1/runs").json()) == 1


def test_pictures_are_classified(home, client, tmp_path) -> None:
    data = picture_file(tmp_path).read_bytes()
    answer = client.post(
        f"/api/v1/runs/{home.run_id}/predict", files=[("a", ("red.png", data)), ("b", ("bad.png", b"no"))]
    )
    assert [row["ok"] for row in answer.json()] == [True, False]
    assert [row["image"] for row in answer.json()] == ["red.png", "bad.png"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"preset": "nothing"}, 400, None),
        ({}, 400, None),
        ({"preset": "tiny", "config": {}}, 400, None),
        ({"preset": "tiny", "set": {"optimizer.learning_rate": -1}}, 400, "optimizer.learning_rate"),
        ({"preset": "tiny", "set": [1]}, 400, "set"),
        ({"preset": ["tiny"]}, 400, "preset"),
        ({"preset": "tiny", "colour": "red"}, 400, "colour"),
        ([1, 2], 400, None),
    ],
)
def test_a_wrong_start_is_refused_in_words(workspace, client, body, status: int, field) -> None:
    answer = client.post("/api/v1/runs", json=body)
    assert answer.status_code == status
    assert answer.json()["field"] == field
    assert answer.json()["error"]
    assert client.get("/api/v1/runs").json() == []


def test_what_no_form_of_another_site_can_do(workspace, client) -> None:
    assert client.post("/api/v1/runs", content='{"preset": "tiny"}').status_code == 415
    large = '{"preset": "' + "x" * 1_000_001 + '"}'
    headers = {"Content-Type": "application/json"}
    assert client.post("/api/v1/runs", content=large, headers=headers).status_code == 413
    assert client.post("/api/v1/runs", content='{"seed": NaN}', headers=headers).status_code == 400


def test_an_unknown_run_is_404(workspace, client) -> None:
    for method, path in (("GET", ""), ("POST", "/stop"), ("POST", "/resume"), ("POST", "/predict")):
        assert client.request(method, f"/api/v1/runs/nobody{path}").status_code == 404
