"""What a real run on uneven classes says of them: its pictures of each class, and its balanced accuracy."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.config import DatasetConfig
from core.datasets.class_counts import ClassCount, count_notes, unevenness_in_words
from core.datasets.splits import counts_for, load_split
from core.datasets.storage import delete_dataset
from core.runs.verdicts import class_counts_of
from core.store.records import RunData, RunRequest
from core.store.store import Store
from tests.core.conftest import own_data, run_command, run_json
from tests.core.scheduling.fakes import CONFIG
from tests.uneven import NUM_TRAIN, draw_leaves

# By hand: half of 240, 60 and 20 training pictures, and half of 120, 30 and 10 others.
COUNTS = [
    {"name": "healthy", "train": 120, "validation": 60, "test": 60},
    {"name": "ill", "train": 30, "validation": 15, "test": 15},
    {"name": "rare", "train": 10, "validation": 5, "test": 5},
]
SAID = (
    "Few training pictures: rare (10). Better are 20 or more per class. The classes are uneven: healthy has 120 "
    "training pictures, rare 10."
)


def test_a_run_says_how_many_pictures_of_each_class_it_has(uneven_home) -> None:
    _, shown = run_json("show", uneven_home.run_id)
    with TestClient(Starlette(routes=build_routes())) as client:
        told = client.get(f"/api/v1/runs/{uneven_home.run_id}").json()
    assert shown["class_counts"] == told["class_counts"] == COUNTS
    assert SAID in run_command("show", uneven_home.run_id)[1]
    assert SAID in run_command("show", uneven_home.run_id, "--log")[1]


def test_balanced_accuracy_is_that_of_scikit_learn(uneven_home) -> None:
    with Store(uneven_home.workspace) as store:
        run = store.get_run(uneven_home.run_id)
        classes = store.breakdowns.validation_at(run.id, run.best_epoch)
    assert classes.count.tolist() == [60, 15, 5] and run.uneven_classes
    labels = np.repeat(np.arange(3), classes.count)
    # Of each class as many right answers as were counted, the others another class.
    right = np.concatenate([np.arange(n) < k for n, k in zip(classes.count, classes.right[0], strict=True)])
    answers = np.where(right, labels, (labels + 1) % 3)
    assert run.best_val_accuracy == pytest.approx((answers == labels).mean())
    expected = balanced_accuracy_score(labels, answers)
    assert run.balanced_accuracy == pytest.approx(expected)
    _, listed = run_json("runs")
    assert {each["id"]: each["balanced_accuracy"] for each in listed}[run.id] == pytest.approx(expected)
    _, shown = run_json("show", run.id)
    assert shown["balanced_accuracy"] == pytest.approx(expected)
    table = run_command("runs")[1]
    assert "BALANCED" in table and f"{100 * expected:.1f} %" in table


def test_the_counts_are_those_of_the_pictures_that_are_trained_on(workspace) -> None:
    draw_leaves(workspace)
    for noise in (0.0, 0.5):
        config = DatasetConfig(id="leaves", num_train=NUM_TRAIN, label_noise=noise)
        arrays = load_split(workspace, config, seed=3)
        assert arrays.counts == counts_for(workspace, config)
        assert [each.train for each in arrays.counts] == np.bincount(arrays.y_train_true).tolist()
    # The fairest place of the first of 20 among 320 is the ninth: before that, there is none.
    few = counts_for(workspace, DatasetConfig(id="leaves", num_train=5))
    assert [each.train for each in few] == [4, 1, 0]
    assert "rare has no training pictures, so the network cannot learn it." in count_notes(few)
    assert counts_for(workspace, DatasetConfig(id="elsewhere")) is None


def test_nothing_is_counted_where_the_data_is_gone_or_another(workspace) -> None:
    with Store(workspace) as store:
        data = draw_leaves(workspace)
        own = CONFIG.with_values({"dataset.id": "leaves", "dataset.num_train": NUM_TRAIN})
        run = store.queue_run(RunRequest(own))
        store.claim(run.id, ["cpu:0"])
        store.record_data(run.id, 1, RunData(data.digest, data.class_names, 320, 80))
        run = store.get_run(run.id)
        assert [each.train for each in class_counts_of(workspace, run)] == [120, 30, 10]
        delete_dataset(workspace, "leaves")
        assert class_counts_of(workspace, run) is None
        own_data(workspace, "leaves")
        assert class_counts_of(workspace, run) is None
        assert run_json("show", run.id)[1]["class_counts"] is None


def test_the_hint_on_a_data_set_has_its_numbers() -> None:
    even = [ClassCount("a", 40, 10, 10), ClassCount("b", 50, 10, 10)]
    assert unevenness_in_words(even) is None
    uneven = [ClassCount("a", 50, 10, 10), ClassCount("b", 10, 0, 1), ClassCount("c", 10, 0, 1)]
    assert unevenness_in_words(uneven) == (
        "b, c have no validation pictures. The classes are uneven: a has 50 training pictures, b 10. Look at the "
        "balanced accuracy: it counts every class the same."
    )
