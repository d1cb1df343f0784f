"""Config → Keras optimizer with its learning-rate schedule, which a running training can change."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from core.config import OptimizerConfig
from core.design.schedule import (
    ONE_CYCLE_END,
    ONE_CYCLE_START,
    ONE_CYCLE_WARMUP,
    TRIANGLE_END,
    TRIANGLE_PEAK,
    TRIANGLE_START,
)
from core.formatting import rate_in_words
from core.training.muon import ConvolutionalMuon

# How many of the steps to come are looked at for the highest rate that a schedule still goes up to.
LOOKED_AT = 200


def build_optimizer(
    config: OptimizerConfig, steps_per_epoch: int, epochs: int, first_convolutions: Sequence[str] = ()
) -> keras.optimizers.Optimizer:
    """The optimizer for a run of `epochs` epochs of `steps_per_epoch` steps.

    Muon leaves the layers named in `first_convolutions`, and the output layer, to AdamW: see `core.design.muon`.

    Weight decay is decoupled from the gradient (Loshchilov and Hutter, arXiv 1711.05101) and leaves biases and
    batch normalisation alone. A schedule becomes the optimizer's `schedule`, which a running training can scale.
    """
    rate = build_schedule(config, steps_per_epoch, epochs)
    schedule = None
    if callable(rate):
        held = _last_rate(config, rate, steps_per_epoch, epochs)
        schedule = rate = ScaledSchedule(rate, config.learning_rate, steps_per_epoch * epochs - 1, held)
    settings: dict[str, Any] = {
        "learning_rate": rate,
        "global_clipnorm": config.gradient_clip_norm,
        "use_ema": config.weight_averaging is not None,
        "ema_momentum": config.weight_averaging or 0.99,
        "weight_decay": config.weight_decay or None,
    }
    match config.name:
        case "adam":
            optimizer = keras.optimizers.Adam(**settings)
        case "adamw":
            optimizer = keras.optimizers.AdamW(**{**settings, "weight_decay": config.weight_decay})
        case "sgd":
            optimizer = keras.optimizers.SGD(momentum=config.momentum, nesterov=config.nesterov, **settings)
        case "rmsprop":
            optimizer = keras.optimizers.RMSprop(**settings)
        case "lion":
            optimizer = keras.optimizers.Lion(**settings)
        case "muon":
            # Keras's own trains hidden dense layers alone, as all runs did before there was the switch.
            muon = ConvolutionalMuon if config.muon_convolutions else keras.optimizers.Muon
            optimizer = muon(
                exclude_layers=["softmax", *first_convolutions], adam_weight_decay=config.weight_decay,
                **{**settings, "weight_decay": config.weight_decay},
            )  # fmt: skip
        case _:
            raise ValueError(f"There is no optimizer {config.name!r}.")
    if config.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if schedule is not None:
        # A variable of the optimizer, so that JAX's stateless steps see it change and checkpoints hold it.
        schedule.scale = optimizer.add_variable(
            (), initializer="ones", dtype="float32", name="learning_rate_scale"
        )
        optimizer.schedule = schedule
    return optimizer


def _last_rate(config: OptimizerConfig, schedule: Any, steps_per_epoch: int, epochs: int) -> float | None:
    """The rate of a schedule's last step, where it would come to its end or to nothing; None where it goes on."""
    total = steps_per_epoch * epochs
    if config.schedule == "step":
        return None
    if config.schedule in ("one_cycle", "triangular"):
        return float(schedule(total - 1))
    # By hand: from about 13,000 steps on, the half cosine of the last one is 0 in 32 bits.
    falling = total - min(config.warmup_epochs * steps_per_epoch, total - 1)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (falling - 1) / falling))


def build_schedule(config: OptimizerConfig, steps_per_epoch: int, epochs: int) -> Any:
    """A number, or a Keras schedule that is a function of the step alone. `plateau` is a number that the run lowers."""
    total = steps_per_epoch * epochs
    match config.schedule:
        case "cosine":
            warmup = min(config.warmup_epochs * steps_per_epoch, total - 1)
            if warmup:
                return keras.optimizers.schedules.CosineDecay(
                    0.0, total - warmup, warmup_target=config.learning_rate, warmup_steps=warmup
                )
            return keras.optimizers.schedules.CosineDecay(config.learning_rate, total)
        case "one_cycle":
            return OneCycle(config.learning_rate, total)
        case "triangular":
            return Triangular(config.learning_rate, total)
        case "step":
            return keras.optimizers.schedules.ExponentialDecay(
                config.learning_rate, config.step_epochs * steps_per_epoch, config.step_factor, staircase=True
            )
        case _:
            return config.learning_rate


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Up to the peak in the first 30 % of the steps, then down by a cosine to almost nothing.

    After Smith and Topin, "Super-convergence" (arXiv 1708.07120).
    """

    def __init__(self, peak: float, total_steps: int) -> None:
        super().__init__()
        self.peak = peak
        self.total_steps = total_steps

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        warmup = max(1.0, ONE_CYCLE_WARMUP * self.total_steps)
        rising = ONE_CYCLE_START + (1 - ONE_CYCLE_START) * step / warmup
        done = ops.clip((step - warmup) / max(1.0, self.total_steps - warmup), 0.0, 1.0)
        falling = ONE_CYCLE_END + (1 - ONE_CYCLE_END) * 0.5 * (1 + ops.cos(math.pi * done))
        return self.peak * ops.where(step < warmup, rising, falling)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "total_steps": self.total_steps}


class Triangular(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Straight up from a fifth of the peak in the first 23 % of the steps, then straight down to 7 % of it.

    As Jordan trains (arXiv 2404.00498); the same triangle as Smith's (arXiv 1506.01186), once.
    """

    def __init__(self, peak: float, total_steps: int) -> None:
        super().__init__()
        self.peak = peak
        self.total_steps = total_steps

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        top = max(1.0, TRIANGLE_PEAK * self.total_steps)
        rising = TRIANGLE_START + (1 - TRIANGLE_START) * step / top
        done = ops.clip((step - top) / max(1.0, self.total_steps - top), 0.0, 1.0)
        falling = 1 - (1 - TRIANGLE_END) * done
        return self.peak * ops.where(step < top, rising, falling)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "total_steps": self.total_steps}


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

    A schedule continues from there: it is scaled so that it has this rate at this step. At a step where it has none,
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
    return f"{changed} {_continuation(schedule, step, rate)}"


def _continuation(schedule: ScaledSchedule, step: int, rate: float) -> str:
    left = schedule.last_step - step
    steps = {step + left * place // LOOKED_AT for place in range(LOOKED_AT + 1)}
    highest = max(_number(schedule(each)) for each in steps)
    if highest > 1.01 * rate:
        return f"Its schedule continues from there, up to {rate_in_words(highest)}."
    return "Its schedule continues from there."


def _number(value: Any) -> float:
    return float(ops.convert_to_numpy(value))
