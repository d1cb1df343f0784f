"""The temperature of a real run: fitted as SciPy fits it, kept beside the weights, and what it does to answers."""

import json

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from core.engine.answers import Answer, RankedClass
from core.errors import DatasetError
from core.inspection.answers import answers_of
from core.inspection.calibration import MOST_TEMPERATURE
from core.inspection.evaluation import evaluate
from core.inspection.prediction import known_temperature
from core.inspection.temperature import FILE, Temperature, calibrated, run_temperature, temperature_of
from core.store.store import Store
from tests.core.inspection.made import answers_with, made_answers


@pytest.fixture
def run(trained):
    (trained.workspace.run_folder(trained.run_id) / FILE).unlink(missing_ok=True)
    return Store(trained.workspace).get_run(trained.run_id)


def test_it_is_the_one_that_scipy_fits_to_all_validation_pictures(trained, engine, run) -> None:
    found = run_temperature(trained.workspace, engine, run)
    answers = answers_of(trained.workspace, engine, run, "validation")

    def loss(temperature: float) -> float:
        scores = log_softmax(answers.log_probabilities.astype(np.float64) / temperature, axis=1)
        return float(-scores[np.arange(len(answers)), answers.labels].mean())

    best = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-9})
    assert found.value == pytest.approx(best.x, rel=1e-3)
    assert loss(found.value) < loss(1.0)
    assert evaluate(trained.workspace, engine, run, "test").temperature == found.value


def test_it_is_kept_until_the_weights_are_others(trained, engine, run) -> None:
    found = run_temperature(trained.workspace, engine, run)
    path = trained.workspace.run_folder(run.id) / FILE
    assert run_temperature(trained.workspace, None, run) == found  # no engine is asked
    kept = json.loads(path.read_bytes())
    for damaged in ({**kept, "sha256": "0" * 64, "value": 7.0}, {**kept, "value": "?"}, {}, [], 3):
        path.write_text(json.dumps(damaged))
        assert run_temperature(trained.workspace, engine, run) == found


def test_without_the_data_there_is_none(trained, engine, run, monkeypatch) -> None:
    def refuse(*arguments: object) -> None:
        raise DatasetError("The data set is gone.")

    monkeypatch.setattr("core.inspection.answers.check_same_data", refuse)
    assert known_temperature(trained.workspace, engine, run) is None


def test_few_pictures_do_not_say_how_sure_a_run_may_be() -> None:
    answers = made_answers(99)
    found = temperature_of(answers.log_probabilities, answers.labels)
    assert found.value == 1
    assert "at least 100 validation pictures; there are 99" in found.note
    answers = made_answers(100)
    assert temperature_of(answers.log_probabilities, answers.labels).note is None


def test_neither_does_a_run_that_is_always_right_and_one_that_is_always_wrong_is_made_unsure() -> None:
    sure, labels = np.tile(np.eye(4) * 5, (50, 1)), np.tile(np.arange(4), 50)
    assert temperature_of(answers_with(sure, labels).log_probabilities, labels) == Temperature(
        1.0, "It is right on all validation pictures, or nearly, so they do not say how sure it may be."
    )
    wrong = temperature_of(answers_with(sure, labels[::-1]).log_probabilities, labels[::-1])
    assert wrong.value == MOST_TEMPERATURE and "no better than chance" in wrong.note


def test_a_corrected_answer_is_the_softmax_of_the_divided_logits() -> None:
    logits = np.array([4.0, 1.0, -2.0, -200.0])
    top = tuple(RankedClass(name, float(each)) for name, each in zip("abcd", softmax(logits), strict=True))
    corrected = calibrated(Answer("x", top=top), 2.0)
    assert [each.name for each in corrected.top] == list("abcd")
    assert [each.probability for each in corrected.top] == pytest.approx(softmax(logits / 2))
    assert corrected.temperature == 2.0
    # In single precision a very small probability is 0, and stays so.
    top = (RankedClass("a", 1.0), RankedClass("b", 0.0))
    assert [each.probability for each in calibrated(Answer("x", top=top), 2.0).top] == [1, 0]


def test_a_picture_that_could_not_be_read_stays_an_error() -> None:
    assert calibrated(Answer("x", error="It is no picture."), 2.0).top == ()
