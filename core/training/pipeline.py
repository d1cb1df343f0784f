"""Which pictures come in which order, and what is drawn for them: a pure function of the config and the epoch.

Both pipelines, TensorFlow's and the generic one, carry out this plan, so they give the same batches.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import ExperimentConfig
from core.training.augmentation import prepare
from core.training.draws import Draws, ImageShape, Values, draw

_ORDER, _AUGMENTATION = 1, 2


@dataclass(frozen=True)
class EpochPlan:
    """`order` (count,) int64: positions in the run's training set. `values`: prepared draws, one row a picture."""

    order: NDArray[np.int64]
    values: Values


def pictures_per_epoch(config: ExperimentConfig, num_train: int) -> int:
    """How many pictures an epoch shows: all of them once, or the asked multiple, at least one."""
    return config.training.pictures_per_epoch(num_train)


def steps_per_epoch(config: ExperimentConfig, num_train: int) -> int:
    """Steps of an epoch; the last batch may be smaller than the others."""
    return config.training.steps_per_epoch(num_train)


def sharing_replicas(batch_size: int, available: int) -> int:
    """The most devices, of those `available`, over which a batch can be shared out evenly."""
    return max(number for number in range(1, available + 1) if batch_size % number == 0)


def epoch_draws(
    config: ExperimentConfig, num_train: int, image_shape: ImageShape, epoch: int
) -> Draws | None:
    """What is drawn for each picture of an epoch, counted from 0, in its order; None where nothing is varied."""
    if not config.augmentation.is_active:
        return None
    count = pictures_per_epoch(config, num_train)
    return draw(config.augmentation, count, image_shape, (config.seed, epoch, _AUGMENTATION))


def epoch_plan(
    config: ExperimentConfig, num_train: int, image_shape: ImageShape, epoch: int, replicas: int = 1
) -> EpochPlan:
    """The plan of one epoch, counted from 0.

    With a multiple of 1 each picture comes once, in a new order; otherwise pictures are drawn with replacement. Where
    the last batch cannot be shared out evenly over `replicas` devices, the epoch's first pictures fill it up.
    """
    count = pictures_per_epoch(config, num_train)
    generator = np.random.default_rng([config.seed, epoch, _ORDER])
    if config.training.steps_per_epoch_multiple == 1.0:
        order = generator.permutation(num_train)
    else:
        order = generator.integers(0, num_train, count)
    draws = epoch_draws(config, num_train, image_shape, epoch)
    values: Values = {} if draws is None else prepare(draws)
    places = np.arange(count + -count % replicas) % count
    return EpochPlan(order.astype(np.int64)[places], {name: value[places] for name, value in values.items()})


def value_specs(config: ExperimentConfig, image_shape: ImageShape) -> dict[str, Any]:
    """Names of the prepared values with a sample row each, for pipelines that must know shapes beforehand."""
    plan = epoch_plan(config, 1, image_shape, 0)
    return {name: value[:1] for name, value in plan.values.items()}
