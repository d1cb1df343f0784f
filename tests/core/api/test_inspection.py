"""`evaluate` and `mistakes` by REST: the command line's JSON."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from tests.core.conftest import run_json


@pytest.fixture
def client():
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def test_it_gives_what_the_command_line_gives(home, client) -> None:
    of_run = f"/api/v1/runs/{home.run_id}"
    for query, options in [
        ("", ()),
        ("?split=validation&epoch=last", ("--split", "validation", "--epoch", "last")),
    ]:
        _, expected = run_json("evaluate", "--run", home.run_id, *options)
        assert client.get(f"{of_run}/evaluate{query}").json() == expected
    _, expected = run_json("mistakes", "--run", home.run_id, "--by", "doubt")
    assert client.get(f"{of_run}/mistakes?by=doubt").json() == expected
    assert client.get(f"{of_run}/mistakes?by=doubt&limit=3").json() == expected[:3]
    assert client.get(f"{of_run}/confusions").json() == run_json("confusions", "--run", home.run_id)[1]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("mistakes?limit=-1", 400, "limit must be a whole number from 1 to 999999999, not '-1'."),
        ("mistakes?limit=9" + 5000 * "9", 400, "limit must be"),
        ("mistakes?by=size", 400, "by must be one of loss, confidence, doubt"),
        ("evaluate?split=train", 400, "split must be one of validation, test, not 'train'."),
        ("evaluate?epoch=77", 400, "There are no weights of epoch 77"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(home, client, query: str, status: int, said: str) -> None:
    answer = client.get(f"/api/v1/runs/{home.run_id}/{query}")
    assert answer.status_code == status
    assert said in answer.json()["error"]


def test_no_run_has_no_answers(home, client) -> None:
    assert client.get("/api/v1/runs/nobody/evaluate").status_code == 404
