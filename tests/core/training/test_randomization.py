"""The sanity check: random weights in a copy, and Spearman's rank correlation as SciPy calculates it."""

import keras
import numpy as np
import pytest
from scipy import stats

from core.training.attribution import grad_cam
from core.training.models import NETWORK, build_model, with_test_time_flip
from core.training.randomization import COPIES, randomized, randomized_maps, rank_correlation
from core.training.saved_models import predict
from tests.core.training.conftest import tiny_config

PICTURES = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)


@pytest.fixture
def model() -> keras.Model:
    return build_model(tiny_config(), (8, 8, 3), 3)


@pytest.mark.parametrize("seed", range(5))
def test_the_rank_correlation_is_that_of_scipy(seed: int) -> None:
    """Also with equal values, as maps have them where nothing speaks for a class."""
    generator = np.random.default_rng(seed)
    one = generator.normal(size=(7, 9)).astype(np.float32)
    other = one + generator.normal(0, seed, size=(7, 9)).astype(np.float32)
    for first, second in ((one, other), (np.maximum(one, 0), np.maximum(other, 0)), (one, one), (one, -one)):
        expected = stats.spearmanr(first.ravel(), second.ravel()).statistic
        assert rank_correlation(first, second) == pytest.approx(expected, abs=1e-9)
    assert rank_correlation(one, np.zeros((7, 9))) is None


def test_all_weights_are_drawn_again_in_a_copy(model) -> None:
    before = model.get_weights()
    copy = randomized(model, 0)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for variable, old, new in zip(model.weights, before, copy.get_weights(), strict=True):
        assert old.shape == new.shape
        assert ("kernel" in variable.name) == (not np.array_equal(old, new)), variable.name
    again, others = randomized(model, 0), randomized(model, 1)
    for one, same, different in zip(
        copy.get_weights(), again.get_weights(), others.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, same)
        assert one.ndim == 1 or not np.array_equal(one, different)


def test_what_was_trained_is_forgotten(model) -> None:
    """Weights of any values lead to the same copy, with kernels within Glorot's limits."""
    expected = randomized(model, 4)
    model.set_weights([weight + 5 for weight in model.get_weights()])
    found = randomized(model, 4)
    np.testing.assert_array_equal(predict(found, PICTURES), predict(expected, PICTURES))
    glorot = keras.initializers.GlorotUniform(0)
    for variable in found.weights:
        if variable.name == "kernel":
            drawn, values = np.asarray(glorot(variable.shape)), np.asarray(variable)
            assert np.abs(values).max() == pytest.approx(np.abs(drawn).max(), rel=0.1)
            assert values.std() == pytest.approx(drawn.std(), rel=0.15)


def test_a_network_within_a_model_is_randomised_too(model) -> None:
    wrapped = with_test_time_flip(model, test_time_flip=True)
    copy = randomized(wrapped, 2)
    assert copy.get_layer(NETWORK) is not wrapped.get_layer(NETWORK)
    np.testing.assert_allclose(
        predict(copy, PICTURES),
        predict(with_test_time_flip(randomized(model, 2), test_time_flip=True), PICTURES),
    )
    assert grad_cam(copy, PICTURES, np.array([0, 1, 2])).maps.shape == (3, 8, 8)


def test_a_map_that_does_not_depend_on_the_weights_is_alike_and_one_that_does_is_not(model) -> None:
    """The first is what an edge detector shows; of the second, the mean over the copies counts."""
    brightness = PICTURES[0].mean(axis=-1).astype(np.float32)
    same = randomized_maps(model, brightness, lambda copy: brightness)
    assert same.similarity == pytest.approx(1)
    np.testing.assert_array_equal(same.typical, brightness)

    def make(each: keras.Model) -> np.ndarray:
        return grad_cam(each, PICTURES[:1], np.array([1]), "conv_1").raw[0]

    own, expected = make(model), [make(randomized(model, seed)) for seed in range(COPIES)]
    found = randomized_maps(model, own, make)
    np.testing.assert_array_equal(found.maps, expected)
    correlations = [stats.spearmanr(own.ravel(), each.ravel()).statistic for each in expected]
    assert found.correlations == pytest.approx(correlations, abs=1e-6)
    assert found.similarity == pytest.approx(np.mean(correlations), abs=1e-6) and found.similarity < 0.9
    nearest = np.abs(np.array(correlations) - np.mean(correlations)).argmin()
    np.testing.assert_array_equal(found.typical, expected[nearest])


def test_a_copy_without_evidence_counts_as_unlike(model) -> None:
    own, empty = PICTURES[0, ..., 0].astype(np.float32), np.zeros((8, 8), np.float32)
    maps = iter([own, *[empty] * (COPIES - 1)])
    found = randomized_maps(model, own, lambda copy: next(maps))
    assert found.correlations == pytest.approx((1, *[0] * (COPIES - 1)))
    assert found.similarity == pytest.approx(1 / COPIES)


def test_without_any_evidence_there_is_no_similarity(model) -> None:
    empty = np.zeros((8, 8), np.float32)
    found = randomized_maps(model, empty, lambda copy: PICTURES[0, ..., 0].astype(np.float32))
    assert (found.correlations, found.similarity) == ((), None)
    np.testing.assert_array_equal(found.typical, PICTURES[0, ..., 0])
