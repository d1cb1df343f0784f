"""Batches as a Python generator: the same plan as TensorFlow's pipeline, for every other backend."""

import itertools
import queue
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import ExperimentConfig
from core.training.arrays import TrainingSet
from core.training.augmentation import apply_values
from core.training.pipeline import EpochPlan, epoch_plan

PREFETCHED = 8
Batch = tuple[NDArray[np.uint8], NDArray[np.float32]]


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
