"""REST about alerts: from this computer and from others."""

import sys

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.system import addresses
from core.visitors.person import acting_as
from tests.core.alerts.receiver import receiving

ALERTS = "/api/v1/alerts"
ASKED = {"name": "phone", "on": ["overfitting", "finished"]}
FROM_AFAR = ("203.0.113.9", 50_000)


@pytest.fixture
def client(workspace, no_scheduler) -> TestClient:
    return TestClient(Starlette(routes=build_routes()), client=("127.0.0.1", 50_000))


def test_an_alert_from_adding_to_its_log(client) -> None:
    with receiving() as receiver:
        made = client.post(ALERTS, json={**ASKED, "webhook": receiver.url})
        assert made.status_code == 201 and made.json()["public_only"] is False
        assert client.get(ALERTS).json() == [made.json()]
        assert client.post(f"{ALERTS}/phone/test").json()["state"] == "sent"
        client.post(f"{ALERTS}/phone/test")
    assert [each["kind"] for each in receiver.received] == ["test", "test"]
    log = client.get(f"{ALERTS}/log").json()
    assert [each["tries"][0]["status"] for each in log] == [200, 200]
    page = client.get(f"{ALERTS}/log?limit=1")
    assert page.json() == log[:1] and f"cursor={log[0]['id']}" in page.headers["Link"]
    assert client.delete(f"{ALERTS}/phone").json() == made.json()
    for answer in (client.delete(f"{ALERTS}/phone"), client.post(f"{ALERTS}/phone/test")):
        assert (answer.status_code, answer.json()["code"]) == (404, "alert_not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"webhook": "http://127.0.0.1/", "on": ["finished"]}, "name"),
        ({**ASKED}, "webhook"),
        ({**ASKED, "webhook": 7}, "webhook"),
        ({**ASKED, "on": "finished", "webhook": "http://127.0.0.1/"}, "on"),
        ({**ASKED, "on": [], "webhook": "http://127.0.0.1/"}, "on"),
        ({**ASKED, "on": [{}], "webhook": "http://127.0.0.1/"}, "on"),
    ],
)
def test_what_is_refused(client, body, field) -> None:
    answer = client.post(ALERTS, json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_a_command_cannot_be_set_by_rest(client) -> None:
    answer = client.post(ALERTS, json={**ASKED, "command": [sys.executable]})
    assert answer.status_code == 403 and "cannot be set by REST" in answer.json()["error"]
    assert client.get(ALERTS).json() == []


@pytest.mark.parametrize("header", [None, "X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_from_another_computer_only_public_addresses_can_be_set(client, store, header, monkeypatch) -> None:
    """A request of a proxy on this computer is somebody else's, too."""
    if header is None:
        client = TestClient(Starlette(routes=build_routes()), client=FROM_AFAR)
    headers = {} if header is None else {header: "203.0.113.9"}
    for url in (
        "http://127.0.0.1:8501/",
        "http://localhost/",
        "http://169.254.169.254/latest",
        "http://[fd00::1]/",
    ):
        answer = client.post(ALERTS, json={**ASKED, "webhook": url}, headers=headers)
        assert answer.status_code == 400 and "this computer or in its network" in answer.json()["error"]
    monkeypatch.setattr(addresses, "addresses_of", lambda host, port: ["93.184.215.14"])
    answer = client.post(ALERTS, json={**ASKED, "webhook": "https://example.com/hook"}, headers=headers)
    assert answer.status_code == 201 and answer.json()["public_only"] is True
    assert store.alerts.get_rule("phone").public_only


def test_a_visitor_sees_nothing_of_them(client, anna) -> None:
    with acting_as(anna):
        for path in (ALERTS, f"{ALERTS}/log"):
            answer = client.get(path)
            assert (
                answer.status_code == 403 and answer.json()["error"] == "Only the teacher can see the alerts."
            )
