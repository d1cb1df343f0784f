"""A few real steps of a training, timed: what an epoch of it will take, before it is begun."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import keras
from msgspec.structs import replace

from core.config import ExperimentConfig, TrainingConfig
from core.datasets.splits import TrainingArrays
from core.training.arrays import TrainingSet, training_set
from core.training.averaging import measured_weights
from core.training.checkpoints import Position, save_checkpoint
from core.training.evaluation import Evaluator
from core.training.models import with_test_time_flip
from core.training.pipeline import epoch_plan, pictures_per_epoch, sharing_replicas, steps_per_epoch
from core.training.run_callback import REPORT_SECONDS
from core.training.saved_models import save_run_model
from core.training.train import batches_of, compiled_model

# The pipeline prepares these steps while the network is compiled, so they say nothing of its speed.
PREPARED_STEPS = 16
WARM_UP_SECONDS = 4.0
EVALUATION_SECONDS = 6.0
# Enough for the optimizer's first step and the pipeline's buffers to take what they will take.
FITTING_STEPS = 4
ENDLESS = 100_000


@dataclass(frozen=True)
class Timings:
    """Seconds of an epoch's parts, measured on `timed_steps` steps. `first_step` includes compiling the network.

    `evaluation` are clean training and validation pictures together, `saving` a checkpoint and the best model.
    """

    parameters: int
    pictures: int
    steps: int
    timed_steps: int
    step: float
    planning: float
    evaluation: float
    saving: float
    first_step: float

    @property
    def epoch(self) -> float:
        """One epoch from its first step to its checkpoint."""
        return self.planning + self.steps * self.step + self.evaluation + self.saving


def time_training(
    config: ExperimentConfig,
    arrays: TrainingArrays,
    replicas: int,
    tell: Callable[[str], None],
    seconds: float,
) -> Timings:
    """Build, compile and train as `train` does, for `seconds`, then measure and save as an epoch's end does.

    Nothing is kept. Errors of the backend, such as running out of memory, come out as they are.
    """
    keras.utils.set_random_seed(config.seed)
    data = training_set(arrays)
    replicas = sharing_replicas(config.training.batch_size, replicas)
    steps = steps_per_epoch(config, data.num_train)
    tell("Compiling the network and taking a first step")
    model = compiled_model(config, data, steps, replicas)
    clock = _StepClock(tell, seconds)
    _fit(model, config, data, replicas, clock)
    tell("Measuring clean training and validation, and saving")
    test_time_flip = config.training.test_time_flip
    evaluation = _time_evaluation(model, arrays, config.training)
    return Timings(
        parameters=model.count_params(),
        pictures=pictures_per_epoch(config, data.num_train),
        steps=steps,
        timed_steps=clock.timed_steps,
        step=clock.step_seconds,
        planning=_time_planning(config, data, replicas),
        evaluation=evaluation,
        saving=_time_saving(with_test_time_flip(model, test_time_flip=test_time_flip), model, arrays, data),
        first_step=clock.first_step,
    )


def try_batch(config: ExperimentConfig, arrays: TrainingArrays, replicas: int) -> None:
    """A few steps, only to see whether they fit into memory. Raises what the backend raises."""
    keras.utils.set_random_seed(config.seed)
    data = training_set(arrays)
    replicas = sharing_replicas(config.training.batch_size, replicas)
    model = compiled_model(config, data, steps_per_epoch(config, data.num_train), replicas)
    _fit(model, config, data, replicas, _StopAfter(FITTING_STEPS))


def _fit(
    model: keras.Model, config: ExperimentConfig, data: TrainingSet, replicas: int, callback: Any
) -> None:
    # However few epochs the run has, the steps must not run out before the clock does.
    endless = replace(config, training=replace(config.training, epochs=ENDLESS))
    steps = steps_per_epoch(config, data.num_train)
    model.fit(
        batches_of(endless, data, 0, replicas), epochs=1, steps_per_epoch=steps * ENDLESS, callbacks=[callback],
        shuffle=False, verbose=0,
    )  # fmt: skip


class _StopAfter(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps = steps

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch + 1 >= self._steps:
            self.model.stop_training = True


class _StepClock(keras.callbacks.Callback):  # type: ignore[misc]
    """Times steps in portions as long as those between two reports of a training, and takes the median portion."""

    def __init__(self, tell: Callable[[str], None], seconds: float) -> None:
        super().__init__()
        self._tell = tell
        self._seconds = seconds
        self._portions: list[float] = []
        self._began = self._warm_since = self._timed_since = 0.0
        self._portion_began, self._portion_steps, self._one_step = 0.0, 0, False
        self.first_step = 0.0
        self.timed_steps = 0

    @property
    def step_seconds(self) -> float:
        return median(self._portions)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch == 0:
            _wait_for(logs)
            self._warm_since = time.perf_counter()
            self.first_step = self._warm_since - self._began
            if self.first_step > WARM_UP_SECONDS + self._seconds:
                # A slow machine, or only a long compilation: one more step tells, whatever was prepared meanwhile.
                self._begin_timing(one_step=True)
            return
        now = time.perf_counter()
        if not self._timed_since:
            if batch < PREPARED_STEPS and now - self._warm_since < WARM_UP_SECONDS:
                return
            _wait_for(logs)
            self._begin_timing()
            return
        self._portion_steps += 1
        if now - self._portion_began < REPORT_SECONDS and not self._one_step:
            return
        _wait_for(logs)  # a GPU is a few steps behind what was asked of it
        now = time.perf_counter()
        self._portions.append((now - self._portion_began) / self._portion_steps)
        self.timed_steps += self._portion_steps
        self._portion_began, self._portion_steps = now, 0
        if now - self._timed_since >= self._seconds or self._one_step:
            self.model.stop_training = True

    def _begin_timing(self, *, one_step: bool = False) -> None:
        self._tell("Timing steps")
        self._one_step = one_step
        self._timed_since = self._portion_began = time.perf_counter()


def _wait_for(logs: dict[str, Any] | None) -> None:
    float((logs or {})["loss"])


def _time_planning(config: ExperimentConfig, data: TrainingSet, replicas: int) -> float:
    began = time.perf_counter()
    epoch_plan(config, data.num_train, data.image_shape, 1, replicas)
    return time.perf_counter() - began


def _time_evaluation(model: keras.Model, arrays: TrainingArrays, training: TrainingConfig) -> float:
    """Of all pictures that an epoch's end measures; cut after EVALUATION_SECONDS, and then scaled up."""
    parts = ((arrays.x_clean, arrays.y_clean), (arrays.x_validation, arrays.y_validation))
    asked, ends_at = 0, float("inf")

    def is_over() -> bool:
        nonlocal asked
        asked += 1
        return time.perf_counter() > ends_at

    evaluator = Evaluator(model, is_over, test_time_flip=training.test_time_flip)
    at_once = evaluator.batch_size
    for x, y in parts:  # compiled for a full batch and for any other
        evaluator.measure(x[: at_once + 1], y[: at_once + 1])
    began = time.perf_counter()
    asked, ends_at, completed = 0, began + EVALUATION_SECONDS, 0
    with measured_weights(model, arrays.x_clean, training):
        for x, y in parts:
            completed += evaluator.measure(x, y) is not None
    elapsed = time.perf_counter() - began
    # It is asked after each batch but the last of a part.
    num_batches = sum(-(-len(y) // at_once) for _, y in parts)
    return elapsed * num_batches / (asked + completed)


def _time_saving(saved: keras.Model, model: keras.Model, arrays: TrainingArrays, data: TrainingSet) -> float:
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        save_run_model(Path(name), "best", saved, arrays.class_names, data.image_shape, 1)
        save_checkpoint(Path(name), model, Position(epoch=1))
        return time.perf_counter() - began
