"""Runs and studies as one HTML file by REST."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.store.records import RunRequest
from tests.core.report.shared_document import SharedDocument
from tests.core.studies.ended import FLIPPED, TINY, create, end, spec


@pytest.fixture
def client(store):
    with TestClient(Starlette(routes=build_routes())) as client:
        yield client


def test_a_run_and_a_study_are_sent_to_be_saved(store, client) -> None:
    run = end(store, store.queue_run(RunRequest(TINY, 'Bäume "1"')))
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=2))
    for kind, some_id, name in (("runs", run.id, "Baume-1-shared"), ("studies", study.id, "A-study-shared")):
        answer = client.get(f"/api/v1/{kind}/{some_id}/share")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}.html"'
        assert SharedDocument(answer.text).data["kind"] == kind.replace("studies", "study").removesuffix("s")
        missing = client.get(f"/api/v1/{kind}/gone/share")
        assert missing.status_code == 404 and "gone" in missing.json()["error"]
