"""Config → Keras optimizer with its learning rate's course."""

import math
from typing import Any

import keras
from keras import ops

from core.config import OptimizerConfig
from core.training.rates import ScaledSchedule

ONE_CYCLE_WARMUP = 0.3
ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = 1e-4
# Those of Jordan (arXiv 2404.00498).
TRIANGLE_START = 0.2
TRIANGLE_PEAK = 0.23
TRIANGLE_END = 0.07


def build_optimizer(config: OptimizerConfig, steps_per_epoch: int, epochs: int) -> keras.optimizers.Optimizer:
    """The optimizer for a run of `epochs` epochs of `steps_per_epoch` steps.

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
            # The output layer and whatever is no matrix are left to AdamW, as its authors advise.
            optimizer = keras.optimizers.Muon(
                exclude_layers=["softmax"], adam_weight_decay=config.weight_decay,
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
