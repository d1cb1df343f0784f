"""Training that starts from another run's weights: what is copied, what stays frozen, and what happens without them."""

import dataclasses

import keras
import numpy as np
import pytest

from core.design.architecture import describe_network
from core.errors import TrainingError
from core.training.arrays import training_set
from core.training.inspection import network_of
from core.training.saved_models import find_run_model, load_run_model
from core.training.train import compiled_model, train
from tests.core.training.conftest import SHAPE, Recorder, noise_pictures, tiny_config

SOURCE = "abcdefghij"
TWO_BLOCKS = {"model.blocks": [{"filters": 4, "padding": "same"}, {"filters": 6, "padding": "same"}]}
FROZEN = {
    "model.frozen_blocks": 1, "training.epochs": 2, "training.precise_batch_norm": True,
    "optimizer.weight_averaging": 0.5, "optimizer.weight_decay": 0.01,
}  # fmt: skip


def two_classes():
    """The noise pictures, told apart by another question: red or not."""
    arrays = noise_pictures(60)
    labels = {
        name: (getattr(arrays, name) == 2).astype(int)
        for name in ("y_train", "y_train_true", "y_validation", "y_test", "y_clean")
    }
    return dataclasses.replace(arrays, **labels, class_names=("other", "red"))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A folder with the best model of a network of two blocks and a dense layer, trained for two epochs."""
    folder = tmp_path_factory.mktemp("source")
    config = tiny_config().with_values({**TWO_BLOCKS, "training.epochs": 2})
    train(config, noise_pictures(60), folder, Recorder())
    return folder


def started(**changes):
    values = {**TWO_BLOCKS, "training.epochs": 1, "model.start_from": SOURCE, "seed": 11}
    return tiny_config().with_values({**values, **changes})


def weights(model: keras.Model) -> dict[str, list[np.ndarray]]:
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(map(np.array_equal, first, second))


class Untrained(Exception):
    """Raised instead of the first step."""


def test_before_the_first_step_all_but_the_head_have_the_source_s_weights(
    source, tmp_path, monkeypatch
) -> None:
    seen = {}

    def fit(model, *_, **__):
        seen.update(weights(model))
        raise Untrained

    monkeypatch.setattr(keras.Model, "fit", fit)
    with pytest.raises(Untrained):
        train(started(), two_classes(), tmp_path, Recorder(), start=source)
    known = weights(load_run_model(source).model)
    assert set(seen) == set(known) == {"conv_1", "batch_norm_1", "conv_2", "batch_norm_2", "fc1", "softmax"}
    assert all(same(seen[name], known[name]) for name in known if name != "softmax")
    assert [each.shape for each in seen["softmax"]] == [(8, 2), (2,)]
    # The head's weights are those of its seed, and others than in a run that starts from nothing, as the source did.
    monkeypatch.undo()
    fresh, bare = (
        compiled_model(each, training_set(two_classes()), 4)
        for each in (started(), started(**{"model.start_from": None}))
    )
    assert same(seen["softmax"], fresh.get_layer("softmax").get_weights())
    assert not same(seen["softmax"], bare.get_layer("softmax").get_weights())
    assert same(fresh.get_layer("conv_1").get_weights(), bare.get_layer("conv_1").get_weights())


@pytest.fixture(scope="module")
def frozen(source, tmp_path_factory):
    """The folder of two epochs with the first block frozen, and with what moves other weights; and what it reported."""
    folder, recorder = tmp_path_factory.mktemp("frozen"), Recorder()
    train(started(**FROZEN), two_classes(), folder, recorder, start=source)
    return folder, recorder


def test_frozen_blocks_stay_as_they_are_bit_for_bit(source, frozen) -> None:
    folder, recorder = frozen
    before, after = weights(load_run_model(source).model), weights(load_run_model(folder, "last").model)
    for name in ("conv_1", "batch_norm_1"):
        assert same(before[name], after[name]), name
    for name in ("conv_2", "batch_norm_2", "fc1"):
        assert not same(before[name], after[name]), name
    assert recorder.lines[0].endswith("steps per epoch.")
    assert recorder.lines[1] == (
        f"Starts from the weights of {SOURCE}, epoch {find_run_model(source)[1].epoch}. Taken: conv_1, batch_norm_1, "
        "conv_2, batch_norm_2, fc1. New: softmax (2 classes instead of 3). Frozen: block 1."
    )


def test_what_trains_is_what_keras_counts(source) -> None:
    for blocks in (0, 1, 2):
        config = started(**{"model.frozen_blocks": blocks})
        model = compiled_model(config, training_set(two_classes()), 4)
        counted = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
        assert describe_network(config.model, SHAPE, 2).trainable_parameters == counted
        # 3·3·3·4 + 4 and 2·4; 3·3·4·6 + 6 and 2·6; 2·2·6·8 + 8; 8·2 + 2.
        assert counted == sum([112 + 8, 222 + 12][blocks:]) + 200 + 18


def test_a_run_that_goes_on_needs_the_other_run_no_more(source, frozen, tmp_path) -> None:
    config = started(**FROZEN)
    train(config, two_classes(), tmp_path, Recorder(stop_after=1), start=source)
    recorder = Recorder()
    train(config, two_classes(), tmp_path, recorder, start=tmp_path / "gone")
    assert "resuming after epoch 1" in recorder.lines[0]
    assert not any("Starts from" in line for line in recorder.lines)
    ends = [load_run_model(folder, "last").model.get_weights() for folder in (frozen[0], tmp_path)]
    assert all(map(np.array_equal, *ends))


def test_without_its_weights_a_run_fails_with_a_next_step(source, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match=f"run {SOURCE}, from which this run starts, are gone") as caught:
        train(started(), two_classes(), tmp_path, Recorder(), start=tmp_path / "empty")
    assert "from another run, or from random weights" in caught.value.next_step
    other = started(**{"model.blocks": [{"filters": 5}], "model.dense": []})
    with pytest.raises(TrainingError, match=f"No layer of the run {SOURCE} fits"):
        train(other, two_classes(), tmp_path, Recorder(), start=source)


def test_the_network_inside_a_model_with_test_time_flip_is_the_source(tmp_path) -> None:
    folder = tmp_path / "flipped"
    folder.mkdir()
    config = tiny_config().with_values(
        {"training.epochs": 1, "training.test_time_flip": True, "model.whitening": True}
    )
    train(config, noise_pictures(60), folder, Recorder())
    recorder = Recorder()
    target = config.with_values({"model.start_from": SOURCE, "training.test_time_flip": False})
    train(target, noise_pictures(60), tmp_path, recorder, start=folder)
    assert "Taken: whitening, conv_1, batch_norm_1, fc1. New: softmax (always new)." in recorder.lines[1]
    assert recorder.lines[1].endswith("Its classes are the same.")
    assert same(
        *(weights(network_of(load_run_model(each, "last").model))["whitening"] for each in (folder, tmp_path))
    )
