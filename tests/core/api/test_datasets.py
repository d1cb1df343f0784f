"""REST about data sets: an upload becomes one, and what cannot is refused."""

import io

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.datasets.storage import load_dataset
from core.design.presets import PRESETS
from core.store.records import RunRequest

URL = "/api/v1/datasets"


@pytest.fixture
def client(workspace):
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def packed() -> bytes:
    """12 training and 6 test pictures of two classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (18, 8, 8, 3), np.uint8)
    labels = np.arange(18) % 2
    file = io.BytesIO()
    np.savez(file, x_train=pixels[:12], y_train=labels[:12], x_test=pixels[12:], y_test=labels[12:])
    return file.getvalue()


def upload(client: TestClient, data: bytes, announced: int = 0) -> str:
    begun = client.post("/api/v1/uploads", json={"name": "two.npz", "size": announced or len(data)}).json()
    assert client.put(f"/api/v1/uploads/{begun['id']}?offset=0", content=data).status_code == 200
    return begun["id"]


def test_an_upload_becomes_a_data_set_and_is_gone(workspace, client) -> None:
    file = upload(client, packed())
    answer = client.post(URL, json={"name": "two", "upload": file})
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == "two"
    classes = answer.json()["classes"]
    assert [each["train"] + each["validation"] + each["test"] for each in classes] == [9, 9]
    assert len(load_dataset(workspace, "two").x_test) + len(load_dataset(workspace, "two").x_train) <= 18
    assert client.get(f"/api/v1/uploads/{file}").status_code == 404
    assert "two" in [each["id"] for each in client.get(URL).json()]
    assert client.delete(f"{URL}/two").json() == {"removed": True}
    assert client.delete(f"{URL}/two").status_code == 400


def test_what_cannot_be_added_is_a_status_and_a_sentence(client) -> None:
    half = upload(client, b"0123", announced=10)
    for status, field, body in (
        (400, "name", {}),
        (400, None, {"name": "no-such-name"}),
        (400, "upload", {"name": "two", "upload": half}),
        (404, None, {"name": "two", "upload": "f" * 32}),
        (404, None, {"name": "two", "upload": "../datasets"}),
        (400, "crop", {"name": "two", "upload": half, "crop": "middle"}),
        (400, "image_size", {"name": "two", "upload": half, "image_size": 7}),
        (400, "skip_damaged", {"name": "two", "upload": half, "skip_damaged": "yes"}),
        (400, None, {"name": "two", "upload": upload(client, b"no arrays")}),
    ):
        answer = client.post(URL, json=body)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text


def test_one_that_a_run_needs_stays(client, store) -> None:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": "shapes"})))
    answer = client.delete(f"{URL}/shapes")
    assert (answer.status_code, answer.json()["code"]) == (400, "run_refused")
    assert run.name in answer.json()["error"]
