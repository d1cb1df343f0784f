"""How the weights are changed."""

from dataclasses import dataclass

from core.config.fields import check_boolean, check_choice, check_limits, number, whole
from core.errors import ConfigError

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop", "lion", "muon")
SCHEDULES = ("constant", "cosine", "one_cycle", "step", "plateau", "triangular")


@dataclass(frozen=True)
class OptimizerConfig:
    """The optimizer, its learning rate's course and what keeps the weights small.

    `warmup_epochs` belongs to `cosine`; `step_epochs` and `step_factor` to `step`; `plateau_patience` and
    `step_factor` to `plateau`; `momentum` and `nesterov` to `sgd`. `weight_averaging` is the momentum of an
    exponential moving average of the weights (None: off), `gradient_clip_norm` a cap on the gradients' global
    norm (None: off).
    """

    name: str = "adam"
    learning_rate: float = number(0.001, 0.0, 1e30, above=True)
    schedule: str = "constant"
    warmup_epochs: int = whole(0, 0, 1000)
    step_epochs: int = whole(10, 1, 10_000)
    step_factor: float = number(0.5, 0.0, 0.99, above=True)
    plateau_patience: int = whole(5, 1, 1000)
    momentum: float = number(0.9, 0.0, 0.9999)
    nesterov: bool = False
    weight_decay: float = number(0.0, 0.0, 1.0)
    label_smoothing: float = number(0.0, 0.0, 0.9)
    gradient_clip_norm: float | None = number(None, 0.0, 1e6, above=True)
    weight_averaging: float | None = number(None, 0.5, 0.99999)

    def __post_init__(self) -> None:
        check_choice("optimizer.name", self.name, OPTIMIZERS)
        check_choice("optimizer.schedule", self.schedule, SCHEDULES)
        check_limits(self, "optimizer.")
        check_boolean("optimizer.nesterov", self.nesterov)
        if self.nesterov and self.momentum == 0:
            raise ConfigError("optimizer.nesterov", "needs a momentum above 0.")
