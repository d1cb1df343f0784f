"""What makes a repeated request start nothing again. That it outlives the server: tests/test_server_rest.py."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes

START = {"preset": "tiny", "set": {"dataset.id": "shapes", "dataset.num_train": 40}}


@pytest.fixture
def client(workspace, no_scheduler):
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def test_the_header_idempotency_key_is_the_token(client) -> None:
    keyed = {"Idempotency-Key": '"once"'}
    first = client.post("/api/v1/runs", json=START, headers=keyed)
    again = client.post("/api/v1/runs", json=START, headers={"Idempotency-Key": "once"})
    by_body = client.post("/api/v1/runs", json=START | {"token": "once"})
    assert first.json()["id"] == again.json()["id"] == by_body.json()["id"]
    both = client.post("/api/v1/runs", json=START | {"token": "once"}, headers=keyed)
    assert both.json()["id"] == first.json()["id"]
    other = client.post("/api/v1/runs", json=START | {"token": "twice"}, headers=keyed)
    assert (other.status_code, other.json()["field"]) == (400, "token")
    taken = client.post("/api/v1/runs", json=START | {"preset": "article"}, headers=keyed)
    assert (taken.status_code, taken.json()["code"]) == (409, "token_taken")
    assert client.post("/api/v1/runs", json=START, headers={"Idempotency-Key": "x" * 201}).status_code == 400
    assert len(client.get("/api/v1/runs").json()) == 1
    run = first.json()["id"]
    for path, body in (
        (f"runs/{run}/fork", {"set": {"seed": 7}}),
        ("studies", {"kind": "seeds", "run": run, "num_seeds": 2}),
        (
            "sweeps",
            {"run": run, "space": {"optimizer.learning_rate": {"values": [0.01, 0.1]}}, "method": "grid"},
        ),
    ):
        made = [
            client.post(f"/api/v1/{path}", json=body, headers={"Idempotency-Key": path}) for _ in range(2)
        ]
        assert made[0].status_code == 201, made[0].text
        assert made[0].json()["id"] == made[1].json()["id"]
