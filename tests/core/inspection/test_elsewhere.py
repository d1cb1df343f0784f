"""A run on another data set: classes by their names, pictures of another size, and its own temperature."""

import shutil
from collections.abc import Iterator

import keras
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.api.routes import build_routes
from core.datasets.saving import save_dataset
from core.datasets.storage import ARRAYS, load_dataset
from core.errors import DatasetError, UserError
from core.inspection.answers import answers_of
from core.inspection.elsewhere import (
    answers_elsewhere,
    fitting_datasets,
    pictures_elsewhere,
)
from core.inspection.evaluation import evaluate
from core.store.store import Store
from core.workspace import Workspace
from tests.core.conftest import run_command, run_json

NAME = "elsewhere"


@pytest.fixture(scope="module")
def run(trained):
    return Store(trained.workspace).get_run(trained.run_id)


def store(
    workspace: Workspace, name: str, class_names: tuple[str, ...], side: int, channels: int = 3
) -> None:
    """40 training and 24 test pictures of noise."""
    generator = np.random.default_rng(3)
    parts = []
    for count in (40, 24):
        parts += [
            generator.integers(0, 256, (count, side, side, channels)).astype(np.uint8),
            np.arange(count) % len(class_names),
        ]
    save_dataset(workspace, name, name.capitalize(), "", class_names, dict(zip(ARRAYS, parts, strict=True)))


@pytest.fixture(scope="module")
def there(trained) -> Iterator[str]:
    """Two of the run's classes, in another order than its own, at 40×40."""
    names = load_dataset(trained.workspace, "shapes").class_names
    store(trained.workspace, NAME, (names[4], names[1]), 40)
    yield NAME
    shutil.rmtree(trained.workspace.datasets / NAME)


def test_answers_are_those_of_keras_to_the_resized_pictures(trained, engine, run, there) -> None:
    answers = answers_elsewhere(trained.workspace, engine, run, there)
    dataset = load_dataset(trained.workspace, there)
    pictures = np.concatenate([dataset.x_test, dataset.x_train])
    resized = np.stack(
        [np.asarray(Image.fromarray(each).resize((32, 32), Image.Resampling.BILINEAR)) for each in pictures]
    )
    path = max(trained.workspace.run_folder(run.id).glob("best-*.keras"))
    expected = keras.models.load_model(path, compile=False).predict(resized, verbose=0)
    assert answers.probabilities == pytest.approx(expected, abs=1e-5)
    assert answers.class_names == load_dataset(trained.workspace, "shapes").class_names
    assert answers.labels.tolist() == [
        4 if label == 0 else 1 for label in [*dataset.y_test, *dataset.y_train]
    ]
    assert np.array_equal(
        pictures_elsewhere(trained.workspace, there, answers.rows[[3, 30]]), pictures[[3, 30]]
    )
    assert (answers.split, answers.dataset, answers.kind) == ("all", there, there)
    again = answers_elsewhere(trained.workspace, None, run, there)  # no engine is asked
    assert np.array_equal(again.log_probabilities, answers.log_probabilities) and again.dataset == there


def test_other_pictures_under_the_same_name_are_asked_again(trained, engine, run) -> None:
    names = load_dataset(trained.workspace, "shapes").class_names
    try:
        store(trained.workspace, "changing", names[:2], 32)
        first = answers_elsewhere(trained.workspace, engine, run, "changing")
        shutil.rmtree(trained.workspace.datasets / "changing")
        store(trained.workspace, "changing", names[2:5], 32)
        second = answers_elsewhere(trained.workspace, engine, run, "changing")
        assert set(first.labels) == {0, 1} and set(second.labels) == {2, 3, 4}
    finally:
        shutil.rmtree(trained.workspace.datasets / "changing")


def test_it_is_measured_with_the_run_s_own_temperature(trained, engine, run, there) -> None:
    measured = evaluate(trained.workspace, engine, run, "all", dataset=there)
    assert measured.temperature == evaluate(trained.workspace, engine, run, "test").temperature
    assert len(measured.answers) == 64 and measured.confusion.sum() == 64
    assert [each.support for each in measured.classes] == [0, 32, 0, 0, 32, 0, 0, 0, 0, 0]
    assert measured.classes[0].recall is None


def test_what_does_not_fit_is_not_offered_and_refused_in_words(trained, engine, run, there) -> None:
    names = load_dataset(trained.workspace, "shapes").class_names
    store(trained.workspace, "strange", (names[0], "roses"), 32)
    store(trained.workspace, "grey", names[:2], 32, channels=1)
    try:
        assert [info.id for info in fitting_datasets(trained.workspace, run)] == [there]
        with pytest.raises(UserError, match="does not know the class “roses”"):
            answers_elsewhere(trained.workspace, engine, run, "strange")
        with pytest.raises(UserError, match="needs pictures of 32×32×3, not 32×32×1"):
            answers_elsewhere(trained.workspace, engine, run, "grey")
    finally:
        for name in ("strange", "grey"):
            shutil.rmtree(trained.workspace.datasets / name)
    with pytest.raises(UserError, match="was trained on shapes"):
        answers_elsewhere(trained.workspace, engine, run, "shapes")
    with pytest.raises(DatasetError, match="no data set “nothing”"):
        answers_elsewhere(trained.workspace, engine, run, "nothing")


def test_its_own_answers_are_not_taken_for_them(trained, engine, run, there) -> None:
    own = answers_of(trained.workspace, engine, run, "test")
    answers_elsewhere(trained.workspace, engine, run, there)
    assert answers_of(trained.workspace, engine, run, "test").dataset is None
    assert len(own) == 1500


def test_the_commands_name_the_data_set(home, there) -> None:
    code, document = run_json("evaluate", "--run", home.run_id, "--dataset", there)
    assert code == 0
    assert (document["split"], document["dataset"], document["n"]) == ("all", there, 64)
    _, mistakes = run_json("mistakes", "--run", home.run_id, "--dataset", there)
    assert len(mistakes) == round(64 * (1 - document["accuracy"]))
    assert (
        f"of 64 {there} pictures are wrong."
        in run_command("mistakes", "--run", home.run_id, "--dataset", there)[1]
    )
    with TestClient(Starlette(routes=build_routes())) as client:
        address = f"/api/v1/runs/{home.run_id}"
        assert client.get(f"{address}/evaluate?dataset={there}").json() == document
        assert client.get(f"{address}/mistakes?dataset={there}").json() == mistakes
        assert client.get(f"{address}/evaluate?dataset=nothing").status_code == 400
