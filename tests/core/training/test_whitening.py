"""The first layer that whitens, held against NumPy's own covariance."""

import keras
import numpy as np
import pytest

from core.config import ExperimentConfig
from core.design.architecture import WHITENING
from core.training import whitening
from core.training.arrays import TrainingSet, training_set
from core.training.saved_models import load_run_model
from core.training.train import compiled_model, train
from core.training.whitening import patch_statistics

WHITENED = {"model.whitening": True}


def smooth_pictures(num: int, channels: int = 3) -> TrainingSet:
    """Noise in which neighbouring pixels and channels are alike, as in photographs."""
    noise = np.random.default_rng(0).normal(size=(num, 14, 14, channels))
    for _ in range(2):
        noise = noise + np.roll(noise, 1, axis=1) + np.roll(noise, 1, axis=2)
    pixels = 120 + 60 * (noise + 0.5 * noise[..., :1]) / noise.std()
    x = np.clip(pixels, 0, 255).astype(np.uint8)[:, 2:, 2:]
    return TrainingSet(x, np.arange(num)[::-1], np.zeros(num, np.int64), 2)


def outputs(config: ExperimentConfig, data: TrainingSet) -> np.ndarray:
    """What the layer gives for all training pictures, before its activation."""
    model = compiled_model(config, data, 4)
    before = keras.Model(model.input, model.get_layer(WHITENING).output)
    values = np.asarray(before(data.x), np.float64)
    return values.reshape(-1, values.shape[-1])


@pytest.mark.parametrize("channels", [3, 1])
def test_what_it_gives_has_no_mean_and_the_identity_as_its_covariance(config, channels: int) -> None:
    data = smooth_pictures(40, channels)
    values = outputs(config.with_values(WHITENED), data)
    half = 4 * channels
    assert values.shape == (40 * 11 * 11, 2 * half)
    np.testing.assert_allclose(values[:, half:], -values[:, :half], atol=1e-5)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-4)
    # The smallest variance of these patches is 1e-3; what is added to it, 3e-5, is 3 % of that.
    np.testing.assert_allclose(np.cov(values[:, :half].T, bias=True), np.eye(half), atol=0.04)


def test_what_hardly_varies_has_a_smaller_variance(config) -> None:
    """λ / (λ + 3e-5) for each eigenvalue λ of the patches' covariance, as NumPy finds it."""
    data = smooth_pictures(40)
    faint = TrainingSet(np.rint(120 + (data.x - 120.0) / 12).astype(np.uint8), data.rows, data.y, 2)
    windows = np.lib.stride_tricks.sliding_window_view(faint.x / 255.0, (2, 2), axis=(1, 2))
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 12)
    variances = np.linalg.eigvalsh(np.cov(patches.T, bias=True))[::-1]
    values = outputs(config.with_values(WHITENED), faint)[:, :12]
    expected = variances / (variances + 3e-5)
    assert expected.min() < 0.75 < 0.98 < expected.max()
    np.testing.assert_allclose(np.cov(values.T, bias=True), np.diag(expected), atol=0.01)


def test_neighbouring_pixels_are_far_from_that(config) -> None:
    pixels = smooth_pictures(40).x / 255.0
    pairs = np.stack([pixels[:, :, :-1, 0].ravel(), pixels[:, :, 1:, 0].ravel()])
    assert np.corrcoef(pairs)[0, 1] > 0.5


def test_portions_give_the_statistics_of_all_patches(monkeypatch) -> None:
    data = smooth_pictures(30)
    monkeypatch.setattr(whitening, "PORTION_PATCHES", 7 * 11 * 11)
    mean, covariance = patch_statistics(data)
    windows = np.lib.stride_tricks.sliding_window_view(data.x / 255.0, (2, 2), axis=(1, 2))
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 12)
    np.testing.assert_allclose(mean, patches.mean(axis=0))
    np.testing.assert_allclose(covariance, np.cov(patches.T, bias=True), atol=1e-12)


@pytest.mark.parametrize(("name", "most"), [("MOST_PICTURES", 20), ("MOST_PATCHES", 20 * 11 * 11)])
def test_of_many_pictures_the_first_of_the_run_are_taken(monkeypatch, name: str, most: int) -> None:
    data = smooth_pictures(30)
    # A run's order is its own: here the data set's, reversed.
    first = TrainingSet(data.x[::-1][:20], np.arange(20), data.y[:20], 2)
    expected = patch_statistics(first)
    assert not np.allclose(patch_statistics(data)[0], expected[0])
    monkeypatch.setattr(whitening, name, most)
    for one, other in zip(patch_statistics(data), expected, strict=True):
        np.testing.assert_allclose(one, other)


def test_pictures_of_one_colour_are_taken_too(config) -> None:
    data = TrainingSet(np.full((8, 8, 8, 3), 77, np.uint8), np.arange(8), np.zeros(8, np.int64), 2)
    assert np.abs(outputs(config.with_values(WHITENED), data)).max() < 1e-3


def test_training_leaves_its_filters_alone(config, arrays, tmp_path, recorder) -> None:
    config = config.with_values(WHITENED)
    before = compiled_model(config, training_set(arrays), 4)
    train(config, arrays, tmp_path, recorder)
    after = load_run_model(tmp_path, "last").model
    for one, other in zip(
        before.get_layer(WHITENING).get_weights(), after.get_layer(WHITENING).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(
        before.get_layer("conv_1").get_weights()[0], after.get_layer("conv_1").get_weights()[0]
    )


def test_the_other_layers_start_from_the_weights_that_they_have_without_it(config, arrays) -> None:
    plain, whitened = (
        compiled_model(each, training_set(arrays), 4) for each in (config, config.with_values(WHITENED))
    )
    for name in ("batch_norm_1", "softmax"):
        for one, other in zip(
            plain.get_layer(name).get_weights(), whitened.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, other)
