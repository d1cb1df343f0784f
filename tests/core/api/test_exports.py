"""REST: a run's best model as a zip."""

import io
import json
import zipfile

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api import exports, streams
from core.api.routes import build_routes


@pytest.fixture(scope="module")
def client():
    with TestClient(Starlette(routes=build_routes())) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "file"), [("onnx", "A-finished-run.onnx"), ("savedmodel", "A-finished-run/saved_model.pb")]
)
def test_the_zip_has_file_description_and_program(home, engine, client, name: str, file: str) -> None:
    answer = client.get(f"/api/v1/runs/{home.run_id}/export?format={name}")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    assert answer.headers["convdeck-receipt"] == "passed"
    assert f'filename="A-finished-run-{name}.zip"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as zipped:
        assert file in zipped.namelist() and "A-finished-run.py" in zipped.namelist()
        (described,) = [each for each in zipped.namelist() if each.endswith(".json") and "/" not in each]
        receipt = json.loads(zipped.read(described))["receipt"]
        assert {"n", "max_difference", "agreement", "runtime", "passed"} <= receipt.keys()


def test_an_unknown_format_and_run_are_refused_in_words(home, client) -> None:
    answer = client.get(f"/api/v1/runs/{home.run_id}/export")
    assert answer.status_code == 400 and "choose one of keras, onnx" in answer.json()["error"]
    assert client.get("/api/v1/runs/nobody/export?format=onnx").status_code == 404


def test_a_script_comes_as_itself(home, client) -> None:
    answer = client.get(f"/api/v1/runs/{home.run_id}/export?format=script")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/x-python")
    assert 'filename="A-finished-run-training.py"' in answer.headers["content-disposition"]
    assert "convdeck-receipt" not in answer.headers
    compile(answer.text, "script", "exec")
    assert client.get("/api/v1/runs/nobody/export?format=script").status_code == 404


def test_a_bundle_claims_no_receipt_and_is_sent_from_disk(home, engine, client, monkeypatch) -> None:
    pieces, sent = streams._pieces, []

    def noting(path):
        sent.append(path)
        return pieces(path)

    monkeypatch.setattr(streams, "_pieces", noting)
    address = f"/api/v1/runs/{home.run_id}/export?format=bundle"
    answer = client.get(address)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    assert len(answer.content) == int(answer.headers["content-length"])
    assert "convdeck-receipt" not in answer.headers
    with zipfile.ZipFile(io.BytesIO(answer.content)) as zipped:
        assert {"manifest.json", "run.json", "MODEL_CARD.md"} <= set(zipped.namelist())
    assert len(sent) == 1 and not sent[0].parent.exists()
    monkeypatch.setattr(exports, "MOST_DOWNLOADS", 0)
    refused = client.get(address)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
