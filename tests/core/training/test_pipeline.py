"""Plans and the two pipelines that carry them out."""

import itertools

import numpy as np
import pytest

from core.training import backend_tensorflow
from core.training.arrays import training_set
from core.training.backend_tensorflow import batches_per_block, build_dataset
from core.training.pipeline import (
    batches,
    epoch_draws,
    epoch_plan,
    mirrored_in,
    pictures_per_epoch,
    prefetched,
    sharing_replicas,
    steps_per_epoch,
)


def test_an_epoch_shows_each_picture_once_in_a_new_order(config) -> None:
    orders = [epoch_plan(config, 60, (8, 8, 3), epoch).order for epoch in (0, 1)]
    assert [sorted(order) for order in orders] == [list(range(60))] * 2
    assert list(orders[0]) != list(orders[1])
    np.testing.assert_array_equal(orders[0], epoch_plan(config, 60, (8, 8, 3), 0).order)


def test_each_epoch_and_each_seed_draws_anew(config) -> None:
    config = config.with_values({"augmentation.erasing_probability": 1.0, "augmentation.mixup_alpha": 1.0})
    first, again, next_epoch, next_seed = (
        epoch_plan(config.with_values({"seed": seed}), 60, (8, 8, 3), epoch).values
        for seed, epoch in ((5, 0), (5, 0), (5, 1), (6, 0))
    )
    assert first.keys() == {"transform", "erased", "erased_color", "mix_weight"}
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
        assert np.any(values != next_epoch[name]), name
        assert np.any(values != next_seed[name]), name


def shown_mirrored(config, arrays, epochs: int) -> list[dict[int, bool]]:
    """For each epoch, by picture, whether TensorFlow's pipeline shows it mirrored; all pictures differ."""
    data = training_set(arrays)
    as_they_are = {data.x[row].tobytes(): (row, False) for row in data.rows}
    mirrored = {data.x[row][:, ::-1].tobytes(): (row, True) for row in data.rows}
    steps = steps_per_epoch(config, data.num_train)
    stream = build_dataset(config, data, 0).as_numpy_iterator()
    known = as_they_are | mirrored
    return [
        dict(known[image.tobytes()] for _ in range(steps) for image in next(stream)[0]) for _ in range(epochs)
    ]


def test_with_alternating_flips_each_picture_is_mirrored_in_every_other_epoch(config, arrays) -> None:
    config = config.with_values({"augmentation.rotation_degrees": 0, "augmentation.alternating_flip": True})
    first, second, third = shown_mirrored(config, arrays, 3)
    assert len(first) == 60
    assert 15 < sum(first.values()) < 45, "about half in the first epoch"
    assert second == {picture: not was for picture, was in first.items()}
    assert third == first
    assert shown_mirrored(config.with_values({"seed": 6}), arrays, 1) != [first]


def test_by_chance_some_are_mirrored_twice_and_some_never(config, arrays) -> None:
    config = config.with_values({"augmentation.rotation_degrees": 0})
    first, second = shown_mirrored(config, arrays, 2)
    assert {(first[picture], second[picture]) for picture in first} == {
        (False, False), (False, True), (True, False), (True, True),
    }  # fmt: skip


def test_which_pictures_begin_mirrored_does_not_depend_on_how_many_there_are() -> None:
    np.testing.assert_array_equal(mirrored_in(3, 1000, 0)[:40], mirrored_in(3, 40, 0))


def test_alternating_flips_leave_unchanged_pictures_and_other_draws_alone(config) -> None:
    config = config.with_values({"augmentation.unchanged_fraction": 0.5})
    by_chance, in_turn = (
        epoch_draws(each, 600, (8, 8, 3), 1).values
        for each in (config, config.with_values({"augmentation.alternating_flip": True}))
    )
    unchanged = by_chance["rotation"] == 0
    assert 200 < unchanged.sum() < 400
    np.testing.assert_array_equal(in_turn["rotation"], by_chance["rotation"])
    assert not in_turn["flip_x"][unchanged].any()
    assert in_turn["flip_x"].any() and (in_turn["flip_x"] != by_chance["flip_x"]).any()


def test_alternating_says_nothing_where_nothing_is_mirrored(config) -> None:
    config = config.with_values({"augmentation.horizontal_flip": False})
    plain, alternating = (
        epoch_draws(each, 60, (8, 8, 3), 1).values
        for each in (config, config.with_values({"augmentation.alternating_flip": True}))
    )
    assert plain.keys() == alternating.keys() == {"rotation"}


