"""A run's epochs as server-sent events."""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api import events, streams
from core.api.mount import rest_route
from core.api.routes import build_routes
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.errors import ConvDeckError
from core.store.records import Run, RunRequest
from core.store.states import RunState
from core.store.store import Store
from tests.core.server.conftest import connect, served


@pytest.fixture
def client(workspace, monkeypatch) -> Iterator[TestClient]:
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.02)
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made
    assert events.num_listeners() == 0


@pytest.fixture
def run(store: Store) -> Run:
    """Under way, before its first epoch."""
    queued = store.queue_run(RunRequest(PRESETS["tiny"].config))
    store.claim(queued.id, ["cpu:0"])
    store.record_started(queued.id, 1, 10, 100, 0)
    return store.get_run(queued.id)


def record(store: Store, run: Run, epoch: int) -> None:
    row = EpochRow(epoch, train_loss=2.0 / epoch, val_accuracy=epoch / 10, seconds=1.5)
    store.record_epoch(run.id, 1, row)


def finish(store: Store, run: Run, state: RunState = RunState.FINISHED) -> None:
    store.transition(run.id, state, expected=RunState.RUNNING)


def parsed(text: str) -> list[tuple[str | None, str, dict]]:
    """(id, event, data) of each event, as the HTML standard reads a stream, without comments and `retry`."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
    return found


def path_of(run: Run) -> str:
    return f"/api/v1/runs/{run.id}/events"


def test_each_epoch_arrives_once_with_its_row_and_the_run_s_end(client, store, run) -> None:
    record(store, run, 1)

    def train() -> None:
        for epoch in (2, 3, 4):
            time.sleep(0.1)
            record(store, run, epoch)
        time.sleep(0.1)
        finish(store, run)

    training = threading.Thread(target=train)
    training.start()
    answer = client.get(path_of(run))
    training.join()
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = parsed(answer.text)
    assert [(number, kind) for number, kind, _ in found] == [
        ("1", "epoch"), ("2", "epoch"), ("3", "epoch"), ("4", "epoch"), (None, "end"),
    ]  # fmt: skip
    shown = client.get(f"/api/v1/runs/{run.id}").json()
    rows = [data for _, kind, data in found if kind == "epoch"]
    assert {key: [row[key] for row in rows] for key in rows[0]} == shown["curves"]
    end = found[-1][2]
    assert end == {key: shown[key] for key in end} and end["state"] == "FINISHED"


def test_it_resumes_after_the_last_event(client, store, run) -> None:
    for epoch in (1, 2, 3):
        record(store, run, epoch)
    finish(store, run, RunState.STOPPED)
    answer = client.get(path_of(run), headers={"Last-Event-ID": "2"})
    assert [number for number, _, _ in parsed(answer.text)] == ["3", None]
    over = client.get(path_of(run), headers={"Last-Event-ID": "3"})
    assert (over.status_code, over.content) == (204, b"")
    assert len(parsed(client.get(path_of(run)).text)) == 4


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9999999999"])
def test_an_id_that_is_no_epoch_is_refused(client, run, last: str) -> None:
    answer = client.get(path_of(run), headers={"Last-Event-ID": last})
    assert (answer.status_code, answer.json()["field"]) == (400, "Last-Event-ID")


def test_a_listener_hears_that_nothing_is_new(client, store, run, monkeypatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    threading.Timer(0.4, finish, (store, run)).start()
    assert client.get(path_of(run)).text.count("\n: ") >= 2


def test_a_run_that_is_deleted_ends_the_stream(client, store, run) -> None:
    record(store, run, 1)

    def delete() -> None:
        finish(store, run, RunState.STOPPED)
        store.trash.put(run.id)

    threading.Timer(0.1, delete).start()
    assert next(kind for _, kind, _ in parsed(client.get(path_of(run)).text)) == "epoch"
    assert client.get(path_of(run)).status_code == 404


def test_listeners_are_limited(client, store, run, monkeypatch) -> None:
    monkeypatch.setattr(events, "MOST_LISTENERS", 3)
    record(store, run, 1)
    answers = []
    listeners = [threading.Thread(target=lambda: answers.append(client.get(path_of(run)))) for _ in range(3)]
    for listener in listeners:
        listener.start()
    deadline = time.monotonic() + 60
    while events.num_listeners() < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    refused = client.get(path_of(run))
    assert (refused.status_code, refused.json()["code"]) == (503, "too_many_listeners")
    assert int(refused.headers["retry-after"]) > 0
    assert client.head(path_of(run)).status_code == 503
    finish(store, run)
    for listener in listeners:
        listener.join(60)
    assert [len(parsed(answer.text)) for answer in answers] == [2, 2, 2]


async def listen(
    receive: Callable[[], Awaitable[dict]], send: Callable[[dict], Awaitable[None]], version: str
) -> None:
    """Listen to a run without new epochs, as under a server of this ASGI version."""
    nothing_new = events.Seen((1, 0), ({"epoch": 1},), None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "LOOK_SECONDS", 0.01)
        patch.setattr(events, "look_at", lambda store, run_id, seen: seen)
        stream = events.EventStream(events.stream(None, "run", nothing_new, 0))
        scope = {"type": "http", "asgi": {"spec_version": version}}
        await asyncio.wait_for(stream(scope, receive, send), 30)


@pytest.mark.parametrize("version", ["2.3", "2.4"])
def test_a_client_that_hangs_up_while_nothing_is_new_ends_the_stream(version: str) -> None:
    """Whatever the server says of its ASGI, and although what is sent to it disappears in silence."""
    has_epoch, sent = asyncio.Event(), []

    async def receive() -> dict:
        await has_epoch.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        sent.append(message.get("body", b""))
        if b"event: epoch" in sent[-1]:
            has_epoch.set()

    asyncio.run(listen(receive, send, version))
    assert events.num_listeners() == 0 and not any(b"event: end" in body for body in sent)


def test_a_client_that_takes_nothing_ends_the_stream(monkeypatch) -> None:
    monkeypatch.setattr(streams, "SEND_SECONDS", 0.05)

    async def receive() -> dict:
        return await asyncio.Future()

    async def send(message: dict) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Future()

    asyncio.run(listen(receive, send, "2.4"))
    assert events.num_listeners() == 0


def test_over_a_socket_a_client_that_closes_it_is_noticed_at_once(store, run, wait_for) -> None:
    """Long before the next comment is due."""
    with served(Starlette(routes=[rest_route()])) as port:
        with connect(port) as connection:
            connection.sendall(f"GET {path_of(run)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
            assert events.num_listeners() == 1
        began = time.monotonic()
        wait_for(lambda: events.num_listeners() == 0)
        assert time.monotonic() - began < events.HEARTBEAT_SECONDS - 2


def test_curves_are_read_only_when_the_run_has_changed(store, run, monkeypatch) -> None:
    record(store, run, 1)
    seen = events.look_at(store, run.id)
    monkeypatch.setattr(Store, "curves", lambda *arguments: pytest.fail("The curves are read again."))
    assert events.look_at(store, run.id, seen) is seen


def test_a_run_that_trains_an_epoch_again_sends_it_again() -> None:
    """It was interrupted after its third epoch, and its last saved one was the first."""

    def seen(attempt: int, *epochs: int) -> events.Seen:
        return events.Seen((attempt, len(epochs)), tuple({"epoch": epoch} for epoch in epochs), None)

    looks = [seen(2, 1), seen(2, 1, 2), replace(seen(2, 1, 2, 3), end={})]

    async def listen() -> list[str]:
        return [text async for text in events.stream(None, "run", seen(1, 1, 2, 3), 0)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "LOOK_SECONDS", 0.0)
        patch.setattr(events, "look_at", lambda *arguments: looks.pop(0))
        found = parsed("".join(asyncio.run(listen())))
    assert [number for number, _, _ in found] == ["1", "2", "3", "2", "3", None]


def test_a_store_that_is_locked_for_a_moment_ends_no_stream(client, store, run, monkeypatch) -> None:
    record(store, run, 1)
    look_at, refusals = events.look_at, [ConvDeckError("The database is locked.")] * 3

    def locked(store, run_id, before=None):
        if before is not None and refusals:
            raise refusals.pop()
        return look_at(store, run_id, before)

    monkeypatch.setattr(events, "look_at", locked)
    threading.Timer(0.3, finish, (store, run)).start()
    assert [kind for _, kind, _ in parsed(client.get(path_of(run)).text)] == ["epoch", "end"]
    assert refusals == []
