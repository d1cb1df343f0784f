"""Test-time flips: what is measured, saved and exported answers with the mean of two plain answers."""

import keras
import numpy as np
import pytest

from core.training import evaluation
from core.training.evaluation import Evaluator, pictures_at_once
from core.training.models import NETWORK, build_model, with_test_time_flip
from core.training.saved_models import load_run_model, predict
from core.training.train import train
from tests.core.export.sources import exported as exported_file
from tests.core.training.conftest import Recorder, measured

FLIPPED = {"training.test_time_flip": True}


def by_hand(network: keras.Model, images: np.ndarray) -> np.ndarray:
    return (predict(network, images) + predict(network, images[:, :, ::-1])) / 2


def test_what_a_run_saves_and_exports_gives_the_mean_of_two_plain_answers(
    config, arrays, tmp_path, recorder
) -> None:
    train(config.with_values(FLIPPED), arrays, tmp_path, recorder)
    saved, images = load_run_model(tmp_path, "last").model, arrays.x_validation
    network = saved.get_layer(NETWORK)
    expected = by_hand(network, images)
    assert np.abs(expected - predict(network, images)).max() > 1e-3, "the mirror image makes a difference"
    np.testing.assert_allclose(predict(saved, images), expected, atol=1e-6)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-5)
    labels = arrays.y_validation
    loss = -np.log(expected[np.arange(len(labels)), labels]).mean()
    assert recorder.rows[-1].val_loss == pytest.approx(float(loss), abs=1e-5)
    assert recorder.rows[-1].val_accuracy == pytest.approx(float((expected.argmax(axis=1) == labels).mean()))
    exported = keras.models.load_model(exported_file(tmp_path, tmp_path / "out").path, compile=False)
    best = load_run_model(tmp_path, "best").model
    np.testing.assert_allclose(predict(exported, images), by_hand(best.get_layer(NETWORK), images), atol=1e-6)


def test_what_trains_is_the_same_without_it(config, arrays, tmp_path) -> None:
    """Also when the run with it is stopped and gone on with."""
    config = config.with_values({"optimizer.weight_averaging": 0.9})
    plain, cut = Recorder(), [Recorder(stop_after=1), Recorder()]
    (tmp_path / "plain").mkdir()
    (tmp_path / "flipped").mkdir()
    train(config, arrays, tmp_path / "plain", plain)
    for each in cut:
        train(config.with_values(FLIPPED), arrays, tmp_path / "flipped", each)
    rows = [*cut[0].rows, *cut[1].rows]
    assert [row[:3] for row in measured(rows)] == [row[:3] for row in measured(plain.rows)]
    assert [row.val_loss for row in rows] != [row.val_loss for row in plain.rows]
    network = load_run_model(tmp_path / "flipped", "last").model.get_layer(NETWORK)
    for one, other in zip(
        network.get_weights(), load_run_model(tmp_path / "plain", "last").model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_sure_wrong_answer_has_its_whole_loss(config, arrays) -> None:
    model = build_model(config, (8, 8, 3), 3)
    kernel, _ = model.get_layer("softmax").get_weights()
    # Always the first class, by 60 in the logits: exp(-60) is far below what single precision adds to 1.
    model.get_layer("softmax").set_weights([0 * kernel, np.array([60, 0, 0])])
    wrong = arrays.y_clean != 0
    found = Evaluator(model, lambda: False, test_time_flip=True).measure(
        arrays.x_clean[wrong], arrays.y_clean[wrong]
    )
    assert found.loss == pytest.approx(60, rel=1e-5)


def test_a_network_inside_a_model_counts_for_the_memory_budget(config, monkeypatch) -> None:
    model = build_model(config, (8, 8, 3), 3)
    monkeypatch.setattr(evaluation, "LARGEST_OUTPUT_BYTES", 10 * 8 * 8 * 3 * 4)
    assert (
        pictures_at_once(with_test_time_flip(model, test_time_flip=True), 1000)
        == pictures_at_once(model, 1000)
        == 10
    )
