"""`predict` and its REST route as Classify asks: a part of the picture, variants of it, and several runs."""

import io
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.cli import predict
from core.engine.client import Engine
from core.server.services import get_services
from core.workspace import Workspace
from tests.core.conftest import Lent, Trained, run_command, run_json

KEYS = ["image", "ok", "error", "top", "known", "distance_percentile", "neighbours", "temperature"]
SEEN = np.random.default_rng(3).integers(0, 256, (32, 32, 3)).astype(np.uint8)
OTHER = "bbbbbbbbb2"


@pytest.fixture(scope="module")
def two(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A workspace with a second run of the same weights."""
    root = tmp_path_factory.mktemp("two") / "workspace"
    shutil.copytree(trained.workspace.root, root)
    workspace = Workspace(root)
    folder = workspace.run_folder(OTHER)
    shutil.copytree(workspace.run_folder(trained.run_id), folder)
    with sqlite3.connect(workspace.database) as connection:
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute("SELECT * FROM runs WHERE id = ?", (trained.run_id,)).fetchone())
        row |= {"number": None, "id": OTHER, "token": None, "name": "The other one"}
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO runs ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    return Trained(workspace, trained.run_id)


@pytest.fixture(scope="module")
def engine(two: Trained) -> Iterator[Engine]:
    """Of this workspace, for commands and REST."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVDECK_HOME", str(two.workspace.root))
        made = get_services().engine
    yield made
    made.close()


@pytest.fixture(autouse=True)
def lent_engine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command would load Keras for itself."""
    monkeypatch.setattr(predict, "Engine", lambda _: Lent(engine))


@pytest.fixture
def here(two: Trained, monkeypatch: pytest.MonkeyPatch) -> Trained:
    monkeypatch.setenv("CONVDECK_HOME", str(two.workspace.root))
    return two


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, Path]:
    """SEEN alone, and in the right upper quarter of a larger one; and no picture."""
    larger = np.zeros((64, 128, 3), np.uint8)
    larger[:32, 96:] = SEEN
    paths = {name: tmp_path / f"{name}.png" for name in ("alone", "larger", "bad")}
    for name, pixels in (("alone", SEEN), ("larger", larger)):
        Image.fromarray(pixels).save(paths[name])
    paths["bad"].write_bytes(b"hello")
    return paths


def test_a_box_is_answered_as_its_pixels_alone(here, pictures) -> None:
    _, (expected,) = run_json("predict", "--run", here.run_id, str(pictures["alone"]))
    code, (row,) = run_json("predict", "--run", here.run_id, "--box", "0.75,0,1,0.5", str(pictures["larger"]))
    assert (code, list(row)) == (0, KEYS)
    assert row["top"] == expected["top"] and row["neighbours"] == expected["neighbours"]
    _, (whole,) = run_json("predict", "--run", here.run_id, str(pictures["larger"]))
    assert whole["top"] != row["top"]


@pytest.mark.parametrize("box", ["0.5,0,0.25,1", "0,0,2,1", "0,0,1", "a,b,c,d", "nan,0,1,1", "-0.1,0,1,1"])
def test_what_is_no_box_is_a_sentence(here, pictures, box: str) -> None:
    code, _, err = run_command("predict", "--run", here.run_id, f"--box={box}", str(pictures["alone"]))
    assert code == 2
    assert "box must be LEFT,TOP,RIGHT,BOTTOM" in err


def test_variants_have_what_changed_and_their_spread_is_that_of_all(here, pictures) -> None:
    code, rows = run_json(
        "predict", "--run", here.run_id, "--vary", str(pictures["alone"]), str(pictures["bad"])
    )
    assert code == 0
    assert [list(row) for row in rows] == [[*KEYS, "variants"]] * 2
    assert rows[1]["variants"] is None
    found = rows[0]["variants"]
    assert list(found) == ["count", "kept", "policy", "as_trained", "classes", "each"]
    assert (found["count"], found["as_trained"], len(found["each"])) == (16, False, 16)
    assert found["policy"] == "rotation up to 10°, shifts up to 8 %, zoom up to 8 %, mirroring"
    best = rows[0]["top"][0]["class"]
    assert found["kept"] == sum(each["class"] == best for each in found["each"])
    for each in found["each"]:
        assert each["changes"].keys() <= {"rotation", "shift_x", "shift_y", "zoom", "flip_x"}
    assert 0 < sum("flip_x" in each["changes"] for each in found["each"]) < 16
    assert sum(each["mean"] for each in found["classes"]) == pytest.approx(1, abs=1e-4)
    for each in found["classes"]:
        own = [every["probability"] for every in found["each"] if every["class"] == each["class"]]
        assert all(each["least"] - 1e-6 <= value <= each["most"] + 1e-6 for value in own)
    assert max(each["most"] for each in found["classes"]) == pytest.approx(
        max(each["probability"] for each in found["each"])
    )
    _, out, _ = run_command("predict", "--run", here.run_id, "--vary", str(pictures["alone"]))
    assert f"{found['kept']} of 16 variants keep the answer, {best}" in out


def test_several_runs_say_what_each_says_alone(here, pictures) -> None:
    asked = [str(pictures[name]) for name in ("alone", "bad")]
    code, rows = run_json("predict", "--run", here.run_id, "--run", OTHER, *asked)
    assert code == 0
    assert [list(row) for row in rows] == [["image", "ok", "error", "agree", "answers"]] * 2
    assert [(row["image"], row["ok"], row["agree"]) for row in rows] == [
        (asked[0], True, True),
        (asked[1], False, None),
    ]
    for place, run in enumerate((here.run_id, OTHER)):
        _, alone = run_json("predict", "--run", run, *asked)
        for row, expected in zip(rows, alone, strict=True):
            own = row["answers"][place]
            assert own.pop("run") == run
            assert {key: expected[key] for key in ("image", "ok", "error")} | own == expected
    _, out, _ = run_command("predict", "--run", here.run_id, "--run", OTHER, asked[0])
    assert f"  {OTHER} The other one: " in out


def test_too_many_runs_or_one_twice_are_refused(here, pictures) -> None:
    for runs in ([here.run_id] * 2, [here.run_id, OTHER] * 3):
        named = [part for run in runs for part in ("--run", run)]
        code, _, err = run_command("predict", *named, str(pictures["alone"]))
        assert (code, "1 to 4 different runs" in err) == (2, True)


def test_rest_gives_what_the_command_line_gives(here, pictures) -> None:
    path = f"/api/v1/runs/{here.run_id}/predict"
    data = pictures["larger"].read_bytes()
    options = ("--run", here.run_id, "--run", OTHER, "--box", "0.5,0,1,1", "--vary", "--epoch", "last")
    _, (expected,) = run_json("predict", *options, str(pictures["larger"]))
    with TestClient(Starlette(routes=build_routes())) as client:

        def ask(**fields: str) -> tuple[int, object]:
            answer = client.post(path, files=[("a", ("larger.png", io.BytesIO(data)))], data=fields)
            return answer.status_code, answer.json()

        status, (row,) = ask(box="0.5,0,1,1", vary="true", epoch="last", **{"with": OTHER})
        assert (status, row) == (200, expected | {"image": "larger.png"})
        for fields, said in [
            ({"box": "0,0,1"}, "box must be LEFT"), ({"vary": "yes"}, "vary must be true or false"),
            ({"box": "0,0,1,1", "crop": "pad"}, "crop or box"), ({"with": here.run_id}, "different runs"),
        ]:  # fmt: skip
            status, refused = ask(**fields)
            assert (status, said in refused["error"]) == (400, True)
        assert ask(**{"with": "nobody"})[0] == 404
