"""Calibration against SciPy, by hand, and on answers whose sureness is known."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from core.inspection.calibration import (
    LEAST_TEMPERATURE,
    MOST_TEMPERATURE,
    calibration_error,
    fit_temperature,
    reliability,
    with_temperature,
)
from tests.core.inspection.made import answers_with, made_answers


def cross_entropy(temperature: float, scores: np.ndarray, labels: np.ndarray) -> float:
    probabilities = softmax(scores.astype(np.float64) / temperature, axis=1)
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


@pytest.mark.parametrize("sureness", [0.3, 1.0, 3.0, 8.0])
def test_the_temperature_is_the_one_that_scipy_finds(sureness: float) -> None:
    answers = made_answers(2_000, sureness=sureness)
    scores, labels = answers.log_probabilities, answers.labels
    expected = minimize_scalar(
        cross_entropy, args=(scores, labels), bounds=(0.05, 20), method="bounded", options={"xatol": 1e-9}
    )
    assert fit_temperature(scores, labels) == pytest.approx(expected.x, rel=1e-4)
    # A network that is three times as sure needs three times the temperature.
    once = fit_temperature(made_answers(2_000, sureness=1.0).log_probabilities, labels)
    assert fit_temperature(scores, labels) == pytest.approx(sureness * once, rel=1e-3)


def test_the_temperature_stays_within_its_limits() -> None:
    sure, labels = np.eye(4) * 5, np.arange(4)
    assert fit_temperature(answers_with(sure, labels).log_probabilities, labels) == pytest.approx(
        LEAST_TEMPERATURE
    )
    wrong = answers_with(sure, labels[::-1]).log_probabilities
    assert fit_temperature(wrong, labels[::-1]) == pytest.approx(MOST_TEMPERATURE)


def test_where_the_network_prefers_no_class_there_is_nothing_to_correct() -> None:
    assert (
        fit_temperature(answers_with(np.zeros((8, 4)), np.arange(8) % 4).log_probabilities, np.arange(8) % 4)
        == 1.0
    )


def test_the_temperature_lowers_loss_where_it_was_fitted_and_calibration_error_elsewhere() -> None:
    validation, test = (made_answers(4_000, seed=seed, sureness=4.0) for seed in (1, 2))
    temperature = fit_temperature(validation.log_probabilities, validation.labels)
    assert temperature > 1
    scores, labels = validation.log_probabilities, validation.labels
    assert cross_entropy(temperature, scores, labels) < cross_entropy(1.0, scores, labels)
    corrected = with_temperature(test.log_probabilities, temperature)
    assert np.array_equal(corrected.argmax(axis=1), test.predicted)
    before = calibration_error(reliability(test.confidence, test.right))
    after = calibration_error(reliability(corrected.max(axis=1), test.right))
    assert after < before / 3


def test_probabilities_with_a_temperature_are_those_of_scipy() -> None:
    scores = made_answers(20).log_probabilities
    assert with_temperature(scores, 2.5) == pytest.approx(softmax(scores.astype(np.float64) / 2.5, axis=1))


def test_the_error_by_hand() -> None:
    """Two bins: 0.6 and 0.7 with one right, 0.8 and 1.0 with both right: (|0.5 - 0.65| + |1 - 0.9|) / 2."""
    confidence, right = np.array([1.0, 0.6, 0.8, 0.7]), np.array([True, False, True, True])
    bins = reliability(confidence, right, num_bins=2)
    assert [(each.count, each.accuracy) for each in bins] == [(2, 0.5), (2, 1.0)]
    assert [each.confidence for each in bins] == pytest.approx([0.65, 0.9])
    assert calibration_error(bins) == pytest.approx(0.125)


def test_bins_hold_equally_many_pictures_and_are_no_more_than_there_are() -> None:
    answers = made_answers(1_003)
    bins = reliability(answers.confidence, answers.right)
    assert len(bins) == 15
    assert {each.count for each in bins} == {66, 67}
    assert len(reliability(answers.confidence[:4], answers.right[:4])) == 4


def test_a_bootstrap_of_the_pictures_gives_the_same_intervals() -> None:
    answers = made_answers(1_500)
    generator = np.random.default_rng(5)
    order = np.argsort(answers.confidence, kind="stable")
    for each, places in zip(
        reliability(answers.confidence, answers.right), np.array_split(order, 15), strict=True
    ):
        draws = generator.choice(answers.right[places], (4_000, each.count)).mean(axis=1)
        assert (each.low, each.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.025)
