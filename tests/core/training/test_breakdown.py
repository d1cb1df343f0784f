"""What an epoch tells beyond its row: held against scikit-learn, the saved model, and counts by hand."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, recall_score

from core.datasets.splits import TrainingArrays
from core.training import breakdown
from core.training.breakdown import BreakdownTaker
from core.training.evaluation import Evaluation
from core.training.saved_models import load_run_model
from core.training.train import train
from tests.core.training.conftest import noise_pictures


def corrupted(num_train: int, wrong: list[int]) -> TrainingArrays:
    """The labels at the places `wrong` are one class too high."""
    arrays = noise_pictures(num_train)
    y_train = arrays.y_train.copy()
    y_train[wrong] = (y_train[wrong] + 1) % 3
    return replace(arrays, y_train=y_train, y_clean=y_train[: len(arrays.y_clean)])


def measured(answers: np.ndarray, probabilities: np.ndarray | None = None) -> Evaluation:
    return Evaluation(0.0, 0.0, answers, np.zeros(len(answers)) if probabilities is None else probabilities)


def no_further_pass(images: np.ndarray, labels: np.ndarray) -> Evaluation:
    raise AssertionError("the network was run once more than need be")


def test_classes_and_pictures_are_those_of_the_saved_model(config, recorder, tmp_path) -> None:
    arrays = corrupted(60, [3, 7, 50])
    train(config.with_values({"training.epochs": 2}), arrays, tmp_path, recorder)
    details = recorder.rows[-1].details
    model = load_run_model(tmp_path, "last").model
    clean, validation = (np.asarray(model(x)) for x in (arrays.x_clean, arrays.x_validation))
    for counts, labels, answers in (
        (details["clean"], arrays.y_clean, clean.argmax(axis=1)),
        (details["validation"], arrays.y_validation, validation.argmax(axis=1)),
    ):
        assert counts["count"] == np.bincount(labels, minlength=3).tolist()
        assert np.divide(counts["right"], counts["count"]) == pytest.approx(
            recall_score(labels, answers, average=None, labels=[0, 1, 2])
        )
    wrong = confusion_matrix(arrays.y_validation, validation.argmax(axis=1), labels=[0, 1, 2])
    wrong = (wrong - np.diag(np.diag(wrong))).ravel()
    assert details["confusion"]["place"] == np.flatnonzero(wrong).tolist()
    assert details["confusion"]["count"] == wrong[wrong > 0].tolist()
    followed = details["followed"]["training"]
    labels = arrays.y_clean[:24]
    assert followed["label"] == labels.tolist()
    assert followed["true_label"] == (np.arange(24) % 3).tolist()
    assert followed["answer"] == clean[:24].argmax(axis=1).tolist()
    assert followed["probability"] == pytest.approx(clean[np.arange(24), labels], abs=1e-4)
    assert np.bincount(details["followed"]["validation"]["label"]).tolist() == [8, 8, 8]
    wrong = [3, 7, 50]
    answers = np.asarray(model(arrays.x_train[wrong])).argmax(axis=1)
    assert details["corrupted"]["count"] == 3
    assert details["corrupted"]["memorised"] == (answers == arrays.y_train[wrong]).sum()
    assert details["corrupted"]["resisted"] == (answers == arrays.y_train_true[wrong]).sum()


def test_memorised_and_resisted_by_hand() -> None:
    arrays = corrupted(40, [0, 1, 2, 3])  # given 1, 2, 0, 1; true 0, 1, 2, 0
    answers = arrays.y_train_true.copy()
    answers[:4] = [1, 2, 2, 2]  # memorised twice, resisted once, and once neither
    answers[[4, 5]] = [0, 0]  # of the first four with a right label, labels 1, 2, 0, 1, two are wrong
    counted = BreakdownTaker(arrays).take(measured(answers), measured(arrays.y_validation), no_further_pass)
    assert counted["corrupted"] == {
        "count": 4, "memorised": 2, "resisted": 1, "intact": 4, "intact_right": 2,
    }  # fmt: skip


def test_without_wrong_labels_none_are_counted(arrays) -> None:
    counted = BreakdownTaker(arrays).take(
        measured(arrays.y_clean), measured(arrays.y_validation), no_further_pass
    )
    assert counted["corrupted"] is None
    assert counted["clean"]["right"] == counted["clean"]["count"] == [14, 13, 13]


def test_wrong_labels_beyond_the_clean_pictures_are_measured_too_until_there_are_enough(monkeypatch) -> None:
    monkeypatch.setattr(breakdown, "ENOUGH_CORRUPTED", 4)
    named = corrupted(60, [5, 41, 45, 50, 55])  # only the first 40 are clean ones
    # Stored in another order than the run's own.
    arrays = replace(named, x_train=named.x_train[::-1], train_indices=np.arange(60)[::-1])
    passed = []

    def memorises(images: np.ndarray, labels: np.ndarray) -> Evaluation:
        passed.append((images, labels))
        return measured(labels)

    taker = BreakdownTaker(arrays)
    clean, validation = measured(arrays.y_train_true[:40]), measured(arrays.y_validation)
    counted = taker.take(clean, validation, memorises)
    assert counted["corrupted"]["count"] == 4
    assert (counted["corrupted"]["memorised"], counted["corrupted"]["resisted"]) == (3, 1)
    ((images, labels),) = passed
    np.testing.assert_array_equal(images, named.x_train[[41, 45, 50]])
    np.testing.assert_array_equal(labels, arrays.y_train[[41, 45, 50]])
    # Given up half-way, nothing is told at all.
    assert taker.take(clean, validation, lambda images, labels: None) is None
