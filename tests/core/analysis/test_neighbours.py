"""Neighbours against scikit-learn, and the threshold by hand."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from core.analysis.neighbours import KnownRange, TrainingFeatures, unit_length


@pytest.fixture
def training() -> TrainingFeatures:
    features = np.random.default_rng(1).normal(0, 1, (1000, 7)).astype(np.float32)
    return TrainingFeatures(unit_length(features), np.arange(1000) * 3, np.arange(1000) % 4)


def test_neighbours_and_distances_are_those_of_scikit_learn(training) -> None:
    asked = np.random.default_rng(2).normal(0, 3, (600, 7)).astype(np.float32)
    found = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(training.features)
    distances, places = found.kneighbors(normalize(asked))
    assert training.k == 5  # of 1,000 pictures
    assert training.distances(asked) == pytest.approx(distances[:, 4], abs=1e-3)
    own_places, own_distances, far = training.nearest(asked, 5)
    assert own_distances == pytest.approx(distances, abs=1e-3)
    assert far == pytest.approx(distances[:, 4], abs=1e-3)
    assert (own_places == places).mean() > 0.99  # but for what is equally near in single precision


def test_a_picture_is_its_own_nearest_neighbour_however_long_its_features_are(training) -> None:
    places, distances, far = training.nearest(training.features[[17]] * 40, 1)
    assert places[0, 0] == 17
    assert far == pytest.approx(training.distances(training.features[[17]]))
    assert distances[0, 0] == pytest.approx(0, abs=1e-3)


def test_features_of_zeros_have_a_distance_too(training) -> None:
    assert training.distances(np.zeros((1, 7), np.float32)) == pytest.approx([np.sqrt(2)])


def test_no_pictures_have_no_distances(training) -> None:
    assert len(training.distances(np.zeros((0, 7), np.float32))) == 0


def test_the_threshold_leaves_out_one_validation_picture_in_twenty() -> None:
    known = KnownRange.measured(np.arange(100.0)[::-1], np.array([0.0, 50.0, 96.0, 200.0]))
    assert known.threshold == 95.0
    assert known.false_alarms == 0.5
    assert [known.percentile(distance) for distance in (-1.0, 50.0, 1000.0)] == [0.0, 50.0, 100.0]
    assert KnownRange.measured(np.arange(10.0), np.zeros(0)).false_alarms is None


@pytest.mark.parametrize("count", [1, 4, 12, 19, 20, 21, 100, 1500])
def test_beyond_the_95th_percentile_and_nowhere_else_a_picture_is_not_known(count: int) -> None:
    known = KnownRange.measured(np.arange(float(count)), np.zeros(0))
    for distance in np.arange(-1, count + 1, 0.5):
        assert (distance <= known.threshold) == (known.percentile(distance) <= 95)
