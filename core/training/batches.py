"""One batch of a training, made again by the functions that training uses, so that it is equal to the bit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.config import ExperimentConfig
from core.errors import UserError
from core.training.arrays import TrainingSet
from core.training.pipeline import batch_of, epoch_draws, epoch_plan, pictures_per_epoch, steps_per_epoch

# Pictures are varied as float32, and a few copies of a batch are at work at once.
MOST_BATCH_BYTES = 256 * 2**20


@dataclass(frozen=True)
class TrainingBatch:
    """What the network gets in one step.

    `images` (batch, height, width, channels) uint8 and `labels` (batch, classes) float32, which are mixed where
    pictures are; `positions` (batch,) int64 in the run's training set; `captions` what was drawn for each, in
    words; `steps` of this epoch.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.float32]
    positions: NDArray[np.int64]
    captions: list[dict[str, str]]
    steps: int


def training_batch(config: ExperimentConfig, data: TrainingSet, epoch: int, step: int) -> TrainingBatch:
    """The batch of `step` of `epoch`, both counted from 0.

    Where the training is spread over several devices, these are taken to be as many as the config asks for.

    Raises:
        UserError: there is no such epoch or step, or the batch is too large to be made here.
    """
    steps = steps_per_epoch(config, data.num_train)
    if not 0 <= epoch < config.training.epochs:
        raise UserError(
            f"There is no epoch {epoch + 1:,}: this design trains for {config.training.epochs:,}."
        )
    if not 0 <= step < steps:
        raise UserError(f"There is no step {step + 1:,}: an epoch of this design has {steps:,}.")
    size = config.training.batch_size
    if min(size, data.num_train) * int(np.prod(data.image_shape)) > MOST_BATCH_BYTES:
        raise UserError(f"Batches of {size:,} such pictures are too large to show.")
    plan = epoch_plan(config, data.num_train, data.image_shape, epoch, config.training.num_gpus)
    images, labels = batch_of(config, data, plan, step)
    draws = epoch_draws(config, data.num_train, data.image_shape, epoch)
    count = pictures_per_epoch(config, data.num_train)
    places = range(step * size, step * size + len(images))
    captions = [{} if draws is None else draws.describe(place % count) for place in places]
    return TrainingBatch(images, labels, plan.order[step * size : (step + 1) * size], captions, steps)
