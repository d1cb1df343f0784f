"""A real run's answers: those of Keras to the stored pictures, kept, and asked again where the file is damaged."""

import dataclasses
import itertools
import shutil

import keras
import numpy as np
import pytest

from core.datasets.splits import validation_and_test
from core.datasets.storage import load_dataset
from core.epoch_weights import epoch_digest
from core.errors import DatasetError, UserError
from core.inspection.answers import (
    FOLDER,
    SplitAnswers,
    Weights,
    answers_of,
    in_ranges,
    weights_by_epoch,
    weights_of,
)
from core.inspection.evaluation import evaluate, evaluation_of
from core.inspection.kept_arrays import MOST_KEPT
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace
from tests.core.inspection.made import answers_with, made_answers


@pytest.fixture
def run(trained):
    """Nothing was asked of it: tests before may have, as they share it."""
    shutil.rmtree(trained.workspace.run_folder(trained.run_id) / FOLDER, ignore_errors=True)
    return Store(trained.workspace).get_run(trained.run_id)


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("which", ["best", "last"])
def test_answers_are_those_of_keras_to_the_stored_pictures(
    trained, engine, run, split: str, which: str
) -> None:
    advanced: list[tuple[int, int]] = []
    answers = answers_of(
        trained.workspace, engine, run, split, which, lambda done, of: advanced.append((done, of))
    )
    dataset = load_dataset(trained.workspace, "shapes")
    parts = dict(zip(("validation", "test"), validation_and_test(np.asarray(dataset.y_test)), strict=True))
    assert np.array_equal(answers.rows, parts[split])
    assert np.array_equal(answers.labels, dataset.y_test[answers.rows])
    path = max(trained.workspace.run_folder(run.id).glob(f"{which}-*.keras"))
    expected = keras.models.load_model(path, compile=False).predict(
        np.asarray(dataset.x_test[answers.rows]), verbose=0
    )
    assert answers.probabilities == pytest.approx(expected, abs=1e-5)
    assert answers.epoch == int(path.stem.partition("-")[2])
    assert answers.class_names == dataset.class_names
    assert advanced == sorted(advanced) and advanced[-1] == (1500, 1500)
    if (split, which) == ("validation", "best"):
        assert answers.right.mean() == pytest.approx(run.best_val_accuracy, abs=1e-6)


def test_they_are_asked_once_and_again_where_the_file_is_damaged(trained, engine, run) -> None:
    first = answers_of(trained.workspace, engine, run, "test")
    kept = answers_of(trained.workspace, None, run, "test")  # no engine is asked
    assert np.array_equal(first.log_probabilities, kept.log_probabilities)
    assert (kept.class_names, kept.epoch, kept.split) == (first.class_names, first.epoch, first.split)
    (path,) = (trained.workspace.run_folder(run.id) / FOLDER).iterdir()
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"\x93NUMPY"):
        path.write_bytes(damaged)
        again = answers_of(trained.workspace, engine, run, "test")
        assert np.array_equal(again.log_probabilities, first.log_probabilities)


def test_answers_of_other_weights_of_the_same_epoch_do_not_count(trained, engine, run) -> None:
    first = answers_of(trained.workspace, engine, run, "test")
    (path,) = (trained.workspace.run_folder(run.id) / FOLDER).iterdir()
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["log_probabilities"] *= 2
    np.savez(path, **(arrays | {"sha256": np.array("0" * 64)}))
    again = answers_of(trained.workspace, engine, run, "test")
    assert np.array_equal(again.log_probabilities, first.log_probabilities)


def test_no_more_files_are_kept_than_are_looked_at(trained, engine, run) -> None:
    folder = trained.workspace.run_folder(run.id) / FOLDER
    folder.mkdir()
    for number in range(MOST_KEPT + 3):
        (folder / f"test-{900 + number:06d}.npz").write_bytes(b"old")
    answers_of(trained.workspace, engine, run, "test")
    assert len(list(folder.iterdir())) == MOST_KEPT
    assert answers_of(trained.workspace, None, run, "test").split == "test"


def test_what_cannot_be_asked_is_refused_in_words(trained, engine, run) -> None:
    for asked, message in [
        (("everything",), "split must be one of validation, test, not 'everything'"),
        (
            ("test", 99),
            r"no weights of epoch 99 of “A finished run”\. There are: best \(epoch \d\), last \(epoch 3\) "
            r"and epochs 1 to 3",
        ),
    ]:
        with pytest.raises(UserError, match=message):
            answers_of(trained.workspace, engine, run, *asked)
    with pytest.raises(DatasetError, match="another data set that was called shapes"):
        answers_of(trained.workspace, engine, dataclasses.replace(run, dataset_digest="0" * 64), "test")


