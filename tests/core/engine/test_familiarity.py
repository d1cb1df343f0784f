"""What a run knows, by a real engine: its own training pictures, its false alarms, and what is kept on the disk."""

import contextlib
import dataclasses
import io
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from core.datasets.splits import load_split, validation_and_test
from core.datasets.storage import load_dataset
from core.engine.answers import Answer
from core.engine.client import Engine
from core.engine.familiarity import FOLDER, keep_familiarity, most_pictures, read_familiarity
from core.importing.picture_files import PictureFile
from core.inspection.answers import Weights, weights_of
from core.inspection.looking import Asking, asking_of, look_at
from core.inspection.prediction import learn_known
from core.store.store import Store
from core.workspace import Workspace


def png_bytes(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def best_of(trained, run) -> Weights:
    return weights_of(trained.workspace, run, "best")


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
    return read_familiarity(trained.workspace.run_folder(run.id), best_of(trained, run).sha256)


def test_it_is_measured_in_portions_and_kept(trained, engine, run, advanced, kept) -> None:
    assert advanced == sorted(advanced)
    assert {of for _, of in advanced} == {3300}
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


def answered(workspace: Workspace, engine: Engine, asking: Asking, data: bytes) -> tuple[Answer, ...]:
    ((found,),) = look_at(workspace, engine, asking, [PictureFile("one", "one", lambda: data)])
    return found.answers


def test_a_training_picture_is_known_and_is_its_own_neighbour(trained, engine, run, advanced) -> None:
    dataset = load_dataset(trained.workspace, "shapes")
    row = int(load_split(trained.workspace, run.config.dataset, run.config.seed).train_indices[7])
    data = png_bytes(np.asarray(dataset.x_train[row]))
    asking, problems = asking_of(trained.workspace, engine, [run], "stretch")
    (answer,) = answered(trained.workspace, engine, asking, data)
    assert problems == []
    assert answer.knowledge.is_known
    first = answer.knowledge.neighbours[0]
    assert (first.row, first.name) == (row, dataset.class_names[dataset.y_train[row]])
    assert first.distance == pytest.approx(0, abs=5e-3)
    assert len(answer.knowledge.neighbours) == 5


def test_without_its_data_a_run_answers_and_says_why_it_cannot_tell(trained, engine, run) -> None:
    other = dataclasses.replace(run, dataset_digest="0" * 64)
    data = png_bytes(np.full((40, 40, 3), 255, np.uint8))
    asking, (problem,) = asking_of(trained.workspace, engine, [other])
    (answer,) = answered(trained.workspace, engine, asking, data)
    assert "another data set that was called shapes" in problem
    assert answer.knowledge is None
    assert answer.top


def test_a_damaged_file_is_measured_again(trained, run, kept, tmp_path) -> None:
    former, newest = "1" * 64, "2" * 64
    keep_familiarity(tmp_path, former, kept)
    keep_familiarity(tmp_path, newest, kept)
    (path,) = (tmp_path / FOLDER).iterdir()  # that of the newest model alone
    assert read_familiarity(tmp_path, former) is None
    assert read_familiarity(tmp_path, newest).training.features == pytest.approx(
        kept.training.features, abs=1e-3
    )
    for damaged in (path.read_bytes()[:1000], b""):
        path.write_bytes(damaged)
        assert read_familiarity(tmp_path, newest) is None


def test_an_engine_that_starts_again_knows_what_was_measured(trained, run, kept) -> None:
    with contextlib.closing(Engine(trained.workspace)) as engine:
        (answer,) = engine.predict(
            run.id, [("one", png_bytes(np.zeros((32, 32, 3), np.uint8)))], with_known=True
        )
    assert len(answer.knowledge.neighbours) == 5


def test_two_runs_that_are_measured_in_turn_come_to_an_end(trained, run, kept) -> None:
    other = "a-copy"
    folder = trained.workspace.run_folder(other)
    shutil.copytree(trained.workspace.run_folder(run.id), folder)
    shutil.rmtree(folder / FOLDER)
    try:
        for name in ("best", "last"):  # of the other run, the best weights are those of its last epoch
            for path in folder.glob(f"{name}-*"):
                if name == "best":
                    path.unlink()
                else:
                    path.rename(path.with_name(path.name.replace("last", "best")))
        shutil.rmtree(trained.workspace.run_folder(run.id) / FOLDER)
        with contextlib.closing(Engine(trained.workspace)) as engine:
            open_runs = {run.id, other}
            for _ in range(100):
                for each in sorted(open_runs):
                    done, of = engine.learn_known(each, run.config.dataset)
                    if done == of:
                        open_runs.discard(each)
            assert not open_runs
    finally:
        shutil.rmtree(folder)


def test_wide_features_are_kept_of_fewer_pictures() -> None:
    assert [most_pictures(units) for units in (64, 400, 4_000, 100_000)] == [10_000, 10_000, 1_000, 200]
