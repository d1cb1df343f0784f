"""How the weights are changed."""

from dataclasses import dataclass

from core.config.checks import check_boolean, check_choice, check_integer, settle_number
from core.errors import ConfigError

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop", "lion", "muon")
SCHEDULES = ("constant", "cosine", "one_cycle", "step", "plateau")


@dataclass(frozen=True)
class OptimizerConfig:
    """The optimizer, its learning rate's course and what keeps the weights small.

    `warmup_epochs` belongs to `cosine`; `step_epochs` and `step_factor` to `step`; `plateau_patience` and
    `step_factor` to `plateau`; `momentum` and `nesterov` to `sgd`. `weight_averaging` is the momentum of an
    exponential moving average of the weights (None: off), `gradient_clip_norm` a cap on the gradients' global
    norm (None: off).
    """

    name: str = "adam"
    learning_rate: float = 0.001
    schedule: str = "constant"
    warmup_epochs: int = 0
    step_epochs: int = 10
    step_factor: float = 0.5
    plateau_patience: int = 5
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    gradient_clip_norm: float | None = None
    weight_averaging: float | None = None

    def __post_init__(self) -> None:
        check_choice("optimizer.name", self.name, OPTIMIZERS)
        settle_number(self, "optimizer.learning_rate", 0.0, 1e30, above=True)
        check_choice("optimizer.schedule", self.schedule, SCHEDULES)
        check_integer("optimizer.warmup_epochs", self.warmup_epochs, 0, 1000)
        check_integer("optimizer.step_epochs", self.step_epochs, 1, 10_000)
        settle_number(self, "optimizer.step_factor", 0.0, 0.99, above=True)
        check_integer("optimizer.plateau_patience", self.plateau_patience, 1, 1000)
        settle_number(self, "optimizer.momentum", 0.0, 0.9999)
        check_boolean("optimizer.nesterov", self.nesterov)
        if self.nesterov and self.momentum == 0:
            raise ConfigError("optimizer.nesterov", "needs a momentum above 0.")
        settle_number(self, "optimizer.weight_decay", 0.0, 1.0)
        settle_number(self, "optimizer.label_smoothing", 0.0, 0.9)
        if self.gradient_clip_norm is not None:
            settle_number(self, "optimizer.gradient_clip_norm", 0.0, 1e6, above=True)
        if self.weight_averaging is not None:
            settle_number(self, "optimizer.weight_averaging", 0.5, 0.99999)
