"""Long lists in pages."""

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.design.presets import PRESETS
from core.store.records import RunRequest

START = {"preset": "tiny", "set": {"dataset.id": "shapes", "dataset.num_train": 40}}


@pytest.fixture
def client(workspace, no_scheduler):
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def pages_of(client: TestClient, path: str) -> list[list[str]]:
    """The ids on each page, from the first to the last, by the links alone."""
    pages = []
    while path:
        answer = client.get(path)
        pages.append([each["id"] for each in answer.json()])
        link = re.fullmatch(r'<(/api/v1/[^>]+)>; rel="next"', answer.headers.get("link", ""))
        path = link[1] if link else ""
    return pages


def test_pages_of_runs_are_the_list_in_pieces(client, store) -> None:
    ids = [store.queue_run(RunRequest(PRESETS["tiny"].config)).id for _ in range(5)][::-1]
    assert [run["id"] for run in client.get("/api/v1/runs").json()] == ids
    assert "link" not in client.get("/api/v1/runs").headers
    assert pages_of(client, "/api/v1/runs?limit=2") == [ids[:2], ids[2:4], ids[4:]]
    assert pages_of(client, "/api/v1/runs?limit=5") == [ids]
    assert client.get("/api/v1/runs?limit=2").json() == client.get("/api/v1/runs").json()[:2]


def test_what_is_added_or_deleted_meanwhile_moves_no_page(client, store) -> None:
    ids = [store.queue_run(RunRequest(PRESETS["tiny"].config)).id for _ in range(4)][::-1]
    link = client.get("/api/v1/runs?limit=2").headers["link"]
    following = re.search("<(.*)>", link)[1]
    store.queue_run(RunRequest(PRESETS["tiny"].config))
    store.request_stop(ids[1])
    store.trash.put(ids[1])
    assert pages_of(client, following) == [ids[2:]]
    unknown = client.get("/api/v1/runs?cursor=aaaaaaaaaa")
    assert (unknown.status_code, unknown.json()["field"]) == (400, "cursor")


def test_pages_of_studies_sweeps_and_notes(client, store) -> None:
    run = client.post("/api/v1/runs", json=START).json()["id"]
    other = client.post("/api/v1/runs", json=START).json()["id"]
    studies = [
        client.post("/api/v1/studies", json={"kind": "seeds", "run": run, "num_seeds": 2}).json()["id"]
        for _ in range(3)
    ]
    space = {"optimizer.learning_rate": {"values": [0.01, 0.1]}}
    sweeps = [
        client.post("/api/v1/sweeps", json={"run": run, "space": space, "method": "grid"}).json()["id"]
        for _ in range(3)
    ]
    notes = [
        client.post("/api/v1/notes", json={"runs": each, "expectation": "x"}).json()["id"]
        for each in ([run], [other], [run, other])
    ]
    for kind, ids in (("studies", studies), ("sweeps", sweeps), ("notes", notes)):
        assert pages_of(client, f"/api/v1/{kind}?limit=2") == [ids[:0:-1], ids[:1]]
        assert [each["id"] for each in client.get(f"/api/v1/{kind}").json()] == ids[::-1]
        refused = client.get(f"/api/v1/{kind}?cursor=x")
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_value")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "", "1.5", "٣"])
def test_a_limit_that_is_none_is_refused(client, limit: str) -> None:
    answer = client.get("/api/v1/runs", params={"limit": limit})
    assert (answer.status_code, answer.json()["field"]) == (400, "limit")
