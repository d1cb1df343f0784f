"""What Prometheus scrapes, read by its own parser."""

import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from core.api.mount import metrics_route, rest_route
from core.design.presets import PRESETS
from core.server.access import AccessMiddleware
from core.server.key import Key
from core.server.timings import Durations
from core.store.records import RunRequest
from core.system.devices import list_devices
from core.workspace import PROJECT_ROOT

SECRET = "correct horse battery staple"


@pytest.fixture
def client(workspace):
    with TestClient(Starlette(routes=[rest_route(), metrics_route()])) as made:
        yield made


def scraped(client: TestClient) -> dict[tuple[str, frozenset], float]:
    """Each value by the name of its sample and its labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def labelled(**labels: str) -> frozenset:
    return frozenset(labels.items())


def test_queue_states_and_devices(client, store) -> None:
    config = PRESETS["tiny"].config
    _, running, stopped = (store.queue_run(RunRequest(config)).id for _ in range(3))
    device = list_devices().devices[0]
    store.claim(running, [device.id])
    store.record_started(running, 1, 10, 100, 0)
    store.request_stop(stopped)
    found = scraped(client)
    assert found["convdeck_runs", labelled(state="WAITING")] == 1
    assert found["convdeck_runs", labelled(state="RUNNING")] == 1
    assert found["convdeck_runs", labelled(state="STOPPED")] == 1
    assert found["convdeck_runs", labelled(state="FAILED")] == 0
    assert found["convdeck_queue_length", labelled()] == 1
    assert 0 <= found["convdeck_queue_oldest_seconds", labelled()] < 600
    busy = labelled(device=device.id, kind=device.kind, name=device.name)
    assert found["convdeck_device_busy", busy] == 1
    assert found["convdeck_scheduler_up", labelled()] == 0
    assert found["convdeck_disk_free_bytes", labelled()] > 0
    assert found["convdeck_sweeps", labelled(state="RUNNING")] == 0
    assert found["process_resident_memory_bytes", labelled()] > 10_000_000


def test_answers_are_counted_by_the_address_of_the_route(client) -> None:
    labels = {"method": "GET", "route": "/api/v1/runs/{id}", "status": "404"}
    unknown = {"method": "GET", "route": "/api/v1/{path:everything}", "status": "404"}
    name = "convdeck_rest_answer_seconds"
    known, other = labelled(**labels), labelled(**unknown)
    before = scraped(client)
    for path in ("runs/aaaaaaaaaa", "runs/bbbbbbbbbb", "nothing/at/all"):
        client.get(f"/api/v1/{path}")
    found = scraped(client)
    for key, number in ((known, 2), (other, 1)):
        assert found[f"{name}_count", key] - before.get((f"{name}_count", key), 0.0) == number
    assert found[f"{name}_bucket", labelled(**labels, le="+Inf")] == found[f"{name}_count", known]
    assert 0 < found[f"{name}_sum", known] < 600


def test_durations_fall_into_their_buckets() -> None:
    durations = Durations()
    for seconds in (0.001, 0.005, 0.006, 0.3, 100.0):
        durations.record(("a",), seconds)
    counted = durations.all()["a",]
    # By hand: up to 5 ms, up to 10 ms, up to 0.5 s, and longer than 30 s.
    assert counted.numbers == [2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]
    assert counted.seconds == pytest.approx(100.312)
    with pytest.raises(KeyError), durations.measured(("b",)):
        raise KeyError
    assert sum(durations.all()["b",].numbers) == 1


def test_a_visitor_of_a_class_gets_none(workspace, anna) -> None:
    key = Key(SECRET, is_class=True)
    app = Starlette(
        routes=[rest_route(), metrics_route()], middleware=[Middleware(AccessMiddleware, list, key)]
    )
    client = TestClient(app)
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {SECRET}"}).status_code == 200
    client.cookies.set(key.cookie_name, key.sign_in(anna))
    answer = client.get("/metrics")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_neither_it_nor_its_library_is_loaded_before_it_is_asked_for() -> None:
    code = "import sys, app, core.api.routes; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "core.api.routes" in loaded
    assert {"prometheus_client", "core.api.metrics", "core.api.openapi.document"}.isdisjoint(loaded)
