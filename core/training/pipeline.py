"""Which pictures come in which order, and what is drawn for them: a pure function of the config and the epoch.

Both pipelines carry out this plan, so they give the same batches: TensorFlow's, and the generic one below, a Python
generator for every other backend.
"""

import itertools
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import ExperimentConfig
from core.training.arrays import TrainingSet
from core.training.augmentation import apply_values, prepare
from core.training.draws import Draws, ImageShape, Values, draw

_ORDER, _AUGMENTATION, _MIRRORED = 1, 2, 3
PREFETCHED = 8
Batch = tuple[NDArray[np.uint8], NDArray[np.float32]]


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
    seed = (config.seed, epoch, _AUGMENTATION)
    mirrored = None
    if config.augmentation.horizontal_flip and config.augmentation.alternating_flip:
        mirrored = mirrored_in(config.seed, num_train, epoch)[epoch_order(config, num_train, epoch)]
    return draw(config.augmentation, count, image_shape, seed, mirrored=mirrored)


def mirrored_in(seed: int, num_train: int, epoch: int) -> NDArray[np.bool_]:
    """(num_train,): which pictures alternating flips mirror in an epoch, counted from 0.

    In the first a half that is drawn, a picture's own whatever else is trained on; from then on every other epoch.
    """
    first: NDArray[np.bool_] = np.random.default_rng([seed, 0, _MIRRORED]).random(num_train) < 0.5
    return first if epoch % 2 == 0 else ~first


def epoch_order(config: ExperimentConfig, num_train: int, epoch: int) -> NDArray[np.int64]:
    """Positions in the run's training set, in the order of an epoch, counted from 0.

    With a multiple of 1 each picture comes once; otherwise pictures are drawn with replacement.
    """
    generator = np.random.default_rng([config.seed, epoch, _ORDER])
    if config.training.steps_per_epoch_multiple == 1.0:
        return generator.permutation(num_train).astype(np.int64)
    return generator.integers(0, num_train, pictures_per_epoch(config, num_train)).astype(np.int64)


def epoch_plan(
    config: ExperimentConfig, num_train: int, image_shape: ImageShape, epoch: int, replicas: int = 1
) -> EpochPlan:
    """The plan of one epoch, counted from 0.

    Where the last batch cannot be shared out evenly over `replicas` devices, the epoch's first pictures fill it up.
    """
    count = pictures_per_epoch(config, num_train)
    order = epoch_order(config, num_train, epoch)
    draws = epoch_draws(config, num_train, image_shape, epoch)
    values: Values = {} if draws is None else prepare(draws)
    places = np.arange(count + -count % replicas) % count
    return EpochPlan(order[places], {name: value[places] for name, value in values.items()})


def value_specs(config: ExperimentConfig, image_shape: ImageShape) -> dict[str, Any]:
    """Names of the prepared values with a sample row each, for pipelines that must know shapes beforehand."""
    plan = epoch_plan(config, 1, image_shape, 0)
    return {name: value[:1] for name, value in plan.values.items()}


def batches(config: ExperimentConfig, data: TrainingSet, first_epoch: int) -> Iterator[Batch]:
    """Every batch from `first_epoch` (from 0) on, without an end: uint8 pictures and one-hot float32 labels."""
    for epoch in itertools.count(first_epoch):
        plan = epoch_plan(config, data.num_train, data.image_shape, epoch)
        for step in range(-(-len(plan.order) // config.training.batch_size)):
            yield batch_of(config, data, plan, step)


def batch_of(config: ExperimentConfig, data: TrainingSet, plan: EpochPlan, step: int) -> Batch:
    """The batch of one step of an epoch, counted from 0."""
    size = config.training.batch_size
    place = slice(step * size, (step + 1) * size)
    images, labels = data.take(plan.order[place])
    values = {name: value[place] for name, value in plan.values.items()}
    varied, mixed = apply_values(images, labels, values, config.augmentation, data.image_shape)
    return np.asarray(varied), np.asarray(mixed)


def prefetched(source: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, made in a thread ahead of the training."""
    ready: queue.Queue[Any] = queue.Queue(PREFETCHED)
    stop = threading.Event()

    def put(item: Any) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for batch in source:
                if not put(batch):
                    return
            put(None)
        except Exception as error:
            put(error)

    threading.Thread(target=work, name="batches", daemon=True).start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stop.set()
