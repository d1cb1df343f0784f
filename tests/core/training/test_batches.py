"""A batch made again is the one that trains, to the bit, in both pipelines."""

from itertools import islice

import numpy as np
import pytest

from core.errors import UserError
from core.training.arrays import training_set
from core.training.backend_tensorflow import build_dataset
from core.training.batches import training_batch
from core.training.pipeline import batches, steps_per_epoch

MIXED = {"augmentation.mixup_alpha": 0.4, "augmentation.cutmix_alpha": 1.0}
COVERED = {"augmentation.erasing_probability": 0.5, "augmentation.noise_stddev": 0.1, "augmentation.hue": 0.1}
WRAPPED = {
    "augmentation.fill_mode": "wrap",
    "augmentation.randaugment_operations": 2,
    "augmentation.contrast": 0.3,
}
PLAIN = {"augmentation.horizontal_flip": False, "augmentation.rotation_degrees": 0}
MORE = {"training.steps_per_epoch_multiple": 1.7, "dataset.label_noise": 0.2}


@pytest.mark.parametrize("values", [MIXED, COVERED, WRAPPED, PLAIN, MORE])
def test_each_batch_is_what_both_pipelines_yield(config, arrays, values) -> None:
    config, data = config.with_values(values), training_set(arrays)
    steps = steps_per_epoch(config, 60)
    in_tensorflow = [(x.numpy(), y.numpy()) for x, y in build_dataset(config, data, 0).take(3 * steps)]
    generic = list(islice(batches(config, data, 0), 3 * steps))
    for number, (trained, trained_generic) in enumerate(zip(in_tensorflow, generic, strict=True)):
        made = training_batch(config, data, *divmod(number, steps))
        assert made.steps == steps
        for own, *theirs in zip((made.images, made.labels), trained, trained_generic, strict=True):
            for other in theirs:
                assert own.dtype == other.dtype
                np.testing.assert_array_equal(own, other)


def test_captions_belong_to_their_pictures(config, arrays) -> None:
    config = config.with_values({**PLAIN, "augmentation.horizontal_flip": True})
    for step in range(4):
        made = training_batch(config, training_set(arrays), 1, step)
        assert len(made.images) == len(made.captions) == (12 if step == 3 else 16)
        for image, position, caption in zip(made.images, made.positions, made.captions, strict=True):
            original = arrays.x_train[arrays.train_indices[position]]
            mirrored = caption == {"flip_x": "mirrored"}
            np.testing.assert_array_equal(image, original[:, ::-1] if mirrored else original)


def test_with_several_devices_the_last_batch_is_filled_up(config, arrays) -> None:
    config = config.with_values({"training.batch_size": 8, "training.num_gpus": 8})
    whole = training_batch(config, training_set(arrays), 0, 0)
    last = training_batch(config, training_set(arrays), 0, 7)
    assert len(last.images) == len(last.captions) == 8
    np.testing.assert_array_equal(last.positions[4:], whole.positions[:4])
    assert last.captions[4:] == whole.captions[:4]


@pytest.mark.parametrize(
    ("epoch", "step", "words"),
    [
        (3, 0, "no epoch 4: this design trains for 3"),
        (-1, 0, "no epoch 0"),
        (0, 4, "no step 5: an epoch of this design has 4"),
    ],
)
def test_what_there_is_not_is_a_sentence(config, arrays, epoch: int, step: int, words: str) -> None:
    with pytest.raises(UserError, match=words):
        training_batch(config, training_set(arrays), epoch, step)
