"""Slow requests wait in lines of their own, so that quick ones are answered meanwhile."""

import threading
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.testclient import TestClient

from core.api import datasets, exports
from core.api.capacity import QUESTIONS, SLOW_WORK
from core.api.routes import build_routes
from core.design.presets import PRESETS
from core.errors import UserError
from core.store.records import RunRequest

# More than all threads that quick requests have: anyio's default is 40.
MANY = 50


@pytest.fixture
def client(workspace) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


@pytest.fixture
def held(monkeypatch) -> Iterator[threading.Event]:
    """Imports and exports begin, and end once this is set."""
    released = threading.Event()

    def hold(*arguments, **named):
        released.wait(120)
        raise UserError("Held.")

    monkeypatch.setattr(datasets, "ensure_dataset", hold)
    monkeypatch.setattr(exports, "get_services", hold)
    yield released
    released.set()


def add(client: TestClient) -> Response:
    return client.post("/api/v1/datasets", json={"name": "cifar10"})


def export(client: TestClient) -> Response:
    return client.get("/api/v1/runs/aaaaaaaaaa/export?format=bundle")


@pytest.mark.parametrize("ask", [add, export])
def test_many_slow_requests_leave_quick_ones_answered(client, held, wait_for, ask) -> None:
    answers: list[Response] = []
    askers = [threading.Thread(target=lambda: answers.append(ask(client))) for _ in range(MANY)]
    for asker in askers:
        asker.start()
    room = SLOW_WORK.at_once + SLOW_WORK.most_waiting
    wait_for(lambda: len(answers) == MANY - room)
    for refused in answers:
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        assert "wait for their turn" in refused.json()["detail"]
    assert client.get("/api/v1/runs").status_code == 200
    # Nor does anyone who asks the engine wait behind them.
    assert client.get("/api/v1/runs/aaaaaaaaaa/evaluate").status_code == 404
    held.set()
    for asker in askers:
        asker.join(120)
    assert [answer.status_code for answer in answers].count(400) == room
    assert ask(client).status_code == 400


def test_pictures_are_not_read_where_the_line_is_full(client, store, monkeypatch) -> None:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config))
    monkeypatch.setattr(QUESTIONS, "most_waiting", -1)
    answer = client.post(f"/api/v1/runs/{run.id}/predict", content=b"no form at all")
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
