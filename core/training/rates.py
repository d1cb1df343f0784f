"""The learning rate of a training at work: what it was, and setting it to what a person asks for."""

from typing import Any

import keras
from keras import ops

from core.formatting import rate_in_words

# How many of the steps to come are looked at for the highest rate that a schedule still goes up to.
LOOKED_AT = 200


class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A schedule times a variable of its optimizer, which is 1 until a person changes the rate.

    `peak` is the rate that the schedule was made for. Steps after `last_step`, which it was not laid out for, get the
    rate `held`; with None it goes on by its own rule.
    """

    def __init__(
        self,
        schedule: keras.optimizers.schedules.LearningRateSchedule,
        peak: float,
        last_step: int,
        held: float | None = None,
        scale: Any = 1.0,
    ) -> None:
        super().__init__()
        self.schedule = schedule
        self.peak = peak
        self.last_step = last_step
        self.held = held
        self.scale = scale

    def unscaled(self, step: Any) -> Any:
        """The rate at a step, counted from 0, as it was laid out."""
        rate = self.schedule(step)
        return rate if self.held is None else ops.where(step > self.last_step, self.held, rate)

    def __call__(self, step: Any) -> Any:
        return self.unscaled(step) * self.scale

    def get_config(self) -> dict[str, Any]:
        return {
            "schedule": self.schedule,
            "peak": self.peak,
            "last_step": self.last_step,
            "held": self.held,
            "scale": float(ops.convert_to_numpy(self.scale)),
        }


def schedule_of(optimizer: keras.optimizers.Optimizer) -> ScaledSchedule | None:
    """The optimizer's schedule; None where its rate is a number, which a plateau or a person changes."""
    # Half precision wraps the optimizer in one that scales the loss.
    return getattr(getattr(optimizer, "inner_optimizer", optimizer), "schedule", None)


def last_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """The rate of the last step that was taken."""
    schedule = schedule_of(optimizer)
    if schedule is None:
        return _number(optimizer.learning_rate)
    # Keras has counted that step already: its own answer is the rate of the step to come.
    return _number(schedule(max(0, int(_number(optimizer.iterations)) - 1)))


def set_rate(optimizer: keras.optimizers.Optimizer, rate: float, epoch: int) -> str:
    """Set the rate of the step to come, the first of `epoch` (from 1). Returns in a sentence what changed.

    A schedule goes on from there: it is scaled so that it has this rate at this step. At a step where it has none,
    the first of a warm-up, the rate takes the place of the one that the schedule was made for.
    """
    before = _number(optimizer.learning_rate)
    changed = f"Learning rate {rate_in_words(rate)} instead of {rate_in_words(before)} from epoch {epoch} on."
    schedule = schedule_of(optimizer)
    if schedule is None:
        optimizer.learning_rate = rate
        return changed
    step = int(_number(optimizer.iterations))
    unscaled = _number(schedule.unscaled(step))
    if unscaled <= 0:
        schedule.scale.assign(rate / schedule.peak)
        return f"{changed[:-1]}, as the highest of its schedule."
    schedule.scale.assign(rate / unscaled)
    if step > schedule.last_step:
        return changed if schedule.held is None else f"{changed} Its schedule has ended, so it stays there."
    return f"{changed} {_course(schedule, step, rate)}"


def _course(schedule: ScaledSchedule, step: int, rate: float) -> str:
    left = schedule.last_step - step
    steps = {step + left * place // LOOKED_AT for place in range(LOOKED_AT + 1)}
    highest = max(_number(schedule(each)) for each in steps)
    if highest > 1.01 * rate:
        return f"Its schedule goes on from there, up to {rate_in_words(highest)}."
    return "Its schedule goes on from there."


def _number(value: Any) -> float:
    return float(ops.convert_to_numpy(value))
