"""What the command line and REST tell of each class and picture, on a real finished run."""

import itertools

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.runs.breakdown import TOO_OLD, class_names_of, memorised_in_words
from core.store.breakdowns import CorruptedLabels
from core.store.records import RunRequest
from core.store.store import Store
from tests.core.conftest import run_command, run_json


def test_classes_make_up_the_curves(home) -> None:
    code, told = run_json("show", home.run_id, "--details")
    assert code == 0
    curves = run_json("show", home.run_id)[1]["curves"]
    assert told["epoch"] == [1, 2, 3] and told["note"] is None and told["corrupted_labels"] is None
    assert len(told["classes"]) == 10
    for part, size in (("clean_train", "num_clean_train"), ("val", "num_validation")):
        sizes = [each[size] for each in told["classes"]]
        for index in range(3):
            accuracies = [each[f"{part}_accuracy"][index] for each in told["classes"]]
            mean = np.average(accuracies, weights=sizes)
            assert curves[f"{part}_accuracy"][index] == pytest.approx(mean, abs=1e-5)
    assert sum(each["num_clean_train"] for each in told["classes"]) == 300


def test_followed_pictures_have_names_and_counts(home) -> None:
    _, told = run_json("show", home.run_id, "--details")
    names = {each["class"] for each in told["classes"]}
    for part in ("training", "validation"):
        assert len(told["followed"][part]) == 24
        for picture in told["followed"][part]:
            assert {picture["label"], *picture["answer"]} <= names
            assert picture["label"] == picture["true_label"]
            right = [answer == picture["label"] for answer in picture["answer"]]
            assert picture["forgotten"] == sum(a and not b for a, b in itertools.pairwise(right))
            assert picture["confidence"] == pytest.approx(np.mean(picture["probability"]), abs=1e-4)


def test_rest_gives_what_the_command_line_gives(home) -> None:
    with TestClient(Starlette(routes=build_routes())) as client:
        answer = client.get(f"/api/v1/runs/{home.run_id}/details")
        assert answer.json() == run_json("show", home.run_id, "--details")[1]
        assert client.get("/api/v1/runs/nothing/details").status_code == 404


def test_a_table_for_people(home) -> None:
    code, out, _ = run_command("show", home.run_id, "--details")
    assert code == 0
    assert "Classes at epoch 3" in out and "Followed validation pictures" in out


def test_an_old_run_says_so(workspace) -> None:
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config))
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, 10, 100, 0)
        store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.5))
    _, told = run_json("show", run.id, "--details")
    assert (told["epoch"], told["classes"], told["note"]) == ([], [], TOO_OLD)
    assert TOO_OLD in run_command("show", run.id, "--details")[1]


def test_without_its_data_set_classes_have_numbers(home) -> None:
    run = Store(home.workspace).get_run(home.run_id)
    assert class_names_of(home.workspace, run, 10)[0] == "circle"
    assert class_names_of(home.workspace, run, 3) == ("class 0", "class 1", "class 2")


def test_memorised_in_words() -> None:
    corrupted = CorruptedLabels(200, np.array([10, 122]), np.array([90, 30]), 100, np.array([50, 97]))
    assert memorised_in_words(12, corrupted).replace("\u00a0", " ") == (
        "By epoch 12 the network had learned 61 % of 200 wrong labels by heart; 15 % of these pictures it classified "
        "correctly, against their label. Of 100 pictures with a correct label it classified 97 % correctly."
    )
