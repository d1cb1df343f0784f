"""REST about the trash, and names."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.design.presets import PRESETS
from core.store.records import RunRequest


@pytest.fixture
def client(workspace, no_scheduler):
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def test_runs_in_the_trash_are_listed_and_deleted_for_good(client, store) -> None:
    ids = [store.queue_run(RunRequest(PRESETS["tiny"].config)).id for _ in range(3)]
    for run in ids:
        store.request_stop(run)
    assert client.post("/api/v1/runs/delete", json={"runs": ids}).status_code == 200
    listed = client.get("/api/v1/trash").json()
    assert {each["id"] for each in listed} == set(ids)
    assert all(each["kept_until"] - each["deleted_at"] == 7 * 24 * 3600 for each in listed)
    assert client.delete(f"/api/v1/trash/{ids[0]}").json() == {"deleted": 1}
    gone = client.delete(f"/api/v1/trash/{ids[0]}")
    assert (gone.status_code, gone.json()["code"]) == (404, "run_not_found")
    assert client.delete("/api/v1/trash").json() == {"deleted": 2}
    assert client.get("/api/v1/trash").json() == []


def test_a_run_gets_another_name(client, store) -> None:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config))
    assert client.post(f"/api/v1/runs/{run.id}/rename", json={"name": "Another"}).json()["name"] == "Another"
    assert store.get_run(run.id).name == "Another"
    for body in ({}, {"name": ""}, {"name": "x" * 500}, {"name": 3}):
        assert client.post(f"/api/v1/runs/{run.id}/rename", json=body).status_code == 400


def test_a_study_is_forgotten(client, store) -> None:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": "shapes"})))
    body = {"kind": "seeds", "run": run.id, "num_seeds": 2}
    study = client.post("/api/v1/studies", json=body).json()["id"]
    assert client.delete(f"/api/v1/studies/{study}?with_runs=x").status_code == 400
    assert client.delete(f"/api/v1/studies/{study}").json() == {"kept": []}
    assert client.get(f"/api/v1/studies/{study}").status_code == 404
    assert store.get_run(run.id).id == run.id
