"""Many runs by REST: the command line's JSON, and what a program must not do unnoticed."""

import io

import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from tests.core.comparison.made import accuracies, stored
from tests.core.conftest import run_json

pytestmark = pytest.mark.usefixtures("no_scheduler")


@pytest.fixture
def client(workspace):
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


@pytest.fixture
def ids(store) -> list[str]:
    return [stored(store, {"seed": seed}, accuracies(0.1, 0.5 + seed / 10)) for seed in range(3)]


def test_it_answers_as_the_command_line_does(client, ids) -> None:
    answer = client.get(
        "/api/v1/compare", params={"group_by": "all-but-seed", "baseline": ids[0], "epoch": "2"}
    )
    assert answer.json() == run_json(
        "compare", "--group-by", "all-but-seed", "--baseline", ids[0], "--epoch", "2"
    )[1]  # fmt: skip
    assert client.get("/api/v1/compare").json() == run_json("compare")[1]
    curves = client.get("/api/v1/compare/curves?smoothing=0.5&sort=seed").json()
    assert curves == run_json("compare", "--curves", "--smoothing", "0.5", "--sort", "seed")[1]
    assert [curve["key"] for curve in curves["curves"]] == ids


def test_alternatives_and_hints(client, ids) -> None:
    answer = client.get(
        "/api/v1/compare", params={"where": "seed in 0, 1 or gap >= 5", "sort": "seed"}
    ).json()
    assert [run["id"] for run in answer["runs"]] == ids[:2]
    assert answer["hints"] == ["Gap lies between -1 and 1, so “gap >= 5” fits no run. Did you mean 5%?"]


@pytest.mark.parametrize(
    "query",
    ["align=hours", "where=gap", "baseline=aaaaaaaaaa", "grop_by=seed", "grop_by=", f"text={'x' * 201}"],
)
def test_what_cannot_be_read_is_refused(client, ids, query) -> None:
    for path in ("compare", "compare/curves", "compare/runs.csv"):
        answer = client.get(f"/api/v1/{path}?{query}")
        assert answer.status_code == 400 and answer.json()["error"]


def test_values_that_differ_between_blocks_are_said_without_a_mark(client, store) -> None:
    sizes = [([3, 5], [3]), ([3, 5], [3, 5])]
    ids = [
        stored(
            store,
            {"model.blocks": [{"kernel_sizes": each, "padding": "same"} for each in blocks]},
            accuracies(0.5),
        )
        for blocks in sizes
    ]
    groups = client.get("/api/v1/compare", params={"group_by": "model.blocks[*].kernel_sizes"}).json()[
        "groups"
    ]
    found = {group["runs"][0]: group["values"]["model.blocks[*].kernel_sizes"] for group in groups}
    assert found == {ids[0]: {"each": [[3, 5], 3]}, ids[1]: [3, 5]}


def test_files(client, ids) -> None:
    answer = client.get("/api/v1/compare/runs.parquet", params={"where": "seed >= 1"})
    assert answer.headers["content-disposition"] == 'attachment; filename="runs.parquet"'
    assert set(pd.read_parquet(io.BytesIO(answer.content))["id"]) == set(ids[1:])
    answer = client.get("/api/v1/compare/curves.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert len(pd.read_csv(io.BytesIO(answer.content))) == 6


def test_marks_and_views(client, ids) -> None:
    body = {"runs": ids[:2], "add": ["good"], "remove": ["bad"], "hidden": True}
    assert client.post("/api/v1/runs/marks", json=body).json() == [
        {"id": run_id, "tags": ["good"], "hidden": True} for run_id in ids[:2]
    ]
    assert client.post("/api/v1/runs/marks", json={"runs": ["aaaaaaaaaa"], "add": ["x"]}).status_code == 404
    for wrong in ({"runs": "x"}, {"runs": []}, {"runs": ids, "add": "x"}, {"runs": ids, "hidden": "x"}, {}):
        assert client.post("/api/v1/runs/marks", json=wrong).status_code == 400
    # Nothing of a request that is refused has been done.
    for wrong in ({"hidden": "yes"}, {"remove": 5}):
        assert client.post("/api/v1/runs/marks", json={"runs": ids, "add": ["x"]} | wrong).status_code == 400
    answer = client.post("/api/v1/runs/marks", json={"runs": ids[:1], "remove": ["good"], "add": ["a,b"]})
    assert answer.status_code == 400
    tags = [run["tags"] for run in client.get("/api/v1/compare?hidden=shown&sort=seed").json()["runs"]]
    assert tags == [["good"], ["good"], []]
    saved = client.post("/api/v1/views", json={"name": "good", "query": "where=tags = good"})
    assert saved.status_code == 201 and client.get("/api/v1/views").json() == [saved.json()]
    for wrong in ("align=x", "grop_by=seed", "embed=true", f"text={'x' * 201}", 5):
        answer = client.post("/api/v1/views", json={"name": "bad", "query": wrong})
        assert answer.status_code == 400 and answer.json()["field"] == "query"
    assert client.delete(f"/api/v1/views/{saved.json()['id']}").json() == saved.json()
    assert client.get("/api/v1/views").json() == []
    assert client.delete("/api/v1/views/good").status_code == 404


def test_several_are_deleted_and_restored_as_one(client, ids, store) -> None:
    answer = client.post("/api/v1/runs/delete", json={"runs": ids}).json()
    assert answer["runs"] == ids and store.list_runs() == []
    restored = client.post("/api/v1/runs/restore", json={"runs": ids}).json()
    assert [run["id"] for run in restored] == ids
    assert client.post("/api/v1/runs/delete", json={"runs": [*ids, "aaaaaaaaaa"]}).status_code == 404
    assert len(store.list_runs()) == 3
