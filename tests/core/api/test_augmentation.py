"""REST about augmentation: the command line's JSON, with the pictures themselves."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.augmentation import robustness
from core.server import services


@pytest.fixture
def client(home, engine, monkeypatch):
    shared = replace(services.get_services(), engine=engine)
    monkeypatch.setitem(services._services, home.workspace.root, shared)
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def test_a_batch_holds_its_pictures(home, engine, client) -> None:
    found = client.get(f"/api/v1/runs/{home.run_id}/batch", params={"epoch": 2, "step": 5}).json()
    config = services.get_services().store.get_run(home.run_id).config
    made = engine.batch(config, 1, 4, 256)
    assert (found["epoch"], found["step"], found["pictures"]) == (2, 5, len(made.images))
    assert [entry["row"] for entry in found["shown"]] == made.rows
    for entry, pixels in zip(found["shown"], made.images, strict=True):
        picture = Image.open(io.BytesIO(base64.b64decode(entry["png"])))
        np.testing.assert_array_equal(np.asarray(picture), pixels)


def test_the_batches_of_added_epochs_are_there_too(home, engine, client, monkeypatch) -> None:
    """As of a run of three epochs to which two were added: the plan of an epoch does not ask how many there are."""
    store = services.get_services().store
    run = store.get_run(home.run_id)
    longer = replace(run, total_epochs=run.total_epochs + 2, added_epochs=2)
    monkeypatch.setattr(type(store), "get_run", lambda *_: longer)
    found = client.get(f"/api/v1/runs/{home.run_id}/batch", params={"epoch": 5}).json()
    assert (found["epoch"], found["epochs"]) == (5, 5)
    made = engine.batch(run.config.with_values({"training.epochs": 5}), 4, 0, 256)
    assert [entry["row"] for entry in found["shown"]] == made.rows
    refused = client.get(f"/api/v1/runs/{home.run_id}/batch", params={"epoch": 6})
    assert (refused.status_code, "no epoch 6" in refused.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("epoch=4", "no epoch 4"),
        ("step=6", "no step 6"),
        ("step=x", "whole number"),
        ("epoch=" + "9" * 5000, "whole"),
    ],
)
def test_what_there_is_not_is_a_sentence(home, client, query: str, words: str) -> None:
    answer = client.get(f"/api/v1/runs/{home.run_id}/batch?{query}")
    assert answer.status_code == 400 and words in answer.json()["error"]


def test_what_a_run_stands(home, client, monkeypatch) -> None:
    monkeypatch.setattr(robustness, "MOST_PICTURES", 100)
    found = client.get(f"/api/v1/runs/{home.run_id}/robustness?knob=saturation").json()
    assert found["knob"] == "saturation" and None not in found["accuracy"] and found["num_pictures"] == 100
    refused = client.get(f"/api/v1/runs/{home.run_id}/robustness?knob=warp")
    assert (refused.status_code, refused.json()["field"]) == (400, "knob")
    assert client.get("/api/v1/runs/nobody/robustness").status_code == 404
