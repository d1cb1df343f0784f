"""REST with a visitor's cookie: each route that changes something, tried on what is another's."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.config import ExperimentConfig
from core.design.presets import PRESETS
from core.server.access import AccessMiddleware
from core.server.key import Key
from core.store.records import RunRequest
from core.store.store import Store
from core.visitors.person import Person, acting_as
from tests.core.sweeps.trials import add_next, end_trial

FILTERS = {"optimizer.learning_rate": {"values": [0.01, 0.1]}}
SECRET = "correct horse battery staple"
START = {"preset": "tiny", "set": {"dataset.id": "shapes", "dataset.num_train": 40}}
RUN = "/api/v1/runs/{id}"
SWEEP = "/api/v1/sweeps/{id}"
# What is sent, and what a visitor is told of another's run; True: it is for everybody, whoever started the run.
ROUTES: dict[tuple[str, str], tuple[object, str | bool]] = {
    ("POST", "/api/v1/runs"): (START, True),
    ("POST", f"{RUN}/stop"): (None, "stop it"),
    ("POST", f"{RUN}/resume"): (None, "resume it"),
    ("POST", f"{RUN}/pause"): (None, "pause it"),
    ("POST", f"{RUN}/step"): (None, "change it"),
    ("POST", f"{RUN}/learning-rate"): ({"value": 0.01}, "change it"),
    ("POST", f"{RUN}/epochs"): ({"add": 1}, "change it"),
    ("DELETE", f"{RUN}/epoch-weights"): (None, "delete weights of it"),
    ("POST", f"{RUN}/fork"): ({"set": {"seed": 7}}, True),
    ("POST", f"{RUN}/rename"): ({"name": "x"}, "rename it"),
    ("DELETE", "/api/v1/trash/{id}"): ("trashed", "delete it"),
    ("DELETE", "/api/v1/trash"): (None, "empty the trash"),
    ("DELETE", "/api/v1/datasets/{id}"): (None, "delete a data set"),
    ("POST", "/api/v1/runs/marks"): ({"runs": ["{id}"], "add": ["x"]}, "mark it"),
    ("POST", "/api/v1/runs/delete"): ({"runs": ["{id}"]}, "delete it"),
    ("POST", "/api/v1/runs/restore"): ({"runs": ["{trashed}"]}, "restore it"),
    ("POST", "/api/v1/views"): ({"name": "x", "query": ""}, "change this"),
    ("DELETE", "/api/v1/views/{id}"): ("view", "change this"),
    ("POST", f"{RUN}/picture-tags"): ({"index": 1, "add": ["x"]}, "tag pictures"),
    ("POST", "/api/v1/studies"): ({"kind": "seeds", "run": "{id}"}, "start a study"),
    ("DELETE", "/api/v1/studies/{id}"): (None, "delete a study"),
    ("POST", "/api/v1/studies/{id}/stop"): (None, "stop a study"),
    ("POST", "/api/v1/studies/{id}/resume"): (None, "change a study"),
    ("POST", "/api/v1/sweeps"): ({"run": "{id}", "space": FILTERS, "method": "grid"}, "start a sweep"),
    ("DELETE", SWEEP): (None, "delete a sweep"),
    ("POST", f"{SWEEP}/pause"): (None, "change a sweep"),
    ("POST", f"{SWEEP}/resume"): (None, "change a sweep"),
    ("POST", f"{SWEEP}/stop"): (None, "stop a sweep"),
    ("POST", f"{SWEEP}/change"): ({"name": "x"}, "change a sweep"),
    ("POST", f"{SWEEP}/trials"): ({"set": {"optimizer.learning_rate": 0.1}}, "change a sweep"),
    ("POST", f"{SWEEP}/confirm"): ({"seeds": 2}, "change a sweep"),
    ("POST", "/api/v1/notes"): ({"runs": ["{id}"], "outcome": "x"}, "write a note on it"),
    ("DELETE", "/api/v1/notes/{id}"): ("note", "delete it"),
    ("POST", "/api/v1/alerts"): ({"name": "x", "on": ["finished"], "webhook": "http://127.0.0.1:9/"}, "change alerts"),
    ("DELETE", "/api/v1/alerts/{name}"): ("alert", "change alerts"),
    ("POST", "/api/v1/alerts/{name}/test"): ("alert", "test alerts"),
}  # fmt: skip
# These change nothing that is anybody's: they ask the engine, measure, add a data set under a free name or a run of
# one's own, or take a file under an id that only its sender knows.
CHANGE_NOTHING = {
    ("POST", f"{RUN}/predict"), ("POST", f"{RUN}/explain"), ("POST", f"{RUN}/map"), ("POST", f"{RUN}/layers"),
    ("POST", "/api/v1/preflight"), ("POST", "/api/v1/rate-range"), ("POST", "/api/v1/sweeps/estimate"),
    ("POST", "/api/v1/uploads"), ("PUT", "/api/v1/uploads/{id}"), ("DELETE", "/api/v1/uploads/{id}"),
    ("POST", "/api/v1/datasets"), ("POST", "/api/v1/imports"),
}  # fmt: skip

# Not because of who asks: no pictures are drawn here.
REFUSED_TO_ALL = {("POST", f"{RUN}/picture-tags"): "The data set shapes is not here."}


@pytest.fixture(scope="module")
def key() -> Key:
    return Key(SECRET, is_class=True)


@pytest.fixture
def client_of(key, workspace, no_scheduler):
    def make(person: Person | None) -> TestClient:
        app = Starlette(routes=build_routes(), middleware=[Middleware(AccessMiddleware, list, key)])
        client = TestClient(app)
        if person is None:
            client.headers["Authorization"] = f"Bearer {SECRET}"
        else:
            client.cookies.set(key.cookie_name, key.sign_in(person))
        return client

    return make


@pytest.fixture
def ids(store, anna) -> dict[str, str]:
    config = PRESETS["tiny"].config.with_values(START["set"])
    with acting_as(anna):
        run, trashed = store.queue_run(RunRequest(config)), store.queue_run(RunRequest(ExperimentConfig()))
        note = store.notes.write([trashed.id], outcome="As expected.")
    store.trash.put(trashed.id)
    store.alerts.add_rule("told", ["finished"], "http://127.0.0.1:9/", None, public_only=False)
    view = store.views.save("all", "").id
    return {"id": run.id, "trashed": trashed.id, "view": view, "note": note.id, "alert": "told"}


def filled(value: object, ids: dict[str, str]) -> object:
    if isinstance(value, dict):
        return {key: filled(each, ids) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, ids) for each in value]
    return value.format(**ids) if isinstance(value, str) else value


def send(client: TestClient, route: tuple[str, str], ids: dict[str, str]):
    method, path = route
    body, _ = ROUTES[route]
    target = ids[body] if isinstance(body, str) else ids["id"]
    json = filled(body, ids) if isinstance(body, dict) else None
    return client.request(method, path.format(id=target, name=target), json=json)


def prepare(teacher: TestClient, store: Store, path: str, ids: dict[str, str]) -> None:
    """What has to be there before the teacher can do what is tried: a run in the right state, a study or sweep."""
    if path == f"{RUN}/resume":
        store.request_stop(ids["id"])
    if path in (f"{RUN}/pause", f"{RUN}/step"):
        store.claim(ids["id"], ["cpu:0"])
        store.record_started(ids["id"], 1, 10, 100, 0)
    if path == f"{RUN}/step":
        teacher.post(f"/api/v1/runs/{ids['id']}/pause")
        assert store.interventions.record_paused(ids["id"], 1, epoch_ended=True)
    for kind in ("studies", "sweeps"):
        if path.startswith(f"/api/v1/{kind}/"):
            made = send(teacher, ("POST", f"/api/v1/{kind}"), ids).json()["id"]
            if path.endswith("/resume"):
                teacher.post(f"/api/v1/{kind}/{made}/{'stop' if kind == 'studies' else 'pause'}")
            ids["id"] = made
    if path.startswith("/api/v1/datasets/"):
        ids["id"] = "spare"
        (store.workspace.datasets / "spare").mkdir(parents=True)
    if path == f"{SWEEP}/confirm":
        for accuracy in (0.5, 0.7):
            end_trial(store, add_next(store, store.sweeps.get(ids["id"])), accuracy)


def test_every_route_that_changes_something_is_tried_here():
    changing = {
        (method, route.path)
        for route in build_routes()
        for method in (route.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    }
    assert changing == set(ROUTES) | CHANGE_NOTHING


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: " ".join(route))
def test_a_visitor_changes_nothing_of_others(client_of, store, anna, ben, ids, route):
    before = store.list_runs(), store.views.list_views(), store.notes.list_notes(), store.trash.list_runs()
    answer = send(client_of(ben), route, ids)
    told = ROUTES[route][1]
    if told is True:
        assert answer.status_code == 201, answer.text
        assert store.get_run(answer.json()["id"]).visitor == ben.id
        return
    assert answer.status_code == 403, answer.text
    assert answer.json()["error"].endswith(f"can {told}{' in a class' if told == 'change this' else ''}.")
    after = store.list_runs(), store.views.list_views(), store.notes.list_notes(), store.trash.list_runs()
    assert after == before


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: " ".join(route))
def test_the_teacher_is_refused_nothing(client_of, store, ids, route):
    teacher = client_of(None)
    prepare(teacher, store, route[1], ids)
    answer = send(teacher, route, ids)
    assert answer.status_code in (200, 201) or answer.json()["error"] == REFUSED_TO_ALL.get(route), (
        answer.text
    )


def test_a_visitor_stops_their_own(client_of, store, anna, ids):
    assert send(client_of(anna), ("POST", f"{RUN}/stop"), ids).json()["state"] == "STOPPED"
    assert send(client_of(anna), ("POST", "/api/v1/runs/delete"), ids).status_code == 200


def test_who_started_a_run_is_told(client_of, store, anna, ben, ids):
    (run,) = client_of(ben).get("/api/v1/runs").json()
    assert run["visitor"] == anna.id
    names = {each["id"]: each["name"] for each in client_of(ben).get("/api/v1/visitors").json()}
    assert names == {anna.id: "Anna", ben.id: "Ben"}
