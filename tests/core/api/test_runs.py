"""REST: the command line's JSON, errors with a status and a sentence."""

import asyncio
import json
import sqlite3

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api import runs as api
from core.api.routes import build_routes
from core.design.presets import PRESETS
from core.store.records import RunRequest
from core.store.store import Store
from tests.core.conftest import picture_file, run_command, run_json
from tests.problem_members import PROBLEM_MEMBERS


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
    other = client.post("/api/v1/runs", json=body | {"preset": "article"})
    assert (other.status_code, first.json()["name"] in other.json()["error"]) == (409, True)
    fork = client.post(f"/api/v1/runs/{first.json()['id']}/fork", json={"set": {"seed": 7}, "token": "once"})
    assert fork.status_code == 409
    assert client.post(f"/api/v1/runs/{first.json()['id']}/stop").status_code == 200
    assert len(client.get("/api/v1/runs").json()) == 1


def test_an_identical_run_is_shared(workspace, no_scheduler, client) -> None:
    body = {"preset": "tiny", "set": {"dataset.id": "shapes", "dataset.num_train": 40}}
    plain = client.post("/api/v1/runs", json=body)
    assert (plain.status_code, plain.json()["shared"]) == (201, False)
    answer = client.post("/api/v1/runs", json=body | {"reuse": True, "name": "Mine"})
    assert (answer.status_code, answer.json()) == (201, plain.json() | {"shared": True})
    assert client.post("/api/v1/runs", json=body | {"reuse": False}).json()["id"] != plain.json()["id"]
    other = client.post("/api/v1/runs", json=body | {"reuse": True, "set": {**body["set"], "seed": 1}})
    assert other.json()["shared"] is False
    for wrong in ("true", 1):
        refused = client.post("/api/v1/runs", json=body | {"reuse": wrong})
        assert (refused.status_code, refused.json()["field"]) == (400, "reuse")
    assert len(client.get("/api/v1/runs").json()) == 3


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
        ({"preset": None}, 400, None),
        ({"preset": None, "config": None, "set": None}, 400, None),
        ({"preset": "tiny", "set": {"dataset.id": "\ud800"}}, 400, None),
        ({"preset": "tiny", "set": {"\udfff": 1}}, 400, None),
        ({"preset": "tiny", "name": "\ud800"}, 400, None),
        ({"preset": "\ud800"}, 400, None),
        ({"preset": "tiny", "token": "\ud800"}, 400, None),
        ({"preset": "tiny", "config": {}}, 400, None),
        ({"preset": "tiny", "set": {"optimizer.learning_rate": -1}}, 400, "optimizer.learning_rate"),
        ({"preset": "tiny", "set": [1]}, 400, "set"),
        ({"preset": ["tiny"]}, 400, "preset"),
        ({"preset": "tiny", "colour": "red"}, 400, "colour"),
        ([1, 2], 400, None),
    ],
)
def test_a_wrong_start_is_refused_in_words(workspace, client, body, status: int, field) -> None:
    # As ASCII, as most programs write JSON: half a character cannot be sent in any other way.
    headers = {"Content-Type": "application/json"}
    answer = client.post("/api/v1/runs", content=json.dumps(body), headers=headers)
    assert answer.status_code == status
    assert answer.json()["field"] == field
    assert answer.json()["error"]
    assert client.get("/api/v1/runs").json() == []


def test_null_is_as_good_as_nothing(workspace, client) -> None:
    body = {"preset": "tiny", "config": None, "name": None, "token": None, "set": {"dataset.id": "shapes"}}
    run = client.post("/api/v1/runs", json=body).json()
    assert run["name"] == "tiny 1"
    client.post(f"/api/v1/runs/{run['id']}/stop")


def test_a_body_that_is_no_config_is_refused(workspace, client) -> None:
    assert client.post("/api/v1/runs", content='{"preset": "tiny"}').status_code == 415
    large = '{"preset": "' + "x" * 1_000_001 + '"}'
    headers = {"Content-Type": "application/json"}
    assert client.post("/api/v1/runs", content=large, headers=headers).status_code == 413
    assert client.post("/api/v1/runs", content='{"seed": NaN}', headers=headers).status_code == 400


def test_a_run_whose_settings_cannot_be_read_is_shown(workspace, client) -> None:
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config))
    with sqlite3.connect(workspace.database) as connection:
        connection.execute("""UPDATE runs SET config = '{"of_a_later_version": 1}'""")
    connection.close()
    code, shown = run_json("show", run.id)
    assert (code, shown["config"]) == (0, None)
    assert "of_a_later_version" in shown["config_error"]
    assert run_command("show", run.id)[0] == 0
    answer = client.get(f"/api/v1/runs/{run.id}")
    assert (answer.status_code, answer.json()) == (200, shown)


