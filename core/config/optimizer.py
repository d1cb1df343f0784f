"""How the weights are changed."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from msgspec import Meta

from core.config.fields import LaterSwitch
from core.config.part import Check, ConfigPart
from core.config.refusals import NUMBERS
from core.errors import ConfigError

OptimizerName = Literal["adam", "adamw", "sgd", "rmsprop", "lion", "muon"]
Schedule = Literal["constant", "cosine", "one_cycle", "step", "plateau", "triangular"]
OPTIMIZERS: tuple[OptimizerName, ...] = get_args(OptimizerName)
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)


class OptimizerConfig(ConfigPart, frozen=True):
    """The optimizer, its learning-rate schedule and what keeps the weights small."""

    place: ClassVar[str] = "optimizer."

    name: OptimizerName = "adam"
    learning_rate: Annotated[float, Meta(gt=0, le=1e30)] = 0.001
    schedule: Schedule = "constant"
    warmup_epochs: Annotated[int, Meta(ge=0, le=1000, description="Belongs to `cosine`.")] = 0
    step_epochs: Annotated[int, Meta(ge=1, le=10_000, description="Belongs to `step`.")] = 10
    step_factor: Annotated[float, Meta(gt=0, le=0.99, description="Belongs to `step` and `plateau`.")] = 0.5
    plateau_patience: Annotated[int, Meta(ge=1, le=1000, description="Belongs to `plateau`.")] = 5
    momentum: Annotated[float, Meta(ge=0, le=0.9999, description="Belongs to `sgd`.")] = 0.9
    nesterov: Annotated[bool, Meta(description="Belongs to `sgd`; needs a momentum above 0.")] = False
    weight_decay: Annotated[float, Meta(ge=0, le=1)] = 0.0
    label_smoothing: Annotated[float, Meta(ge=0, le=0.9)] = 0.0
    gradient_clip_norm: Annotated[
        Annotated[float, Meta(gt=0, le=1e6)] | None,
        Meta(description="A cap on the gradients' global norm (null: off)."),
    ] = None
    weight_averaging: Annotated[
        Annotated[float, Meta(ge=0.5, le=0.99999)] | None,
        Meta(description="The momentum of an exponential moving average of the weights (null: off)."),
    ] = None
    muon_convolutions: Annotated[
        LaterSwitch,
        Meta(
            description="Belongs to `muon`: it trains the kernels of all convolutions but the first, each as a matrix "
            "(Jordan et al., 2024), and not those of hidden dense layers alone."
        ),
    ] = True

    def check(self, fields: Check) -> None:
        fields("name", "schedule", NUMBERS, "nesterov", "muon_convolutions")
        if self.nesterov and self.momentum == 0:
            raise ConfigError("optimizer.nesterov", "needs a momentum above 0.")

    def left_out(self) -> tuple[str, ...]:
        return ("muon_convolutions",) if self.muon_convolutions is _before_the_switch(self.name) else ()

    @classmethod
    def as_stored(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {"muon_convolutions": _before_the_switch(values.get("name"))} | values


def _before_the_switch(name: object) -> bool:
    """What `muon_convolutions` is in configs from before there was such a switch: Muon left them to AdamW.

    With other optimizers it says nothing, and has its default.
    """
    return name != "muon"
