"""`tag-picture`, `untag-picture`, `picture-tags`, and the same by REST."""

from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.datasets.storage import load_dataset
from tests.core.conftest import run_command, run_json


def test_a_picture_gets_tags_and_loses_them(home) -> None:
    dataset = load_dataset(home.workspace, "shapes")
    label = dataset.class_names[dataset.y_test[17]]
    own = ("--run", home.run_id, "17")
    assert (
        run_command("tag-picture", *own, "odd", "wrong label")[1]
        == f"Picture 17 ({label}): odd, wrong label.\n"
    )
    row = {"index": 17, "label": label, "tags": ["odd", "wrong label"]}
    assert run_json("picture-tags", "--run", home.run_id)[1] == [row]
    with TestClient(Starlette(routes=build_routes())) as client:
        address = f"/api/v1/runs/{home.run_id}/picture-tags"
        assert client.get(address).json() == [row]
        changed = client.post(address, json={"index": 17, "add": ["new"], "remove": ["odd"]})
        assert changed.json() == {**row, "tags": ["new", "wrong label"]}
        for body, said in (
            ({"index": True}, "must be the row of a picture"),
            ({"index": len(dataset.y_test)}, "There is no picture"),
            ({"index": 3, "add": "odd"}, "must be a list of tags"),
            ({"index": 3, "add": ["a, b"]}, "cannot hold commas"),
            ({"index": 3, "tags": []}, "tags"),
        ):
            refused = client.post(address, json=body)
            assert refused.status_code == 400 and said in refused.json()["error"], body
    assert run_command("untag-picture", *own, "new", "wrong label")[1] == f"Picture 17 ({label}): no tags.\n"
    assert run_json("picture-tags", "--run", home.run_id)[1] == []
    code, _, err = run_command("tag-picture", "--run", home.run_id, "99999", "odd")
    assert code == 2 and "There is no picture 99,999" in err
