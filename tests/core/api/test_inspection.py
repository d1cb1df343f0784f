"""REST about a run's answers: the command line's JSON, with the PNG of `explain`, and a sentence for errors."""

import base64
import io

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api import inspection as api
from core.api.routes import build_routes
from tests.core.conftest import picture_file, run_json
from tests.problem_members import PROBLEM_MEMBERS


@pytest.fixture
def client():
    with TestClient(Starlette(routes=build_routes())) as made:
        yield made


def test_it_gives_what_the_command_line_gives(home, client) -> None:
    of_run = f"/api/v1/runs/{home.run_id}"
    for query, options in [
        ("", ()),
        ("?split=validation&epoch=last", ("--split", "validation", "--epoch", "last")),
        ("?split=validation&epoch=1", ("--split", "validation", "--epoch", "1")),
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


def test_it_gives_what_the_command_line_gives_and_the_png(home, client, tmp_path) -> None:
    picture, out = picture_file(tmp_path), tmp_path / "why.png"
    _, expected = run_json(
        "explain",
        "--run",
        home.run_id,
        str(picture),
        "--method",
        "occlusion",
        "--class",
        "star",
        "--out",
        str(out),
    )
    answer = client.post(
        f"/api/v1/runs/{home.run_id}/explain",
        files={"picture": ("picture.png", picture.read_bytes())},
        data={"method": "occlusion", "class": "star", "layer": ""},
    )
    assert answer.status_code == 200, answer.text
    document = answer.json()
    png = base64.b64decode(document.pop("png"))
    assert png == out.read_bytes()
    assert document == {key: value for key, value in expected.items() if key != "out"} | {
        "image": "picture.png"
    }
    with Image.open(io.BytesIO(png)) as image:
        assert image.text["Description"] == document["sentence"]


def test_another_epoch_is_asked_by_its_number(home, client, tmp_path) -> None:
    picture, of_run = picture_file(tmp_path), f"/api/v1/runs/{home.run_id}"
    files = {"picture": ("picture.png", picture.read_bytes())}
    for epoch in ("1", "2"):
        _, (expected,) = run_json("predict", "--run", home.run_id, str(picture), "--epoch", epoch)
        (row,) = client.post(f"{of_run}/predict", files=files, data={"epoch": epoch}).json()
        assert row == expected | {"image": "picture.png"}
        explained = client.post(f"{of_run}/explain", files=files, data={"epoch": epoch}).json()
        assert explained["top"] == row["top"]
    for path in ("predict", "explain"):
        refused = client.post(f"{of_run}/{path}", files=files, data={"epoch": "77"})
        assert (refused.status_code, "There are no weights of epoch 77" in refused.json()["error"]) == (
            400,
            True,
        )


def test_what_cannot_be_explained_is_a_status_and_a_sentence(home, client, tmp_path, monkeypatch) -> None:
    path, picture = f"/api/v1/runs/{home.run_id}/explain", picture_file(tmp_path).read_bytes()
    one = {"picture": ("red.png", picture)}

    def refused(status: int, **sent: object) -> str:
        answer = client.post(path, **sent)
        assert (answer.status_code, list(answer.json())) == (status, PROBLEM_MEMBERS)
        return answer.json()["error"]

    assert "Choose one of conv_1, conv_2" in refused(
        400, files=one, data={"method": "grad-cam", "layer": "x"}
    )
    assert "Choose one of circle, square" in refused(400, files=one, data={"class": "squirrel"})
    assert "Choose one of grad-cam, occlusion" in refused(400, files=one, data={"method": "guess"})
    assert "crop must be one of" in refused(400, files=one, data={"crop": "none"}).replace(":", "")
    assert "Known are method, layer, class, crop and epoch" in refused(400, files=one, data={"klass": "cat"})
    assert "bad.png is not a picture" in refused(400, files={"picture": ("bad.png", b"no")})
    assert "Send one picture" in refused(400)
    two = [("a", ("a.png", picture)), ("b", ("b.png", picture))]
    assert "Send 1 file as multipart/form-data" in refused(400, files=two)
    monkeypatch.setattr(api, "MAX_PICTURE_BYTES", 100)
    assert "larger than" in refused(413, files=one)
    assert client.post("/api/v1/runs/nobody/explain").status_code == 404
