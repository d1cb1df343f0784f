"""REST of a real server: schemathesis finds nothing, and listeners let it end.

Its queue stands still and its one dry run is taken, so nothing trains, whatever is started.
"""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
import pytest
from filelock import FileLock

from core.alerts.rules import add_rule
from core.design.presets import PRESETS
from core.importing.uploads import begin_upload
from core.store.records import RunRequest
from core.store.store import Store
from core.workspace import Workspace
from tests.core.studies.ended import create, end, spec
from tests.core.sweeps.trials import add_next, begin, end_trial
from tests.server import STOP_SECONDS, UNHURRIED, Server, running_server

TINY = PRESETS["tiny"].config.with_values({"dataset.id": "shapes", "dataset.num_train": 60})
# A stream of one that waits ends with the run alone: tests/core/api/test_events.py has it.
NOT_HERE = ("/api/v1/runs/{id}/events",)
SECONDS = 20.0  # for one answer


class Running(NamedTuple):
    """The server, and ids of what there is, by the noun of the address."""

    server: Server
    ids: dict[str, list[str]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    workspace = Workspace((tmp_path_factory.mktemp("rest") / "workspace").resolve()).ensure()
    with (
        FileLock(workspace.scheduler_lock),
        FileLock(workspace.searcher_lock),
        FileLock(workspace.alerter_lock),
        FileLock(workspace.root / "preflight.lock"),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("CONVDECK_HOME", str(workspace.root))
        with Store(workspace) as store:
            ids = fill(store)
        with running_server(workspace.root, UNHURRIED) as server:
            yield Running(server, ids)


def fill(store: Store) -> dict[str, list[str]]:
    """A waiting and a finished run, a study and a sweep with results, and some of what else has ids."""
    waiting, ended = (store.queue_run(RunRequest(TINY)) for _ in range(2))
    end(store, ended)
    study = create(store, spec("seeds", TINY, num_seeds=2))
    sweeps = [begin(store, name=name) for name in ("One", "Two", "Three")]
    for sweep in sweeps:
        for accuracy in (0.5, 0.7):
            end_trial(store, add_next(store, sweep), accuracy)
    views = [store.views.save(name, "") for name in ("one", "two", "three")]
    uploads = [begin_upload(store.workspace, "flowers.zip", 100_000) for _ in range(3)]
    note = store.notes.write([waiting.id], expectation="More.")
    trashed = [store.queue_run(RunRequest(TINY)).id for _ in range(2)]
    for run in trashed:
        store.request_stop(run)
        store.trash.put(run)
    (store.workspace.datasets / "spare").mkdir(parents=True)
    alerts = [
        add_rule(store, name, ["finished"], webhook="http://127.0.0.1:9/", is_local=True)
        for name in ("desk", "phone")
    ]
    return {
        "runs": [waiting.id, ended.id], "studies": [study.id], "sweeps": [each.id for each in sweeps],
        "views": [each.id for each in views], "uploads": [each.id for each in uploads],
        "notes": [note.id], "trash": trashed, "datasets": ["spare"],
        "alerts": [rule.name for rule in alerts],
    }  # fmt: skip


def described(running: Running) -> dict[str, Any]:
    """The server's own description, in which ids are those that there are and one that there is not."""
    document: dict[str, Any] = get(running, "/api/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "path":
                    parameter["schema"] = {"enum": [*running.ids[path.split("/")[3]], "nobody"]}
    schemas = document["components"]["schemas"]
    run = {"enum": [*running.ids["runs"], "nobody"]}
    for name in ("StartStudy", "StartSweep", "EstimateSweep", "Against"):
        schemas[name]["properties"]["run"] = {"anyOf": [run, {"type": "null"}]}
    for name in ("Runs", "MarkRuns", "WriteNote"):
        schemas[name]["properties"]["runs"]["items"] = run
    schemas["AddDataSet"]["properties"]["upload"] = {"enum": [*running.ids["uploads"], "nobody", None]}
    # All values of a config are tried where a run is started; the others read it by the same function.
    for name in ("StartStudy", "StartSweep", "EstimateSweep", "Against", "MeasureConfig"):
        schemas[name]["properties"]["config"] = {"enum": [TINY.to_dict(), None]}
    return document


def get(running: Running, path: str) -> httpx2.Response:
    return httpx2.get(f"{running.server.url}{path}", trust_env=False, timeout=SECONDS)


# Not what only asks for success: of what a schema allows, a config may still be one that cannot be trained.
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "unsupported_method", "allow_header_conformance", "negative_data_rejection",
)  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # schemathesis's own
def test_schemathesis_finds_nothing(running: Running) -> None:
    import schemathesis
    from schemathesis.config import SchemathesisConfig
    from schemathesis.engine import from_schema
    from schemathesis.engine.events import NonFatalError, ScenarioFinished

    config = SchemathesisConfig.from_dict(
        {
            "base-url": running.server.url,
            "workers": 1,
            "seed": 48,
            "request-timeout": SECONDS,
            "generation": {"max-examples": 3, "deterministic": True, "no-shrink": True, "database": "none"},
            "checks": {"enabled": False, **{check: {"enabled": True} for check in CHECKS}},
            "phases": {"stateful": {"enabled": False}},
            "continue-on-failure": True,
            "max-failures": 30,
        }
    )
    schema = schemathesis.openapi.from_dict(described(running), config=config).exclude(path=list(NOT_HERE))
    failures, errors, tried = [], [], Counter()
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError):
            errors.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, ScenarioFinished):
            tried[event.label] += len(event.recorder.cases)
            failures += [
                told(event.recorder, case_id, check)
                for case_id, found in event.recorder.checks.items()
                for check in found
                if check.failure_info is not None and not is_about_our_ids(check)
            ]
    assert errors == []
    assert failures == [], "\n\n".join(failures[:20])
    operations = {
        f"{method.upper()} {path}"
        for path, each in get(running, "/api/v1/openapi.json").json()["paths"].items()
        if path not in NOT_HERE
        for method in each
    }
    assert set(tried) == operations


