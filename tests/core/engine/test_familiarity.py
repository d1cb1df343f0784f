"""What a run knows, by a real engine: its own training pictures, its false alarms, and what is kept on the disk."""

import dataclasses
import io
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from core.datasets.splits import load_split, validation_and_test
from core.datasets.storage import load_dataset
from core.engine.client import Engine
from core.engine.familiarity import FOLDER, keep_familiarity, most_pictures, read_familiarity
from core.inspection.prediction import learn_known, predict
from core.store.store import Store


def png_bytes(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def run(trained):
    shutil.rmtree(trained.workspace.run_folder(trained.run_id) / FOLDER, ignore_errors=True)
    return Store(trained.workspace).get_run(trained.run_id)


@pytest.fixture(scope="module")
def engine(run, trained):
    """One that has not measured the run before."""
    made = Engine(trained.workspace)
    yield made
    made.close()


@pytest.fixture(scope="module")
def advanced(trained, engine, run) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    assert learn_known(trained.workspace, engine, run, lambda done, of: told.append((done, of))) is None
    return told


@pytest.fixture(scope="module")
def kept(trained, run, advanced):
    return read_familiarity(trained.workspace.run_folder(run.id), run.best_epoch)


def test_it_is_measured_in_portions_and_kept(trained, engine, run, advanced, kept) -> None:
    assert advanced == [(done, 3300) for done in range(500, 3300, 500)]
    assert len(kept.training.rows) == 300
    again: list[tuple[int, int]] = []
    learn_known(trained.workspace, engine, run, lambda done, of: again.append((done, of)))
    assert again == []


def test_the_rows_are_what_the_run_was_trained_on(trained, run, kept) -> None:
    dataset = load_dataset(trained.workspace, "shapes")
    split = load_split(trained.workspace, run.config.dataset, run.config.seed)
    assert sorted(kept.training.rows) == sorted(split.train_indices)
    assert np.array_equal(dataset.y_train[kept.training.rows], kept.training.labels)


def test_distances_are_those_of_the_features_of_keras(trained, run, kept) -> None:
    (path,) = trained.workspace.run_folder(run.id).glob(f"best-{run.best_epoch:06d}.keras")
    model = keras.models.load_model(path, compile=False)
    features = keras.Model(model.input, model.layers[-1].input)
    dataset = load_dataset(trained.workspace, "shapes")
    validation, test = validation_and_test(np.asarray(dataset.y_test))
    train, held_out, others = (
        features.predict(np.asarray(pictures), verbose=0)
        for pictures in (
            dataset.x_train[kept.training.rows],
            dataset.x_test[validation],
            dataset.x_test[test],
        )
    )
    train, held_out, others = (
        each / np.linalg.norm(each, axis=1, keepdims=True) for each in (train, held_out, others)
    )

    def to_second(pictures: np.ndarray) -> np.ndarray:  # of 300 pictures the second nearest counts
        return np.sort(np.linalg.norm(pictures[:, None] - train[None], axis=2), axis=1)[:, 1]

    expected = np.sort(to_second(held_out))
    assert kept.known.validation == pytest.approx(expected, abs=5e-3)
    assert kept.known.threshold == pytest.approx(np.quantile(expected, 0.95), abs=5e-3)
    assert kept.known.false_alarms == pytest.approx(
        (to_second(others) > np.quantile(expected, 0.95)).mean(), abs=0.01
    )


def test_a_training_picture_is_known_and_is_its_own_neighbour(trained, engine, run, advanced) -> None:
    dataset = load_dataset(trained.workspace, "shapes")
    row = int(load_split(trained.workspace, run.config.dataset, run.config.seed).train_indices[7])
    data = png_bytes(np.asarray(dataset.x_train[row]))
    (answer,), problem = predict(trained.workspace, engine, run, [("one", data)], "stretch")
    assert problem is None
    assert answer.knowledge.is_known
    first = answer.knowledge.neighbours[0]
    assert (first.row, first.name) == (row, dataset.class_names[dataset.y_train[row]])
    assert first.distance == pytest.approx(0, abs=5e-3)
    assert len(answer.knowledge.neighbours) == 5


def test_without_its_data_a_run_answers_and_says_why_it_cannot_tell(trained, engine, run) -> None:
    other = dataclasses.replace(run, dataset_digest="0" * 64)
    data = png_bytes(np.full((40, 40, 3), 255, np.uint8))
    (answer,), problem = predict(trained.workspace, engine, other, [("white", data)])
    assert "another data set that was called shapes" in problem
    assert answer.knowledge is None
    assert answer.top


def test_a_damaged_file_is_measured_again(trained, run, kept, tmp_path) -> None:
    keep_familiarity(tmp_path, 1, kept)
    keep_familiarity(tmp_path, 2, kept)
    (path,) = (tmp_path / FOLDER).iterdir()  # that of the newest epoch alone
    assert read_familiarity(tmp_path, 1) is None
    assert read_familiarity(tmp_path, 2).training.features == pytest.approx(kept.training.features, abs=1e-3)
    path.write_bytes(path.read_bytes()[:1000])
    assert read_familiarity(tmp_path, 2) is None


def test_wide_features_are_kept_of_fewer_pictures() -> None:
    assert [most_pictures(units) for units in (64, 400, 4_000, 100_000)] == [10_000, 10_000, 1_000, 500]
