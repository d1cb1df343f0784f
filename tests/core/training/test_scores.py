"""A network without its softmax, against the answers of the whole one."""

import keras
import numpy as np
import pytest
from scipy.special import softmax

from core.design.presets import get_preset
from core.training.models import build_model, with_test_time_flip
from core.training.saved_models import predict
from core.training.scores import Scorer

PICTURES = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
@pytest.mark.parametrize("flip", [False, True])
def test_scores_are_the_logarithms_of_the_answers(precision: str, flip: bool) -> None:
    config = get_preset("tiny").config.with_values({"training.precision": precision})
    network = build_model(config, (32, 32, 3), 10)
    model = with_test_time_flip(network, test_time_flip=flip)
    scorer = Scorer(model)
    features, scores = scorer.score(PICTURES)
    assert np.exp(scores) == pytest.approx(predict(model, PICTURES), abs=1e-5)
    assert (features.dtype, scores.dtype, features.shape) == (np.float32, np.float32, (300, scorer.units))
    expected = keras.Model(network.input, network.layers[-1].input).predict(PICTURES, verbose=0)
    assert features == pytest.approx(expected, abs=1e-2 if precision == "mixed_float16" else 1e-5)
    both = scorer.answer(PICTURES)
    assert [each.dtype for each in both] == [np.float32, np.float32]
    assert both[0] == pytest.approx(expected, abs=1e-2 if precision == "mixed_float16" else 1e-5)
    assert both[1] == pytest.approx(model.predict(PICTURES, verbose=0), abs=1e-5)
    own = predict(network, PICTURES)
    assert softmax(scorer.logits(features), axis=1) == pytest.approx(own, abs=1e-5)


def test_a_sure_wrong_answer_has_a_finite_loss() -> None:
    network = build_model(get_preset("tiny").config, (32, 32, 3), 10)
    last = network.get_layer("softmax")
    last.bias.assign(np.array([500.0] + [0.0] * 9))
    _, scores = Scorer(network).score(PICTURES[:2])
    assert predict(network, PICTURES[:2])[0, 5] == 0
    assert np.isfinite(scores).all()
    assert scores[0, 5] < -400
