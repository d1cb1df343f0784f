"""REST that takes files in portions."""

import errno
import os
import threading

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from core.api import uploads
from core.api.routes import build_routes
from core.importing.uploads import Portion, begin_upload, find_upload, open_portion

URL = "/api/v1/uploads"


@pytest.fixture
def client(workspace):
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def begin(client: TestClient, size: int, name: str = "pets.zip") -> str:
    begun = client.post(URL, json={"name": name, "size": size})
    assert begun.status_code == 201
    found = begun.json()
    assert found == {**found, "name": name, "size": size, "received": 0, "portion_bytes": 8_000_000}
    return f"{URL}/{found['id']}"


def test_a_file_arrives_in_portions(workspace, client) -> None:
    data = os.urandom(2_500_000)
    path = begin(client, len(data))
    for offset in range(0, len(data), 1_000_000):
        sent = client.put(path, params={"offset": offset}, content=data[offset : offset + 1_000_000])
        assert (sent.status_code, sent.json()) == (200, {"received": min(offset + 1_000_000, len(data))})
    shown = client.get(path).json()
    assert shown["received"] == shown["size"] == len(data)
    assert find_upload(workspace, shown["id"]).path.read_bytes() == data
    assert client.delete(path).json() == {"removed": True}
    assert client.get(path).status_code == 404


def test_a_wrong_place_says_the_right_one(client) -> None:
    path = begin(client, 10)
    assert client.put(path, params={"offset": 0}, content=b"0123").json() == {"received": 4}
    for offset in (0, 3, 5, 999_999_999_999):
        refused = client.put(path, params={"offset": offset}, content=b"456789")
        assert (refused.status_code, refused.json()["received"]) == (409, 4)
    for offset in ("", "-1", "x", "1e3", "9" * 13, "٣"):
        assert client.put(path, params={"offset": offset}, content=b"456789").status_code in (400, 409)
    assert client.put(path, content=b"456789").status_code == 400
    assert client.put(path, params={"offset": 4}, content=b"456789").json() == {"received": 10}
    assert client.put(path, params={"offset": 10}, content=b"x").status_code == 413


def test_a_portion_has_a_limit(client, monkeypatch) -> None:
    monkeypatch.setattr(uploads, "MAX_PORTION_BYTES", 1_000)
    path = begin(client, 5_000)
    refused = client.put(path, params={"offset": 0}, content=bytes(1_001))
    assert (refused.status_code, "at most 0 MB" in refused.json()["error"]) == (413, True)


def test_a_write_that_fails_in_the_middle_is_not_repeated(workspace, client, monkeypatch) -> None:
    """The disk is full for a moment: what is stored is the beginning of the file, and no part of it twice."""
    data = os.urandom(3_000_000)
    path = begin(client, len(data))
    write, calls = Portion.write, []

    def fail_once(self: Portion, part: bytes) -> None:
        calls.append(len(part))
        if len(calls) == 1:
            write(self, part[: len(part) // 2])
            raise uploads.UploadError("The disk is full.", 507)
        write(self, part)

    monkeypatch.setattr(Portion, "write", fail_once)
    assert client.put(path, params={"offset": 0}, content=data).status_code == 507
    received = client.get(path).json()["received"]
    upload = find_upload(workspace, path.rpartition("/")[2])
    assert 0 < received < len(data) and upload.path.read_bytes() == data[:received]
    sent = client.put(path, params={"offset": received}, content=data[received:])
    assert (sent.status_code, upload.path.read_bytes() == data) == (200, True)


def test_a_task_that_is_cancelled_while_it_writes_stores_nothing_twice(workspace, monkeypatch) -> None:
    data = os.urandom(3_000_000)
    upload = begin_upload(workspace, "pets.zip", len(data))
    write, writing, go_on = Portion.write, threading.Event(), threading.Event()

    def write_slowly(self: Portion, part: bytes) -> None:
        writing.set()
        assert go_on.wait(60)
        write(self, part)

    async def receive():
        return {"type": "http.request", "body": data, "more_body": True}

    async def cancel_meanwhile() -> None:
        scope = {"type": "http", "method": "PUT", "headers": []}
        with open_portion(workspace, upload.id, 0) as portion:
            async with anyio.create_task_group() as group:
                group.start_soon(uploads._receive, Request(scope, receive), portion)
                await anyio.to_thread.run_sync(writing.wait, 60)
                group.cancel_scope.cancel()
                go_on.set()

    monkeypatch.setattr(Portion, "write", write_slowly)
    anyio.run(cancel_meanwhile)
    assert upload.path.read_bytes() == data


def test_a_disk_that_takes_nothing_is_a_sentence(workspace, client, monkeypatch) -> None:
    def refuse(*given: object, **named: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("core.importing.uploads._check_room", refuse)
    answer = client.post(URL, json={"name": "pets.zip", "size": 10})
    assert (answer.status_code, "Read-only file system" in answer.json()["error"]) == (507, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "pets.zip", "size": 2_000_000_001}, 413),
        ({"name": "pets.zip", "size": 10**30}, 413),
        ({"name": "pets.zip", "size": True}, 400),
        ({"name": "pets.zip", "size": "10"}, 400),
        ({"name": "pets.zip", "size": 1.5}, 400),
        ({"name": "pets.zip"}, 400),
        ({"size": 10}, 400),
        ({"name": ["pets.zip"], "size": 10}, 400),
        ({"name": "pets.zip", "size": 10, "path": "/etc"}, 400),
        ({"name": "pets.exe", "size": 10}, 400),
    ],
)
def test_what_is_not_taken_is_a_sentence(workspace, client, body, status) -> None:
    refused = client.post(URL, json=body)
    assert (refused.status_code, bool(refused.json()["error"])) == (status, True)
    assert not list(workspace.uploads.glob("*/*"))


def test_a_form_of_another_site_begins_nothing(client) -> None:
    assert client.post(URL, content=b'{"name": "a.zip", "size": 1}').status_code == 415


@pytest.mark.parametrize("upload_id", ["0" * 32, "..%2f..%2fdatasets", "x", "%00"])
def test_no_id_leads_elsewhere(workspace, client, upload_id) -> None:
    assert client.get(f"{URL}/{upload_id}").status_code == 404
    assert client.put(f"{URL}/{upload_id}", params={"offset": 0}, content=b"x").status_code == 404
    client.delete(f"{URL}/{upload_id}")
    assert workspace.datasets.is_dir()


@pytest.mark.parametrize(
    ("text", "size"), [("1000", 1000), ("0", 8_000_000), ("many", 8_000_000), ("9" * 9, 64_000_000)]
)
def test_the_size_of_a_portion_can_be_set(monkeypatch, text, size) -> None:
    monkeypatch.setenv("CONVDECK_UPLOAD_PORTION_BYTES", text)
    assert uploads.portion_bytes() == size