def test_which_weights_there_are(trained, run) -> None:
    best = run.best_epoch

    def found(run, asked: int | str) -> tuple[str, int]:
        weights = weights_of(trained.workspace, run, asked)
        return weights.which, weights.epoch

    assert [found(run, asked) for asked in ("best", best, str(best))] == [("best", best)] * 3
    assert found(run, "last") == ("last", 3)
    training = dataclasses.replace(run, state=RunState.RUNNING)
    with pytest.raises(UserError, match=rf"There are: best \(epoch {best}\) and epochs 1 to 3\."):
        found(training, "last")
    with pytest.raises(UserError, match="has no weights yet"):
        found(dataclasses.replace(run, best_epoch=None), "best")


def test_an_evaluation_of_the_test_part_takes_its_temperature_from_the_validation_part(
    trained, engine, run
) -> None:
    on_test, on_validation = (
        evaluate(trained.workspace, engine, run, split) for split in ("test", "validation")
    )
    assert on_test.temperature == on_validation.temperature
    assert on_test.answers.split == "test"
    assert on_validation.accuracy.value == pytest.approx(run.best_val_accuracy, abs=1e-6)
    assert on_test.confusion.sum() == 1500


def test_a_temperature_is_never_that_of_another_epoch(trained, run, monkeypatch) -> None:
    """While the test part is measured, a better epoch is saved."""
    asked: list[str] = []

    def answers(*arguments: object) -> SplitAnswers:
        asked.append(str(arguments[3]))
        epoch = len(asked) if len(asked) < 4 else 4
        return dataclasses.replace(made_answers(split=asked[-1]), epoch=epoch)

    monkeypatch.setattr("core.inspection.evaluation.answers_about", answers)
    found = evaluate(trained.workspace, None, run, "test")
    assert asked == ["test", "validation"] * 3
    assert found.answers.epoch == 4


def test_weights_that_are_replaced_at_each_look_are_said(trained, run, monkeypatch) -> None:
    epochs = itertools.count()

    def answers(*arguments: object) -> SplitAnswers:
        return dataclasses.replace(made_answers(split=str(arguments[3])), epoch=next(epochs))

    monkeypatch.setattr("core.inspection.evaluation.answers_about", answers)
    with pytest.raises(UserError, match="saves better weights while they are measured"):
        evaluate(trained.workspace, None, run, "test")


def test_a_stopped_run_without_last_weights_has_its_best(trained, run, tmp_path) -> None:
    workspace = Workspace(tmp_path)
    shutil.copytree(trained.workspace.run_folder(run.id), workspace.run_folder(run.id))
    for path in workspace.run_folder(run.id).glob("last-*"):
        path.unlink()
    assert weights_of(workspace, run, "best").epoch == run.best_epoch
    with pytest.raises(UserError, match=rf"There are: best \(epoch {run.best_epoch}\) and epochs 1 to 3\."):
        weights_of(workspace, run, "last")
    shutil.rmtree(workspace.run_folder(run.id) / "epochs")
    with pytest.raises(UserError, match=rf"There are: best \(epoch {run.best_epoch}\)\."):
        weights_of(workspace, run, "last")


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_any_kept_epoch_is_as_right_as_training_measured_it(trained, engine, run, epoch: int) -> None:
    answers = answers_of(trained.workspace, engine, run, "validation", epoch)
    measured = Store(trained.workspace).curves(run.id)["val_accuracy"][epoch - 1]
    assert answers.epoch == epoch
    assert abs(answers.right.sum() - measured * 1500) <= 2


def test_all_weights_by_epoch(trained, run) -> None:
    folder = trained.workspace.run_folder(run.id)
    found = weights_by_epoch(trained.workspace, run)
    assert list(found) == [1, 2, 3]
    assert found[run.best_epoch] == weights_of(trained.workspace, run, "best")
    (other, *_) = {1, 2} - {run.best_epoch}
    assert found[other] == Weights(str(other), other, epoch_digest(folder, other))
    assert weights_of(trained.workspace, run, other) == weights_of(trained.workspace, run, str(other))


@pytest.mark.parametrize(
    ("epochs", "words"),
    [
        ((1,), "1"), ((1, 2), "1 and 2"), ((1, 2, 3), "1 to 3"), ((2, 4, 6, 7, 8), "2, 4 and 6 to 8"),
        ((1, 2, 3, 5, 6), "1 to 3, 5 and 6"),
    ],
)  # fmt: skip
def test_epochs_in_words(epochs: tuple[int, ...], words: str) -> None:
    assert in_ranges(epochs) == words


def test_a_part_without_pictures_is_refused() -> None:
    empty = answers_with(np.zeros((0, 3)), np.zeros(0))
    with pytest.raises(UserError, match="The test part of this data set has no pictures"):
        evaluation_of(empty, empty)
