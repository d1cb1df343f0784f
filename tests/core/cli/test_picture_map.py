"""The command `map`, and that REST gives the same."""

from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from tests.core.conftest import picture_file, run_command, run_json


def test_the_command_and_rest_give_places_of_the_part_and_of_own_pictures(home, tmp_path) -> None:
    own = picture_file(tmp_path)
    code, document = run_json("map", "--run", home.run_id, "--place", str(own))
    assert code == 0
    assert (document["run"], document["split"], document["n"]) == (home.run_id, "test", 1500)
    columns = ("index", "label", "predicted", "tsne", "pca")
    assert {len(document[key]) for key in columns} == {1500}
    assert max(document["label"]) == len(document["class_names"]) - 1
    (placed,) = document["placed"]
    assert (placed["image"], placed["ok"], len(placed["tsne"]), len(placed["pca"])) == (own.name, True, 2, 2)
    with TestClient(Starlette(routes=build_routes())) as client:
        address = f"/api/v1/runs/{home.run_id}/map"
        assert client.get(address).json() == {**document, "placed": []}
        answer = client.post(address, files={"file": (own.name, own.read_bytes())})
        assert answer.json() == document
        assert client.post(address, data={"crop": "pad"}).status_code == 400
        assert client.get(f"{address}?split=train").json()["error"].startswith("split must be one of")


def test_people_read_how_pure_the_neighbourhoods_are(home) -> None:
    code, out, _ = run_command("map", "--run", home.run_id)
    assert code == 0
    assert out.startswith("1,500 test pictures after epoch") and "have its class on the t-SNE map" in out
