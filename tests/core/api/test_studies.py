"""Studies by REST: the command line's JSON."""

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.studies import start
from tests.core.conftest import run_json

BODY = {
    "kind": "seeds", "preset": "tiny", "num_seeds": 2, "token": "once",
    "set": {"dataset.id": "shapes", "dataset.num_train": 60}, "against": {"set": {"augmentation.hue": 0.1}},
}  # fmt: skip


@pytest.fixture
def client(workspace, monkeypatch):
    monkeypatch.setattr(start, "ensure_scheduler", lambda workspace: None)
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def test_start_show_stop_resume(client) -> None:
    first, second = (client.post("/api/v1/studies", json=BODY) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    study = first.json()
    assert study["id"] == second.json()["id"] and study["num_planned"] == 4
    assert len(client.get("/api/v1/runs").json()) == 4
    assert (
        client.get(f"/api/v1/studies/{study['id']}").json() == study == run_json("show-study", study["id"])[1]
    )
    assert client.get("/api/v1/studies").json() == run_json("studies")[1]
    stopped = client.post(f"/api/v1/studies/{study['id']}/stop").json()
    assert {run["state"] for run in stopped["runs"]} == {"STOPPED"}
    again = client.post(f"/api/v1/studies/{study['id']}/resume").json()
    assert {run["state"] for run in again["runs"]} == {"WAITING"}


def test_until_it_is_decided(client) -> None:
    body = {**BODY, "until_decided": True, "max_seeds": 9, "smallest_difference": 0.01}
    first, second = (client.post("/api/v1/studies", json=body).json() for _ in range(2))
    assert first["id"] == second["id"] and first["adding_seeds"]
    assert first["result"]["decision"]["max_seeds"] == 9
    resume = f"/api/v1/studies/{first['id']}/resume"
    assert client.post(resume, json={"max_seeds": 10}).json()["result"]["decision"]["max_seeds"] == 10
    for wrong, field in (({"max_seeds": 1}, "max_seeds"), ({"seeds": 3}, "seeds")):
        answer = client.post(resume, json=wrong)
        assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_a_run_against_a_config(client) -> None:
    study = client.post("/api/v1/studies", json=BODY).json()
    run = client.get(f"/api/v1/runs/{study['runs'][0]['id']}").json()
    config = {**run["config"], "augmentation": {"zoom_fraction": 0.1}}
    body = {"kind": "seeds", "run": run["id"], "against": {"config": config}, "num_seeds": 2}
    answer = client.post("/api/v1/studies", json=body)
    assert answer.status_code == 201, answer.json()
    assert [each["reused"] for each in answer.json()["runs"]] == [True, False, True, False]
    fresh = client.post("/api/v1/studies", json={**body, "reuse": False}).json()
    assert not any(each["reused"] for each in fresh["runs"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": None}, "kind"),
        ({"kind": "sweep"}, "kind"),
        ({"kind": 3}, "kind"),
        ({"preset": None}, None),
        ({"run": "x"}, None),
        ({"preset": None, "run": 3}, "run"),
        ({"num_seeds": 1}, "num_seeds"),
        ({"num_seeds": [1]}, "num_seeds"),
        ({"max_seeds": 9}, "max_seeds"),
        ({"until_decided": "yes"}, "until_decided"),
        ({"until_decided": True, "against": None}, "until_decided"),
        ({"sizes": [1, 2]}, "sizes"),
        ({"against": "tiny"}, "against"),
        ({"against": {"colour": 1}}, "against.colour"),
        ({"against": {}}, None),
        ({"kind": "noise"}, "against"),
        ({"kind": "noise", "against": None, "fractions": [0, "x"]}, "fractions"),
        ({"kind": "volume", "against": None, "sizes": [10, 10**9]}, "sizes"),
        ({"kind": "volume", "against": None, "sizes": [10, 10**400]}, "sizes"),
        ({"kind": "noise", "against": None, "fractions": [0, 10**400]}, "fractions"),
        ({"kind": "volume", "against": None, "num_sizes": "5"}, "num_sizes"),
        ({"kind": "ablation", "against": None, "modes": ["without"]}, "augmentation"),
        ({"reuse": "no"}, "reuse"),
        ({"name": "\ud800"}, None),
    ],
)
def test_a_wrong_start_is_refused_in_words(client, change, field) -> None:
    answer = client.post(
        "/api/v1/studies",
        content=json.dumps({**BODY, **change}),
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.json()
    assert client.get("/api/v1/runs").json() == []


def test_a_study_that_is_not_there(client) -> None:
    for method, path in (("GET", ""), ("POST", "/stop"), ("POST", "/resume")):
        answer = client.request(method, f"/api/v1/studies/nothing{path}")
        assert answer.status_code == 404 and "no study" in answer.json()["error"]