def test_augmentation_does_not_move_the_order(config) -> None:
    plain = config.with_values({"augmentation.horizontal_flip": False, "augmentation.rotation_degrees": 0})
    orders = [epoch_plan(each, 60, (8, 8, 3), 3).order for each in (config, plain)]
    np.testing.assert_array_equal(*orders)
    assert epoch_plan(plain, 60, (8, 8, 3), 3).values == {}


def test_more_batches_than_data_are_drawn_with_replacement(config) -> None:
    config = config.with_values({"training.steps_per_epoch_multiple": 4})
    order = epoch_plan(config, 600, (8, 8, 3), 0).order
    assert len(order) == 2400 == pictures_per_epoch(config, 600)
    counts = np.bincount(order, minlength=600)
    # With replacement the counts are Poisson with mean 4: variance 4, not 0.
    assert counts.var() == pytest.approx(4, rel=0.25)
    assert steps_per_epoch(config, 600) == 150


@pytest.mark.parametrize(
    ("batch_size", "available", "used"),
    [(16, 1, 1), (16, 3, 2), (16, 4, 4), (2, 8, 2), (7, 6, 1), (48, 7, 6)],
)
def test_as_many_devices_as_can_share_a_batch(batch_size: int, available: int, used: int) -> None:
    assert sharing_replicas(batch_size, available) == used


@pytest.mark.parametrize(
    ("num_train", "replicas", "repeated"), [(48, 2, 0), (49, 2, 1), (35, 3, 1), (1, 4, 3), (60, 1, 0)]
)
def test_the_first_pictures_of_an_epoch_fill_up_its_last_batch(
    config, num_train: int, replicas: int, repeated: int
) -> None:
    plain, shared = (epoch_plan(config, num_train, (8, 8, 3), 0, each) for each in (1, replicas))
    assert len(shared.order) == num_train + repeated
    np.testing.assert_array_equal(shared.order, np.resize(plain.order, num_train + repeated))
    for name, values in plain.values.items():
        np.testing.assert_array_equal(shared.values[name], np.resize(values, (num_train + repeated, 8)))


@pytest.mark.parametrize("batches_a_block", [1, 3, 100])
@pytest.mark.parametrize("multiple", [1.0, 1.7])
@pytest.mark.parametrize("mixup_alpha", [0.0, 0.4])
def test_both_pipelines_give_the_same_batches(
    config, arrays, monkeypatch, mixup_alpha: float, multiple: float, batches_a_block: int
) -> None:
    # Four or seven batches an epoch, so blocks of three leave an incomplete one, and the last batch is a smaller one.
    monkeypatch.setattr(backend_tensorflow, "BLOCK_VALUES", batches_a_block * 16 * 8 * 8 * 3)
    config = config.with_values(
        {
            "training.steps_per_epoch_multiple": multiple, "augmentation.mixup_alpha": mixup_alpha,
            "augmentation.contrast": 0.3 if mixup_alpha else 0.0, "training.epochs": 1,
        }
    )  # fmt: skip
    data = training_set(arrays)
    assert batches_per_block(config, data.image_shape) == batches_a_block
    # Two epochs, both beyond the config's last one: epochs can be added.
    count = 2 * steps_per_epoch(config, 60)
    from_tensorflow = [(x.numpy(), y.numpy()) for x, y in build_dataset(config, data, 1).take(count)]
    generic = list(itertools.islice(prefetched(batches(config, data, 1)), count))
    assert len(from_tensorflow) == len(generic) == count
    for (x, y), (x_generic, y_generic) in zip(from_tensorflow, generic, strict=True):
        np.testing.assert_array_equal(x, x_generic)
        np.testing.assert_allclose(y, y_generic, atol=1e-6)


def test_nothing_tunes_the_pipeline(config, arrays) -> None:
    """Taking an iterator apart waits for the thread that tunes, which sleeps for up to a minute at a time."""
    for each in (config, config.with_values({"augmentation.contrast": 0.3})):
        assert build_dataset(each, training_set(arrays), 0).options().autotune.enabled is False


def test_batches_hold_the_pictures_and_labels_of_their_rows(config, arrays) -> None:
    plain = config.with_values({"augmentation.horizontal_flip": False, "augmentation.rotation_degrees": 0})
    order = epoch_plan(plain, 60, (8, 8, 3), 0).order
    seen = [(x.numpy(), y.numpy()) for x, y in build_dataset(plain, training_set(arrays), 0).take(4)]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in seen]), arrays.x_train[order])
    np.testing.assert_array_equal(np.concatenate([y for _, y in seen]).argmax(axis=1), arrays.y_train[order])
    assert [len(x) for x, _ in seen] == [16, 16, 16, 12]


def test_an_error_in_the_thread_reaches_the_training() -> None:
    def broken():
        yield 1
        raise OSError("the disk is gone")

    source = prefetched(broken())
    assert next(source) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(source)
