"""Measuring: plain cross-entropy, in portions that fit, given up when a stop is asked for."""

import keras
import numpy as np
import pytest

from core.design.presets import PRESETS
from core.training import evaluation
from core.training.evaluation import Evaluator, pictures_at_once
from core.training.models import build_model, with_test_time_flip
from core.training.saved_models import predict

# The largest output of the tiny network is its input, as single precision numbers.
BYTES_OF_THE_INPUT = 8 * 8 * 3 * 4


@pytest.fixture
def model(config) -> keras.Model:
    return build_model(config, (8, 8, 3), 3)


@pytest.mark.parametrize(
    ("size", "pictures"),
    # The first convolution gives 64 maps of (size - 2)² values of four bytes; 256 MiB hold so many of them.
    [(32, 1000), (64, 2**28 // (62 * 62 * 64 * 4)), (256, 16)],
)
def test_the_article_s_network_is_measured_in_portions_of_256_mib(size: int, pictures: int) -> None:
    assert pictures_at_once(build_model(PRESETS["article"].config, (size, size, 3), 10), 1000) == pictures


def test_the_layers_of_a_network_inside_a_model_count_too() -> None:
    """The network of a model that answers to a picture and to its mirror image."""
    network = build_model(PRESETS["article"].config, (256, 256, 3), 10)
    assert pictures_at_once(with_test_time_flip(network, test_time_flip=True), 1000) == 16


def test_one_picture_goes_through_whatever_its_size(model, monkeypatch) -> None:
    monkeypatch.setattr(evaluation, "LARGEST_OUTPUT_BYTES", BYTES_OF_THE_INPUT - 1)
    assert pictures_at_once(model, 1000) == 1


def by_hand(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    probabilities = np.asarray(model(images))
    loss = -np.log(probabilities[np.arange(len(labels)), labels]).mean()
    return float(loss), float((probabilities.argmax(axis=1) == labels).mean())


@pytest.mark.parametrize(("portion", "polls"), [(40, 0), (39, 1), (7, 5)])
def test_measured_is_the_mean_over_all_pictures_whatever_the_portions(
    model, arrays, monkeypatch, portion: int, polls: int
) -> None:
    monkeypatch.setattr(evaluation, "LARGEST_OUTPUT_BYTES", portion * BYTES_OF_THE_INPUT)
    asked = []

    def stop_requested() -> bool:
        asked.append(True)
        return False

    measured = Evaluator(model, stop_requested).measure(arrays.x_clean, arrays.y_clean)
    assert (measured.loss, measured.accuracy) == pytest.approx(by_hand(model, arrays.x_clean, arrays.y_clean))
    assert len(asked) == polls


def test_a_stop_gives_the_measurement_up_half_way_and_the_next_one_is_whole(
    model, arrays, monkeypatch
) -> None:
    monkeypatch.setattr(evaluation, "LARGEST_OUTPUT_BYTES", 7 * BYTES_OF_THE_INPUT)
    answers = iter([False, True, *[False] * 10])
    evaluator = Evaluator(model, lambda: next(answers))
    assert evaluator.measure(arrays.x_clean, arrays.y_clean) is None
    measured = evaluator.measure(arrays.x_clean, arrays.y_clean)
    assert measured.loss == pytest.approx(by_hand(model, arrays.x_clean, arrays.y_clean)[0])


def test_a_loss_that_is_no_number_is_none(model, arrays) -> None:
    model.get_layer("softmax").bias.assign([np.nan] * 3)
    assert Evaluator(model, lambda: False).measure(arrays.x_clean, arrays.y_clean).loss is None


def test_prediction_keeps_to_the_same_budget(model, arrays, monkeypatch) -> None:
    monkeypatch.setattr(evaluation, "LARGEST_OUTPUT_BYTES", 9 * BYTES_OF_THE_INPUT)
    seen: list[int] = []

    class Watched:
        layers = model.layers

        def __call__(self, images: np.ndarray, training: bool) -> object:
            seen.append(len(images))
            return model(images, training=training)

    probabilities = predict(Watched(), arrays.x_clean)
    assert seen == [9, 9, 9, 9, 4]
    np.testing.assert_allclose(probabilities, np.asarray(model(arrays.x_clean)), atol=1e-6)
