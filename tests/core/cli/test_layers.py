"""`layers` and `histograms` on a real finished run, and REST, which gives the same."""

import base64

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from tests.core.conftest import picture_file, run_command, run_json


@pytest.fixture
def client():
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def test_layers_and_dead_units(home, client) -> None:
    code, document = run_json("layers", "--run", home.run_id)
    assert code == 0, document
    assert [each["name"] for each in document["layers"]][:3] == ["input", "rescaling", "conv_1"]
    assert document["layers"][2] == {
        "name": "conv_1", "kind": "conv", "inputs": ["rescaling"], "output_shape": [32, 32, 16], "parameters": 448,
        "activation": "relu", "kernel_size": [3, 3],
    }  # fmt: skip
    assert document["dead_units"]["pictures"] == 500
    assert client.get(f"/api/v1/runs/{home.run_id}/layers").json() == document
    code, printed, _ = run_command("layers", "--run", home.run_id, "--epoch", "last")
    assert code == 0 and "conv_1" in printed and "32×32×16" in printed


def test_a_picture_of_the_data_set_and_one_of_a_person_s_own(home, client, tmp_path) -> None:
    out = tmp_path / "maps.png"
    how = ("--run", home.run_id, "--index", "5", "--layer", "conv_2")
    code, document = run_json("layers", *how, "--at", "3,4,7", "--out", str(out))
    assert code == 0, document
    made = document["calculation"]
    total = sum(each["product"] for each in made["products"]) + made["bias"]
    assert made["num_products"] == len(made["products"]) == 144
    assert total == pytest.approx(made["before_activation"], abs=1e-4)
    assert made["value"] == pytest.approx(max(0, total), abs=1e-4)
    with Image.open(out) as image:
        assert image.format == "PNG" and image.width > 300
    query = "index=5&layer=conv_2&at=3,4,7"
    answer = client.get(f"/api/v1/runs/{home.run_id}/layers?{query}").json()
    assert base64.b64decode(answer.pop("png")) == out.read_bytes()
    assert answer == {key: value for key, value in document.items() if key != "out"}
    code, printed, _ = run_command("layers", *how, "--at", "3,4,7")
    assert code == 0 and "144 products of what pool_1 gives" in printed

    picture = picture_file(tmp_path)
    code, document = run_json("layers", "--run", home.run_id, str(picture))
    assert [each["layer"] for each in document["layers"]][-1] == "softmax"
    assert sum(each["mean"] for each in document["layers"][-1]["channels"]) == pytest.approx(1, abs=1e-4)
    with picture.open("rb") as stream:
        answer = client.post(f"/api/v1/runs/{home.run_id}/layers", files={"file": stream}).json()
    assert answer == document


def test_histograms(home, client) -> None:
    code, document = run_json("histograms", "--run", home.run_id)
    assert code == 0, document
    epochs = [each["epoch"] for each in document["epochs"]]
    assert epochs == sorted(epochs) and epochs[-1] == 3
    for each in document["epochs"]:
        for part in ("weights", "activations", "gradients"):
            for own in each[part]:
                assert sum(own["counts"]) == own["count"] > 0
                assert np.all(np.diff(own["edges"]) > 0)
    code, printed, _ = run_command("histograms", "--run", home.run_id)
    assert code == 0 and "gradients    softmax" in printed
    assert client.get(f"/api/v1/runs/{home.run_id}/histograms").json() == document


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--layer", "conv_1"], "--layer needs a picture"),
        (["--index", "5", "--out", "x.png"], "--out needs a layer"),
        (["--index", "5", "--layer", "conv_9"], "no layer “conv_9”"),
        (["--index", "5", "--layer", "conv_1", "--at", "a,b"], "A place is row,column,channel"),
        (["--index", "99999"], "There is no picture 99,999"),
        (["--epoch", "77"], "There are no weights of epoch 77"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(home, options, said) -> None:
    code, _, err = run_command("layers", "--run", home.run_id, *options)
    assert code == 2 and said in err


def test_rest_refuses_in_words(home, client, tmp_path) -> None:
    of_run = f"/api/v1/runs/{home.run_id}/layers"
    for query, said in (("layer=conv_1", "needs a picture"), ("index=-1", "index: must be a whole number")):
        answer = client.get(f"{of_run}?{query}")
        assert answer.status_code == 400 and said.rpartition(": ")[2] in answer.json()["error"]
    with picture_file(tmp_path).open("rb") as stream:
        answer = client.post(of_run, files={"file": stream}, data={"depth": "3"})
    assert answer.status_code == 400 and "Known are layer, at, epoch, crop." in answer.json()["error"]
