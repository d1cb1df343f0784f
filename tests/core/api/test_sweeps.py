"""Sweeps by REST: the command line's JSON."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api import sweeps as routes
from core.api.routes import build_routes
from core.preflight.measurement import Preflight
from core.runs import trash
from core.store.store import Store
from core.sweeps import control, start
from tests.core.conftest import run_json
from tests.core.sweeps.trials import BASE, FILTERS, add_next, end_trial

BODY = {**BASE, "space": FILTERS, "method": "grid", "token": "once"}
FILE = {key: value for key, value in BODY.items() if key != "token"}
PATH = "model.blocks[0].filters"


@pytest.fixture
def client(workspace, monkeypatch):
    for module in (start, control, trash):
        monkeypatch.setattr(module, "ensure_scheduler", lambda workspace: None)
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def test_from_start_to_confirmation_and_deletion(client, workspace) -> None:
    first, second = (client.post("/api/v1/sweeps", json=BODY) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    sweep = first.json()
    url = f"/api/v1/sweeps/{sweep['id']}"
    assert second.json()["id"] == sweep["id"]
    assert client.get(url).json() == sweep == run_json("show-sweep", sweep["id"])[1]
    assert client.get("/api/v1/sweeps").json() == run_json("sweeps")[1]

    with Store(workspace) as store:
        for accuracy in (0.5, 0.7):
            end_trial(store, add_next(store, store.sweeps.get(sweep["id"])), accuracy)
    added = client.post(f"{url}/trials", json={"set": {PATH: 32}})
    assert (added.status_code, added.json()["values"], added.json()["state"]) == (201, {PATH: 32}, "WAITING")
    assert client.post(f"{url}/pause", json={}).json()["state"] == "PAUSED"
    assert client.post(f"{url}/pause").status_code == 400
    assert client.post(f"{url}/resume").json()["state"] == "RUNNING"
    changed = client.post(f"{url}/change", json={"trials": 3, "concurrency": 2, "name": "Filters"}).json()
    assert (changed["planned"], changed["concurrency"], changed["name"]) == (3, 2, "Filters")
    assert client.post(f"{url}/change", json={"concurrency": 0}).json()["concurrency"] is None
    confirmed = client.post(f"{url}/confirm", json={"seeds": 2})
    assert (confirmed.status_code, confirmed.json()["confirmed"]["seeds"]) == (201, 2)
    stopped = client.post(f"{url}/stop").json()
    assert (stopped["state"], stopped["num_under_way"]) == ("STOPPED", 0)
    assert client.delete(f"{url}?with_runs=true").json() == {"kept": []}
    assert client.get(url).status_code == 404
    assert client.get("/api/v1/runs").json() == []


def test_an_estimate_starts_nothing(client) -> None:
    priced = client.post("/api/v1/sweeps/estimate", json=FILE)
    assert priced.status_code == 200
    assert (priced.json()["runs_to_train"], priced.json()["seconds"]) == (4, None)
    assert client.get("/api/v1/sweeps").json() == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("", {**BODY, "methods": "grid"}, "methods"),
        ("", {**BODY, "method": "anneal"}, "method"),
        ("", {**BODY, "space": {"optimizer.name": {"values": ["adm"]}}}, "space.optimizer.name.values[0]"),
        ("/estimate", {**BODY, "dry_run": True}, "token"),
        ("/estimate", {**FILE, "dry_run": 1}, "dry_run"),
        ("/{id}/change", {"trials": 0}, "trials"),
        ("/{id}/change", {"concurrency": -1}, "concurrency"),
        ("/{id}/change", {"trials": 2, "concurrency": -1, "name": "Other"}, "concurrency"),
        ("/{id}/change", {"trials": 2, "name": "line\nbreak"}, None),
        ("/{id}/trials", {}, "set"),
        ("/{id}/trials", {"set": {PATH: 5}}, PATH),
        ("/{id}/confirm", {"seeds": 1}, "seeds"),
        ("/{id}/confirm", {"seeds": 5}, None),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(client, path, body, field) -> None:
    before = client.post("/api/v1/sweeps", json=BODY).json()
    sweep_id = before["id"]
    answer = client.post(f"/api/v1/sweeps{path.format(id=sweep_id)}", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert client.get(f"/api/v1/sweeps/{sweep_id}").json() == before


def test_a_number_of_trials_at_once_is_taken_back_by_null(client) -> None:
    url = f"/api/v1/sweeps/{client.post('/api/v1/sweeps', json={**BODY, 'concurrency': 2}).json()['id']}"
    assert client.post(f"{url}/change", json={"name": "Filters"}).json()["concurrency"] == 2
    assert client.post(f"{url}/change", json={"concurrency": None}).json()["concurrency"] is None


def test_a_switch_that_is_neither_true_nor_false_deletes_nothing(client) -> None:
    url = f"/api/v1/sweeps/{client.post('/api/v1/sweeps', json=BODY).json()['id']}"
    refused = client.delete(f"{url}?with_runs=1")
    assert (refused.status_code, refused.json()["field"]) == (400, "with_runs")
    assert client.get(url).status_code == 200
    assert client.delete(f"{url}?with_runs=false").json() == {"kept": []}


def test_an_estimate_measures_first_where_it_is_asked_to(client, monkeypatch) -> None:
    measured = []

    def measure(workspace, config):
        measured.append(config)
        return Preflight(
            config.config_id, "cpu:0", "CPU", 1, 64, 2, fits=True, epoch_seconds=60.0, start_seconds=0.0
        )

    monkeypatch.setattr(routes, "run_preflight", measure)
    assert client.post("/api/v1/sweeps/estimate", json={**FILE, "dry_run": False}).json()["seconds"] is None
    priced = client.post("/api/v1/sweeps/estimate", json={**FILE, "dry_run": True}).json()
    assert len(measured) == 1 and priced["measured"] == "a dry run" and priced["seconds"]["low"] > 0


def test_a_token_of_another_sweep_and_an_unknown_sweep(client) -> None:
    client.post("/api/v1/sweeps", json=BODY)
    assert client.post("/api/v1/sweeps", json={**BODY, "seed": 3}).status_code == 409
    for path in ("", "/pause", "/stop"):
        method = client.post if path else client.get
        assert method(f"/api/v1/sweeps/abcdefghjk{path}").status_code == 404
