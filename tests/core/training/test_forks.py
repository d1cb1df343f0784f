"""A fork begins where its parent began: the same weights, the same order of pictures, and equal draws."""

import numpy as np
import pytest

from core.training.arrays import training_set
from core.training.pipeline import epoch_order, epoch_plan, steps_per_epoch
from core.training.train import compiled_model


def initial_weights(config, arrays):
    data = training_set(arrays)
    model = compiled_model(config, data, steps_per_epoch(config, data.num_train))
    return {
        variable.path: np.asarray(variable) for variable in model.variables if "seed" not in variable.path
    }


def pixels_in_order(config, arrays, epoch):
    """The pictures of an epoch as the network would meet them, were there no augmentation."""
    data = training_set(arrays)
    return data.take(epoch_plan(config, data.num_train, data.image_shape, epoch).order)[0]


CHANGES = [
    {"augmentation.rotation_degrees": 0.0},
    {"augmentation.horizontal_flip": False, "augmentation.zoom_fraction": 0.3},
    {"optimizer.learning_rate": 0.01},
    {"model.dense[0].dropout": 0.0},
    {"optimizer.name": "sgd", "optimizer.weight_decay": 0.01},
    {"training.epochs": 7},
    {"training.batch_size": 10},
]


@pytest.mark.parametrize("values", CHANGES, ids=lambda values: ",".join(values))
def test_equal_initial_weights_and_batch_order(config, arrays, values):
    fork = config.with_values(values)
    own, parents = initial_weights(fork, arrays), initial_weights(config, arrays)
    assert own.keys() == parents.keys() and len(own) == 10
    for path, weights in parents.items():
        np.testing.assert_array_equal(own[path], weights, err_msg=path)
    for epoch in range(3):
        np.testing.assert_array_equal(
            pixels_in_order(fork, arrays, epoch), pixels_in_order(config, arrays, epoch)
        )


@pytest.mark.parametrize(
    "values",
    [{"dataset.num_train": 40}, {"training.steps_per_epoch_multiple": 2.0}],
    ids=lambda values: ",".join(values),
)
def test_with_more_or_fewer_pictures_an_epoch_has_another_order(config, values):
    """What no sentence promises: the beginning of a permutation is none of a larger set's."""
    fork = config.with_values(values)
    count = fork.dataset.num_train or 60
    own, parents = epoch_order(fork, count, 0), epoch_order(config, 60, 0)
    both = np.intersect1d(own, parents)
    assert own[np.isin(own, both)].tolist() != parents[np.isin(parents, both)].tolist()


def test_another_seed_begins_elsewhere(config, arrays):
    other = config.with_values({"seed": config.seed + 1})
    differ = [
        path
        for path, weights in initial_weights(config, arrays).items()
        if not np.array_equal(initial_weights(other, arrays)[path], weights)
    ]
    assert any("kernel" in path for path in differ)
    assert not np.array_equal(pixels_in_order(other, arrays, 0), pixels_in_order(config, arrays, 0))


def test_what_both_augment_is_drawn_alike(config, arrays):
    data = training_set(arrays)
    fork = config.with_values({"augmentation.brightness": 0.3})
    own, parents = (epoch_plan(each, data.num_train, data.image_shape, 1).values for each in (fork, config))
    assert set(own) - set(parents) == {"brightness"}
    np.testing.assert_array_equal(own["transform"], parents["transform"])


def test_a_layer_that_both_have_begins_alike(config, arrays):
    """The wider layer is new, and so is what reads it; the convolution before it is the parent's."""
    own = initial_weights(config.with_values({"model.dense[0].units": 16}), arrays)
    parents = initial_weights(config, arrays)
    np.testing.assert_array_equal(own["conv_1/kernel"], parents["conv_1/kernel"])
    assert own["fc1/kernel"].shape != parents["fc1/kernel"].shape