def is_about_our_ids(check: Any) -> bool:
    """The server's own description takes any text as an id; that it must be one of a few is from here."""
    about = f"{check.failure_info.failure}"
    return (
        check.name == "negative_data_rejection"
        and re.search("parameter `(id|name)` in path", about) is not None
    )


def told(recorder: Any, case_id: str, check: Any) -> str:
    """What was sent, and what is wrong with the answer."""
    failure, interaction = check.failure_info, recorder.interactions.get(case_id)
    answer = interaction.response.text[:300] if interaction and interaction.response else ""
    return f"{failure.code_sample}\n{failure.failure}\n{answer}"


def waiting_run(running: Running) -> str:
    with Store(Workspace(running.server.root)) as store:
        return store.queue_run(RunRequest(TINY)).id


def listeners(running: Running) -> float:
    text = get(running, "/metrics").text
    return float(re.search(r"^convdeck_event_listeners (\S+)$", text, re.MULTILINE)[1])


def test_a_listener_that_goes_away_is_forgotten(running: Running, wait_for) -> None:
    url = f"{running.server.url}/api/v1/runs/{waiting_run(running)}/events"
    with httpx2.stream("GET", url, trust_env=False, timeout=SECONDS) as answer:
        lines = answer.iter_lines()  # the answer is closed with it
        assert next(lines).startswith("retry:")
        assert listeners(running) == 1
    wait_for(lambda: listeners(running) == 0)


def test_an_idempotency_key_outlives_the_server(running: Running) -> None:
    def start() -> str:
        answer = httpx2.post(
            f"{running.server.url}/api/v1/runs", json={"config": TINY.to_dict(), "name": "Once"},
            headers={"Idempotency-Key": "outlives"}, trust_env=False, timeout=SECONDS,
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    first = start()
    running.server.restart()
    assert start() == first


def test_a_listener_lets_the_server_end(running: Running) -> None:
    """Last in this file: it stops the server."""
    lines: list[str] = []
    begun, run = threading.Event(), waiting_run(running)

    def listen() -> None:
        url = f"{running.server.url}/api/v1/runs/{run}/events"
        with httpx2.stream("GET", url, trust_env=False, timeout=60) as answer:
            for line in answer.iter_lines():
                lines.append(line)
                begun.set()

    listener = threading.Thread(target=listen)
    listener.start()
    assert begun.wait(60) and lines[0].startswith("retry:")
    # A server that waited for the listener would be killed after STOP_SECONDS.
    began = time.monotonic()
    running.server.stop()
    assert time.monotonic() - began < STOP_SECONDS
    listener.join(60)
    assert not listener.is_alive()
