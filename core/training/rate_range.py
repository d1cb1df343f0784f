"""The steps of a learning-rate range test: the rate of a real training rises until it diverges. Nothing is kept."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from keras import ops
from msgspec.structs import replace

from core.config import ExperimentConfig
from core.datasets.splits import TrainingArrays
from core.design.rate_range import HIGH, LOW, STEPS, has_diverged, rate_of_step
from core.training.arrays import training_set
from core.training.pipeline import steps_per_epoch
from core.training.starting_weights import take_starting_weights
from core.training.train import batches_of, compiled_model

TELL_SECONDS = 1.0
ENDLESS = 100_000
# Half precision skips a step whose gradients are too large for it, and halves what it scales the loss by, 32,768 at
# first: after so many steps nothing is scaled up any more, and it is the weights that are too large.
MOST_SKIPPED = 30


class Rising(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The rate of `core.design.rate_range.rate_of_step`."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        share = ops.cast(step, "float32") / (self.steps - 1)
        return LOW * ops.exp(math.log(HIGH / LOW) * share)

    def get_config(self) -> dict[str, int]:
        return {"steps": self.steps}


def measure_losses(
    config: ExperimentConfig,
    arrays: TrainingArrays,
    tell: Callable[[str], None],
    start: Path | None = None,
    steps: int = STEPS,
) -> tuple[list[float], list[float], bool]:
    """Train step by step, on one device, with a rate that rises: the rates, the loss of each batch, and whether it has
    diverged, with which it ends.

    The loss is what trains: with augmentation, dropout and label smoothing. A step that half precision skips has no
    rate, and the next one has the rate that it would have had: so it is left out. `start` is as in `train`. Errors
    of the backend, such as running out of memory, come out as they are.
    """
    keras.utils.set_random_seed(config.seed)
    data = training_set(arrays)
    constant = replace(
        config,
        optimizer=replace(config.optimizer, schedule="constant"),
        training=replace(config.training, epochs=ENDLESS, num_gpus=1),
    )
    model = compiled_model(constant, data, steps_per_epoch(config, data.num_train))
    if config.model.start_from and start is not None:
        take_starting_weights(
            model, start, config.model.start_from, arrays.class_names, config.model.frozen_blocks
        )
    # Half precision wraps the optimizer in one that scales the loss.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    optimizer.learning_rate = Rising(steps)
    rates: list[float] = []
    losses: list[float] = []
    told, skipped = 0.0, 0  # the latter one after the other
    for pictures, labels in batches_of(constant, data, 0, 1):
        updates = int(optimizer.iterations)  # `Rising` makes the rate of them, in single precision
        model.reset_metrics()  # else the loss would be the mean of all steps
        loss = float(model.train_on_batch(pictures, labels, return_dict=True)["loss"])
        skipped = skipped + 1 if int(optimizer.iterations) == updates else 0
        if skipped and math.isfinite(loss) and skipped < MOST_SKIPPED:
            continue
        rates.append(rate_of_step(updates, steps))
        losses.append(loss)
        if skipped or has_diverged(losses) or len(losses) == steps:
            break
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            tell(f"Step {len(losses):,} of {steps:,}")
    return rates, losses, bool(skipped) or has_diverged(losses)