def test_an_unknown_run_is_404(workspace, client) -> None:
    assert client.get("/api/v1/runs/nobody").status_code == 404
    for path in ("stop", "resume", "pause", "step", "predict"):
        assert client.post(f"/api/v1/runs/nobody/{path}").status_code == 404


def files(count: int) -> list[tuple[str, tuple[str, bytes]]]:
    return [("picture", (f"{index}.png", b"x")) for index in range(count)]


def test_forms_that_cannot_be_read_are_a_sentence(home, client) -> None:
    path = f"/api/v1/runs/{home.run_id}/predict"
    for answer in (
        client.post(path, files=files(101)),
        client.post(path, content=b"x", headers={"Content-Type": "multipart/form-data"}),
        client.post(path, content=b"x", headers={"Content-Type": "multipart/form-data; boundary=b"}),
    ):
        assert (answer.status_code, list(answer.json())) == (400, PROBLEM_MEMBERS)
        assert "The form cannot be read" in answer.json()["error"]
    for answer in (client.post(path), client.post(path, files=files(1), data={"crop": "none"})):
        assert (answer.status_code, list(answer.json())) == (400, PROBLEM_MEMBERS)


@pytest.mark.parametrize("values", [False, 0, "", [], "seed=3"])
def test_settings_that_are_no_object_are_refused(client, values: object) -> None:
    answer = client.post("/api/v1/runs", json={"preset": "tiny", "set": values})
    assert (answer.status_code, answer.json()["field"]) == (400, "set")


HEAD = b'--b\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\n\r\n'
MIB = 2**20


def ask(path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], int]:
    """Status, JSON and the number of MiB that were read of an upload that goes on for 50."""
    num_read, sent = -1, []

    async def receive():
        nonlocal num_read
        num_read += 1
        body = bytes(MIB) if num_read else HEAD
        return {"type": "http.request", "body": body, "more_body": num_read < 50}

    async def send(message):
        sent.append(message)

    headers = {"content-type": "multipart/form-data; boundary=b", **headers}
    scope = {
        "type": "http", "method": "POST", "path": path, "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    asyncio.run(Starlette(routes=build_routes())(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"]), max(0, num_read)


def test_an_upload_is_read_no_further_than_it_may_go(home, monkeypatch) -> None:
    monkeypatch.setattr(api, "MAX_PICTURES_BYTES", 3 * MIB)
    path = f"/api/v1/runs/{home.run_id}/predict"
    status, answer, num_read = ask(path, {})
    assert (status, list(answer), num_read) == (413, PROBLEM_MEMBERS, 3)
    status, answer, num_read = ask(path, {"content-length": str(50 * MIB)})
    assert (status, list(answer), num_read) == (413, PROBLEM_MEMBERS, 0)
    assert ask("/api/v1/runs/nobody/predict", {})[::2] == (404, 0)


def test_a_picture_that_is_too_large_by_itself_leaves_the_others(home, client, tmp_path) -> None:
    uploads = [
        ("a", ("large.png", bytes(50_000_001))),
        ("b", ("red.png", picture_file(tmp_path).read_bytes())),
    ]
    large, red = client.post(f"/api/v1/runs/{home.run_id}/predict", files=uploads).json()
    assert (large["ok"], large["error"]) == (False, "large.png is larger than 50 MB.")
    assert red["ok"]


def test_a_fork_by_rest(workspace, client) -> None:
    body = {"preset": "tiny", "set": {"dataset.id": "shapes", "dataset.num_train": 40}}
    parent = client.post("/api/v1/runs", json=body).json()
    path = f"/api/v1/runs/{parent['id']}/fork"
    forks = [client.post(path, json={"set": {"seed": 7}, "token": "once"}) for _ in range(2)]
    assert [fork.status_code for fork in forks] == [201, 201]
    assert forks[0].json()["id"] == forks[1].json()["id"] != parent["id"]
    assert forks[0].json()["parent"] == parent["id"]
    shared = client.post(path, json={"set": {"seed": 7}, "reuse": True}).json()
    assert (shared["id"], shared["shared"]) == (forks[0].json()["id"], True)
    assert client.post(path, json={"set": {}}).status_code == 400
    assert client.post(path, json={"preset": "tiny"}).json()["field"] == "preset"
    assert client.post("/api/v1/runs/nobody/fork", json={"set": {"seed": 7}}).status_code == 404
    for run in (parent, forks[0].json()):
        client.post(f"/api/v1/runs/{run['id']}/stop")
